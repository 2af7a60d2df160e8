//! Two processes behind HAProxy, which restart in turn under load. Each has its own data folder.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context, Result, anyhow, ensure};
use libtest_mimic::Trial;

use crate::binary::{Binary, binary_trial};
use crate::http::Request;
use crate::process::{Home, Process, Running, SECRET, clean};
use crate::shop::Shop;
use crate::wait::{SOON, eventually, retry};

/// The number of clients at a time.
const CLIENTS: usize = 8;

/// How often each process restarts.
const RESTARTS: usize = 2;

/// The requests that a process answers before the next restart, so that the proxy uses both.
const ANSWERS: u64 = 100;

const DOCUMENT: &str = "{ __typename }";

/// The tests of this area.
pub fn tests() -> Vec<Trial> {
    let haproxy = std::env::var_os("MERCATO_HAPROXY").map(PathBuf::from);
    let trial = |connections, keeps| {
        let name = format!("proxy::no_request_fails_while_processes_restart_and_connections_{connections}");
        let Some(haproxy) = haproxy.clone() else {
            return Trial::test(name, || Ok(()))
                .with_kind("needs MERCATO_HAPROXY")
                .with_ignored_flag(true);
        };
        binary_trial(&name, move |binary| restart_under_load(binary, &haproxy, keeps))
    };
    vec![trial("are_kept", true), trial("are_not_kept", false)]
}

fn restart_under_load(binary: &Binary, haproxy: &Path, keeps: bool) -> Result<()> {
    let homes = [Home::new()?, Home::new()?];
    let [first, second] = homes.each_ref().map(|home| binary.start(home));
    let mut processes = [first?, second?];
    let (shop, _proxy) = start_proxy(haproxy, &processes, keeps)?;
    let over = AtomicBool::new(false);
    let (restarted, answered) = std::thread::scope(|scope| {
        let clients: Vec<_> = (0..CLIENTS)
            .map(|_| scope.spawn(|| send_until(&over, &shop)))
            .collect();
        let restarted = restart_in_turn(binary, &homes, &mut processes);
        over.store(true, Ordering::Relaxed);
        let answered = clients
            .into_iter()
            .map(|client| client.join().map_err(|_| anyhow!("a client panicked"))?);
        (restarted, answered.sum::<Result<usize>>())
    });
    answered?;
    restarted?;
    processes.into_iter().try_for_each(Running::stop)
}

/// Starts HAProxy with the configuration that operators use, and returns the shop behind it.
fn start_proxy(haproxy: &Path, processes: &[Running; 2], keeps: bool) -> Result<(Shop, (Process, Home))> {
    let home = Home::new()?;
    let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
    let address = format!("127.0.0.1:{port}");
    let mut command = clean(haproxy, home.path());
    command
        .arg("-db")
        .arg("-f")
        .arg(std::path::absolute("deploy/haproxy.cfg")?);
    command.env("MERCATO_LISTEN", &address);
    for (name, process) in ["MERCATO_GATEWAY_A", "MERCATO_GATEWAY_B"]
        .into_iter()
        .zip(processes)
    {
        command.env(name, process.url.trim_start_matches("http://"));
    }
    command.env("MERCATO_KEEP_CONNECTIONS", keeps.to_string());
    let process = Process::start(&home, &mut command)?;
    let shop = Shop::new(&format!("http://{address}"), SECRET);
    retry(SOON, || shop.send(Request::query(DOCUMENT))).with_context(|| process.log().unwrap_or_default())?;
    Ok((shop, (process, home)))
}

/// Sends requests by POST, which the proxy must not repeat, and by GET. Returns their number.
fn send_until(over: &AtomicBool, shop: &Shop) -> Result<usize> {
    let mut answered = 0;
    while !over.load(Ordering::Relaxed) {
        for request in [Request::query(DOCUMENT), Request::get(&[("query", DOCUMENT)])] {
            shop.send(request)?.expect_status(200)?;
            answered += 1;
        }
    }
    Ok(answered)
}

/// Restarts each process on its port. The next one follows when the proxy uses the process again.
fn restart_in_turn(binary: &Binary, homes: &[Home; 2], processes: &mut [Running; 2]) -> Result<()> {
    for _ in 0..RESTARTS {
        for (process, home) in processes.iter_mut().zip(homes) {
            let status = process.process.stop()?;
            ensure!(status.success(), "mercato should exit with success, not {status}");
            let port = process.port()?.to_string();
            *process = Running::start(home, &mut binary.up_with(home, &home.data(), &port))?;
            eventually(SOON, "the proxy should use the process again", || {
                let posts = r#"mercato_requests_total{method="POST",status="200"}"#;
                let answers = process.shop().metric(posts)?;
                Ok((answers > ANSWERS, answers))
            })?;
        }
    }
    Ok(())
}
