//! Reads request bodies completely, within limits of size and time, before the request gets an instance.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::header::EXPECT;
use http_body_util::BodyExt;
use hyper::Request;
use hyper::body::{Body, Incoming};
use tokio::time::timeout;

use super::problem::Problem;

/// How long a body may take to arrive.
const TIME_LIMIT: Duration = Duration::from_secs(15);

/// How much of a too large body is read and discarded, in bytes. A client that is still sending does not see
/// the response.
const MAX_DISCARDED: u64 = 8 << 20;

/// Reads the body of a request.
///
/// # Errors
/// The error to answer with.
pub async fn read(request: &mut Request<Incoming>, limit: usize) -> Result<Bytes, Problem> {
    if request.body().is_end_stream() {
        return Ok(Bytes::new());
    }
    let announced = request.body().size_hint().lower();
    // A client that waits for `100 Continue` has not sent the body yet, so there is nothing to discard.
    let waits = request.headers().contains_key(EXPECT);
    if announced > limit as u64 && (waits || announced > MAX_DISCARDED) {
        return Err(Problem::TOO_LARGE_UNREAD);
    }
    timeout(TIME_LIMIT, collect(request.body_mut(), limit))
        .await
        .map_err(|_| Problem::BODY_TOO_SLOW)?
}

async fn collect(body: &mut Incoming, limit: usize) -> Result<Bytes, Problem> {
    let mut first = Bytes::new();
    let mut rest = BytesMut::new();
    let mut total = 0_u64;
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(|_| Problem::BODY_BROKEN)?.into_data() else {
            continue;
        };
        total += data.len() as u64;
        if total > MAX_DISCARDED {
            return Err(Problem::TOO_LARGE_UNREAD);
        }
        if total > limit as u64 {
            rest.clear();
            continue;
        }
        if first.is_empty() {
            first = data;
            continue;
        }
        if rest.is_empty() {
            rest.extend_from_slice(&first);
        }
        rest.extend_from_slice(&data);
    }
    if total > limit as u64 {
        return Err(Problem::TOO_LARGE);
    }
    Ok(if rest.is_empty() { first } else { rest.freeze() })
}
