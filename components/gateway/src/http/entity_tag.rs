//! Entity tags and conditional requests (RFC 9110, section 13).

use http::header::{CONTENT_TYPE, IF_NONE_MATCH};
use http::{HeaderMap, StatusCode};
use sha2::{Digest, Sha256};

use crate::http::reply::Reply;

/// Returns the entity tag of a body without a version: a digest.
pub fn digest(body: &[u8]) -> String {
    let digest = format!("{:x}", Sha256::digest(body));
    format!("\"{}\"", digest.get(..32).unwrap_or(&digest))
}

/// Returns whether `If-None-Match` has this tag. Weak tags count (RFC 9110, section 13.1.2).
pub fn not_modified(headers: &HeaderMap, tag: &str) -> bool {
    let lists = headers.get_all(IF_NONE_MATCH).iter();
    lists
        .filter_map(|list| list.to_str().ok())
        .flat_map(|list| list.split(','))
        .map(str::trim)
        .any(|known| known == "*" || known.strip_prefix("W/").unwrap_or(known) == tag)
}

/// Turns a reply into 304: the headers without the body.
pub fn without_body(mut reply: Reply) -> Reply {
    *reply.status_mut() = StatusCode::NOT_MODIFIED;
    reply.headers_mut().remove(CONTENT_TYPE);
    reply.body_mut().clear();
    reply
}
