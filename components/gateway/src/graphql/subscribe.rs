//! Subscriptions as event streams.
//!
//! No instance waits for events. Each request is answered at once with the events since its `Last-Event-ID`,
//! and the client reconnects. If the server in front of the gateway holds the client's connection, that
//! server reconnects.

use std::sync::Arc;

use async_graphql::{Request, Response, ServerError, Value};
use futures::StreamExt;
use futures::executor::block_on;
use http::StatusCode;
use serde_json::json;

use crate::graphql::accept::Accepted;
use crate::graphql::engine::{Engine, ensure_code};
use crate::graphql::event_stream::{RETRY, RETRY_FOR_MORE, Stream};
use crate::graphql::outcome::{self, Outcome, RequestError};
use crate::graphql::watch::{Progress, Watch};
use crate::http::error_details;
use crate::http::reply::Reply;
use crate::request_session::RequestSession;

/// How a client reads a stream.
pub struct Reader {
    /// The id of the last event that the client has seen.
    pub last_event_id: Option<String>,
    /// Whether the server in front of the gateway holds the stream.
    pub is_held: bool,
    /// Whether the client may reconnect soon if more events are waiting. Not if each request counts as one.
    pub may_reconnect_soon: bool,
}

impl Engine {
    /// Answers a subscription with the events since the reader's last one.
    pub fn subscribe(
        &self,
        request: Request,
        session: RequestSession,
        reader: Reader,
        accepted: Accepted,
    ) -> Reply {
        let watch = Arc::new(Watch::new(reader.last_event_id.clone()));
        let request = request.data(Arc::new(session)).data(Arc::clone(&watch));
        let results: Vec<_> = block_on(self.schema().execute_stream(request).collect());
        match watch.take() {
            Ok(Some(progress)) => write(results, progress, reader),
            Ok(None) => {
                let errors = results.into_iter().flat_map(|result| result.errors);
                fail(reader, accepted, errors.collect())
            }
            Err(error) => outcome::problem(accepted, &error.into()),
        }
    }
}

/// Writes the results. If a result failed for a temporary reason, the stream pauses before it.
fn write(results: Vec<Response>, progress: Progress, reader: Reader) -> Reply {
    let mut stream = Stream::default();
    let mut position = reader.last_event_id;
    for (mut result, cursor) in results.into_iter().zip(&progress.cursors) {
        result.errors.iter_mut().for_each(ensure_code);
        if let Some(position) = &position
            && result.errors.iter().any(is_temporary)
        {
            return stream.pause(position, RETRY);
        }
        stream.next(Some(cursor), &result);
        position = Some(cursor.clone());
    }
    let retry = if progress.more && reader.may_reconnect_soon {
        RETRY_FOR_MORE
    } else {
        RETRY
    };
    stream.pause(&progress.cursor, retry)
}

/// Answers a subscription that failed. If the reason is temporary, a stream that has begun pauses.
fn fail(reader: Reader, accepted: Accepted, mut errors: Vec<ServerError>) -> Reply {
    errors.iter_mut().for_each(ensure_code);
    let Some(first) = errors.first() else {
        let message = "A subscription must have one field, such as productChanged, outside of fragments.";
        let error = RequestError::new(StatusCode::BAD_REQUEST, "BAD_REQUEST", message);
        return Outcome::from(error).reply(accepted);
    };
    match reader.last_event_id {
        Some(last) if is_temporary(first) => Stream::default().pause(&last, RETRY),
        _ if reader.is_held => {
            let mut stream = Stream::default();
            stream.next(None, &json!({ "errors": errors }));
            stream.complete()
        }
        _ => {
            let status = status(first);
            Outcome::from(RequestError { status, errors }).reply(Accepted::Events)
        }
    }
}

fn is_temporary(error: &ServerError) -> bool {
    status(error) == StatusCode::SERVICE_UNAVAILABLE
}

/// Returns the HTTP status of an error.
fn status(error: &ServerError) -> StatusCode {
    if error.path.is_empty() {
        return StatusCode::BAD_REQUEST;
    }
    let extensions = error.extensions.as_ref();
    match extensions.and_then(|extensions| extensions.get("code")) {
        Some(Value::String(code)) => error_details::status(code),
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    }
}
