//! Subscriptions. No instance is held for who watches: each request is answered at once, with what has happened since its
//! `Last-Event-ID`, and the client comes again. Where the server before the gateway holds the client's connection, that server comes again.

use std::sync::Arc;

use async_graphql::{Request as Execution, Response, ServerError, Value};
use futures::StreamExt;
use futures::executor::block_on;
use http::{HeaderName, Request, StatusCode};
use serde_json::json;

use crate::http::accept::Accepted;
use crate::http::events::Stream;
use crate::http::execute::{Outcome, ensure_code, refused_with};
use crate::http::{Gateway, Reply, problem, reply};
use crate::watch::{Told, Watch};

/// Where a client has come (HTML, server-sent events).
const LAST: HeaderName = HeaderName::from_static("last-event-id");

/// Says that a request goes on with a stream that the server before the gateway holds.
const CONTINUES: HeaderName = HeaderName::from_static("mercato-continues");

impl Gateway {
    /// Whether a request goes on with a stream that is held, by the word of the only one who can say so.
    pub(super) fn continues(&self, request: &Request<Vec<u8>>) -> bool {
        let said = request.headers().get(CONTINUES);
        self.settings.streams_held && said.is_some_and(|value| value == "1")
    }

    /// Whether who reads may come again soon where there is more: not where each time counts.
    fn comes_soon(&self, request: &Request<Vec<u8>>) -> bool {
        self.continues(request) || self.settings.rate_limit.is_none()
    }

    /// Answers a subscription with what has happened since.
    pub(super) fn watch(
        &self,
        request: &Request<Vec<u8>>,
        accepted: Accepted,
        execution: Execution,
    ) -> Reply {
        let last = match request.headers().get(LAST).map(|value| value.to_str()) {
            None | Some(Ok("")) => None,
            Some(Ok(last)) => Some(last.to_owned()),
            // What is no text can't be read as a cursor, either.
            Some(Err(_)) => Some("?".into()),
        };
        let session = self.session(request);
        let watch = Arc::new(Watch::new(last.clone()));
        let execution = execution.data(Arc::new(session)).data(Arc::clone(&watch));
        let results: Vec<_> = block_on(self.schema().execute_stream(execution).collect());
        match watch.told() {
            Ok(Some(told)) => tell(results, told, last, self.comes_soon(request)),
            Ok(None) => {
                let errors = results.into_iter().flat_map(|result| result.errors);
                self.refuse(request, accepted, last.as_deref(), errors.collect())
            }
            Err(error) => reply::problem(accepted, &error.into()),
        }
    }

    /// Answers a subscription that tells nothing. A stream that has begun goes on where the reason may be gone at the next try.
    fn refuse(
        &self,
        request: &Request<Vec<u8>>,
        accepted: Accepted,
        last: Option<&str>,
        mut errors: Vec<ServerError>,
    ) -> Reply {
        errors.iter_mut().for_each(ensure_code);
        let Some(first) = errors.first() else {
            let message = "A subscription asks for one field, such as productChanged, and not in a fragment.";
            let outcome = refused_with(StatusCode::BAD_REQUEST, "BAD_REQUEST", message.into());
            return reply::outcome(accepted, outcome);
        };
        let status = status(first);
        match last {
            Some(last) if status == StatusCode::SERVICE_UNAVAILABLE => Stream::default().continued(last),
            _ if self.continues(request) => {
                let mut stream = Stream::default();
                stream.next(None, &json!({ "errors": errors }));
                stream.complete()
            }
            _ => {
                let status_and_errors = Outcome::Refused { status, errors };
                reply::outcome(Accepted::Events, status_and_errors)
            }
        }
    }
}

/// Tells what has happened since. What can't be told in full for a reason that passes, and all after it, is told the next time.
fn tell(results: Vec<Response>, told: Told, last: Option<String>, comes_soon: bool) -> Reply {
    let mut stream = Stream::default();
    let mut reached = last;
    for (mut result, cursor) in results.into_iter().zip(&told.cursors) {
        result.errors.iter_mut().for_each(ensure_code);
        let passes = |error: &ServerError| status(error) == StatusCode::SERVICE_UNAVAILABLE;
        if let Some(reached) = &reached
            && result.errors.iter().any(passes)
        {
            return stream.continued(reached);
        }
        stream.next(Some(cursor), &result);
        reached = Some(cursor.clone());
    }
    if told.more && comes_soon {
        return stream.continued_soon(&told.cursor);
    }
    stream.continued(&told.cursor)
}

/// The status that an error means for the whole request.
fn status(error: &ServerError) -> StatusCode {
    if error.path.is_empty() {
        return StatusCode::BAD_REQUEST;
    }
    match error.extensions.as_ref().and_then(|found| found.get("code")) {
        Some(Value::String(code)) => problem::status(code),
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    }
}
