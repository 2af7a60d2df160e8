//! SIGKILL and SIGTERM under load: no unit is lost or sold twice, and no confirmed order is lost.

use std::collections::HashMap;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, ensure};
use libtest_mimic::Trial;
use serde_json::{Value, json};

use crate::binary::{Binary, binary_trials};
use crate::fixtures::unique;
use crate::process::{Home, Process, Running, SECRET};
use crate::shop::{As, Shop};
use crate::tokens;
use crate::values::text_at;
use crate::wait::eventually;

/// The tests of this area.
pub fn tests() -> Vec<Trial> {
    binary_trials!(
        "crash",
        [
            a_shop_that_is_killed_while_it_sells_loses_nothing,
            a_shop_that_is_killed_during_a_backup_is_restored_elsewhere,
            a_terminated_shop_answers_its_running_requests
        ]
    )
}

/// The quantity of each product in each order.
type Orders = HashMap<String, HashMap<String, i64>>;

const WORKERS: usize = 16;

/// Starts a shop whose reservations expire soon after a crash.
fn start(binary: &Binary, home: &Home) -> Result<Running> {
    Running::start(home, binary.up(home).env("RESERVATION_SECONDS", "2"))
}

fn a_shop_that_is_killed_while_it_sells_loses_nothing(binary: &Binary) -> Result<()> {
    let home = Home::new()?;
    let mut running = start(binary, &home)?;
    let products = products(&running.shop())?;
    let user = running.shop().register("crash")?;
    let mut placed = Orders::new();
    for round in 1..=2 {
        let before = placed.len();
        sell_until_killed(&mut running, &products, &user.id, &mut placed)?;
        ensure!(
            placed.len() > before,
            "orders should be placed before the crash of round {round}"
        );
        running = start(binary, &home)?;
        check_after_crash(&running.shop(), &products, &placed)
            .map_err(|error| error.context(format!("after the crash of round {round}")))?;
    }
    running.stop()
}

/// Backups are made again and again until the kill, so that it meets one of them.
fn a_shop_that_is_killed_during_a_backup_is_restored_elsewhere(binary: &Binary) -> Result<()> {
    let home = Home::new()?;
    let mut running = start(binary, &home)?;
    let products = products(&running.shop())?;
    let user = running.shop().register("backup")?;
    let [_, first, _] = &products;
    let mut before = Orders::new();
    for _ in 0..5 {
        let id = running.shop().order(user.caller(), &[(first, 2)])?;
        before.insert(id, [(first.clone(), 2)].into());
    }
    let data = home.data();
    let succeeds = |arguments: &[&str], data: &Path| -> Result<()> {
        let mut command = binary.command(home.path());
        let output = command.args(arguments).arg("--data").arg(data).output()?;
        let log = String::from_utf8_lossy(&output.stderr).into_owned();
        ensure!(output.status.success(), "{arguments:?} failed:\n{log}");
        Ok(())
    };
    succeeds(&["backup", "first.backup"], &data)?;

    let mut placed = before.clone();
    let killed = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let backups = scope.spawn(|| -> Result<()> {
            while !killed.load(Ordering::SeqCst) {
                let mut command = binary.command(home.path());
                command
                    .args(["backup", "second.backup", "--force", "--data"])
                    .arg(&data);
                let mut backup = Process::start(&home, &mut command)?;
                while backup.is_running()? && !killed.load(Ordering::SeqCst) {
                    std::thread::sleep(Duration::from_millis(1));
                }
                backup.kill()?;
            }
            Ok(())
        });
        let sold = sell_until_killed(&mut running, &products, &user.id, &mut placed);
        killed.store(true, Ordering::SeqCst);
        backups.join().map_err(|_| anyhow!("a backup panicked"))??;
        sold
    })?;
    for backup in ["first.backup", "second.backup"] {
        if !home.path().join(backup).exists() {
            // The kill came before the first of the later backups was complete.
            continue;
        }
        let other = home.path().join(format!("restored-from-{backup}"));
        succeeds(&["check", backup], &data)?;
        succeeds(&["restore", backup], &other)?;
        let mut command = binary.up_with(&home, &other, "0");
        let restored = Running::start(&home, command.env("RESERVATION_SECONDS", "2"))?;
        check_after_crash(&restored.shop(), &products, &before)
            .map_err(|error| error.context(format!("after the restore of {backup}")))?;
        restored.stop()?;
    }
    let running = start(binary, &home)?;
    check_after_crash(&running.shop(), &products, &placed)?;
    running.stop()
}

/// Creates a product that soon sells out, and two that never do.
fn products(shop: &Shop) -> Result<[String; 3]> {
    Ok([
        shop.product(10, 50)?,
        shop.product(10, 100_000)?,
        shop.product(10, 100_000)?,
    ])
}

