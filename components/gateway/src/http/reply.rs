//! Responses.

use async_graphql::{Response as Executed, ServerError};
use http::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, ETAG, LOCATION, VARY};
use http::{HeaderValue, Method, Request, Response, StatusCode};
use serde::Serialize;
use serde_json::{Value, json};

use crate::http::accept::Accepted;
use crate::http::execute::Outcome;
use crate::http::{Problem, Reply};
use crate::rest;

/// The body of a request that was refused as a whole: it has no `data`.
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
    fn body(&self) -> Body<'_> {
        match self {
            Self::Executed(response) => Body::Executed(response),
            Self::Refused { errors, .. } => Body::Refused(Errors { errors }),
        }
    }

    /// With `application/json`, clients from before the specification take 200 for an answer and everything else for a
    /// broken server; a method or an answer that is not to be had is refused by HTTP itself.
    fn status(&self, accepted: Accepted) -> StatusCode {
        match self {
            Self::Refused { status, .. }
                if matches!(accepted, Accepted::GraphqlResponse | Accepted::Events)
                    || matches!(
                        *status,
                        StatusCode::METHOD_NOT_ALLOWED | StatusCode::NOT_ACCEPTABLE
                    ) =>
            {
                *status
            }
            Self::Executed(_) | Self::Refused { .. } => StatusCode::OK,
        }
    }
}

/// The answer to one request.
pub fn outcome(accepted: Accepted, outcome: Outcome) -> Reply {
    let status = outcome.status(accepted);
    let mut reply = respond(status, media_type(accepted), &outcome.body());
    if status == StatusCode::METHOD_NOT_ALLOWED {
        reply
            .headers_mut()
            .insert(ALLOW, HeaderValue::from_static("POST"));
    }
    reply
}

/// An answer whose body was kept.
pub fn kept(accepted: Accepted, body: Vec<u8>) -> Reply {
    with_body(StatusCode::OK, media_type(accepted), body)
}

/// The answers to a batch, in its order.
pub fn outcomes(accepted: Accepted, outcomes: Vec<Outcome>) -> Reply {
    let bodies: Vec<_> = outcomes.iter().map(Outcome::body).collect();
    respond(StatusCode::OK, media_type(accepted), &bodies)
}

/// The answer to a request that could not even be read.
pub fn refusal(accepted: Accepted, status: StatusCode, code: &str, message: impl Into<String>) -> Reply {
    let body = json!({ "errors": [{ "message": message.into(), "extensions": { "code": code } }] });
    respond(status, media_type(accepted), &body)
}

/// A refusal of the whole request, by whatever stands before its execution.
pub fn problem(accepted: Accepted, problem: &Problem) -> Reply {
    let mut extensions = json!({ "code": problem.code() });
    if let (Some(seconds), Some(extensions)) = (problem.seconds(), extensions.as_object_mut()) {
        extensions.insert("retryAfter".into(), seconds.into());
    }
    let body = json!({ "errors": [{ "message": problem.detail(), "extensions": extensions }] });
    let mut reply = respond(problem.status(), media_type(accepted), &body);
    reply.headers_mut().extend(problem.headers().iter().cloned());
    reply
}

/// Lets caches keep an answer that is the same for everybody, if they ask each time whether it is still so.
pub fn shareable(mut reply: Reply, request: &Request<Vec<u8>>) -> Reply {
    if request.method() != Method::GET {
        return reply;
    }
    let tag = rest::tag_of(reply.body());
    let headers = reply.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("public, no-cache"));
    headers.insert(VARY, HeaderValue::from_static("Accept"));
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        headers.insert(ETAG, tag);
    }
    if rest::not_modified(request.headers(), &tag) {
        return rest::without_body(reply);
    }
    reply
}

/// Whether an answer is the end of it: not where nothing was done, for a reason that may be gone at the next try.
pub fn is_final(reply: &Reply) -> bool {
    let body: Value = serde_json::from_slice(reply.body()).unwrap_or_default();
    let answers = body.as_array().map_or(std::slice::from_ref(&body), Vec::as_slice);
    let done = |answer: &Value| {
        let data = answer.get("data").and_then(Value::as_object);
        data.is_some_and(|data| data.values().any(|value| !value.is_null()))
    };
    let passing = |error: &Value| {
        let code = error.pointer("/extensions/code").and_then(Value::as_str);
        matches!(code, Some("INTERNAL" | "UNAVAILABLE" | "RATE_LIMITED"))
    };
    let mut errors = answers
        .iter()
        .filter_map(|answer| answer.get("errors")?.as_array())
        .flatten();
    answers.iter().any(done) || !errors.any(passing)
}

/// The answer to a method that `/graphql` has nothing to do for.
pub fn method_not_allowed(accepted: Accepted) -> Reply {
    let mut reply = refusal(
        accepted,
        StatusCode::METHOD_NOT_ALLOWED,
        "METHOD_NOT_ALLOWED",
        "Send GraphQL by POST, or queries by GET.",
    );
    reply
        .headers_mut()
        .insert(ALLOW, HeaderValue::from_static("GET, POST"));
    reply
}

/// A document that is the same for everybody.
pub fn json(document: &Value) -> Reply {
    let mut reply = respond(
        StatusCode::OK,
        HeaderValue::from_static("application/json"),
        document,
    );
    reply
        .headers_mut()
        .insert(CACHE_CONTROL, HeaderValue::from_static("public, max-age=3600"));
    reply
}

/// Sends a browser elsewhere.
pub fn redirect(location: &'static str) -> Reply {
    let mut reply = Response::new(Vec::new());
    *reply.status_mut() = StatusCode::TEMPORARY_REDIRECT;
    reply
        .headers_mut()
        .insert(LOCATION, HeaderValue::from_static(location));
    reply
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

fn respond(status: StatusCode, media_type: HeaderValue, body: &impl Serialize) -> Reply {
    let (status, body) = match serde_json::to_vec(body) {
        Ok(body) => (status, body),
        Err(error) => {
            eprintln!("internal error: a response can't be written: {error}");
            (StatusCode::INTERNAL_SERVER_ERROR, br#"{"errors":[{"message":"Something is wrong with the shop.","extensions":{"code":"INTERNAL"}}]}"#.to_vec())
        }
    };
    with_body(status, media_type, body)
}

fn with_body(status: StatusCode, media_type: HeaderValue, body: Vec<u8>) -> Reply {
    let mut reply = Response::new(body);
    *reply.status_mut() = status;
    let headers = reply.headers_mut();
    headers.insert(CONTENT_TYPE, media_type);
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    reply
}
