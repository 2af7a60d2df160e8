//! The errors that the host answers itself, as problem details (RFC 9457) or as GraphQL errors.

use bytes::Bytes;
use http::header::{ALLOW, CONNECTION, RETRY_AFTER};
use http::{HeaderValue, Response, StatusCode};
use http_body_util::Full;
use mercato_shop::http::problem::MEDIA_TYPE;
use mercato_shop::http::{self as shared, uncached};
use serde_json::json;

use super::request_context::RequestContext;
use crate::runtime::InstanceError;

/// An error with a stable code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Problem {
    problem: shared::Problem<'static>,
    /// Whether to close the connection, because the rest of the request was not read.
    close: bool,
    /// The methods of the address.
    allow: Option<&'static str>,
}

/// The methods of the shop.
pub const METHODS: &str = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS";

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
            allow: None,
        }
    }

    const fn bad_request(detail: &'static str) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "BAD_REQUEST", detail)
    }

    const fn closing(mut self) -> Self {
        self.close = true;
        self
    }

    /// The body is too large. It was not read.
    pub const TOO_LARGE: Self = Self::new(
        StatusCode::PAYLOAD_TOO_LARGE,
        "PAYLOAD_TOO_LARGE",
        "The request body is larger than this shop accepts. Send less at once.",
    )
    .closing();

    /// The body did not arrive in time.
    pub const BODY_TOO_SLOW: Self = Self::new(
        StatusCode::REQUEST_TIMEOUT,
        "REQUEST_TIMEOUT",
        "The request body did not arrive in time. Send at least 1 KiB in 5 seconds, and all of it in 15 seconds.",
    )
    .closing();

    /// The head did not arrive in time.
    pub const HEAD_TOO_SLOW: Self = Self::new(
        StatusCode::REQUEST_TIMEOUT,
        "REQUEST_TIMEOUT",
        "The head of the request did not arrive within 10 seconds.",
    );

    /// The body is incomplete or malformed.
    pub const BODY_BROKEN: Self =
        Self::bad_request("The request body is incomplete or malformed. Check its length or its chunks.")
            .closing();

    /// The connection ended within a head.
    pub const HEAD_INCOMPLETE: Self =
        Self::bad_request("The head of the request is incomplete. End it with an empty line.");

    /// The request line is malformed.
    pub const REQUEST_LINE: Self =
        Self::bad_request("The request line is malformed. Write it as `GET /path HTTP/1.1`.");

    /// The target is not a URI.
    pub const TARGET_MALFORMED: Self = Self::bad_request(
        "The request target is not a path with an optional query. Percent-encode other characters.",
    );

    /// A header is malformed.
    pub const HEADER_MALFORMED: Self =
        Self::bad_request("A header is malformed. Write each as `Name: value` on one line.");

    /// The length of the body is not a number.
    pub const LENGTH_MALFORMED: Self =
        Self::bad_request("`Content-Length` must be the number of bytes of the body, in decimal digits.");

    /// The length of the body is there twice.
    pub const LENGTH_REPEATED: Self = Self::bad_request("Send `Content-Length` only once.");

    /// The body has a length and a transfer coding.
    pub const LENGTH_AND_CODING: Self =
        Self::bad_request("Send either `Content-Length` or `Transfer-Encoding`, not both.");

    /// The body has several transfer codings.
    pub const CODING_REPEATED: Self = Self::bad_request("Send `Transfer-Encoding` only once.");

    /// HTTP/1.0 has no transfer codings.
    pub const CODING_IN_HTTP_1_0: Self =
        Self::bad_request("HTTP/1.0 has no `Transfer-Encoding`. Send `Content-Length`.");

    /// The transfer coding is unknown.
    pub const CODING: Self = Self::new(
        StatusCode::NOT_IMPLEMENTED,
        "BAD_REQUEST",
        "`Transfer-Encoding` must be `chunked`.",
    );

    /// The version of HTTP is unknown.
    pub const VERSION: Self = Self::new(
        StatusCode::HTTP_VERSION_NOT_SUPPORTED,
        "BAD_REQUEST",
        "The version of HTTP must be 1.0, 1.1, or 2 with prior knowledge.",
    );

    /// The target is too long.
    pub const TARGET_TOO_LONG: Self = Self::new(
        StatusCode::URI_TOO_LONG,
        "URI_TOO_LONG",
        "The request target must be at most 32 KiB. Send long queries by POST.",
    );

    /// The head is too large.
    pub const HEAD_TOO_LARGE: Self = Self::new(
        StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
        "HEADERS_TOO_LARGE",
        "The head of the request must be at most 64 KiB. Send fewer or shorter headers.",
    );

    /// The head has too many headers.
    pub const TOO_MANY_HEADERS: Self = Self::new(
        StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
        "HEADERS_TOO_LARGE",
        "The request must have at most 100 headers. Send fewer.",
    );

    /// The request names no host, several hosts, or an invalid one.
    pub const NO_HOST: Self = Self::bad_request(
        "The request must name one host. Send one `Host` header with a name or an IP address, and an optional port.",
    );

    /// Only OPTIONS has the target `*`.
    pub const TARGET_FOR_OPTIONS: Self =
        Self::bad_request("Only the method OPTIONS has the target `*`. Send a path.");

    /// The server has no such method.
    pub const METHOD: Self = {
        let mut problem = Self::new(
            StatusCode::METHOD_NOT_ALLOWED,
            "METHOD_NOT_ALLOWED",
            "The method must be one of: GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS.",
        );
        problem.allow = Some(METHODS);
        problem
    };

    /// The address can only be read.
    pub const READ_ONLY: Self = {
        let mut problem = Self::new(
            StatusCode::METHOD_NOT_ALLOWED,
            "METHOD_NOT_ALLOWED",
            "The method must be one of: GET, HEAD.",
        );
        problem.allow = Some("GET, HEAD");
        problem
    };

    /// All instances are busy, and the queue is full. `retry_after` is in seconds. The body was not read.
    pub const fn busy(retry_after: u32) -> Self {
        let mut busy = Self::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "BUSY",
            "The shop is busy. Try again after the seconds of `Retry-After`.",
        );
        busy.problem.retry_after = Some(retry_after);
        busy.closing()
    }

    /// The shop did not answer in time.
    pub const TIMEOUT: Self = Self::new(
        StatusCode::GATEWAY_TIMEOUT,
        "TIMEOUT",
        "The shop did not answer in time. A change may have been made: check before you repeat the request.",
    );

    /// The request computed for longer than its limit.
    pub const TOO_COMPLEX: Self = Self::new(
        StatusCode::UNPROCESSABLE_ENTITY,
        "REQUEST_TOO_COMPLEX",
        "The request needs more computing time than this shop allows. Ask for less at once. \
         A change may have been made: check before you repeat a request that changes something.",
    );

    /// The request needed more memory than there was.
    pub const OUT_OF_MEMORY: Self = {
        let mut out_of_memory = Self::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "OUT_OF_MEMORY",
            "The request needs more memory than this shop has for it. Ask for less at once, or try again later. \
             A change may have been made: check before you repeat a request that changes something.",
        );
        out_of_memory.problem.retry_after = Some(1);
        out_of_memory
    };

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

    /// Returns the stable code.
    pub fn code(&self) -> &'static str {
        self.problem.code
    }

    /// Returns whether the shop had no room for the request.
    pub fn is_busy(&self) -> bool {
        self.problem.code == "BUSY"
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
        if let Some(methods) = self.allow {
            headers.insert(ALLOW, HeaderValue::from_static(methods));
        }
        if self.close {
            headers.insert(CONNECTION, HeaderValue::from_static("close"));
        }
        response
    }
}

impl From<&InstanceError> for Problem {
    fn from(error: &InstanceError) -> Self {
        match error {
            InstanceError::TimedOut(_) => Self::TIMEOUT,
            InstanceError::Computed(_) => Self::TOO_COMPLEX,
            InstanceError::OutOfMemory => Self::OUT_OF_MEMORY,
            _ => Self::INTERNAL,
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
