//! Streams of events that a shop holds open: for each client its share of them, and how soon those who watch everything are told.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use libtest_mimic::Trial;
use serde_json::{Value, json};

use crate::client::{As, Call, Opened, Shop};
use crate::events::{EVENTS, Watcher};
use crate::metrics;
use crate::own::{Binary, Home, Running, own_trials};

/// The tests of this area.
pub fn tests() -> Vec<Trial> {
    own_trials!(
        "streams",
        [
            one_client_can_not_take_all_streams,
            who_watches_everything_is_told_of_more_than_a_page,
        ]
    )
}

const PRODUCTS: &str = "subscription { productChanged { name } }";

/// How long a stream is looked at.
const LOOK: Duration = Duration::from_secs(10);

fn watch(shop: &Shop, address: &str) -> Result<Opened> {
    let call = Call::post(&json!({ "query": PRODUCTS }))
        .header("accept", EVENTS)
        .header("x-forwarded-for", address);
    let opened = shop.open_as(As::Anonymous, call, LOOK)?;
    opened.reply.expect_status(200)?.expect_media_type(EVENTS)?;
    Ok(opened)
}

/// A stream that is not held open ends at once, for its client to come again.
fn ends(opened: Opened) -> Result<()> {
    let reply = opened.whole()?;
    reply.expect(reply.text().contains("retry: "), || {
        "it should say when to come again".into()
    })?;
    Ok(())
}

fn held(shop: &Shop, expected: u64) -> Result<()> {
    let held = metrics::value(shop, "mercato_streams")?;
    ensure!(held == expected, "{held} streams are held open, not {expected}");
    Ok(())
}

fn one_client_can_not_take_all_streams(binary: &Binary) -> Result<()> {
    let home = Home::new()?;
    let mut command = binary.up(&home, &home.data());
    command
        .env("MERCATO_STREAMS", "5")
        .env("CLIENT_ADDRESS_HEADER", "X-Forwarded-For");
    let running = Running::start(&home, &mut command)?;
    let shop = running.shop();
    // A quarter of five, rounded up. What a client claims before the proxy does not count.
    let greedy = [
        watch(&shop, "192.0.2.1")?,
        watch(&shop, "198.51.100.9, 192.0.2.1")?,
    ];
    held(&shop, 2)?;
    ends(watch(&shop, "203.0.113.5, 192.0.2.1")?)?;
    let others = [watch(&shop, "192.0.2.2")?, watch(&shop, "192.0.2.3")?];
    held(&shop, 4)?;
    let last = watch(&shop, "2001:db8::1")?;
    held(&shop, 5)?;
    ends(watch(&shop, "192.0.2.4")?)?;
    drop((greedy, others, last));
    let deadline = Instant::now() + Duration::from_secs(20);
    while metrics::value(&shop, "mercato_streams")? > 0 {
        ensure!(Instant::now() < deadline, "who is gone should leave their places");
        std::thread::sleep(Duration::from_millis(100));
    }
    let again = watch(&shop, "192.0.2.1")?;
    held(&shop, 1)?;
    drop(again);
    running.stop()?;

    let mut command = binary.up(&home, &home.data());
    command.env("MERCATO_STREAMS_PER_CLIENT", "1");
    let running = Running::start(&home, &mut command)?;
    let shop = running.shop();
    // Nobody is trusted to tell addresses: they are all those of the connections.
    let one = watch(&shop, "192.0.2.1")?;
    ends(watch(&shop, "192.0.2.2")?)?;
    held(&shop, 1)?;
    drop(one);
    running.stop()
}

fn who_watches_everything_is_told_of_more_than_a_page(binary: &Binary) -> Result<()> {
    const MANY: usize = 2_000;
    let home = Home::new()?;
    let running = Running::start(&home, &mut binary.up(&home, &home.data()))?;
    let shop = running.shop();
    let mut watcher = Watcher::start(&shop, As::Anonymous, PRODUCTS, json!({}))?;
    watcher.disconnect();
    let rows: Vec<Value> = (0..MANY)
        .map(|row| json!({ "externalId": row.to_string(), "name": row.to_string(), "price": 1, "quantity": 1 }))
        .collect();
    for batch in rows.chunks(500) {
        let query = "mutation ($rows: [ImportProductInput!]!) { importProducts(products: $rows) { outcomes { outcome } } }";
        shop.graphql(As::Key, query, json!({ "rows": batch }))?
            .list("/importProducts/outcomes")?;
    }
    let mut told = std::collections::HashSet::new();
    while told.len() < MANY {
        let Some(data) = watcher.next(Duration::from_secs(20))? else {
            anyhow::bail!("{} of {MANY} changes are told", told.len());
        };
        told.extend(data.pointer("/productChanged/name").map(Value::to_string));
    }
    running.stop()
}
