//! Ports for servers that can't choose one themselves.

use std::collections::BTreeSet;
use std::net::TcpListener;
use std::ops::Range;
use std::sync::Mutex;

use anyhow::{Result, anyhow, bail};

/// Systems choose higher ports for outgoing connections, so a restarted server finds its port still free.
const RANGE: Range<u16> = 12_000..32_000;

/// Returns a port of this machine that nothing listens on, and that was not returned before.
///
/// # Errors
/// No port is free.
pub fn free() -> Result<u16> {
    static RETURNED: Mutex<BTreeSet<u16>> = Mutex::new(BTreeSet::new());
    let mut returned = RETURNED
        .lock()
        .map_err(|_| anyhow!("the set of ports is poisoned"))?;
    for _ in 0..1000 {
        let mut bytes = [0; 2];
        getrandom::fill(&mut bytes).map_err(|error| anyhow!("the system has no random bytes: {error}"))?;
        let port = RANGE.start + u16::from_le_bytes(bytes) % (RANGE.end - RANGE.start);
        if TcpListener::bind(("127.0.0.1", port)).is_ok() && returned.insert(port) {
            return Ok(port);
        }
    }
    bail!("found no free port from {} to {}", RANGE.start, RANGE.end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn returns_each_free_port_once() {
        let ports: BTreeSet<u16> = (0..50).map(|_| free().unwrap()).collect();
        assert_eq!(ports.len(), 50);
        for port in ports {
            TcpListener::bind(("127.0.0.1", port)).unwrap();
        }
    }
}
