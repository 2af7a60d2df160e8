//! Conversion of requests and responses between `wasi:http` and the crate `http`.

use http::header::CONTENT_LENGTH;
use http::{Method as HttpMethod, Request, Response, StatusCode, Uri};
use wasip2::http::types::{IncomingRequest, Method, ResponseOutparam};
use wasip2::io::streams::StreamError;

use crate::Gateway;

/// The maximum number of bytes of one read.
const CHUNK: u64 = 64 * 1024;

/// Reads a request, and its body up to [`Gateway::BODY_LIMIT`].
///
/// # Errors
/// A reason for the log if the request is malformed or the client has disconnected.
pub fn receive(incoming: &IncomingRequest) -> Result<Request<Vec<u8>>, String> {
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
    let uri: Uri = incoming
        .path_with_query()
        .unwrap_or_else(|| "/".into())
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
    while bytes.len() < Gateway::BODY_LIMIT {
        match stream.blocking_read(CHUNK) {
            Ok(chunk) => bytes.extend_from_slice(&chunk),
            Err(StreamError::Closed) => break,
            Err(StreamError::LastOperationFailed(error)) => return Err(error.to_debug_string()),
        }
    }
    Ok(bytes)
}

/// Sends a response.
pub fn respond(out: ResponseOutparam, response: &Response<Vec<u8>>) {
    let mut headers: Vec<_> = response
        .headers()
        .iter()
        .map(|(name, value)| (name.to_string(), value.as_bytes().to_vec()))
        .collect();
    let (status, body) = (response.status(), response.body());
    // RFC 9110, section 8.6: a 204 must not have a length. A 304 would have the length of the body that it
    // omits.
    if !matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED) {
        headers.push((CONTENT_LENGTH.to_string(), body.len().to_string().into_bytes()));
    }
    mercato_wasi_http::respond(out, status.as_u16(), &headers, body);
}
