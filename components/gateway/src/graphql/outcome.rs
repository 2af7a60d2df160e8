//! Outcomes of GraphQL requests, and their HTTP replies.

use async_graphql::{Response as Executed, ServerError, Value as GraphqlValue};
use http::header::{ALLOW, CACHE_CONTROL, CONTENT_ENCODING, ETAG, RETRY_AFTER, VARY};
use http::{HeaderValue, Method, Request, StatusCode};
use mercato_shop::http::uncached;
use serde::Serialize;
use serde_json::Value;

use crate::graphql::accept::Accepted;
use crate::http::bounded_json;
use crate::http::encoding::{self, AcceptedCodings, Coding};
use crate::http::entity_tag;
use crate::http::problem::Problem;
use crate::http::reply::Reply;
use crate::model::long_text::MAX_BYTES;

/// The outcome of one request.
pub enum Outcome {
    /// The request was executed. Single fields may have failed.
    Executed(Executed),
    /// The request was not executed.
    Refused(RequestError),
}

/// Why a request was not executed.
pub struct RequestError {
    pub status: StatusCode,
    pub errors: Vec<ServerError>,
}

impl RequestError {
    /// Returns a request error with one message.
    pub fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        let mut error = ServerError::new(message, None);
        error.extensions.get_or_insert_default().set("code", code);
        Self {
            status,
            errors: vec![error],
        }
    }
}

impl From<Problem> for RequestError {
    fn from(problem: Problem) -> Self {
        let retry_after = problem.retry_after;
        let field = problem.field().map(str::to_owned);
        let mut error = Self::new(problem.status, problem.code, problem.detail);
        for error in &mut error.errors {
            let extensions = error.extensions.get_or_insert_default();
            if let Some(seconds) = retry_after {
                extensions.set("retryAfter", seconds);
            }
            if let Some(field) = &field {
                extensions.set("field", field.as_str());
            }
        }
        error
    }
}

impl From<RequestError> for Outcome {
    fn from(error: RequestError) -> Self {
        Self::Refused(error)
    }
}

/// The body of a request that was not executed: it has no `data`.
#[derive(Serialize)]
struct Errors<'a> {
    errors: &'a [ServerError],
}

#[derive(Serialize)]
#[serde(untagged)]
enum Body<'a> {
    Executed(&'a Executed),
    Refused(Errors<'a>),
}

impl Outcome {
    /// Returns the body as JSON.
    ///
    /// # Errors
    /// RESPONSE_TOO_LARGE for more than this number of bytes.
    pub fn to_value(&self, max: usize) -> Result<Value, Problem> {
        let bytes = bounded_json::write(&self.body(), max)?;
        Ok(serde_json::from_slice(&bytes).unwrap_or_default())
    }

    fn errors(&self) -> &[ServerError] {
        match self {
            Self::Executed(response) => &response.errors,
            Self::Refused(error) => &error.errors,
        }
    }

    fn body(&self) -> Body<'_> {
        match self {
            Self::Executed(response) => Body::Executed(response),
            Self::Refused(RequestError { errors, .. }) => Body::Refused(Errors { errors }),
        }
    }

    /// Returns the status of the reply. Clients that accept `application/json` take any status other than 200
    /// for a failure of the server. So a well-formed request gets 200, except for a wrong method or media
    /// type.
    fn status(&self, accepted: Accepted) -> StatusCode {
        match self {
            Self::Refused(RequestError { status, .. })
                if matches!(accepted, Accepted::GraphqlResponse | Accepted::Events)
                    || matches!(
                        *status,
                        StatusCode::METHOD_NOT_ALLOWED | StatusCode::NOT_ACCEPTABLE
                    ) =>
            {
                *status
            }
            Self::Executed(_) | Self::Refused(_) => StatusCode::OK,
        }
    }

    /// Returns the reply to one request.
    pub fn reply(&self, accepted: Accepted) -> Reply {
        let status = self.status(accepted);
        let mut reply = respond(status, accepted, &self.body());
        write_retry_after(&mut reply, self.errors());
        if status == StatusCode::METHOD_NOT_ALLOWED {
            let allow = HeaderValue::from_static("POST");
            reply.headers_mut().insert(ALLOW, allow);
        }
        reply
    }
}