/// Places orders from many threads, and kills the shop after enough confirmed orders, while others are in
/// progress.
fn sell_until_killed(
    running: &mut Running,
    [rare, first, second]: &[String; 3],
    user: &str,
    placed: &mut Orders,
) -> Result<()> {
    let token = tokens::minted(SECRET, user, "CUSTOMER")?;
    let (confirmed, killed) = (Mutex::new(Orders::new()), AtomicBool::new(false));
    let shop = running.shop();
    let goal = 150;
    let outcome = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..WORKERS)
            .map(|worker| {
                let (confirmed, killed, shop, token) = (&confirmed, &killed, &shop, &token);
                scope.spawn(move || -> Result<()> {
                    for number in worker.. {
                        let lines: &[(&str, i64)] = match number % 3 {
                            0 => &[(first, 2), (second, 1)],
                            1 => &[(second, 3)],
                            _ => &[(rare, 1), (first, 1)],
                        };
                        match shop.place_order(As::Token(token), lines) {
                            Ok(answer) if answer.errors().is_empty() => {
                                let id = answer.text("/placeOrder/_id")?.to_owned();
                                let quantities =
                                    lines.iter().map(|&(id, count)| (id.to_owned(), count)).collect();
                                confirmed
                                    .lock()
                                    .map_err(|_| anyhow!("a worker panicked"))?
                                    .insert(id, quantities);
                            }
                            Ok(answer) => {
                                answer.refused("OUT_OF_STOCK")?;
                            }
                            Err(_) if killed.load(Ordering::SeqCst) => return Ok(()),
                            Err(error) => return Err(error),
                        }
                    }
                    Ok(())
                })
            })
            .collect();
        let deadline = Instant::now() + Duration::from_secs(30);
        let enough = || confirmed.lock().is_ok_and(|confirmed| confirmed.len() >= goal);
        while !enough() && Instant::now() < deadline && !workers.iter().any(|worker| worker.is_finished()) {
            std::thread::sleep(Duration::from_millis(1));
        }
        killed.store(true, Ordering::SeqCst);
        running.process.kill()?;
        workers
            .into_iter()
            .try_for_each(|worker| worker.join().map_err(|_| anyhow!("a worker panicked"))?)
    });
    placed.extend(confirmed.into_inner().map_err(|_| anyhow!("a worker panicked"))?);
    outcome
}

/// Checks that every stock adds up and every confirmed order exists. Then waits until no unit is reserved,
/// and as many are sold as all orders contain. The orders include those whose confirmation was lost in the
/// crash.
fn check_after_crash(shop: &Shop, products: &[String], placed: &Orders) -> Result<()> {
    for product in products {
        shop.stock(product)?;
    }
    let stored = all_orders(shop)?;
    for (id, lines) in placed {
        ensure!(
            stored.get(id) == Some(lines),
            "order {id} was confirmed with {lines:?}, and has {:?}",
            stored.get(id)
        );
    }
    for product in products {
        let expectation = format!("the stock of {product} should match the orders");
        eventually(Duration::from_secs(30), expectation, || {
            let stock = shop.stock(product)?;
            let orders = all_orders(shop)?;
            let ordered: i64 = orders.values().filter_map(|lines| lines.get(product)).sum();
            Ok((stock.reserved == 0 && stock.sold == ordered, (stock, ordered)))
        })?;
    }
    Ok(())
}

/// Returns all orders of the shop.
fn all_orders(shop: &Shop) -> Result<Orders> {
    let query = "query ($after: String) { orderConnection(first: 100, after: $after) {
        edges { node { _id products { _id quantity } } } pageInfo { hasNextPage endCursor } } }";
    let mut orders = Orders::new();
    for order in shop.all_nodes(As::Key, query, "/orderConnection", json!({}))? {
        let id = text_at(&order, "/_id")?.to_owned();
        let lines = order.get("products").and_then(Value::as_array);
        let line = |line: &Value| {
            Some((
                line.get("_id")?.as_str()?.to_owned(),
                line.get("quantity")?.as_i64()?,
            ))
        };
        let lines: Option<_> = lines.context("an order has lines")?.iter().map(line).collect();
        let lines = lines.context("a line has an id and a quantity")?;
        ensure!(
            orders.insert(id.clone(), lines).is_none(),
            "order {id} is on two pages"
        );
    }
    Ok(orders)
}

/// The signal arrives while the shop has half of the requests' bodies.
fn a_terminated_shop_answers_its_running_requests(binary: &Binary) -> Result<()> {
    let home = Home::new()?;
    let mut running = start(binary, &home)?;
    let names: Vec<String> = (0..8).map(|_| unique("term")).collect();
    let mut requests = Vec::new();
    for name in &names {
        let body = json!({ "username": name, "password": "a good password" }).to_string();
        let (first, last) = body.split_at(body.len() / 2);
        let mut stream = TcpStream::connect(("127.0.0.1", running.port()?))?;
        stream.set_read_timeout(Some(Duration::from_secs(20)))?;
        write!(
            stream,
            "POST /api/users/register HTTP/1.1\r\nhost: shop\r\ncontent-type: application/json\r\n\
             content-length: {}\r\n\r\n{first}",
            body.len()
        )?;
        requests.push((stream, last.to_owned()));
    }
    // A request on another connection is answered after the shop has accepted these.
    running.shop().product(1, 1)?;
    running.process.terminate()?;
    for (stream, last) in &mut requests {
        stream.write_all(last.as_bytes())?;
    }
    for (mut stream, _) in requests {
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        ensure!(
            answer.starts_with("HTTP/1.1 201 "),
            "the answer should be 201:\n{answer}"
        );
    }
    let status = running.process.wait(Duration::from_secs(20))?;
    ensure!(
        status.code() == Some(0),
        "the exit code should be 0, not {status}:\n{}",
        running.process.log()?
    );
    let port = running.port()?;
    ensure!(
        TcpStream::connect(("127.0.0.1", port)).is_err(),
        "no process should listen on the port"
    );
    let running = start(binary, &home)?;
    for name in names.iter().take(2) {
        running
            .shop()
            .login(name, "a good password")?
            .text("/login/access_token")?;
    }
    running.stop()
}
