//! A running shop, its users, and the ways to send it requests.

use std::sync::OnceLock;
use std::thread::sleep;
use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::{Value, json};
use ureq::{Agent, http};

use crate::graphql::GraphqlResponse;
use crate::http::{JSON, Request, Response, ResponseStream};

/// The credentials of a request.
#[derive(Clone, Copy, Debug)]
pub enum As<'a> {
    /// No credentials.
    Anonymous,
    /// The shop's API key.
    Key,
    /// A key that is not the shop's.
    WrongKey,
    /// An access token.
    Token(&'a str),
}

/// A registered user.
#[derive(Clone, Debug)]
pub struct User {
    pub id: String,
    pub name: String,
    pub password: String,
    pub token: String,
}

impl User {
    /// Returns the user's credentials.
    pub fn caller(&self) -> As<'_> {
        As::Token(&self.token)
    }
}

/// Users that are registered on first use. Tests share them, and must not change them.
#[derive(Default)]
pub struct SharedUsers {
    pub ada: OnceLock<Result<User, String>>,
    pub bob: OnceLock<Result<User, String>>,
    pub root: OnceLock<Result<User, String>>,
}

/// A running shop.
pub struct Shop {
    url: String,
    secret: String,
    agent: Agent,
    pub users: SharedUsers,
}

impl Shop {
    /// Returns the shop at this base URL with this API key.
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
            users: SharedUsers::default(),
        }
    }

    /// Returns the base URL, without a slash at its end.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Returns the API key.
    pub fn secret(&self) -> &str {
        &self.secret
    }

    /// Sends a request without adding credentials.
    pub fn send(&self, request: Request) -> Result<Response> {
        let (request, description) = self.prepare(request)?;
        let failure = || format!("no response to\n{description}");
        let mut response = self.agent.run(request).with_context(failure)?;
        let body = response
            .body_mut()
            .with_config()
            .limit(64 << 20)
            .read_to_vec()
            .with_context(failure)?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        Ok(Response::new(description, status, headers, body))
    }

    /// Sends a request with credentials.
    pub fn send_as(&self, caller: As<'_>, request: Request) -> Result<Response> {
        self.send(self.authenticated(caller, request))
    }

    /// Sends a request with credentials, and returns its response before the body is complete. The limit ends
    /// the connection.
    pub fn stream_as(&self, caller: As<'_>, request: Request, limit: Duration) -> Result<ResponseStream> {
        let (request, description) = self.prepare(self.authenticated(caller, request))?;
        let request = self.agent.configure_request(request);
        let request = request.timeout_global(Some(limit)).build();
        let response = self.agent.run(request);
        let (parts, body) = response
            .with_context(|| format!("no response to\n{description}"))?
            .into_parts();
        let response = Response::new(description, parts.status.as_u16(), parts.headers, Vec::new());
        Ok(ResponseStream::new(response, body.into_reader()))
    }

    fn prepare(&self, request: Request) -> Result<(http::Request<Vec<u8>>, String)> {
        let description = request.describe();
        let mut prepared = http::Request::builder()
            .method(request.method)
            .uri(format!("{}{}", self.url, request.path));
        for (name, value) in &request.headers {
            prepared = prepared.header(name, value);
        }
        Ok((prepared.body(request.body)?, description))
    }

    fn authenticated(&self, caller: As<'_>, request: Request) -> Request {
        match caller {
            As::Anonymous => request,
            As::Key => request.header("x-api-key", &self.secret),
            As::WrongKey => request.header("x-api-key", "a-key-that-no-shop-has-0123456789"),
            As::Token(token) => request.header("authorization", format!("Bearer {token}")),
        }
    }

    /// Sends a GET request.
    pub fn get(&self, caller: As<'_>, path: &str) -> Result<Response> {
        self.send_as(caller, Request::new("GET", path))
    }

    /// Sends a request with a JSON body, or without a body if it is null.
    pub fn rest(&self, caller: As<'_>, method: &'static str, path: &str, body: Value) -> Result<Response> {
        self.send_as(caller, Request::json(method, path, &body))
    }

    /// Sends a request and parses the GraphQL response. A busy shop refuses a request before it executes it, so
    /// the request is repeated a few times.
    pub fn send_graphql(&self, caller: As<'_>, request: Request) -> Result<GraphqlResponse> {
        for _ in 0..5 {
            let response = self.send_as(caller, request.clone())?;
            if response.status != 503 || !response.body().contains("\"BUSY\"") {
                return GraphqlResponse::new(response);
            }
            let seconds = response
                .header("retry-after")
                .and_then(|value| value.parse().ok());
            sleep(Duration::from_secs(seconds.unwrap_or(1)));
        }
        GraphqlResponse::new(self.send_as(caller, request)?)
    }

    /// Runs an operation with variables.
    pub fn graphql(&self, caller: As<'_>, query: &str, variables: Value) -> Result<GraphqlResponse> {
        let body = json!({ "query": query, "variables": variables });
        self.send_graphql(caller, Request::post(&body).header("accept", JSON))
    }

    /// Runs an operation without variables.
    pub fn query(&self, caller: As<'_>, query: &str) -> Result<GraphqlResponse> {
        self.graphql(caller, query, json!({}))
    }

    /// Returns the nodes of all pages of a connection. The query takes `$after`, and selects `edges`,
    /// `hasNextPage` and `endCursor`.
    pub fn all_nodes(
        &self,
        caller: As<'_>,
        query: &str,
        connection: &str,
        mut variables: Value,
    ) -> Result<Vec<Value>> {
        let mut nodes = Vec::new();
        loop {
            let page = self.graphql(caller, query, variables.clone())?;
            nodes.extend(page.column(&format!("{connection}/edges"), "/node")?);
            let page_info = page.data(&format!("{connection}/pageInfo"))?;
            if page_info.get("hasNextPage") == Some(&json!(false)) {
                return Ok(nodes);
            }
            let after = page_info.get("endCursor").cloned().unwrap_or_default();
            page.expect(
                after.is_string(),
                "a page before the last one should have an end cursor",
            )?;
            page.expect(nodes.len() < 200_000, "the pages should end")?;
            let members = variables.as_object_mut().context("variables are an object")?;
            members.insert("after".into(), after);
        }
    }
}
