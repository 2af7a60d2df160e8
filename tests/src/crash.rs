//! kill -9 in the middle of orders, and SIGTERM under load: no piece is lost or sold twice, no answered order is gone.

use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use libtest_mimic::Trial;
use serde_json::{Value, json};

use crate::client::{As, Shop};
use crate::own::SECRET;
use crate::own::{Binary, Home, Running, own_trials};
use crate::tokens;
use crate::world::{create_product, login, place_order, register, stock, unique};

/// The tests of this area.
pub fn tests() -> Vec<Trial> {
    own_trials!(
        "crash",
        [
            a_shop_that_is_killed_while_it_sells_loses_nothing,
            a_shop_that_is_terminated_answers_what_was_started,
        ]
    )
}

/// The quantity of each product in each order that was answered.
type Orders = HashMap<String, HashMap<String, i64>>;

const WORKERS: usize = 16;

/// `mercato up` whose reservations are decided about soon after a crash.
fn start(binary: &Binary, home: &Home) -> Result<Running> {
    Running::start(
        home,
        binary.up(home, &home.data()).env("RESERVATION_SECONDS", "2"),
    )
}

fn a_shop_that_is_killed_while_it_sells_loses_nothing(binary: &Binary) -> Result<()> {
    let home = Home::new()?;
    let mut running = start(binary, &home)?;
    let products = products(&running.shop())?;
    let customer = register(
        &running.shop(),
        As::Anonymous,
        &unique("crash"),
        "a good password",
    )?;
    let user = customer.text("/registerUser/user/_id")?.to_owned();
    let mut placed = Orders::new();
    for round in 1..=2 {
        let before = placed.len();
        sell_until_killed(&mut running, &products, &user, &mut placed)?;
        ensure!(
            placed.len() > before,
            "orders should have been placed before the crash of round {round}"
        );
        running = start(binary, &home)?;
        check_after_crash(&running.shop(), &products, &placed)
            .map_err(|error| error.context(format!("after the crash of round {round}")))?;
    }
    running.stop()
}

/// One product that is soon sold out, and two that never are.
fn products(shop: &Shop) -> Result<Vec<String>> {
    [50, 100_000, 100_000]
        .into_iter()
        .map(|quantity| {
            let input = json!({ "name": unique("crash"), "price": 10, "quantity": quantity });
            Ok(create_product(shop, As::Key, input)?
                .text("/createProduct/_id")?
                .to_owned())
        })
        .collect()
}

