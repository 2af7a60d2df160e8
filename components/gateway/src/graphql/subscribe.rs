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
use mercato_shop::types::Error;
use serde_json::json;

use crate::graphql::accept::Accepted;
use crate::graphql::engine::{self, Engine};
use crate::graphql::event_stream::{RETRY, RETRY_FOR_MORE, Stream};
use crate::graphql::nulls;
use crate::graphql::outcome::{self, Outcome, RequestError};
use crate::graphql::schema::SCHEMA;
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

/// The results of a subscription since a cursor.
pub struct Events {
    /// Each result with its cursor.
    pub results: Vec<(String, Response)>,
    /// The cursor after all results.
    pub cursor: String,
    /// Whether more results are waiting.
    pub more: bool,
}

/// Why a subscription has no results.
pub enum SubscriptionError {
    /// The shop is busy or a service is unavailable. A later attempt may succeed.
    Temporary(ServerError),
    /// The shop refused it.
    Refused(Vec<ServerError>),
    /// It is not one subscription.
    Invalid(Error),
}

impl Engine {
    /// Executes a subscription: returns the results after this cursor, or its first results. Stops before a
    /// result that failed for a temporary reason.
    ///
    /// # Errors
    /// See [`SubscriptionError`].
    pub fn events(
        &self,
        request: Request,
        session: RequestSession,
        after: Option<&str>,
    ) -> Result<Events, SubscriptionError> {
        let watch = Arc::new(Watch::new(after.map(str::to_owned)));
        let size = session.answer_size.clone();
        let document = request.query.clone();
        let request = request
            .data(Arc::new(session))
            .data(size)
            .data(Arc::clone(&watch));
        let mut results: Vec<_> = block_on(SCHEMA.execute_stream(request).collect());
        for result in &mut results {
            engine::complete(&mut result.errors, &document);
        }
        match watch.take() {
            Ok(Some(progress)) => Ok(events(results, progress, after)),
            Ok(None) => Err(refusal(results)),
            Err(error) => Err(SubscriptionError::Invalid(error)),
        }
    }

    /// Answers a subscription with the events since the reader's last one.
    pub fn subscribe(
        &self,
        request: Request,
        session: RequestSession,
        reader: Reader,
        accepted: Accepted,
    ) -> Reply {
        let after = reader.last_event_id.as_deref();
        match self.events(request, session, after) {
            Ok(events) => write(&events, &reader),
            Err(error) => fail(reader, accepted, error),
        }
    }
}

/// Pairs the results with their cursors.
fn events(results: Vec<Response>, progress: Progress, after: Option<&str>) -> Events {
    let mut events = Events {
        results: Vec::new(),
        cursor: progress.cursor,
        more: progress.more,
    };
    for (mut result, cursor) in results.into_iter().zip(progress.cursors) {
        nulls::fill(&mut result);
        let last = events.results.last().map(|(cursor, _)| cursor.as_str()).or(after);
        if let Some(last) = last
            && result.errors.iter().any(is_temporary)
        {
            events.cursor = last.to_owned();
            events.more = false;
            break;
        }
        events.results.push((cursor, result));
    }
    events
}

fn refusal(results: Vec<Response>) -> SubscriptionError {
    let errors: Vec<_> = results.into_iter().flat_map(|result| result.errors).collect();
    match errors.first() {
        None => {
            let message = "A subscription must have one field, such as productChanged, outside of fragments.";
            let error = RequestError::new(StatusCode::BAD_REQUEST, "BAD_REQUEST", message);
            SubscriptionError::Refused(error.errors)
        }
        Some(first) if is_temporary(first) => SubscriptionError::Temporary(first.clone()),
        Some(_) => SubscriptionError::Refused(errors),
    }
}

fn write(events: &Events, reader: &Reader) -> Reply {
    let mut stream = Stream::default();
    for (cursor, result) in &events.results {
        stream.next(Some(cursor), result);
    }
    let retry = if events.more && reader.may_reconnect_soon {
        RETRY_FOR_MORE
    } else {
        RETRY
    };
    stream.pause(&events.cursor, retry)
}

/// Answers a subscription that failed. If the reason is temporary, a stream that has begun pauses.
fn fail(reader: Reader, accepted: Accepted, error: SubscriptionError) -> Reply {
    let errors = match (error, reader.last_event_id) {
        (SubscriptionError::Invalid(error), _) => return outcome::problem(accepted, &error.into()),
        (SubscriptionError::Temporary(_), Some(last)) => return Stream::default().pause(&last, RETRY),
        (SubscriptionError::Temporary(error), None) => vec![error],
        (SubscriptionError::Refused(errors), _) => errors,
    };
    let Some(first) = errors.first().filter(|_| !reader.is_held) else {
        let mut stream = Stream::default();
        stream.next(None, &json!({ "errors": errors }));
        return stream.complete();
    };
    let status = status(first);
    Outcome::from(RequestError { status, errors }).reply(Accepted::Events)
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
