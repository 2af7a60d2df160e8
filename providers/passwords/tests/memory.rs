//! The pool gives its memory back to the system. The test has a separate process, so that no other test
//! changes the figures.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

use std::time::{Duration, Instant};

use mercato_passwords::PasswordPool;
use mercato_ports::passwords::Passwords;

/// Half of the memory of one hash, in KiB.
const MARGIN: u64 = 9_728;

/// Returns the memory that the process has, in KiB.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))
        .unwrap();
    line.trim().strip_suffix(" kB").unwrap().parse().unwrap()
}

#[tokio::test]
async fn an_idle_pool_has_no_memory() {
    let pool = PasswordPool::new();
    let before = resident();
    for _ in 0..3 {
        pool.hash("correct horse".into()).await.unwrap();
    }
    let limit = Instant::now() + Duration::from_secs(30);
    while resident() > before + MARGIN {
        assert!(
            Instant::now() < limit,
            "{} KiB, and {before} KiB before",
            resident()
        );
        tokio::task::spawn_blocking(|| std::thread::sleep(Duration::from_millis(20)))
            .await
            .unwrap();
    }
}