/// Compresses a shareable reply for these clients.
pub fn encoded(reply: Reply, codings: &AcceptedCodings) -> Reply {
    let (mut parts, body) = reply.into_parts();
    let (coding, body) = codings.encode(body);
    encoding::write(coding, &mut parts.headers);
    Reply::from_parts(parts, body)
}

/// Returns a reply of [`encoded`] for the cache: a line with its coding, and its body.
pub fn to_cache(reply: &Reply) -> Vec<u8> {
    let coding = reply.headers().get(CONTENT_ENCODING);
    let coding = coding.map_or(Coding::Identity.name().as_bytes(), HeaderValue::as_bytes);
    [coding, b"\n", reply.body()].concat()
}

/// Returns the reply of [`to_cache`]. `None` if it has another format.
pub fn from_cache(accepted: Accepted, bytes: &[u8]) -> Option<Reply> {
    let mut parts = bytes.splitn(2, |byte| *byte == b'\n');
    let coding = Coding::named(std::str::from_utf8(parts.next()?).ok()?)?;
    let mut reply = uncached(StatusCode::OK, media_type(accepted), parts.next()?.to_vec());
    encoding::write(coding, reply.headers_mut());
    Some(reply)
}

/// Returns the reply to a batch.
pub fn batch(accepted: Accepted, outcomes: &[Outcome]) -> Reply {
    let bodies: Vec<_> = outcomes.iter().map(Outcome::body).collect();
    let mut reply = respond(StatusCode::OK, accepted, &bodies);
    write_retry_after(&mut reply, outcomes.iter().flat_map(Outcome::errors));
    reply
}

/// Adds the longest time that an error names, in seconds.
fn write_retry_after<'a>(reply: &mut Reply, errors: impl IntoIterator<Item = &'a ServerError>) {
    let seconds =
        errors
            .into_iter()
            .filter_map(|error| match error.extensions.as_ref()?.get("retryAfter")? {
                GraphqlValue::Number(seconds) => seconds.as_u64(),
                _ => None,
            });
    if let Some(seconds) = seconds.max() {
        reply
            .headers_mut()
            .insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
}

/// Returns the reply to a request that was not read or not executed.
pub fn problem(accepted: Accepted, problem: &Problem) -> Reply {
    problem.graphql_reply(media_type(accepted))
}

/// Lets caches keep a reply to a GET that is the same for all callers. They must revalidate it each time.
pub fn shareable(mut reply: Reply, request: &Request<Vec<u8>>) -> Reply {
    if request.method() != Method::GET {
        return reply;
    }
    let tag = entity_tag::digest(reply.body());
    let headers = reply.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("public, no-cache"));
    headers.append(VARY, HeaderValue::from_static("Accept"));
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        headers.insert(ETAG, tag);
    }
    match entity_tag::current(request.headers(), &tag) {
        Some(tag) => entity_tag::not_modified(reply, &tag),
        None => reply,
    }
}

/// Returns whether a reply is final. A reply is not final if nothing was done, for a reason that may be
/// temporary.
pub fn is_final(reply: &Reply) -> bool {
    let body: Value = serde_json::from_slice(reply.body()).unwrap_or_default();
    let answers = body.as_array().map_or(std::slice::from_ref(&body), Vec::as_slice);
    let has_data = |answer: &Value| {
        let data = answer.get("data").and_then(Value::as_object);
        data.is_some_and(|data| data.values().any(|value| !value.is_null()))
    };
    let is_temporary = |error: &Value| {
        let code = error.pointer("/extensions/code").and_then(Value::as_str);
        matches!(code, Some("INTERNAL" | "UNAVAILABLE" | "RATE_LIMITED"))
    };
    let mut errors = answers
        .iter()
        .filter_map(|answer| answer.get("errors")?.as_array())
        .flatten();
    answers.iter().any(has_data) || !errors.any(is_temporary)
}

const fn media_type(accepted: Accepted) -> HeaderValue {
    match accepted {
        Accepted::GraphqlResponse => {
            HeaderValue::from_static("application/graphql-response+json; charset=utf-8")
        }
        Accepted::Json | Accepted::Html | Accepted::Events => {
            HeaderValue::from_static("application/json; charset=utf-8")
        }
    }
}

fn respond(status: StatusCode, accepted: Accepted, body: &impl Serialize) -> Reply {
    match bounded_json::write(body, MAX_BYTES) {
        Ok(body) => uncached(status, media_type(accepted), body),
        Err(too_large) => problem(accepted, &too_large),
    }
}
