//! The answers of `/livez` and `/readyz`.

use http::StatusCode;
use serde::Serialize;

/// The path of the check whether the process runs.
pub const LIVE_PATH: &str = "/livez";

/// The path of the check whether the shop can serve requests.
pub const READY_PATH: &str = "/readyz";

/// The health of the shop.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
pub struct Health<'a> {
    /// `live`, `ready` or `unavailable`.
    status: &'static str,
    /// Why the shop is unavailable.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "json-schema", schemars(default))]
    reason: Option<&'a str>,
}

impl<'a> Health<'a> {
    /// The process runs.
    pub const LIVE: Self = Self {
        status: "live",
        reason: None,
    };

    /// The shop can serve requests.
    pub const READY: Self = Self {
        status: "ready",
        reason: None,
    };

    /// Returns the health of a shop that can't serve requests.
    #[must_use]
    pub const fn unavailable(reason: &'a str) -> Self {
        Self {
            status: "unavailable",
            reason: Some(reason),
        }
    }

    /// Returns the HTTP status of the answer.
    #[must_use]
    pub const fn code(&self) -> StatusCode {
        match self.reason {
            None => StatusCode::OK,
            Some(_) => StatusCode::SERVICE_UNAVAILABLE,
        }
    }
}
