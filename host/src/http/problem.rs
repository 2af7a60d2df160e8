//! Errors that the host answers by itself, with a stable code: as problem details (RFC 9457), or as GraphQL's clients read them.

use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONNECTION, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderValue, Response, StatusCode};
use http_body_util::Full;
use serde::Serialize;

use super::asked::Asked;
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

    /// The response to a request.
    pub fn response(&self, asked: &Asked) -> Response<Full<Bytes>> {
        let (media_type, body) = match asked.graphql() {
            Some(media_type) => (media_type, self.errors(asked)),
            None => ("application/problem+json", self.details(asked)),
        };
        let mut response = Response::new(Full::new(body.unwrap_or_default().into()));
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(seconds) = self.retry_after {
            headers.insert(RETRY_AFTER, seconds.into());
        }
        if self.close {
            headers.insert(CONNECTION, HeaderValue::from_static("close"));
        }
        response
    }

    /// As REST tells it.
    fn details(&self, asked: &Asked) -> serde_json::Result<Vec<u8>> {
        serde_json::to_vec(&Details {
            r#type: "about:blank",
            title: self.status.canonical_reason().unwrap_or_default(),
            status: self.status.as_u16(),
            code: self.code,
            detail: self.detail,
            instance: asked.path(),
            request_id: asked.id(),
            retry_after: self.retry_after,
        })
    }

    /// As GraphQL tells it.
    fn errors(&self, asked: &Asked) -> serde_json::Result<Vec<u8>> {
        serde_json::to_vec(&Errors {
            errors: [GraphqlError {
                message: self.detail,
                extensions: Extensions {
                    code: self.code,
                    request_id: asked.id(),
                    retry_after: self.retry_after,
                },
            }],
        })
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

/// The form of REST.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Details<'a> {
    r#type: &'a str,
    title: &'a str,
    status: u16,
    code: &'a str,
    detail: &'a str,
    instance: &'a str,
    request_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_after: Option<u32>,
}

/// The form of GraphQL.
#[derive(Serialize)]
struct Errors<'a> {
    errors: [GraphqlError<'a>; 1],
}

#[derive(Serialize)]
struct GraphqlError<'a> {
    message: &'a str,
    extensions: Extensions<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Extensions<'a> {
    code: &'a str,
    request_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_after: Option<u32>,
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, Request};
    use http_body_util::BodyExt;
    use serde_json::{Value, json};

    use super::*;

    async fn told(path: &str, accept: &str) -> (HeaderMap, Value) {
        let mut request = Request::builder()
            .uri(path)
            .header("accept", accept)
            .header("x-request-id", "a-1")
            .body(())
            .unwrap();
        let asked = Asked::of(&mut request);
        let (head, body) = Problem::TOO_LARGE.response(&asked).into_parts();
        assert_eq!(head.status, StatusCode::PAYLOAD_TOO_LARGE);
        let body = body.collect().await.unwrap().to_bytes();
        (head.headers, serde_json::from_slice(&body).unwrap())
    }

    #[tokio::test]
    async fn rest_is_told_details_and_graphql_errors() {
        let (headers, problem) = told("/api/products?first=1", "*/*").await;
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
            let (headers, answer) = told(path, accept).await;
            assert_eq!(headers[CONTENT_TYPE], media_type);
            assert_eq!(
                answer["errors"][0]["extensions"],
                json!({ "code": "PAYLOAD_TOO_LARGE", "requestId": "a-1" })
            );
        }
    }
}
