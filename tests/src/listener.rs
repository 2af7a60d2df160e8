//! HTTP servers for the requests of a shop under test, such as webhooks. They speak HTTP/1.1 (RFC 9112) on a
//! local port.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::wait::eventually;

/// A received request.
#[derive(Clone, Debug)]
pub struct Received {
    /// When the whole request had arrived.
    pub at: Instant,
    /// The method and the target, such as `GET /`.
    pub line: String,
    headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Received {
    /// Returns the value of a header. The name is in lower case.
    pub fn header(&self, name: &str) -> Result<&str> {
        self.headers
            .iter()
            .find_map(|(found, value)| (found == name).then_some(value.as_str()))
            .with_context(|| format!("{} should have the header {name}", self.line))
    }

    /// Returns the body as text.
    pub fn text(&self) -> Result<&str> {
        Ok(std::str::from_utf8(&self.body)?)
    }
}

/// A server. It runs until the end of this program.
pub struct Listener {
    /// The host and the port.
    pub address: String,
    received: Arc<Mutex<Vec<Received>>>,
}

impl Listener {
    /// Starts a server that stores each request and answers it with a status and a JSON body.
    ///
    /// `answer` gets the number of requests before this one, and the request.
    pub fn start(answer: impl Fn(usize, &Received) -> (u16, Value) + Send + Sync + 'static) -> Result<Self> {
        let server = TcpListener::bind("127.0.0.1:0")?;
        let listener = Self {
            address: server.local_addr()?.to_string(),
            received: Arc::default(),
        };
        let (received, answer) = (Arc::clone(&listener.received), Arc::new(answer));
        std::thread::spawn(move || {
            for stream in server.incoming().flatten() {
                let (received, answer) = (Arc::clone(&received), Arc::clone(&answer));
                // A client that closes the connection early reports the failure itself.
                std::thread::spawn(move || serve(stream, &received, &*answer));
            }
        });
        Ok(listener)
    }

    /// Returns all requests in the order of their arrival.
    pub fn received(&self) -> Vec<Received> {
        self.received
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Waits for this many requests and returns all of them.
    pub fn receives(&self, count: usize, limit: Duration) -> Result<Vec<Received>> {
        eventually(limit, format!("{count} requests should arrive"), || {
            let received = self.received();
            Ok((received.len() >= count, received))
        })
    }
}

/// Stores and answers one request.
fn serve(
    mut stream: TcpStream,
    received: &Mutex<Vec<Received>>,
    answer: &(dyn Fn(usize, &Received) -> (u16, Value) + Send + Sync),
) -> Result<()> {
    let request = read(&mut stream)?;
    let (status, body) = {
        let mut received = received.lock().unwrap_or_else(PoisonError::into_inner);
        let response = answer(received.len(), &request);
        received.push(request);
        response
    };
    let body = body.to_string();
    let head = format!(
        "HTTP/1.1 {status} Status\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        body.len()
    );
    stream.write_all(format!("{head}{body}").as_bytes())?;
    Ok(())
}

fn read(stream: &mut TcpStream) -> Result<Received> {
    const END: &[u8] = b"\r\n\r\n";
    let mut bytes = Vec::new();
    let end = loop {
        match bytes.windows(END.len()).position(|window| window == END) {
            Some(end) => break end,
            None => read_chunk(stream, &mut bytes)?,
        }
    };
    let mut body = bytes.split_off(end + END.len());
    let head = String::from_utf8(bytes)?;
    let mut lines = head.lines();
    let mut request = Received {
        at: Instant::now(),
        line: lines
            .next()
            .unwrap_or_default()
            .trim_end_matches(" HTTP/1.1")
            .to_owned(),
        headers: lines
            .filter_map(|line| line.split_once(':'))
            .map(|(name, value)| (name.to_lowercase(), value.trim().to_owned()))
            .collect(),
        body: Vec::new(),
    };
    let length: usize = request.header("content-length").unwrap_or("0").parse()?;
    while body.len() < length {
        read_chunk(stream, &mut body)?;
    }
    request.body = body;
    request.at = Instant::now();
    Ok(request)
}

fn read_chunk(stream: &mut TcpStream, bytes: &mut Vec<u8>) -> Result<()> {
    let mut chunk = [0; 4096];
    let count = stream.read(&mut chunk)?;
    ensure!(count > 0, "the request has no end");
    bytes.extend_from_slice(chunk.get(..count).unwrap_or_default());
    Ok(())
}
