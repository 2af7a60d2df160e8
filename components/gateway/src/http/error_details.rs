//! Domain errors as clients see them: a stable code, a message, and what the error is about.

use http::StatusCode;
use mercato_shop::types::{Error, Shortage};
use schemars::JsonSchema;
use serde::Serialize;

use crate::model::entity_id::EntityId;

/// An error, without the form that GraphQL or REST gives it.
#[derive(Debug)]
pub struct ErrorDetails {
    /// The stable code.
    pub code: &'static str,
    /// The invalid field.
    pub field: Option<String>,
    pub message: String,
    /// With OUT_OF_STOCK: the products that are missing.
    pub lines: Vec<MissingLine>,
    /// With RATE_LIMITED: the seconds to wait.
    pub retry_after: Option<u32>,
    /// With CONFLICT: the current version.
    pub version: Option<u64>,
}

/// A line of an order that exceeds the stock.
#[derive(Debug, Serialize, JsonSchema)]
pub struct MissingLine {
    #[serde(flatten)]
    id: EntityId,
    /// The number of units that the order needs.
    requested: u32,
    /// The number of units that are left.
    available: u32,
}

impl From<Shortage> for MissingLine {
    fn from(line: Shortage) -> Self {
        Self {
            id: line.product_id.into(),
            requested: line.requested,
            available: line.available,
        }
    }
}

impl ErrorDetails {
    fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self {
            code,
            field: None,
            message: message.into(),
            lines: Vec::new(),
            retry_after: None,
            version: None,
        }
    }

    /// Returns the HTTP status of the error.
    pub fn status(&self) -> StatusCode {
        status(self.code)
    }
}

/// Returns the HTTP status of a code.
pub fn status(code: &str) -> StatusCode {
    match code {
        "UNAUTHENTICATED" => StatusCode::UNAUTHORIZED,
        "FORBIDDEN" => StatusCode::FORBIDDEN,
        "NOT_FOUND" => StatusCode::NOT_FOUND,
        "CONFLICT" | "INVALID_TRANSITION" | "OUT_OF_STOCK" => StatusCode::CONFLICT,
        "PAYMENT_DECLINED" => StatusCode::PAYMENT_REQUIRED,
        "BAD_USER_INPUT" => StatusCode::BAD_REQUEST,
        "RATE_LIMITED" => StatusCode::TOO_MANY_REQUESTS,
        "UNAVAILABLE" => StatusCode::SERVICE_UNAVAILABLE,
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

impl From<Error> for ErrorDetails {
    /// Logs internal errors. Clients do not see their reason.
    fn from(error: Error) -> Self {
        match error {
            Error::Unauthenticated(message) => Self::new("UNAUTHENTICATED", message),
            Error::Forbidden(message) => Self::new("FORBIDDEN", message),
            Error::NotFound(message) => Self::new("NOT_FOUND", message),
            Error::Conflict(message) => Self::new("CONFLICT", message),
            Error::StaleVersion(version) => {
                let message =
                    format!("The current version is {version}. Read it again, and repeat the change.");
                Self {
                    version: Some(version),
                    ..Self::new("CONFLICT", message)
                }
            }
            Error::InvalidTransition(message) => Self::new("INVALID_TRANSITION", message),
            Error::Unavailable(message) => Self::new("UNAVAILABLE", message),
            Error::OutOfStock(lines) => Self {
                lines: lines.into_iter().map(MissingLine::from).collect(),
                ..Self::new(
                    "OUT_OF_STOCK",
                    "Not enough units are in stock. `lines` lists the units that are available.",
                )
            },
            Error::PaymentDeclined(message) => Self::new("PAYMENT_DECLINED", message),
            Error::RateLimited(seconds) => Self {
                retry_after: Some(seconds),
                ..Self::new(
                    "RATE_LIMITED",
                    format!("Too many attempts. Try again in {seconds} seconds."),
                )
            },
            Error::Invalid(violation) => Self {
                field: Some(violation.field),
                ..Self::new("BAD_USER_INPUT", violation.message)
            },
            Error::Internal(reason) => {
                eprintln!("internal error: {reason}");
                Self::new(
                    "INTERNAL",
                    "The shop failed. Its operator finds the reason in the log.",
                )
            }
        }
    }
}
