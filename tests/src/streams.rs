//! Open streams of subscriptions: the limit for each client, and the delivery of many changes.

use std::collections::HashSet;
use std::time::Duration;

use anyhow::{Result, ensure};
use libtest_mimic::Trial;
use serde_json::{Value, json};

use crate::binary::{Binary, binary_trials};
use crate::http::{EVENT_STREAM, Request, ResponseStream};
use crate::process::{Home, Running};
use crate::shop::{As, Shop};
use crate::sse::Subscription;
use crate::wait::{SOON, eventually};

/// The tests of this area.
pub fn tests() -> Vec<Trial> {
    binary_trials!(
        "streams",
        [
            one_client_cannot_take_all_streams,
            a_subscription_to_all_products_delivers_more_than_one_page
        ]
    )
}

const PRODUCTS: &str = "subscription { productChanged { name } }";

/// How long a test reads a stream.
const READ: Duration = Duration::from_secs(10);

/// Subscribes as a client with this address.
fn subscribe(shop: &Shop, address: &str) -> Result<ResponseStream> {
    let request = Request::query(PRODUCTS)
        .header("accept", EVENT_STREAM)
        .header("x-forwarded-for", address);
    let stream = shop.stream_as(As::Anonymous, request, READ)?;
    stream
        .response
        .expect_status(200)?
        .expect_media_type(EVENT_STREAM)?;
    Ok(stream)
}

/// Fails unless a stream ends at once and has the client reconnect, since the shop does not hold it open.
fn ends(stream: ResponseStream) -> Result<()> {
    let response = stream.read_to_end()?;
    response.expect(
        response.body().contains("retry: "),
        "the stream should contain the pause before a reconnection",
    )
}

/// Fails unless this many streams are open.
fn check_open(shop: &Shop, expected: u64) -> Result<()> {
    let open = shop.metric("mercato_streams")?;
    ensure!(open == expected, "{expected} streams should be open, not {open}");
    Ok(())
}

fn one_client_cannot_take_all_streams(binary: &Binary) -> Result<()> {
    let home = Home::new()?;
    let mut command = binary.up(&home);
    command
        .env("MERCATO_STREAMS", "5")
        .env("CLIENT_ADDRESS_HEADER", "X-Forwarded-For");
    let running = Running::start(&home, &mut command)?;
    let shop = running.shop();
    // The limit is a quarter of five, rounded up. Addresses before the proxy's do not count.
    let greedy = [
        subscribe(&shop, "192.0.2.1")?,
        subscribe(&shop, "198.51.100.9, 192.0.2.1")?,
    ];
    check_open(&shop, 2)?;
    ends(subscribe(&shop, "203.0.113.5, 192.0.2.1")?)?;
    let others = [subscribe(&shop, "192.0.2.2")?, subscribe(&shop, "192.0.2.3")?];
    check_open(&shop, 4)?;
    let last = subscribe(&shop, "2001:db8::1")?;
    check_open(&shop, 5)?;
    ends(subscribe(&shop, "192.0.2.4")?)?;
    drop((greedy, others, last));
    eventually(SOON, "closed connections should free their streams", || {
        let open = shop.metric("mercato_streams")?;
        Ok((open == 0, open))
    })?;
    let again = subscribe(&shop, "192.0.2.1")?;
    check_open(&shop, 1)?;
    drop(again);
    running.stop()?;

    let mut command = binary.up(&home);
    command.env("MERCATO_STREAMS_PER_CLIENT", "1");
    let running = Running::start(&home, &mut command)?;
    let shop = running.shop();
    // Without a trusted header, both clients have the address of the connection.
    let one = subscribe(&shop, "192.0.2.1")?;
    ends(subscribe(&shop, "192.0.2.2")?)?;
    check_open(&shop, 1)?;
    drop(one);
    running.stop()
}

fn a_subscription_to_all_products_delivers_more_than_one_page(binary: &Binary) -> Result<()> {
    const MANY: usize = 2_000;
    let home = Home::new()?;
    let running = binary.start(&home)?;
    let shop = running.shop();
    let mut subscription = Subscription::start(&shop, As::Anonymous, PRODUCTS, json!({}))?;
    subscription.disconnect();
    let rows: Vec<Value> = (0..MANY)
        .map(|row| json!({ "externalId": row.to_string(), "name": row.to_string(), "price": 1, "quantity": 1 }))
        .collect();
    for batch in rows.chunks(500) {
        shop.import_products(batch)?.list("/importProducts/outcomes")?;
    }
    let mut names = HashSet::new();
    while names.len() < MANY {
        let Some(data) = subscription.next(Duration::from_secs(20))? else {
            anyhow::bail!("{MANY} changes should arrive, not {}", names.len());
        };
        names.extend(data.pointer("/productChanged/name").map(Value::to_string));
    }
    running.stop()
}
