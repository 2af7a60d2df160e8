//! Requests out, by `wasi:http`. Spin itself sees to it that they go only where `allowed_outbound_hosts` permits.

use mercato_ports::http_client::{Header, HttpFailure, Method, Request, Response};
use wasip2::clocks::monotonic_clock::subscribe_duration;
use wasip2::http::outgoing_handler;
use wasip2::http::types::{
    ErrorCode, Fields, FutureIncomingResponse, IncomingBody, IncomingResponse, Method as WasiMethod,
    OutgoingBody, OutgoingRequest, RequestOptions, Scheme,
};
use wasip2::io::poll::poll;
use wasip2::io::streams::StreamError;

/// The largest response, in bytes.
const LARGEST: usize = 1024 * 1024;

/// How much is read at once at the most.
const CHUNK: u64 = 64 * 1024;

/// How much `blocking-write-and-flush` takes at once at the most.
const LARGEST_WRITE: usize = 4096;

/// Sends a request, and waits for the whole response.
pub fn send(request: &Request) -> Result<Response, HttpFailure> {
    let outgoing = outgoing(request).map_err(|reason| HttpFailure::Refused(reason.into()))?;
    let patience = u64::from(request.timeout_ms).saturating_mul(1_000_000);
    let options = RequestOptions::new();
    // Where the runtime has no such timeouts, the poll below has one.
    let _ = options.set_connect_timeout(Some(patience));
    let _ = options.set_first_byte_timeout(Some(patience));
    let _ = options.set_between_bytes_timeout(Some(patience));
    let body = outgoing
        .body()
        .map_err(|()| HttpFailure::Refused("the body is gone".into()))?;
    let answer = outgoing_handler::handle(outgoing, Some(options)).map_err(|error| failure(&error))?;
    write(body, &request.body)?;
    let response = wait(&answer, patience)?;
    let headers = response.headers().entries().into_iter();
    Ok(Response {
        status: response.status(),
        headers: headers.map(|(name, value)| Header { name, value }).collect(),
        body: read(&response)?,
    })
}

fn outgoing(request: &Request) -> Result<OutgoingRequest, &'static str> {
    let (scheme, rest) = request.url.split_once("://").ok_or("the URL is not absolute")?;
    let scheme = match scheme {
        "https" => Scheme::Https,
        "http" => Scheme::Http,
        _ => return Err("the URL is neither https nor http"),
    };
    let (authority, path) = match rest.find('/') {
        Some(index) => rest.split_at(index),
        None => (rest, "/"),
    };
    if authority.contains('@') {
        return Err("the URL holds a user");
    }
    // Without it the body would go in chunks, which not every server takes.
    let length = (!request.body.is_empty()).then(|| request.body.len().to_string());
    let length = length.map(|length| ("content-length".to_owned(), length.into_bytes()));
    let headers: Vec<_> = request
        .headers
        .iter()
        .map(|header| (header.name.clone(), header.value.clone()))
        .chain(length)
        .collect();
    let headers = Fields::from_list(&headers).map_err(|_| "a header can't be sent")?;
    let outgoing = OutgoingRequest::new(headers);
    let refused = |()| "the URL can't be read";
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

fn write(body: OutgoingBody, bytes: &[u8]) -> Result<(), HttpFailure> {
    let unknown = |reason: &str| HttpFailure::Unknown(reason.into());
    {
        let stream = body.write().map_err(|()| unknown("the body is gone"))?;
        for chunk in bytes.chunks(LARGEST_WRITE) {
            stream
                .blocking_write_and_flush(chunk)
                .map_err(|_| unknown("the body was not read"))?;
        }
    }
    OutgoingBody::finish(body, None).map_err(|error| failure(&error))
}

fn wait(answer: &FutureIncomingResponse, patience: u64) -> Result<IncomingResponse, HttpFailure> {
    poll(&[&answer.subscribe(), &subscribe_duration(patience)]);
    match answer.get() {
        Some(Ok(Ok(response))) => Ok(response),
        Some(Ok(Err(error))) => Err(failure(&error)),
        Some(Err(())) => Err(HttpFailure::Unknown("the answer was taken".into())),
        None => Err(HttpFailure::Unknown("there was no answer in time".into())),
    }
}

fn read(response: &IncomingResponse) -> Result<Vec<u8>, HttpFailure> {
    let unknown = |reason: &str| HttpFailure::Unknown(reason.into());
    let body: IncomingBody = response.consume().map_err(|()| unknown("the body is gone"))?;
    let stream = body.stream().map_err(|()| unknown("the body is gone"))?;
    let mut bytes = Vec::new();
    loop {
        match stream.blocking_read(CHUNK) {
            Ok(chunk) => bytes.extend_from_slice(&chunk),
            Err(StreamError::Closed) => return Ok(bytes),
            Err(StreamError::LastOperationFailed(_)) => return Err(unknown("the response was broken off")),
        }
        if bytes.len() > LARGEST {
            return Err(unknown("the response is too large"));
        }
    }
}

/// What is certain of a request that failed.
fn failure(error: &ErrorCode) -> HttpFailure {
    match error {
        ErrorCode::HttpRequestDenied
        | ErrorCode::HttpRequestUriInvalid
        | ErrorCode::DestinationIpProhibited => {
            HttpFailure::Refused(format!("{error:?}: see allowed_outbound_hosts"))
        }
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