/// Orders from many threads until enough were answered, then kill -9 while others are under way.
fn sell_until_killed(
    running: &mut Running,
    products: &[String],
    user: &str,
    placed: &mut Orders,
) -> Result<()> {
    let [rare, first, second] = products else {
        anyhow::bail!("there are three products")
    };
    let token = tokens::minted(SECRET, user, "CUSTOMER")?;
    let (answered, killed) = (Mutex::new(Orders::new()), AtomicBool::new(false));
    let shop = running.shop();
    let goal = 150;
    let outcome = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..WORKERS)
            .map(|worker| {
                let (answered, killed, shop, token) = (&answered, &killed, &shop, &token);
                scope.spawn(move || -> Result<()> {
                    for turn in worker.. {
                        let lines: &[(&str, i64)] = match turn % 3 {
                            0 => &[(first, 2), (second, 1)],
                            1 => &[(second, 3)],
                            _ => &[(rare, 1), (first, 1)],
                        };
                        match place_order(shop, As::Token(token), lines) {
                            Ok(answer) if answer.errors().is_empty() => {
                                let id = answer.text("/placeOrder/_id")?.to_owned();
                                let quantities =
                                    lines.iter().map(|&(id, count)| (id.to_owned(), count)).collect();
                                answered
                                    .lock()
                                    .map_err(|_| anyhow::anyhow!("a worker panicked"))?
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
        let enough = || answered.lock().is_ok_and(|answered| answered.len() >= goal);
        while !enough() && Instant::now() < deadline && !workers.iter().any(|worker| worker.is_finished()) {
            std::thread::sleep(Duration::from_millis(1));
        }
        killed.store(true, Ordering::SeqCst);
        running.process.kill()?;
        workers
            .into_iter()
            .try_for_each(|worker| worker.join().map_err(|_| anyhow::anyhow!("a worker panicked"))?)
    });
    placed.extend(
        answered
            .into_inner()
            .map_err(|_| anyhow::anyhow!("a worker panicked"))?,
    );
    outcome
}

/// At once every stock adds up and every answered order is there; soon nothing is reserved, and what was sold is what
/// the orders hold: those that were answered, and those whose answer the crash cut off.
fn check_after_crash(shop: &Shop, products: &[String], placed: &Orders) -> Result<()> {
    for product in products {
        stock(shop, product)?;
    }
    let kept = all_orders(shop)?;
    for (id, lines) in placed {
        ensure!(
            kept.get(id) == Some(lines),
            "order {id} was answered with {lines:?}, and is {:?}",
            kept.get(id)
        );
    }
    let deadline = Instant::now() + Duration::from_secs(30);
    for product in products {
        loop {
            let now = stock(shop, product)?;
            let kept = all_orders(shop)?;
            let ordered: i64 = kept.values().filter_map(|lines| lines.get(product)).sum();
            if now.reserved == 0 && now.sold == ordered {
                break;
            }
            ensure!(
                Instant::now() < deadline,
                "{ordered} pieces of {product} are in orders, and its stock stays {now:?}"
            );
            std::thread::sleep(Duration::from_millis(100));
        }
    }
    Ok(())
}

/// All orders of the shop.
fn all_orders(shop: &Shop) -> Result<Orders> {
    let query = "query ($after: String) { orderConnection(first: 100, after: $after) {
        edges { node { _id products { _id quantity } } } pageInfo { hasNextPage endCursor } } }";
    let mut orders = Orders::new();
    let mut after = Value::Null;
    loop {
        let page = shop.graphql(As::Key, query, json!({ "after": after }))?;
        for edge in page.list("/orderConnection/edges")? {
            let id = edge
                .pointer("/node/_id")
                .and_then(Value::as_str)
                .context("an order has an id")?;
            let lines = edge
                .pointer("/node/products")
                .and_then(Value::as_array)
                .context("an order has lines")?;
            let line = |line: &Value| {
                Some((
                    line.get("_id")?.as_str()?.to_owned(),
                    line.get("quantity")?.as_i64()?,
                ))
            };
            let lines = lines
                .iter()
                .map(line)
                .collect::<Option<_>>()
                .context("a line has an id and a quantity")?;
            let known = orders.insert(id.to_owned(), lines);
            ensure!(known.is_none(), "order {id} is on two pages");
        }
        if page.data("/orderConnection/pageInfo/hasNextPage")? == &json!(false) {
            return Ok(orders);
        }
        after = page.data("/orderConnection/pageInfo/endCursor")?.clone();
    }
}

/// Registrations take long enough (a password's hash) to be surely under way when the signal comes.
fn a_shop_that_is_terminated_answers_what_was_started(binary: &Binary) -> Result<()> {
    let home = Home::new()?;
    let mut running = start(binary, &home)?;
    let shop = running.shop();
    let names: Vec<String> = (0..32).map(|_| unique("term")).collect();
    std::thread::scope(|scope| {
        let workers: Vec<_> = names
            .iter()
            .map(|name| {
                let shop = &shop;
                scope.spawn(move || register(shop, As::Anonymous, name, "a good password"))
            })
            .collect();
        std::thread::sleep(Duration::from_millis(500));
        let under_way = workers.iter().filter(|worker| !worker.is_finished()).count();
        ensure!(
            under_way >= 4,
            "registrations should be under way when the signal comes, not {under_way}"
        );
        running.process.terminate()?;
        for worker in workers {
            let answer = worker
                .join()
                .map_err(|_| anyhow::anyhow!("a worker panicked"))??;
            answer.text("/registerUser/user/_id")?;
        }
        Ok(())
    })?;
    let status = running.process.wait(Duration::from_secs(20))?;
    ensure!(
        status.code() == Some(0),
        "the exit code should be 0, not {status}:\n{}",
        running.process.log()?
    );
    let port = running.port()?;
    ensure!(
        std::net::TcpStream::connect(("127.0.0.1", port)).is_err(),
        "nobody should listen any more"
    );
    let running = start(binary, &home)?;
    for name in names.iter().take(2) {
        login(&running.shop(), name, "a good password")?.text("/login/access_token")?;
    }
    running.stop()
}
