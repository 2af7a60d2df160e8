//! A test of the fetches of a busy consumer.
#![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

mod support;

use std::collections::BTreeSet;
use std::env;
use std::process::ExitCode;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use libtest_mimic::Trial;
use mercato_kafka::{Consumers, DeliveryOptions, KafkaOptions, Subscriber};
use mercato_ports::conformance;
use mercato_ports::conformance::events::EventHandler;
use mercato_ports::events::{Attempt, DeliveryFailure, Event, Publisher};
use tokio::time::{sleep, timeout};

const EVENTS: usize = 500;

/// Records that arrive closer together than this come from one fetch, or from two without a pause.
const GAP: Duration = Duration::from_millis(30);

/// The times at which events arrived.
#[derive(Default)]
struct Arrivals(Mutex<Vec<Instant>>);

#[async_trait]
impl EventHandler for Arrivals {
    async fn handle_event(&self, _: &str, _: Event) -> Result<(), DeliveryFailure> {
        self.0.lock().unwrap().push(Instant::now());
        Ok(())
    }

    fn attempted(&self, _: &str, _: Attempt) {}
}

impl Arrivals {
    async fn wait_for(&self, count: usize) {
        while self.0.lock().unwrap().len() < count {
            sleep(Duration::from_millis(5)).await;
        }
    }

    /// Returns how often no event arrived for a while.
    fn gaps(&self) -> usize {
        let arrivals = self.0.lock().unwrap();
        let next = arrivals.iter().skip(1);
        arrivals
            .iter()
            .zip(next)
            .filter(|(earlier, later)| later.duration_since(**earlier) >= GAP)
            .count()
    }
}

async fn fetches_of_a_busy_consumer_pause(options: KafkaOptions) {
    let (kafka, arrivals) = (support::kafka(&options), Arc::<Arrivals>::default());
    let consumers = Consumers::new(Arc::clone(&kafka), arrivals.clone(), DeliveryOptions::default());
    let kind = "mercato.orders.placed".to_owned();
    consumers
        .add(Subscriber {
            name: "mails".into(),
            kinds: [kind.clone()].into(),
            batches: BTreeSet::new(),
        })
        .await;
    let event = |number: usize| Event {
        id: number.to_string(),
        kind: kind.clone(),
        subject: "a".into(),
        time: 0,
        due: None,
        data: "{}".into(),
    };
    kafka.publish(vec![event(0)]).await.unwrap();
    arrivals.wait_for(1).await;
    let begun = Instant::now();
    for number in 1..=EVENTS {
        kafka.publish(vec![event(number)]).await.unwrap();
    }
    // A fetch follows 50 ms after the one before, so on average a gap follows at least every 100 ms.
    let least = begun.elapsed().as_millis() / 100;
    arrivals.wait_for(EVENTS + 1).await;
    let gaps = arrivals.gaps();
    assert!(
        u128::try_from(gaps).unwrap() >= least,
        "{gaps} gaps, at least {least} expected"
    );
    consumers.shutdown().await;
}

fn main() -> ExitCode {
    let runtime = conformance::runtime();
    let server = env::var(support::SERVER).ok();
    let options = support::options(server.as_deref().unwrap_or("127.0.0.1:1"));
    let handle = runtime.handle().clone();
    let run = move || {
        let test =
            async { timeout(Duration::from_secs(60), fetches_of_a_busy_consumer_pause(options)).await };
        handle
            .block_on(test)
            .map_err(|_| "the test took longer than 60 seconds".into())
    };
    let trial = Trial::test("fetches_of_a_busy_consumer_pause", run).with_ignored_flag(server.is_none());
    conformance::run(vec![trial])
}
