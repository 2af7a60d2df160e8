//! Empties a Redis server under a shop.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpStream;

use anyhow::{Context, Result, ensure};

/// Removes all keys of the server at this address: `redis://host:port`, or `host:port`.
pub fn flush(address: &str) -> Result<()> {
    let address = address.trim_start_matches("redis://");
    let mut stream = TcpStream::connect(address).with_context(|| format!("{address} should be Redis"))?;
    stream.write_all(b"FLUSHALL\r\n")?;
    let mut line = String::new();
    BufReader::new(stream).read_line(&mut line)?;
    ensure!(line == "+OK\r\n", "Redis should confirm the flush, not {line}");
    Ok(())
}
