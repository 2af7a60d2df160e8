//! The client.

use std::io::ErrorKind;
use std::time::Duration;

use async_trait::async_trait;
use mercato_ports::http_client::{Header, HttpClient, HttpFailure, Method, Request, Response};
use tokio::task::spawn_blocking;
use ureq::{Agent, Error, Timeout};

use crate::hosts::Hosts;

/// The largest response, in bytes.
const LARGEST: u64 = 1024 * 1024;

/// How long a connection may take to be made.
const CONNECT: Duration = Duration::from_secs(5);

/// How long anything may take, whatever the request says.
const LONGEST: Duration = Duration::from_secs(60);

/// A client of HTTP/1.1, with TLS by the roots that browsers trust. It follows no redirect, knows no proxy and no cookie, writes
/// nothing of a request to the log, and makes a connection for each: one that is kept may be closed by the server at any
/// moment, and then nobody knows whether a request has arrived.
#[derive(Clone, Debug)]
pub struct Client {
    agent: Agent,
    hosts: Hosts,
}

impl Client {
    /// A client for these hosts, with commas between them, such as `api.example.com,127.0.0.1:8080`: without a port by HTTPS
    /// only. An empty list allows none.
    ///
    /// # Errors
    /// A sentence for the operator, where one of them can't be read.
    pub fn new(hosts: &str) -> Result<Self, String> {
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .max_idle_connections(0)
            .proxy(None)
            .timeout_resolve(Some(CONNECT))
            .timeout_connect(Some(CONNECT))
            .build();
        Ok(Self {
            agent: config.into(),
            hosts: Hosts::parse(hosts)?,
        })
    }

    fn send_blocking(&self, request: Request) -> Result<Response, HttpFailure> {
        let uri = self.hosts.check(&request.url).map_err(HttpFailure::Refused)?;
        let mut builder = http::Request::builder().method(method(request.method)).uri(uri);
        for header in &request.headers {
            builder = builder.header(header.name.as_str(), header.value.as_slice());
        }
        let sent = builder
            .body(request.body)
            .map_err(|_| HttpFailure::Refused("a header can't be sent".into()))?;
        let timeout = Duration::from_millis(request.timeout_ms.into()).min(LONGEST);
        let sent = self
            .agent
            .configure_request(sent)
            .timeout_global(Some(timeout))
            .allow_non_standard_methods(true)
            .build();
        let mut response = self.agent.run(sent).map_err(|error| failure(&error))?;
        let body = response.body_mut().with_config().limit(LARGEST).read_to_vec();
        let body =
            body.map_err(|error| HttpFailure::Unknown(format!("the response can't be read: {error}")))?;
        let headers = response.headers().iter().map(|(name, value)| Header {
            name: name.to_string(),
            value: value.as_bytes().to_vec(),
        });
        Ok(Response {
            status: response.status().as_u16(),
            headers: headers.collect(),
            body,
        })
    }
}

#[async_trait]
impl HttpClient for Client {
    async fn send(&self, request: Request) -> Result<Response, HttpFailure> {
        let client = self.clone();
        let sent = spawn_blocking(move || client.send_blocking(request)).await;
        sent.unwrap_or_else(|error| Err(HttpFailure::Unknown(error.to_string())))
    }
}

/// Whether the request may have left, which is so unless the connection was certainly not made.
fn failure(error: &Error) -> HttpFailure {
    let unconnected = match error {
        Error::HostNotFound | Error::ConnectionFailed => true,
        Error::Timeout(timeout) => matches!(timeout, Timeout::Resolve | Timeout::Connect),
        Error::Io(error) => matches!(
            error.kind(),
            ErrorKind::ConnectionRefused
                | ErrorKind::HostUnreachable
                | ErrorKind::NetworkUnreachable
                | ErrorKind::AddrNotAvailable
        ),
        _ => false,
    };
    if unconnected {
        HttpFailure::NotSent(error.to_string())
    } else {
        HttpFailure::Unknown(error.to_string())
    }
}

const fn method(method: Method) -> http::Method {
    match method {
        Method::Get => http::Method::GET,
        Method::Post => http::Method::POST,
        Method::Put => http::Method::PUT,
        Method::Patch => http::Method::PATCH,
        Method::Delete => http::Method::DELETE,
    }
}
