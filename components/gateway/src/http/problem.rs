//! Errors as problem details (RFC 9457), with the stable codes that GraphQL has in `extensions.code`.

use http::header::{ACCEPT_ENCODING, ALLOW, ETAG, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderName, HeaderValue, StatusCode};
use mercato_shop::http::problem::{Details, MEDIA_TYPE};
use mercato_shop::http::{self as shared, uncached};
use mercato_shop::types::Error;
use schemars::JsonSchema;
use serde::Serialize;

use crate::http::error_details::{ErrorDetails, MissingLine};
use crate::http::reply::Reply;

/// An error reply.
#[derive(Debug)]
pub struct Problem {
    pub status: StatusCode,
    /// The stable code.
    pub code: &'static str,
    pub detail: String,
    /// The seconds to wait before the next attempt.
    pub retry_after: Option<u32>,
    extension: Box<Extension>,
    headers: Vec<(HeaderName, HeaderValue)>,
}

/// The body of an error reply.
pub type Body = Details<'static, Extension>;

/// The members that the gateway adds to problem details.
#[derive(Debug, Default, Serialize, JsonSchema)]
pub struct Extension {
    /// The invalid values.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(default)]
    errors: Vec<FieldError>,
    /// With OUT_OF_STOCK: the lines that exceed the stock.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(default)]
    lines: Vec<MissingLine>,
    /// With CONFLICT: the current version.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(default)]
    version: Option<u64>,
}

/// The members that the gateway adds to the extensions of an error of GraphQL.
#[derive(Serialize)]
struct GraphqlExtension<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<&'a str>,
}

/// An invalid value.
#[derive(Debug, Serialize, JsonSchema)]
pub struct FieldError {
    /// The path of the field, such as `products[1].quantity`.
    field: String,
    /// What is wrong, with the limit or the allowed values.
    message: String,
}

impl Problem {
    /// Returns a problem with this status, code and detail.
    pub fn new(status: StatusCode, code: &'static str, detail: impl Into<String>) -> Self {
        Self {
            status,
            code,
            detail: detail.into(),
            retry_after: None,
            extension: Box::default(),
            headers: Vec::new(),
        }
    }

    /// Returns the problem of a request that is malformed.
    pub fn bad_request(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "BAD_REQUEST", detail)
    }

    /// Returns the problem of an unknown path.
    pub fn no_such_path(path: &str) -> Self {
        let detail = format!("Nothing exists at {path}. GraphQL is at /graphql, and /docs describes REST.");
        Self::new(StatusCode::NOT_FOUND, "NOT_FOUND", detail)
    }

    /// Returns the problem of a method that the path does not have. `allow` lists its methods.
    pub fn method_not_allowed(allow: &str) -> Self {
        let detail = format!("The method must be one of: {allow}.");
        let problem = Self::new(StatusCode::METHOD_NOT_ALLOWED, "METHOD_NOT_ALLOWED", detail);
        problem.header(ALLOW, allow)
    }

    /// Returns the problem of a request that accepts no coding of the shop.
    pub fn no_acceptable_coding() -> Self {
        let detail = "The header Accept-Encoding must allow gzip, br, zstd or identity.";
        Self::new(StatusCode::NOT_ACCEPTABLE, "NOT_ACCEPTABLE", detail)
    }

    /// Returns the problem of a request whose body is compressed.
    pub fn compressed_body() -> Self {
        let detail = "The body must not be compressed. Send it without the header Content-Encoding.";
        let problem = Self::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "UNSUPPORTED_MEDIA_TYPE",
            detail,
        );
        problem.header(ACCEPT_ENCODING, "identity")
    }

    /// Adds the seconds to wait before the next attempt.
    pub fn retry_after(mut self, seconds: u32) -> Self {
        self.retry_after = Some(seconds);
        self.headers.push((RETRY_AFTER, HeaderValue::from(seconds)));
        self
    }

    fn header(mut self, name: HeaderName, value: &str) -> Self {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.headers.push((name, value));
        }
        self
    }

    fn shared(&self) -> shared::Problem<'_> {
        shared::Problem {
            status: self.status,
            code: self.code,
            detail: &self.detail,
            retry_after: self.retry_after,
        }
    }

    /// Returns the reply to a REST request for this path.
    pub fn reply(&self, path: &str) -> Reply {
        let body = self.shared().details(path, &self.extension);
        self.with_headers(uncached(self.status, HeaderValue::from_static(MEDIA_TYPE), body))
    }

    /// Returns the reply to a GraphQL request, in this media type.
    pub fn graphql_reply(&self, media_type: HeaderValue) -> Reply {
        let body = self
            .shared()
            .graphql_errors(GraphqlExtension { field: self.field() });
        self.with_headers(uncached(self.status, media_type, body))
    }

    /// Returns the path of the first invalid value.
    pub fn field(&self) -> Option<&str> {
        let first = self.extension.errors.first();
        first.map(|error| error.field.as_str())
    }

    fn with_headers(&self, mut reply: Reply) -> Reply {
        reply.headers_mut().extend(self.headers.iter().cloned());
        reply
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        let details = ErrorDetails::from(error);
        let status = details.status();
        let detail = match &details.field {
            Some(field) => format!("{field}: {}", details.message),
            None => details.message.clone(),
        };
        let mut problem = Self::new(status, details.code, detail);
        problem.extension.lines = details.lines;
        if let Some(field) = details.field {
            let message = details.message;
            problem.extension.errors.push(FieldError { field, message });
        }
        if let Some(version) = details.version {
            problem.extension.version = Some(version);
            problem = problem.header(ETAG, &format!("\"{version}\""));
        }
        if status == StatusCode::UNAUTHORIZED {
            problem = problem.header(WWW_AUTHENTICATE, "Bearer");
        }
        let unavailable = (status == StatusCode::SERVICE_UNAVAILABLE).then_some(1);
        match details.retry_after.or(unavailable) {
            Some(seconds) => problem.retry_after(seconds),
            None => problem,
        }
    }
}
