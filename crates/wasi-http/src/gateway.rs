//! Passes requests of `wasi:http` to the gateway.

use http::{Method as HttpMethod, Request, Response, Uri};
use mercato_ports::http_handler::{self, MAX_BODY};
use wasip2::http::types::{IncomingRequest, Method, ResponseOutparam};
use wasip2::io::streams::StreamError;

use crate::response::{self, fail};

/// The maximum number of bytes of one read.
const CHUNK: u64 = 64 * 1024;

/// Answers a request with the response of the gateway.
pub fn serve(
    request: &IncomingRequest,
    out: ResponseOutparam,
    gateway: impl FnOnce(&http_handler::Request) -> http_handler::Response,
) {
    let response = receive(request).and_then(|request| {
        let response = gateway(&request.into());
        Response::try_from(response).map_err(|error| format!("the response is invalid: {error}"))
    });
    match response {
        Ok(response) => send(out, &response),
        Err(reason) => {
            eprintln!("a request can't be answered: {reason}");
            fail(out);
        }
    }
}

/// Reads a request, and its body up to one byte more than [`MAX_BODY`]. So the gateway detects a longer
/// one.
///
/// # Errors
/// A reason for the log if the request is malformed or the client has disconnected.
fn receive(incoming: &IncomingRequest) -> Result<Request<Vec<u8>>, String> {
    let method = match incoming.method() {
        Method::Get => HttpMethod::GET,
        Method::Post => HttpMethod::POST,
        Method::Head => HttpMethod::HEAD,
        Method::Put => HttpMethod::PUT,
        Method::Delete => HttpMethod::DELETE,
        Method::Options => HttpMethod::OPTIONS,
        Method::Patch => HttpMethod::PATCH,
        Method::Connect => HttpMethod::CONNECT,
        Method::Trace => HttpMethod::TRACE,
        Method::Other(name) => name
            .parse()
            .map_err(|_| format!("{name:?} is not a valid method"))?,
    };
    let mut target = incoming.path_with_query().unwrap_or_default();
    // RFC 9112, section 3.2.1: an empty path is `/`.
    if target.is_empty() || target.starts_with('?') {
        target.insert(0, '/');
    }
    let uri: Uri = target
        .parse()
        .map_err(|error| format!("the path is invalid: {error}"))?;
    let mut request = Request::builder().method(&method).uri(uri);
    for (name, value) in incoming.headers().entries() {
        request = request.header(name, value);
    }
    let body = if matches!(method, HttpMethod::GET | HttpMethod::HEAD) {
        Vec::new()
    } else {
        body(incoming)?
    };
    request
        .body(body)
        .map_err(|error| format!("a header is invalid: {error}"))
}

fn body(incoming: &IncomingRequest) -> Result<Vec<u8>, String> {
    let body = incoming.consume().map_err(|()| "the body was already read")?;
    let stream = body.stream().map_err(|()| "the body was already read")?;
    let mut bytes = Vec::new();
    while bytes.len() <= MAX_BODY {
        match stream.blocking_read(CHUNK) {
            Ok(chunk) => bytes.extend_from_slice(&chunk),
            Err(StreamError::Closed) => break,
            Err(StreamError::LastOperationFailed(error)) => return Err(error.to_debug_string()),
        }
    }
    Ok(bytes)
}

fn send(out: ResponseOutparam, response: &Response<Vec<u8>>) {
    let headers: Vec<_> = response
        .headers()
        .iter()
        .map(|(name, value)| (name.to_string(), value.as_bytes().to_vec()))
        .collect();
    response::respond(out, response.status().as_u16(), &headers, response.body());
}
