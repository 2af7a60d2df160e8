//! A shop as its clients see it: HTTP requests in, responses out.

use std::io::Read;
use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use serde_json::{Value, json};
use ureq::http::{HeaderMap, Request};
use ureq::{Agent, BodyReader};

use crate::answer::Answer;

/// The media type of requests, and of responses as clients knew them before the specification.
pub const JSON: &str = "application/json";
/// The media type of responses that GraphQL over HTTP introduces.
pub const GRAPHQL_RESPONSE: &str = "application/graphql-response+json";

/// As whom a request comes.
#[derive(Clone, Copy, Debug)]
pub enum As<'a> {
    /// Without any proof.
    Anonymous,
    /// With the shop's API key.
    Key,
    /// With a key that is not the shop's.
    WrongKey,
    /// With an access token.
    Token(&'a str),
}

/// One request, before it is sent.
pub struct Call {
    method: &'static str,
    path: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Call {
    /// A request without headers and body; the path starts with `/` and may hold a query.
    pub fn new(method: &'static str, path: impl Into<String>) -> Self {
        Self {
            method,
            path: path.into(),
            headers: Vec::new(),
            body: Vec::new(),
        }
    }

    /// A GraphQL request by POST with this JSON body.
    pub fn post(body: &Value) -> Self {
        Self::new("POST", "/graphql")
            .header("content-type", JSON)
            .body(body.to_string())
    }

    /// A GraphQL request by GET with these parameters.
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

    /// What a failure message shows of the request: all but secrets, shortened.
    fn describe(&self) -> String {
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

/// One response, with the request that it answers.
pub struct Reply {
    request: String,
    /// The HTTP status.
    pub status: u16,
    headers: HeaderMap,
    body: Vec<u8>,
}

impl Reply {
    /// The value of a header; none where it is missing or not text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON.
    pub fn json(&self) -> Result<Value> {
        serde_json::from_slice(&self.body)
            .map_err(|error| self.failure(format!("the body is no JSON: {error}")))
    }

    /// Fails unless the status is the expected one.
    pub fn expect_status(&self, expected: u16) -> Result<&Self> {
        self.expect(self.status == expected, || format!("expected status {expected}"))
    }

    /// Fails unless the response's media type, without its parameters, is the expected one.
    pub fn expect_media_type(&self, expected: &str) -> Result<&Self> {
        let media_type = self
            .header("content-type")
            .and_then(|value| value.split(';').next())
            .map(str::trim);
        self.expect(media_type == Some(expected), || {
            format!("expected media type {expected}")
        })
    }

    /// Fails with this message, the request and the response unless the condition holds.
    pub fn expect(&self, condition: bool, message: impl FnOnce() -> String) -> Result<&Self> {
        if condition {
            Ok(self)
        } else {
            Err(self.failure(message()))
        }
    }

    /// A failure that shows the request and the response.
    pub fn failure(&self, message: impl std::fmt::Display) -> anyhow::Error {
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
            shortened(&self.text(), 3_000)
        )
    }
}

/// A response whose body is still to come.
pub struct Opened {
    /// The response so far.
    pub reply: Reply,
    body: BodyReader<'static>,
}

impl Opened {
    /// The whole response, where it has an end.
    pub fn whole(mut self) -> Result<Reply> {
        let read = self.body.read_to_end(&mut self.reply.body);
        read.map_err(|error| self.reply.failure(format!("the body has no end: {error}")))?;
        Ok(self.reply)
    }

    /// The response with a part of its body as if it were all.
    pub fn with_body(mut self, body: impl Into<Vec<u8>>) -> Reply {
        self.reply.body = body.into();
        self.reply
    }

    /// What comes next; empty at the end, or where the connection is over.
    pub fn more(&mut self) -> Vec<u8> {
        let mut buffer = vec![0; 4096];
        let length = self.body.read(&mut buffer).unwrap_or(0);
        buffer.truncate(length);
        buffer
    }
}

/// A running shop.
pub struct Shop {
    url: String,
    secret: String,
    agent: Agent,
}

impl Shop {
    /// The shop at this base URL, whose API key is this secret.
    pub fn new(url: &str, secret: &str) -> Self {
        let agent = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .proxy(None)
            .accept("")
            .timeout_global(Some(Duration::from_secs(60)))
            .max_idle_connections(256)
            .max_idle_connections_per_host(256)
            .max_idle_age(Duration::from_secs(2))
            .build()
            .new_agent();
        Self {
            url: url.trim_end_matches('/').to_owned(),
            secret: secret.to_owned(),
            agent,
        }
    }

    /// The base URL, without a slash at its end.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The API key.
    pub fn secret(&self) -> &str {
        &self.secret
    }

    /// Sends a request as it is.
    pub fn send(&self, call: Call) -> Result<Reply> {
        let mut request = Request::builder()
            .method(call.method)
            .uri(format!("{}{}", self.url, call.path));
        for (name, value) in &call.headers {
            request = request.header(name, value);
        }
        let description = call.describe();
        let told = || format!("no response to\n{description}");
        let mut response = self.agent.run(request.body(call.body)?).with_context(told)?;
        let body = response
            .body_mut()
            .with_config()
            .limit(64 << 20)
            .read_to_vec()
            .with_context(told)?;
        Ok(Reply {
            request: description,
            status: response.status().as_u16(),
            headers: response.headers().clone(),
            body,
        })
    }

    /// Sends a request as somebody.
    pub fn send_as(&self, who: As<'_>, call: Call) -> Result<Reply> {
        self.send(self.proved(who, call))
    }

    /// Sends a request as somebody; its response is read as it comes, and for so long at the most.
    pub fn open_as(&self, who: As<'_>, call: Call, limit: Duration) -> Result<Opened> {
        let call = self.proved(who, call);
        let mut request = Request::builder()
            .method(call.method)
            .uri(format!("{}{}", self.url, call.path));
        for (name, value) in &call.headers {
            request = request.header(name, value);
        }
        let description = call.describe();
        let request = self.agent.configure_request(request.body(call.body)?);
        let request = request.timeout_global(Some(limit)).build();
        let response = self
            .agent
            .run(request)
            .with_context(|| format!("no response to\n{description}"))?;
        let (parts, body) = response.into_parts();
        Ok(Opened {
            reply: Reply {
                request: description,
                status: parts.status.as_u16(),
                headers: parts.headers,
                body: Vec::new(),
            },
            body: body.into_reader(),
        })
    }

    fn proved(&self, who: As<'_>, call: Call) -> Call {
        match who {
            As::Anonymous => call,
            As::Key => call.header("x-api-key", &self.secret),
            As::WrongKey => call.header("x-api-key", "a-key-that-no-shop-has-0123456789"),
            As::Token(token) => call.header("authorization", format!("Bearer {token}")),
        }
    }

    /// Runs an operation with variables.
    pub fn graphql(&self, who: As<'_>, query: &str, variables: Value) -> Result<Answer> {
        let call = Call::post(&json!({ "query": query, "variables": variables })).header("accept", JSON);
        Answer::new(self.send_as(who, call)?)
    }

    /// Runs an operation without variables.
    pub fn query(&self, who: As<'_>, query: &str) -> Result<Answer> {
        self.graphql(who, query, json!({}))
    }
}

fn shortened(text: &str, limit: usize) -> String {
    match text.char_indices().nth(limit) {
        None => text.to_owned(),
        Some((end, _)) => format!(
            "{}… ({} bytes in all)",
            text.get(..end).unwrap_or_default(),
            text.len()
        ),
    }
}

/// RFC 3986, section 2.1.
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
