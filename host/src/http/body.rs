//! Reading request bodies: whole, within a limit of size and of time, before an instance is taken for the request.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::header::EXPECT;
use http_body_util::BodyExt;
use hyper::Request;
use hyper::body::{Body, Incoming};
use tokio::time::timeout;

use super::problem::Problem;

/// How long a body may take to arrive.
const TIME: Duration = Duration::from_secs(15);

/// So much of a body that is too large is read and thrown away: a client that is still sending does not see an answer.
const DISCARDED: u64 = 8 << 20;

/// Takes the body out of a request.
///
/// # Errors
/// What to answer instead.
pub async fn read(request: &mut Request<Incoming>, limit: usize) -> Result<Bytes, Problem> {
    if request.body().is_end_stream() {
        return Ok(Bytes::new());
    }
    let announced = request.body().size_hint().lower();
    // A client that waits for `100 Continue` has sent nothing yet, and needs not to.
    let waits = request.headers().contains_key(EXPECT);
    if announced > limit as u64 && (waits || announced > DISCARDED) {
        return Err(Problem::TOO_LARGE_UNREAD);
    }
    timeout(TIME, collect(request.body_mut(), limit))
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
        if total > DISCARDED {
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
