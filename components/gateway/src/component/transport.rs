//! Requests and responses between `wasi:http` and the `http` crate.

use http::header::CONTENT_LENGTH;
use http::{Method as HttpMethod, Request, StatusCode, Uri};
use wasip2::http::types::{
    ErrorCode, Fields, IncomingRequest, Method, OutgoingBody, OutgoingResponse, ResponseOutparam,
};
use wasip2::io::streams::StreamError;

use crate::Gateway;
use crate::http::Reply;

/// How much is read at once at the most.
const CHUNK: u64 = 64 * 1024;

/// How much `blocking-write-and-flush` takes at once at the most.
const LARGEST_WRITE: usize = 4096;

/// Reads a request; of its body no more than the gateway needs to see.
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
        Method::Other(name) => name.parse().map_err(|_| format!("{name:?} is no method"))?,
    };
    let uri: Uri = incoming
        .path_with_query()
        .unwrap_or_else(|| "/".into())
        .parse()
        .map_err(|error| format!("the path is no path: {error}"))?;
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
        .map_err(|error| format!("the headers are no headers: {error}"))
}

fn body(incoming: &IncomingRequest) -> Result<Vec<u8>, String> {
    let body = incoming.consume().map_err(|()| "the body is gone")?;
    let stream = body.stream().map_err(|()| "the body is gone")?;
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
pub fn respond(out: ResponseOutparam, reply: Reply) {
    let (parts, bytes) = reply.into_parts();
    let mut entries: Vec<_> = parts
        .headers
        .iter()
        .map(|(name, value)| (name.to_string(), value.as_bytes().to_vec()))
        .collect();
    // RFC 9110, section 8.6: the one must not tell a length, the other would have to tell that of what it leaves out.
    if !matches!(parts.status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED) {
        entries.push((CONTENT_LENGTH.to_string(), bytes.len().to_string().into_bytes()));
    }
    let Ok(headers) = Fields::from_list(&entries) else {
        return fail(out);
    };
    let response = OutgoingResponse::new(headers);
    // Each call out of the component costs: 200 is what a response has by itself.
    if parts.status != StatusCode::OK && response.set_status_code(parts.status.as_u16()).is_err() {
        return fail(out);
    }
    let Ok(body) = response.body() else {
        return fail(out);
    };
    ResponseOutparam::set(out, Ok(response));
    // Once the head is out, a client that has gone is all that can go wrong.
    if write(&body, &bytes).is_ok() {
        let _ = OutgoingBody::finish(body, None);
    }
}

fn write(body: &OutgoingBody, bytes: &[u8]) -> Result<(), StreamError> {
    let stream = body.write().map_err(|()| StreamError::Closed)?;
    bytes
        .chunks(LARGEST_WRITE)
        .try_for_each(|chunk| stream.blocking_write_and_flush(chunk))
}

/// Tells the runtime that there is no response.
pub fn fail(out: ResponseOutparam) {
    ResponseOutparam::set(out, Err(ErrorCode::InternalError(None)));
}
