//! What Prometheus reads of a shop in one process.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use libtest_mimic::Trial;

use crate::client::{As, Call, Shop};
use crate::own::{Binary, Home, Running, own_trials};

/// The tests of this area.
pub fn tests() -> Vec<Trial> {
    own_trials!("metrics", [what_a_shop_does_is_counted])
}

/// The value of a line.
pub fn value(shop: &Shop, line: &str) -> Result<u64> {
    let reply = shop.send(Call::new("GET", "/metrics"))?;
    reply
        .expect_status(200)?
        .expect_media_type("application/openmetrics-text")?;
    let text = reply.text();
    let found = text
        .lines()
        .find_map(|found| found.strip_prefix(line)?.strip_prefix(' '));
    found.map_or(Ok(0), |value| {
        value.parse().with_context(|| format!("{line} {value}"))
    })
}

fn what_a_shop_does_is_counted(binary: &Binary) -> Result<()> {
    let home = Home::new()?;
    let running = Running::start(&home, &mut binary.up(&home, &home.data()))?;
    let shop = running.shop();
    for _ in 0..3 {
        shop.query(As::Anonymous, "{ products { _id } }")?
            .list("/products")?;
    }
    shop.send(Call::new("GET", "/nonsense"))?.expect_status(404)?;
    let answered = value(&shop, r#"mercato_requests_total{method="POST",status="200"}"#)?;
    ensure!(
        answered == 3,
        "{answered} requests are counted, and there were three"
    );
    let missed = value(&shop, r#"mercato_requests_total{method="GET",status="404"}"#)?;
    ensure!(missed == 1, "{missed} requests are counted, and there was one");

    let register = "mutation { registerUser(input: { username: \"counted\", password: \"correct horse\" }) { user { _id } } }";
    shop.query(As::Anonymous, register)?
        .text("/registerUser/user/_id")?;
    let taken = r#"mercato_event_deliveries_total{subscriber="notifications",outcome="taken"}"#;
    let deadline = Instant::now() + Duration::from_secs(20);
    while value(&shop, taken)? == 0 {
        ensure!(
            Instant::now() < deadline,
            "the event of a new user should be counted"
        );
        std::thread::sleep(Duration::from_millis(50));
    }
    Ok(())
}
