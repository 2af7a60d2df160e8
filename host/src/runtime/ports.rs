//! The ports that the shop imports. Each call goes to an implementation behind a trait of `mercato_ports`.

use std::sync::atomic::Ordering;
use std::time::Duration;

use mercato_ports::documents::{CommitFailure, Document, Failure, Query, Write};
use mercato_ports::events::Event;
use mercato_ports::http_client::{HttpFailure, Request, Response};
use mercato_ports::mailer::{MailFailure, Message};
use mercato_ports::passwords::PasswordFailure;
use mercato_ports::wit;
use wasmtime::Result;

use super::state::State;

// Interfaces of types only.
impl wit::documents_types::Host for State {}
impl wit::events::Host for State {}
impl wit::http_client_types::Host for State {}
impl wit::http_handler_types::Host for State {}
impl wit::mailer_types::Host for State {}
impl wit::passwords_types::Host for State {}

impl wit::documents::Host for State {
    async fn get_many(
        &mut self,
        collection: String,
        ids: Vec<String>,
    ) -> Result<Result<Vec<Option<Document>>, Failure>> {
        Ok(self.platform.documents.get_many(collection, ids).await)
    }

    async fn find(&mut self, query: Query) -> Result<Result<Vec<Document>, Failure>> {
        Ok(self.platform.documents.find(query).await)
    }

    async fn count(&mut self, query: Query) -> Result<Result<u64, Failure>> {
        Ok(self.platform.documents.count(query).await)
    }

    async fn commit(&mut self, writes: Vec<Write>, events: Vec<Event>) -> Result<Result<(), CommitFailure>> {
        self.changed.store(true, Ordering::Relaxed);
        Ok(self.platform.documents.commit(writes, events).await)
    }
}

impl wit::cache::Host for State {
    async fn get_many(&mut self, keys: Vec<String>) -> Result<Vec<Option<Vec<u8>>>> {
        Ok(self.platform.cache.get_many(keys).await)
    }

    async fn set(&mut self, key: String, value: Vec<u8>, ttl: u64) -> Result<()> {
        let ttl = Duration::from_millis(ttl);
        self.platform.cache.set(key, value, ttl).await;
        Ok(())
    }

    async fn delete(&mut self, keys: Vec<String>) -> Result<()> {
        self.platform.cache.delete(keys).await;
        Ok(())
    }

    async fn increment(&mut self, key: String, by: i64, ttl: u64) -> Result<Option<i64>> {
        let ttl = Duration::from_millis(ttl);
        Ok(self.platform.cache.increment(key, by, ttl).await)
    }
}

impl wit::mailer::Host for State {
    async fn send(&mut self, message: Message) -> Result<Result<(), MailFailure>> {
        self.changed.store(true, Ordering::Relaxed);
        Ok(self.platform.mailer.send(message).await)
    }
}

impl wit::passwords::Host for State {
    async fn hash(&mut self, password: String) -> Result<Result<String, PasswordFailure>> {
        Ok(self.platform.passwords.hash(password).await)
    }

    async fn verify(
        &mut self,
        password: String,
        hash: Option<String>,
    ) -> Result<Result<bool, PasswordFailure>> {
        Ok(self.platform.passwords.verify(password, hash).await)
    }
}

impl wit::http_client::Host for State {
    async fn send(&mut self, request: Request) -> Result<Result<Response, HttpFailure>> {
        self.changed.store(true, Ordering::Relaxed);
        Ok(self.platform.http_client.send(request).await)
    }
}

impl wit::config::Host for State {
    fn get(&mut self, name: String) -> Result<Option<String>> {
        Ok(self.platform.config.get(&name).cloned())
    }
}
