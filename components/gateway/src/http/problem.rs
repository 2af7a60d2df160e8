//! Refusals as problem details (RFC 9457), with the stable codes that GraphQL has in `extensions.code`.

use http::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, ETAG, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderName, HeaderValue, Response, StatusCode};
use mercato_shop::types::{Error, Shortage};
use schemars::JsonSchema;
use serde::Serialize;

use crate::errors;
use crate::http::Reply;
use crate::http::envelope::Refused;

/// The media type of problem details.
pub const MEDIA_TYPE: &str = "application/problem+json";

/// What was refused, and why.
#[derive(Debug)]
pub struct Problem {
    status: StatusCode,
    code: &'static str,
    detail: String,
    errors: Vec<FieldError>,
    lines: Vec<MissingLine>,
    version: Option<u64>,
    retry_after: Option<u32>,
    headers: Vec<(HeaderName, HeaderValue)>,
}

/// A refusal (RFC 9457).
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "Problem")]
pub struct Body<'a> {
    /// `about:blank`: `code` tells what kind of problem it is.
    r#type: &'static str,
    title: &'static str,
    status: u16,
    /// For a person: what to do.
    detail: &'a str,
    /// The path of the request.
    instance: &'a str,
    /// The stable code.
    code: &'a str,
    /// The values that can't be taken.
    #[serde(skip_serializing_if = "is_empty")]
    #[schemars(default)]
    errors: &'a [FieldError],
    /// With OUT_OF_STOCK: what there is not enough of.
    #[serde(skip_serializing_if = "is_empty")]
    #[schemars(default)]
    lines: &'a [MissingLine],
    /// With CONFLICT: the version that the thing is at now.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(default)]
    version: Option<u64>,
    /// How many seconds to wait before the next try.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(default)]
    retry_after: Option<u32>,
}

/// A value that can't be taken.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct FieldError {
    /// The path of the field, such as `products[1].quantity`.
    pub field: String,
    pub message: String,
}

/// A line of an order that could not be had in full.
#[derive(Clone, Debug, Serialize, JsonSchema)]
struct MissingLine {
    /// The product's id.
    #[serde(rename = "_id")]
    id: String,
    requested: u32,
    available: u32,
}

fn is_empty<T>(list: &&[T]) -> bool {
    list.is_empty()
}

impl Problem {
    /// A problem with this status, code and advice.
    pub fn new(status: StatusCode, code: &'static str, detail: impl Into<String>) -> Self {
        Self {
            status,
            code,
            detail: detail.into(),
            errors: Vec::new(),
            lines: Vec::new(),
            version: None,
            retry_after: None,
            headers: Vec::new(),
        }
    }

    /// There is nothing at this path.
    pub fn no_such_path(path: &str) -> Self {
        let detail = format!("There is nothing at {path}. GraphQL is at /graphql, and /docs tells of REST.");
        Self::new(StatusCode::NOT_FOUND, "NOT_FOUND", detail)
    }

    /// The path has other methods, listed as the header `Allow` lists them.
    pub fn method_not_allowed(allow: &str) -> Self {
        let detail = format!("This path takes {allow}.");
        let problem = Self::new(StatusCode::METHOD_NOT_ALLOWED, "METHOD_NOT_ALLOWED", detail);
        problem.header(ALLOW, allow)
    }

    /// A value that can't be taken.
    pub fn invalid(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self::from(Error::invalid(field, message))
    }

    /// With the version that the thing is at now.
    pub fn at_version(mut self, version: u64, tag: &str) -> Self {
        self.version = Some(version);
        self.header(ETAG, tag)
    }

    /// With so many seconds to wait before the next try.
    pub fn retry_after(mut self, seconds: u32) -> Self {
        self.retry_after = Some(seconds);
        self.headers.push((RETRY_AFTER, HeaderValue::from(seconds)));
        self
    }

    /// The stable code.
    pub const fn code(&self) -> &'static str {
        self.code
    }

    /// The status.
    pub const fn status(&self) -> StatusCode {
        self.status
    }

    /// What to do.
    pub fn detail(&self) -> &str {
        &self.detail
    }

    /// How many seconds to wait before the next try.
    pub const fn seconds(&self) -> Option<u32> {
        self.retry_after
    }

    /// The headers that belong to it.
    pub fn headers(&self) -> &[(HeaderName, HeaderValue)] {
        &self.headers
    }

    fn header(mut self, name: HeaderName, value: &str) -> Self {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.headers.push((name, value));
        }
        self
    }

    /// The answer to a request for this path.
    pub fn reply(&self, path: &str) -> Reply {
        let body = Body {
            r#type: "about:blank",
            title: self.status.canonical_reason().unwrap_or("Refused"),
            status: self.status.as_u16(),
            detail: &self.detail,
            instance: path,
            code: self.code,
            errors: &self.errors,
            lines: &self.lines,
            version: self.version,
            retry_after: self.retry_after,
        };
        let mut reply = Response::new(serde_json::to_vec(&body).unwrap_or_default());
        *reply.status_mut() = self.status;
        let headers = reply.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.extend(self.headers.iter().cloned());
        reply
    }
}

/// The status of a domain error, by its code.
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

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        if let Error::Internal(reason) = &error {
            eprintln!("internal error: {reason}");
        }
        let lines = match &error {
            Error::OutOfStock(lines) => lines.iter().map(MissingLine::from).collect(),
            _ => Vec::new(),
        };
        let retry_after = match &error {
            Error::RateLimited(seconds) => Some(*seconds),
            Error::Unavailable(_) => Some(1),
            _ => None,
        };
        let (code, field, message) = errors::parts(error);
        let status = status(code);
        let detail = match &field {
            Some(field) => format!("{field}: {message}"),
            None if code == "OUT_OF_STOCK" => {
                "There is not enough in stock; lines tells what is left.".into()
            }
            None => message.clone(),
        };
        let mut problem = Self::new(status, code, detail);
        problem.lines = lines;
        problem
            .errors
            .extend(field.map(|field| FieldError { field, message }));
        if status == StatusCode::UNAUTHORIZED {
            problem = problem.header(WWW_AUTHENTICATE, "Bearer");
        }
        match retry_after {
            Some(seconds) => problem.retry_after(seconds),
            None => problem,
        }
    }
}

impl From<Refused> for Problem {
    fn from(refused: Refused) -> Self {
        Self::new(refused.status, refused.code, refused.message)
    }
}

impl From<&Shortage> for MissingLine {
    fn from(line: &Shortage) -> Self {
        Self {
            id: line.product_id.clone(),
            requested: line.requested,
            available: line.available,
        }
    }
}
