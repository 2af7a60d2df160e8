//! The ports as a service sees them: synchronous, as a guest's imports are.

use mercato_ports::documents::{CommitFailure, Document, Failure, Query, Write};
use mercato_ports::events::Event;
use mercato_ports::http_client::{HttpFailure, Request, Response};
use mercato_ports::mailer::{MailFailure, Message};

/// What a service needs of its platform. In a guest it is filled by [`Imports`]; in native tests by the embedded
/// provider.
pub trait Ports {
    /// As `mercato:platform/documents.get-many`.
    ///
    /// # Errors
    /// As the port says.
    fn get_many(&self, collection: &str, ids: &[String]) -> Result<Vec<Option<Document>>, Failure>;

    /// As `mercato:platform/documents.find`.
    ///
    /// # Errors
    /// As the port says.
    fn find(&self, query: &Query) -> Result<Vec<Document>, Failure>;

    /// As `mercato:platform/documents.commit`.
    ///
    /// # Errors
    /// As the port says.
    fn commit(&self, writes: &[Write], events: &[Event]) -> Result<(), CommitFailure>;

    /// As `mercato:platform/config.get`.
    fn config(&self, name: &str) -> Option<String>;
}

/// As `mercato:platform/mailer`: one e-mail out.
pub trait Mail {
    /// As `send`.
    ///
    /// # Errors
    /// As the port says.
    fn send(&self, message: &Message) -> Result<(), MailFailure>;
}

/// As `mercato:platform/http-client`: one request out.
pub trait HttpClient {
    /// As `send`.
    ///
    /// # Errors
    /// As the port says.
    fn request(&self, request: &Request) -> Result<Response, HttpFailure>;
}

/// The ports that the runtime gives to a guest.
#[cfg(target_arch = "wasm32")]
#[derive(Clone, Copy, Debug)]
pub struct Imports;

#[cfg(target_arch = "wasm32")]
impl Ports for Imports {
    fn get_many(&self, collection: &str, ids: &[String]) -> Result<Vec<Option<Document>>, Failure> {
        mercato_ports::imports::documents::get_many(collection, ids)
    }

    fn find(&self, query: &Query) -> Result<Vec<Document>, Failure> {
        mercato_ports::imports::documents::find(query)
    }

    fn commit(&self, writes: &[Write], events: &[Event]) -> Result<(), CommitFailure> {
        mercato_ports::imports::documents::commit(writes, events)
    }

    fn config(&self, name: &str) -> Option<String> {
        mercato_ports::imports::config::get(name)
    }
}

#[cfg(target_arch = "wasm32")]
impl crate::cache::Cache for Imports {
    fn cached(&self, keys: &[String]) -> Vec<Option<Vec<u8>>> {
        mercato_ports::imports::cache::get_many(keys)
    }

    fn keep(&self, key: &str, value: &[u8], ttl: u64) {
        mercato_ports::imports::cache::set(key, value, ttl);
    }

    fn increment(&self, key: &str, by: i64, ttl: u64) -> Option<i64> {
        mercato_ports::imports::cache::increment(key, by, ttl)
    }
}

#[cfg(target_arch = "wasm32")]
impl Mail for Imports {
    fn send(&self, message: &Message) -> Result<(), MailFailure> {
        mercato_ports::imports::mailer::send(message)
    }
}

#[cfg(target_arch = "wasm32")]
impl HttpClient for Imports {
    fn request(&self, request: &Request) -> Result<Response, HttpFailure> {
        mercato_ports::imports::http_client::send(request)
    }
}
