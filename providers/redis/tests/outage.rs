//! What callers see while Redis is away, with a server of this test's own.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "tests fail by panicking"
)]

use std::io::{self, Write};
use std::net::TcpListener;
use std::process::{Child, Command, ExitCode, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use libtest_mimic::Trial;
use mercato_ports::cache::Cache;
use mercato_ports::conformance;
use mercato_redis::{RedisCache, RedisOptions};
use tokio::time::sleep;
use tracing_subscriber::fmt::MakeWriter;

const LONG: Duration = Duration::from_secs(600);
const PASSWORD: &str = "correct-horse";

/// A Redis with a password; killed with -9 when it is dropped.
struct Server {
    port: u16,
    process: Child,
}

impl Server {
    fn start(port: u16) -> Self {
        let process = Command::new("redis-server")
            .args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", ""])
            .args(["--requirepass", PASSWORD])
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        Self { port, process }
    }

    fn kill(mut self) -> u16 {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
        self.port
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port()
}

fn cache(port: u16, password: &str) -> RedisCache {
    let mut options = RedisOptions::new(&format!("redis://:{password}@127.0.0.1:{port}")).unwrap();
    options.response_timeout = Duration::from_secs(5);
    options.connect_timeout = Duration::from_secs(5);
    options.pause = Duration::from_millis(50);
    RedisCache::new(options).unwrap()
}

async fn until_ready(cache: &RedisCache) {
    while !cache.ready().await {
        sleep(Duration::from_millis(20)).await;
    }
}

async fn set(cache: &RedisCache) {
    cache.set("a".into(), b"1".to_vec(), LONG).await;
}

async fn get(cache: &RedisCache) -> Option<Vec<u8>> {
    cache.get_many(vec!["a".into()]).await.remove(0)
}

/// The log of this process, line by line.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Lines {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

impl Lines {
    /// How many lines tell this of the server at the port.
    fn count(&self, port: u16, what: &str) -> usize {
        let log = self.text();
        let server = format!("127.0.0.1:{port}");
        log.lines()
            .filter(|line| line.contains(&server) && line.contains(what))
            .count()
    }

    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

/// A server that is killed and started again: misses, one warning, one line when it is back.
async fn a_killed_server_is_missed_and_found_again(lines: Lines) {
    let server = Server::start(free_port());
    let cache = cache(server.port, PASSWORD);
    until_ready(&cache).await;
    set(&cache).await;
    assert_eq!(get(&cache).await, Some(b"1".to_vec()));
    let (away, back) = (
        lines.count(server.port, "is away"),
        lines.count(server.port, "again"),
    );
    let port = server.kill();
    for _ in 0..20 {
        assert_eq!(get(&cache).await, None);
        set(&cache).await;
        cache.delete(vec!["a".into()]).await;
        assert_eq!(cache.increment("n".into(), 1, LONG).await, None);
        sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(lines.count(port, "is away"), away + 1);
    let _server = Server::start(port);
    until_ready(&cache).await;
    assert_eq!(lines.count(port, "again"), back + 1);
    set(&cache).await;
    assert_eq!(get(&cache).await, Some(b"1".to_vec()));
    assert_eq!(lines.count(port, "is away"), away + 1);
}

/// A server that was never there: a cache is made, and misses.
async fn a_server_that_was_never_there_is_no_error(lines: Lines) {
    let port = free_port();
    let cache = cache(port, PASSWORD);
    assert_eq!(get(&cache).await, None);
    assert!(!cache.ready().await);
    assert_eq!(lines.count(port, "is away"), 1);
    assert!(!lines.text().contains(PASSWORD));
}

/// A server that takes connections and never answers: of many calls at once all end with the first timeout.
async fn a_server_that_hangs_costs_one_timeout(lines: Lines) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let mut options = RedisOptions::new(&format!("redis://127.0.0.1:{port}")).unwrap();
    options.pause = LONG;
    let cache = Arc::new(RedisCache::new(options).unwrap());
    let calls = (0..50).map(|_| {
        let cache = Arc::clone(&cache);
        tokio::spawn(async move { get(&cache).await })
    });
    for call in calls.collect::<Vec<_>>() {
        assert_eq!(call.await.unwrap(), None);
    }
    // Had each call waited for its own timeout in its turn, this test would have taken 25 seconds and many connections.
    listener.set_nonblocking(true).unwrap();
    assert_eq!(listener.incoming().take_while(Result::is_ok).count(), 1);
    assert_eq!(lines.count(port, "is away"), 1);
}

/// A wrong password is an outage that is told without the password.
async fn a_wrong_password_is_told_without_it(lines: Lines) {
    let server = Server::start(free_port());
    let good = cache(server.port, PASSWORD);
    until_ready(&good).await;
    let cache = cache(server.port, "wrong-battery");
    let before = lines.count(server.port, "is away");
    assert_eq!(get(&cache).await, None);
    assert_eq!(lines.count(server.port, "is away"), before + 1);
    assert!(!lines.text().contains("wrong-battery"));
    assert!(!lines.text().contains(PASSWORD));
}

fn main() -> ExitCode {
    let lines = Lines::default();
    tracing_subscriber::fmt()
        .with_max_level(tracing_subscriber::filter::LevelFilter::TRACE)
        .with_ansi(false)
        .with_writer(lines.clone())
        .init();
    let runtime = conformance::runtime();
    let installed = Command::new("redis-server")
        .arg("--version")
        .stdout(Stdio::null())
        .status()
        .is_ok();
    macro_rules! trial {
        ($case:ident, $ignored:expr) => {{
            let (handle, lines) = (runtime.handle().clone(), lines.clone());
            let run = move || Ok(handle.block_on($case(lines)));
            Trial::test(stringify!($case), run).with_ignored_flag($ignored)
        }};
    }
    conformance::run(vec![
        trial!(a_killed_server_is_missed_and_found_again, !installed),
        trial!(a_server_that_was_never_there_is_no_error, false),
        trial!(a_server_that_hangs_costs_one_timeout, false),
        trial!(a_wrong_password_is_told_without_it, !installed),
    ])
}
