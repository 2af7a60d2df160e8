//! Errors that the host answers by itself, as problem details (RFC 9457) with a stable code.

use bytes::Bytes;
use http::header::{CONNECTION, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderValue, Response, StatusCode};
use http_body_util::Full;
use serde::Serialize;

use crate::runtime::{Busy, CallError, Trouble};

/// What went wrong, as the client is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Problem {
    status: StatusCode,
    code: &'static str,
    detail: &'static str,
    /// Seconds after which the client may try again.
    retry_after: Option<u32>,
    /// The rest of the request was not read, so the connection is of no use any more.
    close: bool,
}

impl Problem {
    const fn new(status: StatusCode, code: &'static str, detail: &'static str) -> Self {
        Self {
            status,
            code,
            detail,
            retry_after: None,
            close: false,
        }
    }

    /// The body is larger than allowed.
    pub const TOO_LARGE: Self = Self::new(
        StatusCode::PAYLOAD_TOO_LARGE,
        "PAYLOAD_TOO_LARGE",
        "The request body is larger than this shop accepts. Send less at once.",
    );

    /// The same, where the body was not read to its end.
    pub const TOO_LARGE_UNREAD: Self = Self {
        close: true,
        ..Self::TOO_LARGE
    };

    /// The body did not come in time.
    pub const BODY_TOO_SLOW: Self = Self {
        close: true,
        ..Self::new(
            StatusCode::REQUEST_TIMEOUT,
            "REQUEST_TIMEOUT",
            "The request body did not arrive in time.",
        )
    };

    /// The body broke off.
    pub const BODY_BROKEN: Self = Self {
        close: true,
        ..Self::new(
            StatusCode::BAD_REQUEST,
            "BAD_REQUEST",
            "The request body broke off or is malformed.",
        )
    };

    /// There is no host in the request.
    pub const NO_HOST: Self = Self::new(
        StatusCode::BAD_REQUEST,
        "BAD_REQUEST",
        "The request names no valid host. Send a Host header.",
    );

    /// All instances are busy, and the queue is full.
    pub const BUSY: Self = Self {
        retry_after: Some(1),
        ..Self::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "BUSY",
            "The shop is busy. Try again in a moment.",
        )
    };

    /// The request took too long.
    pub const TIMEOUT: Self = Self::new(
        StatusCode::GATEWAY_TIMEOUT,
        "TIMEOUT",
        "The shop did not answer in time. Whether something was changed is not known: look before you repeat it.",
    );

    /// The shop failed.
    pub const INTERNAL: Self = Self::new(
        StatusCode::INTERNAL_SERVER_ERROR,
        "INTERNAL",
        "The shop failed to answer. The operator finds the reason in the log, by the request id.",
    );

    /// The status that it is answered with.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// The response.
    pub fn response(&self, request_id: &str) -> Response<Full<Bytes>> {
        let body = Body {
            r#type: "about:blank",
            title: self.status.canonical_reason().unwrap_or_default(),
            status: self.status.as_u16(),
            code: self.code,
            detail: self.detail,
            request_id,
        };
        let mut response = Response::new(Full::new(serde_json::to_vec(&body).unwrap_or_default().into()));
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if let Some(seconds) = self.retry_after {
            headers.insert(RETRY_AFTER, seconds.into());
        }
        if self.close {
            headers.insert(CONNECTION, HeaderValue::from_static("close"));
        }
        response
    }
}

impl From<&CallError> for Problem {
    fn from(error: &CallError) -> Self {
        match error {
            CallError::Busy(Busy::Full) => Self::BUSY,
            CallError::Trouble(Trouble::TooLong(_)) => Self::TIMEOUT,
            CallError::Busy(Busy::Broken(_)) | CallError::Trouble(_) => Self::INTERNAL,
        }
    }
}

/// The JSON form.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Body<'a> {
    r#type: &'a str,
    title: &'a str,
    status: u16,
    code: &'a str,
    detail: &'a str,
    request_id: &'a str,
}
