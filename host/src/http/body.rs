//! Reads request bodies completely, within limits of size and time, before the request gets an instance.

use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, Request};
use http_body_util::BodyExt;
use hyper::body::{Body, Incoming};
use tokio::time::{Instant, timeout_at};

use super::connection_state::Connection;
use super::held_bytes::Hold;
use super::problem::Problem;

/// How long a body may take to arrive.
const TIME_LIMIT: Duration = Duration::from_secs(15);

/// The time in which at least [`MIN_PROGRESS`] has to arrive.
const PROGRESS_TIME: Duration = Duration::from_secs(5);

/// The least number of bytes in [`PROGRESS_TIME`], except for the last ones.
const MIN_PROGRESS: usize = 1024;

/// Reads the body of a request. It counts as bytes of an incomplete request until its end.
///
/// # Errors
/// The error to answer with.
pub async fn read(
    request: &mut Request<Incoming>,
    limit: usize,
    connection: &Arc<Connection>,
) -> Result<Bytes, Problem> {
    if request.body().is_end_stream() {
        return Ok(Bytes::new());
    }
    if request.body().size_hint().lower() > limit as u64 {
        return Err(Problem::TOO_LARGE);
    }
    let hold = connection.hold_incomplete(size(request.headers()));
    collect(request.body_mut(), limit, &hold).await
}

async fn collect(body: &mut Incoming, limit: usize, hold: &Hold) -> Result<Bytes, Problem> {
    let mut first = Bytes::new();
    let mut rest = BytesMut::new();
    let mut total = 0;
    let end = Instant::now() + TIME_LIMIT;
    let mut progress = Progress::new();
    loop {
        let frame = timeout_at(end.min(progress.deadline), body.frame()).await;
        let Some(frame) = frame.map_err(|_| Problem::BODY_TOO_SLOW)? else {
            break;
        };
        let Ok(data) = frame.map_err(|_| Problem::BODY_BROKEN)?.into_data() else {
            continue;
        };
        total += data.len();
        if total > limit {
            return Err(Problem::TOO_LARGE);
        }
        progress.add(data.len());
        hold.add(data.len());
        if first.is_empty() {
            first = data;
            continue;
        }
        if rest.is_empty() {
            rest.extend_from_slice(&first);
        }
        rest.extend_from_slice(&data);
    }
    Ok(if rest.is_empty() { first } else { rest.freeze() })
}

/// The bytes that have arrived in the current time of progress.
struct Progress {
    deadline: Instant,
    bytes: usize,
}

impl Progress {
    fn new() -> Self {
        Self {
            deadline: Instant::now() + PROGRESS_TIME,
            bytes: 0,
        }
    }

    fn add(&mut self, bytes: usize) {
        self.bytes += bytes;
        if self.bytes >= MIN_PROGRESS {
            *self = Self::new();
        }
    }
}

/// Returns the size of headers in bytes.
fn size(headers: &HeaderMap) -> usize {
    headers
        .iter()
        .map(|(name, value)| name.as_str().len() + value.len())
        .sum()
}
