//! The port `http-client` on `wasi:http`. Spin restricts the hosts to `allowed_outbound_hosts`.
//!
//! The SDK's `send` is no alternative: it has no time limit, and its requests and responses keep one value
//! for each header.

use mercato_ports::http_client::{Header, HttpFailure, Method, Request, Response};
use mercato_wasi_http::{StartedBody, WriteError};
use wasip2::clocks::monotonic_clock::subscribe_duration;
use wasip2::http::outgoing_handler;
use wasip2::http::types::{
    ErrorCode, Fields, FutureIncomingResponse, IncomingBody, IncomingResponse, Method as WasiMethod,
    OutgoingRequest, RequestOptions, Scheme,
};
use wasip2::io::poll::poll;
use wasip2::io::streams::StreamError;

/// The maximum size of a response body, in bytes.
const MAX_BODY: usize = 1024 * 1024;

/// The maximum size of one read, in bytes.
const MAX_READ: u64 = 64 * 1024;

/// Sends a request and returns the whole response.
pub fn send(request: &Request) -> Result<Response, HttpFailure> {
    let outgoing = outgoing(request).map_err(|reason| HttpFailure::Refused(reason.into()))?;
    let timeout = u64::from(request.timeout_ms).saturating_mul(1_000_000);
    let options = RequestOptions::new();
    // A runtime may reject these limits. The poll below has the same limit.
    let _ = options.set_connect_timeout(Some(timeout));
    let _ = options.set_first_byte_timeout(Some(timeout));
    let _ = options.set_between_bytes_timeout(Some(timeout));
    let unwritten = |_| HttpFailure::Refused("the request's body can't be written".into());
    let body = outgoing.body().map_err(|()| unwritten(WriteError))?;
    let body = StartedBody::new(body, &request.body).map_err(unwritten)?;
    let future = outgoing_handler::handle(outgoing, Some(options)).map_err(|error| failure(&error))?;
    body.finish()
        .map_err(|WriteError| HttpFailure::Unknown("the server did not read the whole request".into()))?;
    let response = wait(&future, timeout)?;
    let headers = response.headers().entries().into_iter();
    Ok(Response {
        status: response.status(),
        headers: headers.map(|(name, value)| Header { name, value }).collect(),
        body: read(&response)?,
    })
}

fn outgoing(request: &Request) -> Result<OutgoingRequest, &'static str> {
    let (scheme, rest) = request.url.split_once("://").ok_or("the URL must be absolute")?;
    let scheme = match scheme {
        "https" => Scheme::Https,
        "http" => Scheme::Http,
        _ => return Err("the URL must start with `https` or `http`"),
    };
    let (authority, path) = match rest.find('/') {
        Some(index) => rest.split_at(index),
        None => (rest, "/"),
    };
    if authority.contains('@') {
        return Err("the URL must not contain a user name");
    }
    // Without a length the body would be chunked, which not every server accepts.
    let length = (!request.body.is_empty()).then(|| request.body.len().to_string());
    let length = length.map(|length| ("content-length".to_owned(), length.into_bytes()));
    let headers: Vec<_> = request
        .headers
        .iter()
        .map(|header| (header.name.clone(), header.value.clone()))
        .chain(length)
        .collect();
    let headers = Fields::from_list(&headers).map_err(|_| "a header is invalid")?;
    let outgoing = OutgoingRequest::new(headers);
    let refused = |()| "the URL is invalid";
    let method = match request.method {
        Method::Get => WasiMethod::Get,
        Method::Post => WasiMethod::Post,
        Method::Put => WasiMethod::Put,
        Method::Patch => WasiMethod::Patch,
        Method::Delete => WasiMethod::Delete,
    };
    outgoing.set_method(&method).map_err(refused)?;
    outgoing.set_scheme(Some(&scheme)).map_err(refused)?;
    outgoing.set_authority(Some(authority)).map_err(refused)?;
    outgoing.set_path_with_query(Some(path)).map_err(refused)?;
    Ok(outgoing)
}

fn wait(future: &FutureIncomingResponse, timeout: u64) -> Result<IncomingResponse, HttpFailure> {
    poll(&[&future.subscribe(), &subscribe_duration(timeout)]);
    match future.get() {
        Some(Ok(Ok(response))) => Ok(response),
        Some(Ok(Err(error))) => Err(failure(&error)),
        Some(Err(())) => Err(HttpFailure::Unknown("the response was already read".into())),
        None => Err(HttpFailure::Unknown("the server did not respond in time".into())),
    }
}

fn read(response: &IncomingResponse) -> Result<Vec<u8>, HttpFailure> {
    let unknown = |reason: &str| HttpFailure::Unknown(reason.into());
    let body: IncomingBody = response
        .consume()
        .map_err(|()| unknown("the response's body can't be read"))?;
    let stream = body
        .stream()
        .map_err(|()| unknown("the response's body can't be read"))?;
    let mut bytes = Vec::new();
    loop {
        match stream.blocking_read(MAX_READ) {
            Ok(chunk) => bytes.extend_from_slice(&chunk),
            Err(StreamError::Closed) => return Ok(bytes),
            Err(StreamError::LastOperationFailed(_)) => return Err(unknown("the response is incomplete")),
        }
        if bytes.len() > MAX_BODY {
            return Err(unknown("the response must be at most 1 MiB"));
        }
    }
}

/// Returns whether a failed request was certainly not sent.
fn failure(error: &ErrorCode) -> HttpFailure {
    match error {
        ErrorCode::HttpRequestDenied
        | ErrorCode::HttpRequestUriInvalid
        | ErrorCode::DestinationIpProhibited => HttpFailure::Refused(format!(
            "{error:?}: add the host to `allowed_outbound_hosts` in spin.toml"
        )),
        ErrorCode::DnsTimeout
        | ErrorCode::DnsError(_)
        | ErrorCode::DestinationNotFound
        | ErrorCode::DestinationUnavailable
        | ErrorCode::DestinationIpUnroutable
        | ErrorCode::ConnectionRefused
        | ErrorCode::ConnectionTimeout
        | ErrorCode::TlsCertificateError => HttpFailure::NotSent(format!("{error:?}")),
        _ => HttpFailure::Unknown(format!("{error:?}")),
    }
}
