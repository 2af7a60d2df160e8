//! The ports as a component calls them: synchronous, under the names of `wit/platform`.

use mercato_ports::documents::{CommitFailure, Document, Failure, Query, Write};
use mercato_ports::events::Event;
use mercato_ports::http_client::{HttpFailure, Request, Response};
use mercato_ports::mailer::{MailFailure, Message};
use mercato_ports::passwords::PasswordFailure;

/// The ports `documents` and `config`, which every service uses.
///
/// In a component, `Imports` implements it. Native tests call the embedded store.
pub trait Ports {
    /// Calls `documents.get-many`.
    ///
    /// # Errors
    /// The failures of the port.
    fn get_many(&self, collection: &str, ids: &[String]) -> Result<Vec<Option<Document>>, Failure>;

    /// Calls `documents.find`.
    ///
    /// # Errors
    /// The failures of the port.
    fn find(&self, query: &Query) -> Result<Vec<Document>, Failure>;

    /// Calls `documents.count`.
    ///
    /// # Errors
    /// The failures of the port.
    fn count(&self, query: &Query) -> Result<u64, Failure>;

    /// Calls `documents.commit`.
    ///
    /// # Errors
    /// The failures of the port.
    fn commit(&self, writes: &[Write], events: &[Event]) -> Result<(), CommitFailure>;

    /// Calls `config.get`.
    fn config(&self, name: &str) -> Option<String>;
}

/// The port `mailer`.
pub trait Mail {
    /// Calls `mailer.send`.
    ///
    /// # Errors
    /// The failures of the port.
    fn send(&self, message: &Message) -> Result<(), MailFailure>;
}

/// The port `passwords`.
pub trait Passwords {
    /// Calls `passwords.hash`.
    ///
    /// # Errors
    /// The failures of the port.
    fn hash(&self, password: &str) -> Result<String, PasswordFailure>;

    /// Calls `passwords.verify`.
    ///
    /// # Errors
    /// The failures of the port.
    fn verify(&self, password: &str, hash: Option<&str>) -> Result<bool, PasswordFailure>;
}

/// The port `http-client`.
pub trait HttpClient {
    /// Calls `http-client.send`.
    ///
    /// # Errors
    /// The failures of the port.
    fn send(&self, request: &Request) -> Result<Response, HttpFailure>;
}

/// All imports of a component: the ports here, and the services in [`services`](crate::services).
#[cfg(target_arch = "wasm32")]
#[derive(Clone, Copy, Debug)]
pub struct Imports;

#[cfg(target_arch = "wasm32")]
mod imports {
    use mercato_ports::imports::{cache, config, documents, http_client, mailer, passwords};

    use super::*;
    use crate::cache::Cache;

    impl Ports for Imports {
        fn get_many(&self, collection: &str, ids: &[String]) -> Result<Vec<Option<Document>>, Failure> {
            documents::get_many(collection, ids)
        }

        fn find(&self, query: &Query) -> Result<Vec<Document>, Failure> {
            documents::find(query)
        }

        fn count(&self, query: &Query) -> Result<u64, Failure> {
            documents::count(query)
        }

        fn commit(&self, writes: &[Write], events: &[Event]) -> Result<(), CommitFailure> {
            documents::commit(writes, events)
        }

        fn config(&self, name: &str) -> Option<String> {
            config::get(name)
        }
    }

    impl Cache for Imports {
        fn get_many(&self, keys: &[String]) -> Vec<Option<Vec<u8>>> {
            cache::get_many(keys)
        }

        fn set(&self, key: &str, value: &[u8], ttl: u64) {
            cache::set(key, value, ttl);
        }

        fn delete(&self, keys: &[String]) {
            cache::delete(keys);
        }

        fn increment(&self, key: &str, by: i64, ttl: u64) -> Option<i64> {
            cache::increment(key, by, ttl)
        }
    }

    impl Mail for Imports {
        fn send(&self, message: &Message) -> Result<(), MailFailure> {
            mailer::send(message)
        }
    }

    impl Passwords for Imports {
        fn hash(&self, password: &str) -> Result<String, PasswordFailure> {
            passwords::hash(password)
        }

        fn verify(&self, password: &str, hash: Option<&str>) -> Result<bool, PasswordFailure> {
            passwords::verify(password, hash)
        }
    }

    impl HttpClient for Imports {
        fn send(&self, request: &Request) -> Result<Response, HttpFailure> {
            http_client::send(request)
        }
    }
}
