//! The metrics of a shop in one process.

use anyhow::{Context, Result};
use libtest_mimic::Trial;

use crate::binary::{Binary, binary_trials};
use crate::process::Home;
use crate::shop::{As, Shop};
use crate::wait::{SOON, eventually};

/// The tests of this area.
pub fn tests() -> Vec<Trial> {
    binary_trials!("metrics", [requests_and_event_deliveries_are_counted])
}

impl Shop {
    /// Returns the value of a metric by its name and labels. A metric that is not listed is 0.
    pub fn metric(&self, name: &str) -> Result<u64> {
        let response = self.get(As::Anonymous, "/metrics")?;
        response
            .expect_status(200)?
            .expect_media_type("application/openmetrics-text")?;
        let text = response.body();
        let value = text
            .lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        value.map_or(Ok(0), |value| {
            value.parse().with_context(|| format!("{name} {value}"))
        })
    }
}

fn requests_and_event_deliveries_are_counted(binary: &Binary) -> Result<()> {
    let home = Home::new()?;
    let running = binary.start(&home)?;
    let shop = running.shop();
    for _ in 0..3 {
        shop.query(As::Anonymous, "{ products { _id } }")?
            .list("/products")?;
    }
    shop.get(As::Anonymous, "/nonsense")?.expect_status(404)?;
    for (name, expected) in [
        (r#"mercato_requests_total{method="POST",status="200"}"#, 3),
        (r#"mercato_requests_total{method="GET",status="404"}"#, 1),
    ] {
        let count = shop.metric(name)?;
        anyhow::ensure!(count == expected, "{name} should be {expected}, not {count}");
    }

    shop.register("counted")?;
    let deliveries = r#"mercato_event_deliveries_total{subscriber="notifications",outcome="taken"}"#;
    eventually(SOON, "the event of a new user should be counted", || {
        let count = shop.metric(deliveries)?;
        Ok((count > 0, count))
    })?;
    running.stop()
}
