//! Serves the ports to the components of the lattice.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use bytes::Bytes;
use mercato_ports::cache::Cache;
use mercato_ports::documents::Documents;
use mercato_ports::events::Publisher;
use mercato_ports::http_client::HttpClient;
use mercato_ports::mailer::Mailer;
use mercato_ports::passwords::Passwords;
use mercato_ports::texts::{to_bytes, to_text};
use tracing::Instrument as _;
use wasmcloud_provider_sdk::Context;

use crate::access::Access;
use crate::bindings::exports::mercato::lattice::cache as texts;
use crate::bindings::exports::mercato::platform::{
    cache, documents, http_client, mailer, passwords, publisher,
};
use crate::bindings::wire::{
    CommitFailure, Document, Event, Failure, HttpFailure, MailFailure, Message, PasswordFailure, Query,
    Request, Response, Write,
};
use crate::convert::Convert as _;
use crate::trace::{component, span};

/// The context of a call, which the SDK provides.
type Caller = Option<Context>;

/// The port `documents`. Each component sees only its services' collections.
#[derive(Clone)]
pub struct DocumentsServer {
    store: Arc<dyn Documents>,
    access: Access,
}

impl DocumentsServer {
    /// Serves this store to the components that have access.
    pub fn new(store: Arc<dyn Documents>, access: Access) -> Self {
        Self { store, access }
    }
}

impl documents::Handler<Caller> for DocumentsServer {
    async fn get_many(
        &self,
        caller: Caller,
        collection: String,
        ids: Vec<String>,
    ) -> Result<Result<Vec<Option<Document>>, Failure>> {
        if let Err(failure) = self.access.check(component(caller.as_ref()), &collection) {
            return Ok(Err(failure.convert()));
        }
        let span = span(caller.as_ref(), "documents", "get-many");
        let found = self.store.get_many(collection, ids).instrument(span).await;
        Ok(found.convert())
    }

    async fn find(&self, caller: Caller, query: Query) -> Result<Result<Vec<Document>, Failure>> {
        if let Err(failure) = self.access.check(component(caller.as_ref()), &query.collection) {
            return Ok(Err(failure.convert()));
        }
        let span = span(caller.as_ref(), "documents", "find");
        let found = self.store.find(query.convert()).instrument(span).await;
        Ok(found.convert())
    }

    async fn count(&self, caller: Caller, query: Query) -> Result<Result<u64, Failure>> {
        if let Err(failure) = self.access.check(component(caller.as_ref()), &query.collection) {
            return Ok(Err(failure.convert()));
        }
        let span = span(caller.as_ref(), "documents", "count");
        let count = self.store.count(query.convert()).instrument(span).await;
        Ok(count.convert())
    }

    async fn commit(
        &self,
        caller: Caller,
        writes: Vec<Write>,
        events: Vec<Event>,
    ) -> Result<Result<(), CommitFailure>> {
        let writes: Vec<mercato_ports::documents::Write> = writes.convert();
        for write in &writes {
            if let Err(failure) = self.access.check(component(caller.as_ref()), write.collection()) {
                return Ok(Err(CommitFailure::Failed(failure.convert())));
            }
        }
        let span = span(caller.as_ref(), "documents", "commit");
        let committed = self.store.commit(writes, events.convert()).instrument(span).await;
        Ok(committed.convert())
    }
}

/// The port `cache`.
#[derive(Clone)]
pub struct CacheServer(pub Arc<dyn Cache>);

impl cache::Handler<Caller> for CacheServer {
    async fn get_many(&self, caller: Caller, keys: Vec<String>) -> Result<Vec<Option<Bytes>>> {
        let span = span(caller.as_ref(), "cache", "get-many");
        let values = self.0.get_many(keys).instrument(span).await;
        Ok(values.convert())
    }

