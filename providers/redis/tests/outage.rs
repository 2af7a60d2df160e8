//! Tests of outages of Redis, with a server that this test starts.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "tests fail by panicking"
)]

use std::ffi::OsString;
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

/// A Redis server with a password. Dropping it kills the server.
struct Server {
    port: u16,
    process: Child,
}

impl Server {
    fn start(port: u16) -> Self {
        let process = Command::new(program())
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

/// The server's program: `MERCATO_REDIS_SERVER`, or the one in the path.
fn program() -> OsString {
    std::env::var_os("MERCATO_REDIS_SERVER").unwrap_or_else(|| "redis-server".into())
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
    options.retry_interval = Duration::from_millis(50);
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

/// The log of this process.
#[derive(Clone, Default)]
struct LogBuffer(Arc<Mutex<Vec<u8>>>);

impl Write for LogBuffer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for LogBuffer {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

impl LogBuffer {
    /// Counts the lines with this text about the server at a port.
    fn count(&self, port: u16, text: &str) -> usize {
        let server = format!("127.0.0.1:{port}");
        self.text()
            .lines()
            .filter(|line| line.contains(&server) && line.contains(text))
            .count()
    }

    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

/// The cache misses while the server is down. The log has one line about the begin and one about the end of
/// the outage.
async fn misses_while_a_server_is_down(log: LogBuffer) {
    let server = Server::start(free_port());
    let cache = cache(server.port, PASSWORD);
    until_ready(&cache).await;
    set(&cache).await;
    assert_eq!(get(&cache).await, Some(b"1".to_vec()));
    let (outages, recoveries) = (
        log.count(server.port, "is unavailable"),
        log.count(server.port, "again"),
    );
    let port = server.kill();
    for _ in 0..20 {
        assert_eq!(get(&cache).await, None);
        set(&cache).await;
        cache.delete(vec!["a".into()]).await;
        assert_eq!(cache.increment("n".into(), 1, LONG).await, None);
        sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(log.count(port, "is unavailable"), outages + 1);
    let _server = Server::start(port);
    until_ready(&cache).await;
    assert_eq!(log.count(port, "again"), recoveries + 1);
    set(&cache).await;
    assert_eq!(get(&cache).await, Some(b"1".to_vec()));
    assert_eq!(log.count(port, "is unavailable"), outages + 1);
}

/// A cache can be created before its server runs, and misses.
async fn misses_if_the_server_never_ran(log: LogBuffer) {
    let port = free_port();
    let cache = cache(port, PASSWORD);
    assert_eq!(get(&cache).await, None);
    assert!(!cache.ready().await);
    assert_eq!(log.count(port, "is unavailable"), 1);
    assert!(!log.text().contains(PASSWORD));
}

/// The server accepts connections and never answers. All concurrent calls end with the first timeout.
async fn concurrent_calls_to_a_hanging_server_wait_for_one_timeout(log: LogBuffer) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let mut options = RedisOptions::new(&format!("redis://127.0.0.1:{port}")).unwrap();
    options.retry_interval = LONG;
    let cache = Arc::new(RedisCache::new(options).unwrap());
    let calls = (0..50).map(|_| {
        let cache = Arc::clone(&cache);
        tokio::spawn(async move { get(&cache).await })
    });
    for call in calls.collect::<Vec<_>>() {
        assert_eq!(call.await.unwrap(), None);
    }
    // If the calls timed out one after the other, this test would take 25 seconds and many connections.
    listener.set_nonblocking(true).unwrap();
    assert_eq!(listener.incoming().take_while(Result::is_ok).count(), 1);
    assert_eq!(log.count(port, "is unavailable"), 1);
}

/// A wrong password is logged as an outage, without the password.
async fn logs_a_rejected_login_without_the_password(log: LogBuffer) {
    let server = Server::start(free_port());
    let good = cache(server.port, PASSWORD);
    until_ready(&good).await;
    let cache = cache(server.port, "wrong-battery");
    let before = log.count(server.port, "is unavailable");
    assert_eq!(get(&cache).await, None);
    assert_eq!(log.count(server.port, "is unavailable"), before + 1);
    assert!(!log.text().contains("wrong-battery"));
    assert!(!log.text().contains(PASSWORD));
}

fn main() -> ExitCode {
    let log = LogBuffer::default();
    tracing_subscriber::fmt()
        .with_max_level(tracing_subscriber::filter::LevelFilter::TRACE)
        .with_ansi(false)
        .with_writer(log.clone())
        .init();
    let runtime = conformance::runtime();
    let installed = Command::new(program())
        .arg("--version")
        .stdout(Stdio::null())
        .status()
        .is_ok();
    macro_rules! trial {
        ($case:ident, $ignored:expr) => {{
            let (handle, log) = (runtime.handle().clone(), log.clone());
            let run = move || Ok(handle.block_on($case(log)));
            Trial::test(stringify!($case), run).with_ignored_flag($ignored)
        }};
    }
    conformance::run(vec![
        trial!(misses_while_a_server_is_down, !installed),
        trial!(misses_if_the_server_never_ran, false),
        trial!(concurrent_calls_to_a_hanging_server_wait_for_one_timeout, false),
        trial!(logs_a_rejected_login_without_the_password, !installed),
    ])
}
