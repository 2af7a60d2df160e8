//! Bodies that are written before their heads are handed over.

use wasip2::http::types::{ErrorCode, OutgoingBody};
use wasip2::io::streams::{OutputStream, StreamError};

/// A body that is written as far as the runtime takes it. Hand the head over, then call
/// [`finish`](Self::finish).
///
/// A head that is handed over before its body leaves in a packet of its own. Spin does not set `TCP_NODELAY`,
/// so the body then waits for the acknowledgement of the head. A client may delay that by 40 ms.
#[derive(Debug)]
#[must_use]
pub struct StartedBody<'a> {
    /// What is left to write. `None` if the whole body is written.
    rest: Option<(OutgoingBody, OutputStream, &'a [u8])>,
}

/// The other side has closed the connection, or the runtime has refused the body.
#[derive(Clone, Copy, Debug)]
pub struct WriteError;

impl<'a> StartedBody<'a> {
    /// Writes as much of a body as the runtime takes before it has the head: two MiB in wasmtime.
    ///
    /// # Errors
    /// [`WriteError`] if the body can't be written.
    pub fn new(body: OutgoingBody, bytes: &'a [u8]) -> Result<Self, WriteError> {
        if bytes.is_empty() {
            OutgoingBody::finish(body, None)?;
            return Ok(Self { rest: None });
        }
        let stream = body.write()?;
        let rest = write_permitted(&stream, bytes)?;
        if rest.is_empty() {
            drop(stream);
            OutgoingBody::finish(body, None)?;
            return Ok(Self { rest: None });
        }
        Ok(Self {
            rest: Some((body, stream, rest)),
        })
    }

    /// Writes the rest of the body.
    ///
    /// # Errors
    /// [`WriteError`] if the other side does not read the whole body.
    pub fn finish(self) -> Result<(), WriteError> {
        let Some((body, stream, mut rest)) = self.rest else {
            return Ok(());
        };
        while !rest.is_empty() {
            stream.subscribe().block();
            rest = write_permitted(&stream, rest)?;
        }
        drop(stream);
        Ok(OutgoingBody::finish(body, None)?)
    }
}

/// Writes as much as the stream takes now, and returns the rest.
fn write_permitted<'a>(stream: &OutputStream, mut bytes: &'a [u8]) -> Result<&'a [u8], WriteError> {
    while !bytes.is_empty() {
        let permitted = usize::try_from(stream.check_write()?).unwrap_or(usize::MAX);
        if permitted == 0 {
            break;
        }
        let (now, later) = bytes.split_at(permitted.min(bytes.len()));
        stream.write(now)?;
        bytes = later;
    }
    Ok(bytes)
}

impl From<StreamError> for WriteError {
    fn from(_: StreamError) -> Self {
        Self
    }
}

impl From<ErrorCode> for WriteError {
    fn from(_: ErrorCode) -> Self {
        Self
    }
}

impl From<()> for WriteError {
    fn from((): ()) -> Self {
        Self
    }
}
