//! Responses with their whole bodies.

use wasip2::http::types::{ErrorCode, Fields, OutgoingResponse, ResponseOutparam};

use crate::body::{StartedBody, WriteError};

/// Sends a response with its whole body. The runtime answers with an internal error if the head is invalid.
pub fn respond(out: ResponseOutparam, status: u16, headers: &[(String, Vec<u8>)], bytes: &[u8]) {
    match start(status, headers, bytes) {
        Ok((response, body)) => {
            ResponseOutparam::set(out, Ok(response));
            // From here on, only a client that disconnects can cause an error.
            let _ = body.finish();
        }
        Err(WriteError) => fail(out),
    }
}

fn start<'a>(
    status: u16,
    headers: &[(String, Vec<u8>)],
    bytes: &'a [u8],
) -> Result<(OutgoingResponse, StartedBody<'a>), WriteError> {
    let headers = Fields::from_list(headers).map_err(|_| WriteError)?;
    let response = OutgoingResponse::new(headers);
    // 200 is the default. Calls out of the component are expensive, so this one is skipped.
    if status != 200 {
        response.set_status_code(status)?;
    }
    let body = StartedBody::new(response.body()?, bytes)?;
    Ok((response, body))
}

/// Reports an internal error instead of a response.
pub fn fail(out: ResponseOutparam) {
    ResponseOutparam::set(out, Err(ErrorCode::InternalError(None)));
}
