//! What goes out: JSON, with the headers that tell caches and editors what it is.

use http::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH, LOCATION};
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode};
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::http::Reply;
use mercato_shop::types::Error;

/// Who may keep an answer.
#[derive(Clone, Copy, Debug)]
enum Sharing {
    /// Nobody: it carries tokens, or tells of a change.
    Nobody,
    /// The client itself, which asks each time whether it is still so.
    Private,
    /// Everybody, who ask each time whether it is still so.
    Public,
}

/// The answer of an operation.
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

    /// Something, by this status; nobody keeps it.
    pub fn with(status: StatusCode, value: &impl Serialize) -> Result<Self, Error> {
        Ok(Self::new(status, to_json(value)?, Sharing::Nobody))
    }

    /// What was made, and is at this path now.
    pub fn created(location: String, value: &impl Serialize) -> Result<Self, Error> {
        let mut answer = Self::with(StatusCode::CREATED, value)?;
        answer.location = Some(location);
        Ok(answer)
    }

    /// What became of something.
    pub fn changed(value: &impl Serialize) -> Result<Self, Error> {
        Self::with(StatusCode::OK, value)
    }

    /// What was asked for by this caller.
    pub fn own(value: &impl Serialize) -> Result<Self, Error> {
        Ok(Self::new(StatusCode::OK, to_json(value)?, Sharing::Private))
    }

    /// What is the same for everybody.
    pub fn public(value: &impl Serialize) -> Result<Self, Error> {
        Ok(Self::new(StatusCode::OK, to_json(value)?, Sharing::Public))
    }

    /// One that was the same for everybody, as it was [kept](Self::to_keep).
    pub fn kept(bytes: &[u8]) -> Option<Self> {
        let end = bytes.iter().position(|byte| *byte == b'\n')?;
        let (tag, body) = bytes.split_at_checked(end)?;
        let body = body.strip_prefix(b"\n")?;
        let answer = Self::new(StatusCode::OK, body.to_vec(), Sharing::Public);
        Some(answer.tagged(String::from_utf8(tag.to_vec()).ok()?))
    }

    /// Whether it is the same for everybody.
    pub const fn is_for_everybody(&self) -> bool {
        matches!(self.sharing, Sharing::Public)
    }

    /// What to keep of one that is the same for everybody: its entity tag, a line feed, and its body.
    pub fn to_keep(&self) -> Vec<u8> {
        let tag = self.tag.clone().unwrap_or_else(|| tag_of(&self.body));
        [tag.as_bytes(), b"\n", &self.body].concat()
    }

    /// It is done.
    pub fn done() -> Self {
        Self::new(StatusCode::NO_CONTENT, Vec::new(), Sharing::Nobody)
    }

    /// With this entity tag.
    pub fn tagged(mut self, tag: String) -> Self {
        self.tag = Some(tag);
        self
    }

    /// The response to a request: where the client has it already, it is told so.
    pub fn reply(self, request: &Request<Vec<u8>>) -> Reply {
        let reads = matches!(*request.method(), Method::GET | Method::HEAD);
        let kept = reads && !matches!(self.sharing, Sharing::Nobody);
        let tag = self.tag.or_else(|| kept.then(|| tag_of(&self.body)));
        let mut reply = Response::new(self.body);
        *reply.status_mut() = self.status;
        let headers = reply.headers_mut();
        headers.insert(
            CACHE_CONTROL,
            HeaderValue::from_static(match self.sharing {
                Sharing::Nobody => "no-store",
                Sharing::Private => "private, no-cache",
                Sharing::Public => "public, no-cache",
            }),
        );
        if self.status != StatusCode::NO_CONTENT {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        }
        for (name, value) in [(LOCATION, self.location), (ETAG, tag.clone())] {
            if let Some(value) = value.and_then(|value| HeaderValue::from_str(&value).ok()) {
                headers.insert(name, value);
            }
        }
        match tag {
            Some(tag) if reads && not_modified(request.headers(), &tag) => without_body(reply),
            _ => reply,
        }
    }
}

/// The entity tag of a body that has no version: its digest.
pub fn tag_of(body: &[u8]) -> String {
    let digest = format!("{:x}", Sha256::digest(body));
    format!("\"{}\"", digest.get(..32).unwrap_or(&digest))
}

/// Whether the client has what bears this tag (RFC 9110, section 13.1.2: weak tags are as good).
pub fn not_modified(headers: &HeaderMap, tag: &str) -> bool {
    let lists = headers.get_all(IF_NONE_MATCH).iter();
    lists
        .filter_map(|list| list.to_str().ok())
        .flat_map(|list| list.split(','))
        .map(str::trim)
        .any(|known| known == "*" || known.strip_prefix("W/").unwrap_or(known) == tag)
}

/// The answer to who has it already: what is told of it, and not it.
pub fn without_body(mut reply: Reply) -> Reply {
    *reply.status_mut() = StatusCode::NOT_MODIFIED;
    reply.headers_mut().remove(CONTENT_TYPE);
    reply.body_mut().clear();
    reply
}

/// The answer to who asks for the methods of a path.
pub fn options(allow: &str) -> Reply {
    let mut reply = Response::new(Vec::new());
    *reply.status_mut() = StatusCode::NO_CONTENT;
    if let Ok(allow) = HeaderValue::from_str(allow) {
        reply.headers_mut().insert(ALLOW, allow);
    }
    reply
}

fn to_json(value: &impl Serialize) -> Result<Vec<u8>, Error> {
    serde_json::to_vec(value).map_err(|error| Error::Internal(format!("an answer can't be written: {error}")))
}
