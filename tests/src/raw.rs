//! A client that sends bytes as they are, for requests that no HTTP library would send.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use crate::shop::Shop;

/// How long a test waits for bytes.
const READ: Duration = Duration::from_secs(60);

/// A connection.
pub struct Raw {
    stream: TcpStream,
    /// Bytes that belong to later answers.
    rest: Vec<u8>,
}

/// An answer of HTTP/1.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    head: String,
    pub body: Vec<u8>,
}

impl Raw {
    /// Connects to a shop.
    pub fn connect(shop: &Shop) -> Result<Self> {
        let address = shop.url().trim_start_matches("http://");
        let stream = TcpStream::connect(address)?;
        stream.set_read_timeout(Some(READ))?;
        stream.set_write_timeout(Some(READ))?;
        Ok(Self {
            stream,
            rest: Vec::new(),
        })
    }

    /// Connects to a shop and sends bytes.
    pub fn with(shop: &Shop, bytes: impl AsRef<[u8]>) -> Result<Self> {
        let mut raw = Self::connect(shop)?;
        raw.send(bytes)?;
        Ok(raw)
    }

    /// Sends bytes.
    pub fn send(&mut self, bytes: impl AsRef<[u8]>) -> Result<()> {
        Ok(self.stream.write_all(bytes.as_ref())?)
    }

    /// Sends bytes until the shop accepts none for a moment.
    pub fn send_without_reading(&mut self, bytes: &[u8]) -> Result<()> {
        self.stream.set_write_timeout(Some(Duration::from_millis(300)))?;
        let sent = self.stream.write_all(bytes);
        self.stream.set_write_timeout(Some(READ))?;
        match sent {
            Err(error) if !matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                Err(error.into())
            }
            _ => Ok(()),
        }
    }

    /// Ends the own side of the connection, unless the shop has ended it already.
    pub fn end(&self) -> Result<()> {
        match self.stream.shutdown(Shutdown::Write) {
            Err(error) if error.kind() == ErrorKind::NotConnected => Ok(()),
            ended => Ok(ended?),
        }
    }

    /// Waits for the first bytes of an answer.
    pub fn wait(&mut self) -> Result<()> {
        if self.rest.is_empty() {
            ensure!(self.read()? > 0, "the connection should not end before an answer");
        }
        Ok(())
    }

    /// Reads the next answer. Interim answers are skipped.
    pub fn answer(&mut self) -> Result<Answer> {
        let end = loop {
            match self.rest.windows(4).position(|window| window == b"\r\n\r\n") {
                Some(end) => break end + 4,
                None => ensure!(self.read()? > 0, "the connection should not end before an answer"),
            }
        };
        let body = self.rest.split_off(end);
        let head = String::from_utf8(std::mem::replace(&mut self.rest, body))?;
        let status = head.split(' ').nth(1).context("an answer should have a status")?;
        let mut answer = Answer {
            status: status.parse()?,
            head,
            body: Vec::new(),
        };
        if answer.status == 100 {
            return self.answer();
        }
        let length: usize = answer.header("content-length").unwrap_or("0").parse()?;
        while self.rest.len() < length {
            ensure!(self.read()? > 0, "the body of an answer should be complete");
        }
        let rest = self.rest.split_off(length);
        answer.body = std::mem::replace(&mut self.rest, rest);
        Ok(answer)
    }

    /// Reads exactly this many bytes.
    pub fn bytes(&mut self, count: usize) -> Result<Vec<u8>> {
        while self.rest.len() < count {
            ensure!(self.read()? > 0, "the connection should not end");
        }
        let rest = self.rest.split_off(count);
        Ok(std::mem::replace(&mut self.rest, rest))
    }

    /// Fails unless the shop ends the connection. Skips what it sends before.
    pub fn ends(&mut self) -> Result<()> {
        loop {
            match self.read() {
                Ok(0) => return Ok(()),
                Ok(_) => self.rest.clear(),
                Err(error) => match error.downcast_ref::<std::io::Error>().map(std::io::Error::kind) {
                    Some(ErrorKind::ConnectionReset | ErrorKind::BrokenPipe) => return Ok(()),
                    _ => bail!("the shop should end the connection: {error:#}"),
                },
            }
        }
    }

    /// Returns whether the shop has ended the connection already.
    pub fn has_ended(&mut self) -> Result<bool> {
        self.stream.set_read_timeout(Some(Duration::from_millis(1)))?;
        let read = self.read();
        self.stream.set_read_timeout(Some(READ))?;
        match read {
            Ok(length) => Ok(length == 0),
            Err(error) => {
                let kind = error.downcast_ref::<std::io::Error>().map(std::io::Error::kind);
                Ok(!matches!(kind, Some(ErrorKind::WouldBlock | ErrorKind::TimedOut)))
            }
        }
    }

    fn read(&mut self) -> Result<usize> {
        let mut chunk = [0; 16 * 1024];
        let length = self.stream.read(&mut chunk)?;
        self.rest
            .extend_from_slice(chunk.get(..length).unwrap_or_default());
        Ok(length)
    }
}

impl Answer {
    /// Returns the value of a header. The name is in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (found, value) = line.split_once(':')?;
            found.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }

    /// Fails unless the answer is a problem with this status and code.
    pub fn problem(&self, status: u16, code: &str) -> Result<()> {
        let body = String::from_utf8_lossy(&self.body);
        ensure!(self.status == status, "expected {status}:\n{}{body}", self.head);
        ensure!(
            self.header("content-type") == Some("application/problem+json"),
            "expected a problem:\n{}{body}",
            self.head
        );
        let problem: Value = serde_json::from_slice(&self.body)?;
        ensure!(
            problem.get("code").and_then(Value::as_str) == Some(code)
                && problem.get("status").and_then(Value::as_u64) == Some(status.into()),
            "expected the code {code}:\n{}{body}",
            self.head
        );
        Ok(())
    }

    /// Fails unless the answer has this status.
    pub fn expect_status(&self, status: u16) -> Result<()> {
        let body = String::from_utf8_lossy(&self.body);
        ensure!(self.status == status, "expected {status}:\n{}{body}", self.head);
        Ok(())
    }
}
