//! Answers: JSON, with the headers for caches and editors.

use http::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, ETAG, LOCATION};
use http::{HeaderValue, Method, Request, Response, StatusCode};
use mercato_shop::types::Error;
use serde::Serialize;

use crate::http::encoding::{self, AcceptedCodings, Coding};
use crate::http::entity_tag;
use crate::http::reply::Reply;
use crate::rest::versioned::Versioned;

/// Which caches may keep an answer.
#[derive(Clone, Copy, Debug)]
enum Sharing {
    /// None: the answer contains tokens, or reports a change.
    None,
    /// The client's, which must revalidate it each time.
    Private,
    /// All, which must revalidate it each time.
    Public,
}

/// The answer of an operation. [`Answer::reply`] makes it the HTTP reply, which is 304 for a client that has
/// the answer already.
#[derive(Debug)]
pub struct Answer {
    status: StatusCode,
    body: Vec<u8>,
    /// The coding of the body, if it was compressed for the cache.
    coding: Option<Coding>,
    location: Option<String>,
    tag: Option<String>,
    sharing: Sharing,
}

impl Answer {
    fn new(status: StatusCode, body: Vec<u8>, sharing: Sharing) -> Self {
        Self {
            status,
            body,
            coding: None,
            location: None,
            tag: None,
            sharing,
        }
    }

    fn json(status: StatusCode, value: &impl Serialize, sharing: Sharing) -> Result<Self, Error> {
        let body = serde_json::to_vec(value);
        let body = body.map_err(|error| Error::Internal(format!("an answer cannot be written: {error}")))?;
        Ok(Self::new(status, body, sharing))
    }

    /// Returns an answer that no cache may keep.
    pub fn uncached(status: StatusCode, value: &impl Serialize) -> Result<Self, Error> {
        Self::json(status, value, Sharing::None)
    }

    /// Returns an answer for this caller.
    pub fn private(value: &impl Serialize) -> Result<Self, Error> {
        Self::json(StatusCode::OK, value, Sharing::Private)
    }

    /// Returns an answer for all callers.
    pub fn public(value: &impl Serialize) -> Result<Self, Error> {
        Self::json(StatusCode::OK, value, Sharing::Public)
    }

    /// Returns a resource that was created.
    pub fn created(value: &impl Versioned) -> Result<Self, Error> {
        let mut answer = Self::uncached(StatusCode::CREATED, value)?;
        answer.location = Some(value.location());
        Ok(answer.tagged(value.tag()))
    }

    /// Returns a resource that was changed.
    pub fn changed(value: &impl Versioned) -> Result<Self, Error> {
        Ok(Self::uncached(StatusCode::OK, value)?.tagged(value.tag()))
    }

    /// Returns an answer without a body.
    pub fn no_content() -> Self {
        Self::new(StatusCode::NO_CONTENT, Vec::new(), Sharing::None)
    }

    /// Adds the entity tag.
    pub fn tagged(mut self, tag: String) -> Self {
        self.tag = Some(tag);
        self
    }

    /// Adds the path of a resource that was created.
    pub fn located(mut self, location: String) -> Self {
        self.location = Some(location);
        self
    }

    /// Parses a cached public answer.
    pub fn from_cache(bytes: &[u8]) -> Option<Self> {
        let mut parts = bytes.splitn(3, |byte| *byte == b'\n');
        let mut text = || std::str::from_utf8(parts.next()?).ok();
        let (tag, coding) = (text()?, Coding::named(text()?)?);
        let mut answer = Self::new(StatusCode::OK, parts.next()?.to_vec(), Sharing::Public);
        answer.coding = Some(coding);
        Some(answer.tagged(tag.to_owned()))
    }

    /// Compresses a public answer for these clients. Other answers are compressed when they are sent.
    pub fn encoded(mut self, accepted: &AcceptedCodings) -> Self {
        if matches!(self.sharing, Sharing::Public) {
            self.tag.get_or_insert_with(|| entity_tag::digest(&self.body));
            let (coding, body) = accepted.encode(self.body);
            (self.coding, self.body) = (Some(coding), body);
        }
        self
    }

    /// Returns a public answer for the cache: lines with its entity tag and its coding, and its body. `None`
    /// for other answers.
    pub fn to_cache(&self) -> Option<Vec<u8>> {
        let (coding, tag) = self.coding.zip(self.tag.as_ref())?;
        let head = format!("{tag}\n{}\n", coding.name());
        Some([head.as_bytes(), &self.body].concat())
    }

    /// Returns the reply to a request: 304 if the client has the answer already.
    pub fn reply(self, request: &Request<Vec<u8>>) -> Reply {
        let is_read = matches!(*request.method(), Method::GET | Method::HEAD);
        let is_cacheable = is_read && !matches!(self.sharing, Sharing::None);
        let tag = self
            .tag
            .or_else(|| is_cacheable.then(|| entity_tag::digest(&self.body)));
        let mut reply = Response::new(self.body);
        *reply.status_mut() = self.status;
        let headers = reply.headers_mut();
        let cache_control = match self.sharing {
            Sharing::None => "no-store",
            Sharing::Private => "private, no-cache",
            Sharing::Public => "public, no-cache",
        };
        headers.insert(CACHE_CONTROL, HeaderValue::from_static(cache_control));
        if self.status != StatusCode::NO_CONTENT {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        }
        if let Some(coding) = self.coding {
            encoding::write(coding, headers);
        }
        let coded = tag.as_ref().map(|tag| self.coding.unwrap_or_default().tag(tag));
        for (name, value) in [(LOCATION, self.location), (ETAG, coded)] {
            if let Some(value) = value.and_then(|value| HeaderValue::from_str(&value).ok()) {
                headers.insert(name, value);
            }
        }
        let known = tag
            .filter(|_| is_read)
            .and_then(|tag| entity_tag::current(request.headers(), &tag));
        match known {
            Some(tag) => entity_tag::not_modified(reply, &tag),
            None => reply,
        }
    }
}

/// Returns the reply to OPTIONS. `allow` lists the methods of the path.
pub fn options(allow: &str) -> Reply {
    let mut reply = Response::new(Vec::new());
    *reply.status_mut() = StatusCode::NO_CONTENT;
    if let Ok(allow) = HeaderValue::from_str(allow) {
        reply.headers_mut().insert(ALLOW, allow);
    }
    reply
}

/// Returns whether a reply is final. The reply to a failure of the shop or to a rate limit is not.
pub fn is_final(reply: &Reply) -> bool {
    !reply.status().is_server_error() && reply.status() != StatusCode::TOO_MANY_REQUESTS
}
