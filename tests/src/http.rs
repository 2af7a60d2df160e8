//! HTTP requests and responses, as a client of a shop sends and reads them.

use std::fmt::Display;
use std::io::Read;

use anyhow::{Result, anyhow};
use serde::Serialize;
use serde_json::{Value, json};
use ureq::BodyReader;
use ureq::http::HeaderMap;

use crate::values::text_at;

/// The media type of requests, and of responses to clients that do not know GraphQL over HTTP.
pub const JSON: &str = "application/json";
/// The media type of responses that GraphQL over HTTP introduces.
pub const GRAPHQL_RESPONSE: &str = "application/graphql-response+json";
/// The media type of server-sent events.
pub const EVENT_STREAM: &str = "text/event-stream";
/// The media type of problems (RFC 9457).
const PROBLEM: &str = "application/problem+json";

/// A request before it is sent.
#[derive(Clone)]
pub struct Request {
    pub method: &'static str,
    pub path: String,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Request {
    /// Returns a request without headers and body. The path starts with `/` and may contain a query.
    pub fn new(method: &'static str, path: impl Into<String>) -> Self {
        Self {
            method,
            path: path.into(),
            headers: Vec::new(),
            body: Vec::new(),
        }
    }

    /// Returns a request with a JSON body, or without a body if it is null.
    pub fn json(method: &'static str, path: impl Into<String>, body: &Value) -> Self {
        let request = Self::new(method, path);
        if body.is_null() {
            return request;
        }
        request.header("content-type", JSON).body(body.to_string())
    }

    /// Returns a GraphQL request by POST with a body that need not be valid.
    pub fn graphql(body: impl Into<Vec<u8>>) -> Self {
        Self::new("POST", "/graphql")
            .header("content-type", JSON)
            .body(body)
    }

    /// Returns a GraphQL request by POST with a JSON body.
    pub fn post(body: &Value) -> Self {
        Self::graphql(body.to_string())
    }

    /// Returns a GraphQL request by POST without variables.
    pub fn query(query: &str) -> Self {
        Self::post(&json!({ "query": query }))
    }

    /// Returns a GraphQL request by GET with these parameters.
    pub fn get(parameters: &[(&str, &str)]) -> Self {
        let pairs: Vec<String> = parameters
            .iter()
            .map(|(name, value)| format!("{name}={}", percent_encoded(value)))
            .collect();
        Self::new("GET", format!("/graphql?{}", pairs.join("&")))
    }

    /// Adds a header.
    pub fn header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    /// Sets the body.
    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    /// Returns the shortened request without its secrets, for a failure message.
    pub fn describe(&self) -> String {
        let headers: Vec<String> = self
            .headers
            .iter()
            .map(|(name, value)| match name.as_str() {
                "x-api-key" => format!("{name}: …"),
                "authorization" => format!("{name}: {}", shortened(value, 24)),
                _ => format!("{name}: {}", shortened(value, 100)),
            })
            .collect();
        format!(
            "{} {}\n{}\n\n{}",
            self.method,
            shortened(&self.path, 600),
            headers.join("\n"),
            shortened(&String::from_utf8_lossy(&self.body), 1_200)
        )
    }
}

/// A response, with a description of its request for failure messages.
pub struct Response {
    request: String,
    /// The HTTP status.
    pub status: u16,
    headers: HeaderMap,
    body: Vec<u8>,
}

impl Response {
    /// Returns a response to the described request.
    pub fn new(request: String, status: u16, headers: HeaderMap, body: Vec<u8>) -> Self {
        Self {
            request,
            status,
            headers,
            body,
        }
    }

