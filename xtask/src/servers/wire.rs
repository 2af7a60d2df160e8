//! A connection to a server, to check whether it serves.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::{Context, Result, bail};

/// The time limit of one answer.
const LIMIT: Duration = Duration::from_secs(5);
/// The size limit of one answer, in bytes.
const MAX_SIZE: usize = 1 << 20;

/// A connection to a server of this machine.
pub struct Wire(TcpStream);

impl Wire {
    /// Connects to a port.
    ///
    /// # Errors
    /// Nothing listens on the port.
    pub fn connect(port: u16) -> Result<Self> {
        let stream = TcpStream::connect_timeout(&SocketAddr::from((Ipv4Addr::LOCALHOST, port)), LIMIT)?;
        stream.set_read_timeout(Some(LIMIT))?;
        stream.set_write_timeout(Some(LIMIT))?;
        Ok(Self(stream))
    }

    /// Sends bytes.
    ///
    /// # Errors
    /// The connection is lost.
    pub fn send(&mut self, bytes: &[u8]) -> Result<()> {
        Ok(self.0.write_all(bytes)?)
    }

    /// Receives exactly `count` bytes.
    ///
    /// # Errors
    /// The connection is lost, or `count` is over the limit.
    pub fn receive(&mut self, count: usize) -> Result<Vec<u8>> {
        if count > MAX_SIZE {
            bail!("an answer of {count} bytes is too long: the limit is {MAX_SIZE}");
        }
        let mut bytes = vec![0; count];
        self.0.read_exact(&mut bytes)?;
        Ok(bytes)
    }

    /// Receives a line that begins with `start`.
    ///
    /// # Errors
    /// The connection is lost, or the line begins differently.
    pub fn expect_line(&mut self, start: &str) -> Result<String> {
        let mut line = Vec::new();
        while line.last() != Some(&b'\n') && line.len() < MAX_SIZE {
            line.extend(self.receive(1)?);
        }
        let line = String::from_utf8(line).context("the answer is not text")?;
        if !line.starts_with(start) {
            bail!("the answer was: {}", line.trim_end());
        }
        Ok(line)
    }
}
