//! The limits of connections, which several files need.

use std::time::Duration;

/// The maximum size of a head, in bytes: the request line and all headers.
pub const MAX_HEAD: usize = 64 * 1024;

/// The maximum size of a target, in bytes.
pub const MAX_TARGET: usize = 32 * 1024;

/// The maximum number of headers.
pub const MAX_HEADERS: usize = 100;

/// The maximum number of streams of one HTTP/2 connection.
pub const MAX_HTTP2_STREAMS: u32 = 256;

/// How long a client may take to send the head of a request.
pub const HEAD_TIMEOUT: Duration = Duration::from_secs(10);

/// How long a connection may wait for its next request.
pub const IDLE_TIMEOUT: Duration = Duration::from_secs(75);

/// How long a client may read nothing of its responses.
pub const WRITE_TIMEOUT: Duration = Duration::from_secs(30);
