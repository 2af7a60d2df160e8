//! Cross-origin requests (the Fetch standard): the pages of which other origins may read answers.
//!
//! Credentials are headers that a page sets itself, never cookies, so that no page can act as a shopper who only visits it.

use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_METHOD, ORIGIN, VARY,
};
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, Uri};

use crate::http::Reply;

const METHODS: &str = "GET, HEAD, POST, PUT, PATCH, DELETE";
const TAKEN: &str = "accept, authorization, content-type, idempotency-key, if-match, if-none-match, last-event-id, x-api-key, x-request-id";
const TOLD: &str = "etag, idempotency-replayed, location, ratelimit-limit, ratelimit-remaining, ratelimit-reset, retry-after, \
    x-request-id";

/// The origins whose pages may read answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origins {
    /// All of them.
    Any,
    /// These.
    These(Vec<String>),
}

impl Origins {
    /// `*`, or a list with commas.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text.trim() == "*" {
            return Ok(Self::Any);
        }
        let origins = text.split(',').map(str::trim).filter(|origin| !origin.is_empty());
        let origins: Vec<_> = origins.map(str::to_ascii_lowercase).collect();
        let wrong = origins.iter().find(|origin| !is_origin(origin));
        match wrong {
            None => Ok(Self::These(origins)),
            Some(wrong) => Err(format!(
                "CORS_ORIGINS must be * or origins such as https://shop.example, with commas between them; {wrong} is none"
            )),
        }
    }

    /// What a page of this origin is told; none where it may not read.
    fn allowed(&self, origin: &HeaderValue) -> Option<HeaderValue> {
        match self {
            Self::Any => Some(HeaderValue::from_static("*")),
            Self::These(origins) => {
                let asked = origin.to_str().ok()?.to_ascii_lowercase();
                origins.contains(&asked).then(|| origin.clone())
            }
        }
    }
}

fn is_origin(text: &str) -> bool {
    let Ok(uri) = text.parse::<Uri>() else {
        return false;
    };
    matches!(uri.scheme_str(), Some("http" | "https"))
        && uri
            .authority()
            .is_some_and(|authority| text.ends_with(authority.as_str()))
}

/// The answer to a browser that asks before it sends a request; none for any other request.
pub fn preflight(origins: Option<&Origins>, request: &Request<Vec<u8>>) -> Option<Reply> {
    let headers = request.headers();
    let asks = request.method() == Method::OPTIONS && headers.contains_key(ACCESS_CONTROL_REQUEST_METHOD);
    origins?.allowed(headers.get(ORIGIN).filter(|_| asks)?)?;
    let mut reply = Response::new(Vec::new());
    *reply.status_mut() = StatusCode::NO_CONTENT;
    for (name, value) in [
        (ACCESS_CONTROL_ALLOW_METHODS, METHODS),
        (ACCESS_CONTROL_ALLOW_HEADERS, TAKEN),
        (ACCESS_CONTROL_MAX_AGE, "600"),
    ] {
        reply.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    Some(reply)
}

/// Tells the browser whether the page may read this answer.
pub fn mark(origins: Option<&Origins>, request: &HeaderMap, answer: &mut HeaderMap) {
    let Some(origins) = origins else { return };
    if matches!(origins, Origins::These(_)) {
        answer.append(VARY, HeaderValue::from_static("Origin"));
    }
    if let Some(allowed) = request.get(ORIGIN).and_then(|origin| origins.allowed(origin)) {
        answer.insert(ACCESS_CONTROL_ALLOW_ORIGIN, allowed);
        answer.insert(ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static(TOLD));
    }
}
