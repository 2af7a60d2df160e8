//! Results as events: GraphQL over Server-Sent Events (graphql-sse's PROTOCOL.md, distinct connections mode), in the format of the
//! HTML standard's section on server-sent events.
//!
//! An event without data is not dispatched, but the id in it is remembered by who reads: so a stream tells where it is even when
//! nothing has happened.

use http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, VARY};
use http::{HeaderName, HeaderValue, Response, StatusCode};
use serde::Serialize;

use crate::http::Reply;
use crate::http::accept::EVENTS;

/// Tells nginx, and who does as it does, to pass events on at once.
const BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");

/// How long a client waits before it goes on, in milliseconds.
const RETRY: u32 = 1_000;

/// The same where there is more to be told already: not at once, so that one who is far behind leaves room for others.
const RETRY_FOR_MORE: u32 = 100;

/// Events as they are written.
#[derive(Debug, Default)]
pub struct Stream {
    text: Vec<u8>,
}

impl Stream {
    /// A result, and the id after which it is not told again.
    pub fn next(&mut self, id: Option<&str>, result: &impl Serialize) {
        match serde_json::to_vec(result) {
            Ok(data) => self.raw(id, &data),
            Err(error) => eprintln!("internal error: a result can't be written: {error}"),
        }
    }

    fn raw(&mut self, id: Option<&str>, data: &[u8]) {
        self.text.extend_from_slice(b"event: next\n");
        self.id(id);
        // JSON has no line breaks but those of a pretty printer, and there is none here.
        self.text.extend_from_slice(b"data: ");
        self.text.extend_from_slice(data);
        self.text.extend_from_slice(b"\n\n");
    }

    fn id(&mut self, id: Option<&str>) {
        if let Some(id) = id {
            self.text.extend_from_slice(format!("id: {id}\n").as_bytes());
        }
    }

    /// The stream ends here for now: who reads comes again with this id.
    pub fn continued(self, id: &str) -> Reply {
        self.continued_after(RETRY, id)
    }

    /// As [`continued`](Self::continued), where more is to be told soon.
    pub fn continued_soon(self, id: &str) -> Reply {
        self.continued_after(RETRY_FOR_MORE, id)
    }

    fn continued_after(mut self, retry: u32, id: &str) -> Reply {
        self.text
            .extend_from_slice(format!(": to be continued\nretry: {retry}\n").as_bytes());
        self.id(Some(id));
        self.text.push(b'\n');
        respond(self.text)
    }

    /// The stream ends here. (An event needs a line of data to be dispatched, even if there is nothing in it.)
    pub fn complete(mut self) -> Reply {
        self.text.extend_from_slice(b"event: complete\ndata:\n\n");
        respond(self.text)
    }
}

/// A whole answer as events: the result, and the end. What was refused before there was a result stays as it is.
pub fn whole(reply: Reply) -> Reply {
    let streamed = reply
        .headers()
        .get(CONTENT_TYPE)
        .is_some_and(|kind| kind.as_bytes().starts_with(EVENTS.as_bytes()));
    if streamed || reply.status() != StatusCode::OK {
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
    use serde_json::json;

    use super::*;

    #[test]
    fn events_are_written_as_the_html_standard_reads_them() {
        let mut stream = Stream::default();
        stream.next(Some("a.b"), &json!({ "data": "two\nlines" }));
        let reply = stream.continued("c.d");
        let text = "event: next\nid: a.b\ndata: {\"data\":\"two\\nlines\"}\n\n\
                    : to be continued\nretry: 1000\nid: c.d\n\n";
        assert_eq!(String::from_utf8_lossy(reply.body()), text);
        assert_eq!(reply.headers()["content-type"], "text/event-stream");
        assert_eq!(reply.headers()["x-accel-buffering"], "no");
        let soon = Stream::default().continued_soon("c.d");
        assert_eq!(soon.body(), b": to be continued\nretry: 100\nid: c.d\n\n");
    }

    #[test]
    fn an_answer_that_is_no_result_is_no_event() {
        let mut refused = Response::new(b"{}".to_vec());
        *refused.status_mut() = StatusCode::BAD_REQUEST;
        assert_eq!(whole(refused).body(), b"{}");
        let text = whole(Response::new(b"{}".to_vec())).into_body();
        assert_eq!(text, b"event: next\ndata: {}\n\nevent: complete\ndata:\n\n");
    }
}
