//! The errors that the host answers itself, as problem details (RFC 9457) or as GraphQL errors.

use bytes::Bytes;
use http::header::{CONNECTION, RETRY_AFTER};
use http::{HeaderValue, Response, StatusCode};
use http_body_util::Full;
use mercato_shop::http::problem::MEDIA_TYPE;
use mercato_shop::http::{self as shared, uncached};
use serde_json::json;

use super::request_context::RequestContext;
use crate::runtime::{AcquireError, CallError, InstanceError};

/// An error with a stable code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Problem {
    problem: shared::Problem<'static>,
    /// Whether to close the connection, because the rest of the request was not read.
    close: bool,
}

impl Problem {
    const fn new(status: StatusCode, code: &'static str, detail: &'static str) -> Self {
        Self {
            problem: shared::Problem {
                status,
                code,
                detail,
                retry_after: None,
            },
            close: false,
        }
    }

    /// The body is too large.
    pub const TOO_LARGE: Self = Self::new(
        StatusCode::PAYLOAD_TOO_LARGE,
        "PAYLOAD_TOO_LARGE",
        "The request body is larger than this shop accepts. Send less at once.",
    );

    /// The body is too large, and its rest was not read.
    pub const TOO_LARGE_UNREAD: Self = Self {
        close: true,
        ..Self::TOO_LARGE
    };

    /// The body did not arrive in time.
    pub const BODY_TOO_SLOW: Self = Self {
        close: true,
        ..Self::new(
            StatusCode::REQUEST_TIMEOUT,
            "REQUEST_TIMEOUT",
            "The request body did not arrive in time.",
        )
    };

    /// The body is incomplete or malformed.
    pub const BODY_BROKEN: Self = Self {
        close: true,
        ..Self::new(
            StatusCode::BAD_REQUEST,
            "BAD_REQUEST",
            "The request body is incomplete or malformed.",
        )
    };

    /// The request names no host.
    pub const NO_HOST: Self = Self::new(
        StatusCode::BAD_REQUEST,
        "BAD_REQUEST",
        "The request names no valid host. Send a Host header.",
    );

    /// All instances are busy, and the queue is full.
    pub const BUSY: Self = {
        let mut busy = Self::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "BUSY",
            "The shop is busy. Try again in a moment.",
        );
        busy.problem.retry_after = Some(1);
        busy
    };

    /// The shop did not answer in time.
    pub const TIMEOUT: Self = Self::new(
        StatusCode::GATEWAY_TIMEOUT,
        "TIMEOUT",
        "The shop did not answer in time. A change may have been made: check before you repeat the request.",
    );

    /// The shop failed.
    pub const INTERNAL: Self = Self::new(
        StatusCode::INTERNAL_SERVER_ERROR,
        "INTERNAL",
        "The shop failed to answer. The operator finds the reason in the log, by the request id.",
    );

    /// Returns the status of the response.
    pub fn status(&self) -> StatusCode {
        self.problem.status
    }

    /// Returns the response to a request.
    pub fn response(&self, context: &RequestContext) -> Response<Full<Bytes>> {
        let extension = json!({ "requestId": context.id() });
        let (media_type, body) = match context.graphql_media_type() {
            Some(media_type) => (media_type, self.problem.graphql_errors(extension)),
            None => (MEDIA_TYPE, self.problem.details(context.path(), extension)),
        };
        let media_type = HeaderValue::from_static(media_type);
        let mut response = uncached(self.problem.status, media_type, Full::new(body.into()));
        let headers = response.headers_mut();
        if let Some(seconds) = self.problem.retry_after {
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
            CallError::Acquire(AcquireError::Busy) => Self::BUSY,
            CallError::Instance(InstanceError::TimedOut(_)) => Self::TIMEOUT,
            CallError::Acquire(AcquireError::Instantiation(_)) | CallError::Instance(_) => Self::INTERNAL,
        }
    }
}

#[cfg(test)]
mod tests {
    use http::header::CONTENT_TYPE;
    use http::{HeaderMap, Request};
    use http_body_util::BodyExt;
    use serde_json::Value;

    use super::*;

    async fn respond(path: &str, accept: &str) -> (HeaderMap, Value) {
        let mut request = Request::builder()
            .uri(path)
            .header("accept", accept)
            .header("x-request-id", "a-1")
            .body(())
            .unwrap();
        let context = RequestContext::new(&mut request);
        let (head, body) = Problem::TOO_LARGE.response(&context).into_parts();
        assert_eq!(head.status, StatusCode::PAYLOAD_TOO_LARGE);
        let body = body.collect().await.unwrap().to_bytes();
        (head.headers, serde_json::from_slice(&body).unwrap())
    }

    #[tokio::test]
    async fn responds_with_problem_details_or_graphql_errors() {
        let (headers, problem) = respond("/api/products?first=1", "*/*").await;
        assert_eq!(headers[CONTENT_TYPE], "application/problem+json");
        assert_eq!(
            (&problem["code"], &problem["instance"], &problem["requestId"]),
            (
                &json!("PAYLOAD_TOO_LARGE"),
                &json!("/api/products"),
                &json!("a-1")
            )
        );
        for (path, accept, media_type) in [
            ("/graphql", "*/*", "application/json"),
            (
                "/graphql/",
                "Application/GraphQL-response+json",
                "application/graphql-response+json",
            ),
        ] {
            let (headers, answer) = respond(path, accept).await;
            assert_eq!(headers[CONTENT_TYPE], media_type);
            assert_eq!(
                answer["errors"][0]["extensions"],
                json!({ "code": "PAYLOAD_TOO_LARGE", "requestId": "a-1" })
            );
        }
    }
}
