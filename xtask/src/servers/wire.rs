//! A short talk with a server over TCP, to see whether it serves.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::{Context, Result, bail};

/// How long a server may take for one answer.
const LIMIT: Duration = Duration::from_secs(5);
/// More than any answer to these questions.
const LONGEST: usize = 1 << 20;

/// A connection to a server of this machine.
pub struct Wire(TcpStream);

impl Wire {
    /// Connects to a port.
    ///
    /// # Errors
    /// Nobody listens there.
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

    /// Receives this many bytes.
    ///
    /// # Errors
    /// The connection is lost, or the count can't be right.
    pub fn receive(&mut self, count: usize) -> Result<Vec<u8>> {
        if count > LONGEST {
            bail!("an answer of {count} bytes is none");
        }
        let mut bytes = vec![0; count];
        self.0.read_exact(&mut bytes)?;
        Ok(bytes)
    }

    /// Receives a line and checks how it begins.
    ///
    /// # Errors
    /// The connection is lost, or the line is another.
    pub fn expect_line(&mut self, start: &str) -> Result<String> {
        let mut line = Vec::new();
        while line.last() != Some(&b'\n') && line.len() < LONGEST {
            line.extend(self.receive(1)?);
        }
        let line = String::from_utf8(line).context("an answer that is no text")?;
        if !line.starts_with(start) {
            bail!("the answer was: {}", line.trim_end());
        }
        Ok(line)
    }
}