    /// Returns the value of a header, if it is there and is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// Returns the body as text.
    pub fn body(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// Returns the body as it was sent.
    pub fn bytes(&self) -> &[u8] {
        &self.body
    }

    /// Returns the body as JSON.
    pub fn json(&self) -> Result<Value> {
        serde_json::from_slice(&self.body)
            .map_err(|error| self.failure(format!("the body is not JSON: {error}")))
    }

    /// Returns the value at a JSON pointer (RFC 6901) into the body.
    pub fn value(&self, pointer: &str) -> Result<Value> {
        let found = self.json()?.pointer(pointer).cloned();
        found.ok_or_else(|| self.failure(format!("there is no value at {pointer}")))
    }

    /// Returns the text at a JSON pointer into the body.
    pub fn text(&self, pointer: &str) -> Result<String> {
        let text = text_at(&self.json()?, pointer).map(str::to_owned);
        text.map_err(|error| self.failure(error))
    }

    /// Fails unless the value at a JSON pointer into the body equals the expected one.
    pub fn has(&self, pointer: &str, expected: impl Serialize) -> Result<()> {
        let expected = json!(expected);
        self.expect(
            self.value(pointer)? == expected,
            format!("{pointer} should be {expected}"),
        )
    }

    /// Fails unless a header has the expected value.
    pub fn has_header(&self, name: &str, expected: &str) -> Result<()> {
        self.expect(
            self.header(name) == Some(expected),
            format!("expected the header {name}: {expected}"),
        )
    }

    /// Fails unless the status is the expected one.
    pub fn expect_status(&self, expected: u16) -> Result<&Self> {
        self.expect(self.status == expected, format!("expected status {expected}"))?;
        Ok(self)
    }

    /// Fails unless the response's media type, without its parameters, is the expected one.
    pub fn expect_media_type(&self, expected: &str) -> Result<&Self> {
        let media_type = self
            .header("content-type")
            .and_then(|value| value.split(';').next())
            .map(str::trim);
        self.expect(
            media_type == Some(expected),
            format!("expected media type {expected}"),
        )?;
        Ok(self)
    }

    /// Fails unless the response is a problem (RFC 9457) with this status and code.
    pub fn problem(&self, status: u16, code: &str) -> Result<()> {
        self.expect_status(status)?.expect_media_type(PROBLEM)?;
        let body = self.json()?;
        let is_text = |name: &&str| body.get(name).is_some_and(Value::is_string);
        let complete = body.get("code") == Some(&json!(code))
            && body.get("status") == Some(&json!(status))
            && ["type", "title", "detail", "instance"].iter().all(is_text);
        self.expect(
            complete,
            format!("expected a problem with status {status} and code {code}"),
        )
    }

    /// Fails with this message, the request and the response unless the condition holds.
    pub fn expect(&self, condition: bool, message: impl Display) -> Result<()> {
        if condition {
            Ok(())
        } else {
            Err(self.failure(message))
        }
    }

    /// Returns a failure that shows the request and the response.
    pub fn failure(&self, message: impl Display) -> anyhow::Error {
        let headers: Vec<String> = self
            .headers
            .iter()
            .map(|(name, value)| format!("{name}: {}", String::from_utf8_lossy(value.as_bytes())))
            .collect();
        anyhow!(
            "{message}\n--- request\n{}\n--- response {}\n{}\n\n{}\n---",
            self.request,
            self.status,
            headers.join("\n"),
            shortened(&self.body(), 3_000)
        )
    }
}

/// A response whose body is read as it arrives.
pub struct ResponseStream {
    /// The status and the headers.
    pub response: Response,
    body: BodyReader<'static>,
}

impl ResponseStream {
    /// Returns a stream that has not read any of the body.
    pub fn new(response: Response, body: BodyReader<'static>) -> Self {
        Self { response, body }
    }

    /// Reads the whole body. Fails if it has no end.
    pub fn read_to_end(mut self) -> Result<Response> {
        let read = self.body.read_to_end(&mut self.response.body);
        read.map_err(|error| self.response.failure(format!("the body has no end: {error}")))?;
        Ok(self.response)
    }

    /// Returns the response with another body.
    pub fn with_body(mut self, body: impl Into<Vec<u8>>) -> Response {
        self.response.body = body.into();
        self.response
    }

    /// Returns the next bytes. They are empty at the end, or after the connection is lost.
    pub fn next_bytes(&mut self) -> Vec<u8> {
        let mut buffer = vec![0; 4096];
        let length = self.body.read(&mut buffer).unwrap_or(0);
        buffer.truncate(length);
        buffer
    }
}

fn shortened(text: &str, limit: usize) -> String {
    match text.char_indices().nth(limit) {
        None => text.to_owned(),
        Some((end, _)) => format!(
            "{}… ({} bytes in total)",
            text.get(..end).unwrap_or_default(),
            text.len()
        ),
    }
}

/// Encodes a query parameter (RFC 3986, section 2.1).
fn percent_encoded(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                char::from(byte).to_string()
            }
            _ => format!("%{byte:02X}"),
        })
        .collect()
}
