//! Results as events: GraphQL over Server-Sent Events (graphql-sse's PROTOCOL.md), in the format of the HTML standard's section on server-sent events.
//!
//! Clients ignore an event without data, but they remember its id. So a stream can move its position without
//! a result.

use http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, VARY};
use http::{HeaderName, HeaderValue, Response, StatusCode};
use serde::Serialize;
use serde_json::json;

use crate::graphql::accept::EVENTS;
use crate::http::reply::Reply;

/// Stops nginx and other proxies from buffering events.
const BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");

/// The delay before a client reconnects, in milliseconds.
pub const RETRY: u32 = 1_000;

/// The delay if more events are waiting, in milliseconds. It is not 0, so that other clients can be served
/// between.
pub const RETRY_FOR_MORE: u32 = 100;

/// The delay of a shared stream, in milliseconds. A client waits this long for the result of a query.
pub const RETRY_SHARED: u32 = 200;

/// A stream of events.
#[derive(Debug, Default)]
pub struct Stream {
    text: Vec<u8>,
}

impl Stream {
    /// Writes a result. A client that reconnects with this id does not get it again.
    pub fn next(&mut self, id: Option<&str>, result: &impl Serialize) {
        match serde_json::to_vec(result) {
            Ok(data) => self.raw(id, &data),
            Err(error) => eprintln!("internal error: a result cannot be written: {error}"),
        }
    }

    /// Writes JSON without line breaks.
    fn raw(&mut self, id: Option<&str>, data: &[u8]) {
        self.text.extend_from_slice(b"event: next\n");
        self.id(id);
        self.text.extend_from_slice(b"data: ");
        self.text.extend_from_slice(data);
        self.text.extend_from_slice(b"\n\n");
    }

    fn id(&mut self, id: Option<&str>) {
        if let Some(id) = id {
            self.text.extend_from_slice(format!("id: {id}\n").as_bytes());
        }
    }

    /// Writes a result of one operation of a shared stream.
    pub fn next_of(&mut self, operation: &str, result: &impl Serialize) {
        self.next(None, &json!({ "id": operation, "payload": result }));
    }

    /// Ends one operation of a shared stream.
    pub fn complete_of(&mut self, operation: &str) {
        let text = format!("event: complete\ndata: {}\n\n", json!({ "id": operation }));
        self.text.extend_from_slice(text.as_bytes());
    }

    /// Ends the reply, but not the stream. The client reconnects with this id after `retry` milliseconds.
    pub fn pause(mut self, id: &str, retry: u32) -> Reply {
        let text = format!(": to be continued\nretry: {retry}\n");
        self.text.extend_from_slice(text.as_bytes());
        self.id(Some(id));
        self.text.push(b'\n');
        respond(self.text)
    }

    /// Ends the stream. (Clients ignore an event without a line of data.)
    pub fn complete(mut self) -> Reply {
        self.text.extend_from_slice(b"event: complete\ndata:\n\n");
        respond(self.text)
    }
}

/// Turns a reply into events: the result, and the end. Error replies stay unchanged.
pub fn wrap(reply: Reply) -> Reply {
    let content_type = reply.headers().get(CONTENT_TYPE);
    let is_stream = content_type.is_some_and(|kind| kind.as_bytes().starts_with(EVENTS.as_bytes()));
    if is_stream || reply.status() != StatusCode::OK {
        return reply;
    }
    let (mut parts, body) = reply.into_parts();
    let mut stream = Stream::default();
    stream.raw(None, &body);
    parts.headers.remove(ETAG);
    parts.headers.remove(VARY);
    let (events, body) = stream.complete().into_parts();
    parts.headers.extend(events.headers);
    Response::from_parts(parts, body)
}

fn respond(text: Vec<u8>) -> Reply {
    let mut reply = Response::new(text);
    let headers = reply.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(EVENTS));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(BUFFERING, HeaderValue::from_static("no"));
    reply
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_events_as_the_html_standard_defines_them() {
        let mut stream = Stream::default();
        stream.next(Some("a.b"), &json!({ "data": "two\nlines" }));
        let reply = stream.pause("c.d", RETRY);
        let text = "event: next\nid: a.b\ndata: {\"data\":\"two\\nlines\"}\n\n\
                    : to be continued\nretry: 1000\nid: c.d\n\n";
        assert_eq!(String::from_utf8_lossy(reply.body()), text);
        assert_eq!(reply.headers()["content-type"], "text/event-stream");
        assert_eq!(reply.headers()["x-accel-buffering"], "no");
    }

    #[test]
    fn leaves_error_replies_unchanged() {
        let mut error = Response::new(b"{}".to_vec());
        *error.status_mut() = StatusCode::BAD_REQUEST;
        assert_eq!(wrap(error).body(), b"{}");
        let text = wrap(Response::new(b"{}".to_vec())).into_body();
        assert_eq!(text, b"event: next\ndata: {}\n\nevent: complete\ndata:\n\n");
    }
}