    async fn set(&self, caller: Caller, key: String, value: Bytes, ttl: u64) -> Result<()> {
        let span = span(caller.as_ref(), "cache", "set");
        let ttl = Duration::from_millis(ttl);
        self.0.set(key, value.convert(), ttl).instrument(span).await;
        Ok(())
    }

    async fn delete(&self, caller: Caller, keys: Vec<String>) -> Result<()> {
        let span = span(caller.as_ref(), "cache", "delete");
        self.0.delete(keys).instrument(span).await;
        Ok(())
    }

    async fn increment(&self, caller: Caller, key: String, by: i64, ttl: u64) -> Result<Option<i64>> {
        let span = span(caller.as_ref(), "cache", "increment");
        let ttl = Duration::from_millis(ttl);
        Ok(self.0.increment(key, by, ttl).instrument(span).await)
    }
}

/// The port `cache` with texts in place of bytes, for the adapter for wasmCloud.
impl texts::Handler<Caller> for CacheServer {
    async fn get_many(&self, caller: Caller, keys: Vec<String>) -> Result<Vec<Option<String>>> {
        let values = cache::Handler::get_many(self, caller, keys).await?.into_iter();
        Ok(values.map(|value| value.map(|value| to_text(&value))).collect())
    }

    async fn set(&self, caller: Caller, key: String, value: String, ttl: u64) -> Result<()> {
        let value = to_bytes(value).context("a character of the value stands for no byte")?;
        cache::Handler::set(self, caller, key, value.into(), ttl).await
    }

    async fn delete(&self, caller: Caller, keys: Vec<String>) -> Result<()> {
        cache::Handler::delete(self, caller, keys).await
    }

    async fn increment(&self, caller: Caller, key: String, by: i64, ttl: u64) -> Result<Option<i64>> {
        cache::Handler::increment(self, caller, key, by, ttl).await
    }
}

/// The port `mailer`.
#[derive(Clone)]
pub struct MailerServer(pub Arc<dyn Mailer>);

impl mailer::Handler<Caller> for MailerServer {
    async fn send(&self, caller: Caller, message: Message) -> Result<Result<(), MailFailure>> {
        let span = span(caller.as_ref(), "mailer", "send");
        let sent = self.0.send(message.convert()).instrument(span).await;
        Ok(sent.convert())
    }
}

/// The port `http-client`.
#[derive(Clone)]
pub struct HttpClientServer(pub Arc<dyn HttpClient>);

impl http_client::Handler<Caller> for HttpClientServer {
    async fn send(&self, caller: Caller, request: Request) -> Result<Result<Response, HttpFailure>> {
        let span = span(caller.as_ref(), "http-client", "send");
        let response = self.0.send(request.convert()).instrument(span).await;
        Ok(response.convert())
    }
}

/// The port `passwords`.
#[derive(Clone)]
pub struct PasswordsServer(pub Arc<dyn Passwords>);

impl passwords::Handler<Caller> for PasswordsServer {
    async fn hash(&self, caller: Caller, password: String) -> Result<Result<String, PasswordFailure>> {
        let span = span(caller.as_ref(), "passwords", "hash");
        let hashed = self.0.hash(password).instrument(span).await;
        Ok(hashed.convert())
    }

    async fn verify(
        &self,
        caller: Caller,
        password: String,
        hash: Option<String>,
    ) -> Result<Result<bool, PasswordFailure>> {
        let span = span(caller.as_ref(), "passwords", "verify");
        let verified = self.0.verify(password, hash).instrument(span).await;
        Ok(verified.convert())
    }
}

/// The port `publisher`.
#[derive(Clone)]
pub struct PublisherServer(pub Arc<dyn Publisher>);

impl publisher::Handler<Caller> for PublisherServer {
    async fn publish(&self, caller: Caller, events: Vec<Event>) -> Result<Result<(), String>> {
        let span = span(caller.as_ref(), "publisher", "publish");
        Ok(self.0.publish(events.convert()).instrument(span).await)
    }
}
