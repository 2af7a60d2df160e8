//! Entity tags and conditional requests (RFC 9110, section 13).

use http::header::{CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use http::{HeaderMap, HeaderValue, StatusCode};
use sha2::{Digest, Sha256};

use crate::http::encoding::{AcceptedCodings, Coding};
use crate::http::reply::Reply;

/// Returns the entity tag of a body without a version: a digest.
pub fn digest(body: &[u8]) -> String {
    let digest = format!("{:x}", Sha256::digest(body));
    format!("\"{}\"", digest.get(..32).unwrap_or(&digest))
}

/// Returns the tag in `If-None-Match` that is this tag, in a coding that the client accepts. Weak tags count
/// (RFC 9110, section 13.1.2).
pub fn current(headers: &HeaderMap, tag: &str) -> Option<String> {
    let lists = headers.get_all(IF_NONE_MATCH).iter();
    let known = lists
        .filter_map(|list| list.to_str().ok())
        .flat_map(|list| list.split(','))
        .map(str::trim);
    let mut accepted = None;
    for known in known {
        if known == "*" {
            return Some(tag.to_owned());
        }
        let (version, coding) = Coding::of_tag(known.strip_prefix("W/").unwrap_or(known));
        if version == tag {
            let accepted = accepted.get_or_insert_with(|| AcceptedCodings::of(headers));
            if accepted.as_ref().is_some_and(|accepted| accepted.allow(coding)) {
                return Some(coding.tag(tag));
            }
        }
    }
    None
}

/// Turns a reply into 304: the headers without the body, and the tag of the client's copy.
pub fn not_modified(mut reply: Reply, tag: &str) -> Reply {
    *reply.status_mut() = StatusCode::NOT_MODIFIED;
    reply.headers_mut().remove(CONTENT_TYPE);
    reply.headers_mut().remove(http::header::CONTENT_ENCODING);
    if let Ok(tag) = HeaderValue::from_str(tag) {
        reply.headers_mut().insert(ETAG, tag);
    }
    reply.body_mut().clear();
    reply
}

#[cfg(test)]
mod tests {
    use http::header::ACCEPT_ENCODING;

    use super::*;

    #[test]
    fn finds_a_current_tag_in_an_accepted_coding() {
        let find = |known: &'static str, codings: &'static str| {
            let headers = [(IF_NONE_MATCH, known), (ACCEPT_ENCODING, codings)];
            let headers = headers.map(|(name, value)| (name, HeaderValue::from_static(value)));
            current(&HeaderMap::from_iter(headers), "\"3\"")
        };
        for (known, codings, found) in [
            ("\"3\"", "", "\"3\""),
            ("\"2\", W/\"3\"", "", "\"3\""),
            ("*", "", "\"3\""),
            ("\"3-gzip\"", "gzip", "\"3-gzip\""),
            ("\"3-br\", \"3-gzip\"", "gzip", "\"3-gzip\""),
            ("\"3\"", "gzip", "\"3\""),
        ] {
            assert_eq!(find(known, codings).as_deref(), Some(found), "{known}");
        }
        for (known, codings) in [("\"2\"", ""), ("\"3-gzip\"", ""), ("\"3-br\"", "gzip"), ("", "")] {
            assert_eq!(find(known, codings), None, "{known}");
        }
    }
}
