//! The client.

use std::io::ErrorKind;
use std::time::Duration;

use async_trait::async_trait;
use mercato_ports::hosts::Hosts;
use mercato_ports::http_client::{Header, HttpClient, HttpFailure, Method, Request, Response};
use tokio::task::spawn_blocking;
use ureq::{Agent, Error, Timeout};

/// The maximum size of a response, in bytes.
const MAX_RESPONSE: u64 = 1024 * 1024;

/// How long a connection attempt may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// The maximum timeout of a request.
const MAX_TIMEOUT: Duration = Duration::from_secs(60);

/// An HTTP/1.1 client, with TLS by the roots that browsers trust. It follows no redirects, uses no proxy and
/// no cookies, and logs no part of a request.
///
/// It opens a connection for each request. A server may close an idle connection at any time, and then it is
/// unknown whether the server received the request.
#[derive(Clone, Debug)]
pub struct Client {
    agent: Agent,
    hosts: Hosts,
}

impl Client {
    /// Creates a client for these hosts, separated by commas, such as `api.example.com,127.0.0.1:8080`. A
    /// host without a port is reached by HTTPS only. An empty list allows no host.
    ///
    /// # Errors
    /// If a host is malformed, with a message for the operator.
    pub fn new(hosts: &str) -> Result<Self, String> {
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .max_idle_connections(0)
            .proxy(None)
            .timeout_resolve(Some(CONNECT_TIMEOUT))
            .timeout_connect(Some(CONNECT_TIMEOUT))
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
        let outgoing = builder
            .body(request.body)
            .map_err(|_| HttpFailure::Refused("a header is invalid".into()))?;
        let timeout = Duration::from_millis(request.timeout_ms.into()).min(MAX_TIMEOUT);
        let outgoing = self
            .agent
            .configure_request(outgoing)
            .timeout_global(Some(timeout))
            .allow_non_standard_methods(true)
            .build();
        let mut response = self.agent.run(outgoing).map_err(|error| failure(&error))?;
        let body = response
            .body_mut()
            .with_config()
            .limit(MAX_RESPONSE)
            .read_to_vec();
        let body =
            body.map_err(|error| HttpFailure::Unknown(format!("the response cannot be read: {error}")))?;
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

/// Converts an error. The request was certainly not sent only if no connection was made.
fn failure(error: &Error) -> HttpFailure {
    let not_connected = match error {
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
    if not_connected {
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
