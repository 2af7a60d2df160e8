//! The ports that the shop imports, each filled by an implementation behind a trait of `mercato_ports`.
//!
//! One file a port: it converts between the types of the generated bindings and those of `mercato_ports`, moving what
//! they own.

mod cache;
mod config;
mod documents;
mod events;
mod http_client;
mod mailer;

use std::collections::HashMap;
use std::sync::Arc;

use mercato_ports::{cache::Cache, documents::Documents, http_client::HttpClient, mailer::Mailer};

pub use events::HandlerFailure as WitHandlerFailure;

/// What stands behind the ports of every instance.
pub struct Platform {
    /// Where data is kept.
    pub documents: Arc<dyn Documents>,
    /// What may be forgotten.
    pub cache: Arc<dyn Cache>,
    /// Mail out.
    pub mailer: Arc<dyn Mailer>,
    /// Requests out.
    pub http_client: Arc<dyn HttpClient>,
    /// The values of the names that the shop's manifest declares, where they are set.
    pub config: HashMap<String, String>,
}
