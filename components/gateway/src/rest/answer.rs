//! Answers: JSON, with the headers for caches and editors.

use http::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, ETAG, LOCATION};
use http::{HeaderValue, Method, Request, Response, StatusCode};
use mercato_shop::types::Error;
use serde::Serialize;

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
    location: Option<String>,
    tag: Option<String>,
    sharing: Sharing,
}

impl Answer {
    fn new(status: StatusCode, body: Vec<u8>, sharing: Sharing) -> Self {
        Self {
            status,
            body,
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
        let end = bytes.iter().position(|byte| *byte == b'\n')?;
        let (tag, body) = bytes.split_at_checked(end)?;
        let body = body.strip_prefix(b"\n")?;
        let answer = Self::new(StatusCode::OK, body.to_vec(), Sharing::Public);
        Some(answer.tagged(String::from_utf8(tag.to_vec()).ok()?))
    }

    /// Returns a public answer for the cache: its entity tag, a line feed, and its body. `None` for other
    /// answers.
    pub fn to_cache(&self) -> Option<Vec<u8>> {
        if !matches!(self.sharing, Sharing::Public) {
            return None;
        }
        let tag = self.tag.clone().unwrap_or_else(|| entity_tag::digest(&self.body));
        Some([tag.as_bytes(), b"\n", &self.body].concat())
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
        for (name, value) in [(LOCATION, self.location), (ETAG, tag.clone())] {
            if let Some(value) = value.and_then(|value| HeaderValue::from_str(&value).ok()) {
                headers.insert(name, value);
            }
        }
        match tag {
            Some(tag) if is_read && entity_tag::not_modified(request.headers(), &tag) => {
                entity_tag::without_body(reply)
            }
            _ => reply,
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
