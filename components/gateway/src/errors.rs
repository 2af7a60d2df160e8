//! The domain's errors as GraphQL errors with stable codes in `extensions.code`.

use async_graphql::{ErrorExtensions, Value};
use mercato_shop::types::{Error, Shortage};

/// The error of a field, whoever calls.
pub fn plain(error: Error) -> async_graphql::Error {
    if let Error::Internal(reason) = &error {
        eprintln!("internal error: {reason}");
    }
    let lines = match &error {
        Error::OutOfStock(lines) => Some(to_value(lines)),
        _ => None,
    };
    let retry_after = match error {
        Error::RateLimited(seconds) => Some(seconds),
        _ => None,
    };
    let current_version = match error {
        Error::StaleVersion(version) => Some(version),
        _ => None,
    };
    let (code, field, message) = parts(error);
    coded(message, code).extend_with(|_, extensions| {
        if let Some(field) = field {
            extensions.set("field", field);
        }
        if let Some(lines) = lines {
            extensions.set("lines", lines);
        }
        if let Some(seconds) = retry_after {
            extensions.set("retryAfter", seconds);
        }
        if let Some(version) = current_version {
            extensions.set("currentVersion", version);
        }
    })
}

/// The stable code of a domain error, the field that it is about, and its message.
pub fn parts(error: Error) -> (&'static str, Option<String>, String) {
    match error {
        Error::Unauthenticated(message) => ("UNAUTHENTICATED", None, message),
        Error::Forbidden(message) => ("FORBIDDEN", None, message),
        Error::NotFound(message) => ("NOT_FOUND", None, message),
        Error::Conflict(message) => ("CONFLICT", None, message),
        Error::StaleVersion(version) => (
            "CONFLICT",
            None,
            format!("It is at version {version} now: somebody has changed it. Read it again, and repeat."),
        ),
        Error::InvalidTransition(message) => ("INVALID_TRANSITION", None, message),
        Error::Unavailable(message) => ("UNAVAILABLE", None, message),
        Error::OutOfStock(_) => (
            "OUT_OF_STOCK",
            None,
            "There is not enough in stock; extensions.lines tells what is left.".into(),
        ),
        Error::PaymentDeclined(message) => ("PAYMENT_DECLINED", None, message),
        Error::RateLimited(seconds) => (
            "RATE_LIMITED",
            None,
            format!("There were too many tries. Try again in {seconds} seconds."),
        ),
        Error::Invalid(violation) => ("BAD_USER_INPUT", Some(violation.field), violation.message),
        Error::Internal(_) => (
            "INTERNAL",
            None,
            "Something is wrong with the shop. Its operator finds the reason in the log.".into(),
        ),
    }
}

fn coded(message: impl Into<String>, code: &'static str) -> async_graphql::Error {
    async_graphql::Error::new(message).extend_with(|_, extensions| extensions.set("code", code))
}

fn to_value(lines: &[Shortage]) -> Value {
    let line = |line: &Shortage| {
        Value::Object(
            [
                (
                    async_graphql::Name::new("_id"),
                    Value::from(line.product_id.clone()),
                ),
                (async_graphql::Name::new("requested"), Value::from(line.requested)),
                (async_graphql::Name::new("available"), Value::from(line.available)),
            ]
            .into_iter()
            .collect(),
        )
    };
    Value::List(lines.iter().map(line).collect())
}
