//! The implementations of the ports for the shop.

use std::collections::HashMap;
use std::sync::Arc;

use mercato_ports::cache::Cache;
use mercato_ports::documents::Documents;
use mercato_ports::http_client::HttpClient;
use mercato_ports::mailer::Mailer;
use mercato_ports::passwords::Passwords;

/// The implementations of the ports, shared by all instances.
pub struct Platform {
    /// The store of documents.
    pub documents: Arc<dyn Documents>,
    /// The cache.
    pub cache: Arc<dyn Cache>,
    /// Sends e-mails.
    pub mailer: Arc<dyn Mailer>,
    /// Hashes passwords.
    pub passwords: Arc<dyn Passwords>,
    /// Sends HTTP requests.
    pub http_client: Arc<dyn HttpClient>,
    /// The configured values of the names that the shop's manifest declares.
    pub config: HashMap<String, String>,
}
