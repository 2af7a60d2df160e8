//! A broker that dies while events are published and taken.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "tests fail by panicking"
)]

mod support;

use std::env;
use std::process::{Command, ExitCode};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use libtest_mimic::Trial;
use mercato_kafka::{Consumers, DeliveryOptions, KafkaOptions, Subscriber};
use mercato_ports::conformance;
use mercato_ports::events::{Event, HandlerFailure, Handlers, Publisher};
use tokio::time::{sleep, timeout};

const PATIENCE: Duration = Duration::from_secs(120);
/// A shell command that kills the broker with -9, and starts it again.
const RESTART: &str = "MERCATO_TEST_KAFKA_RESTART";

#[derive(Default)]
struct Taker(Mutex<Vec<String>>);

#[async_trait]
impl Handlers for Taker {
    async fn handle(&self, _: &str, event: Event) -> Result<(), HandlerFailure> {
        let mut taken = self.0.lock().unwrap();
        if !taken.contains(&event.id) {
            taken.push(event.id);
        }
        Ok(())
    }
}

impl Taker {
    async fn wait_for(&self, count: usize) {
        let all = async {
            while self.0.lock().unwrap().len() < count {
                sleep(Duration::from_millis(20)).await;
            }
        };
        timeout(PATIENCE, all).await.expect("not all events have come");
    }
}

async fn a_broker_that_is_killed_loses_nothing(options: KafkaOptions) {
    let options = KafkaOptions {
        timeout: Duration::from_secs(3),
        ..options
    };
    let (kafka, taker) = (support::kafka(&options), Arc::<Taker>::default());
    let consumers = Consumers::new(
        support::kafka(&options),
        taker.clone(),
        DeliveryOptions::default(),
    );
    let subscriber = Subscriber {
        name: "mails".into(),
        kinds: ["mercato.orders.placed".into()].into(),
    };
    consumers.add(subscriber).await;
    let mut restart = None;
    let mut failures = 0;
    for number in 0..60 {
        if number == 5 {
            taker.wait_for(5).await;
            let command = env::var(RESTART).unwrap();
            restart = Some(Command::new("sh").args(["-c", &command]).spawn().unwrap());
        }
        let event = Event {
            id: number.to_string(),
            kind: "mercato.orders.placed".into(),
            subject: "a".into(),
            time: 0,
            due: None,
            data: "{}".into(),
        };
        // As a relay does: again until it succeeds.
        while let Err(failure) = kafka.publish(vec![event.clone()]).await {
            assert!(failure.contains(&options.brokers), "{failure}");
            failures += 1;
            sleep(Duration::from_millis(200)).await;
        }
        sleep(Duration::from_millis(50)).await;
    }
    println!("{failures} calls of the publisher failed meanwhile");
    assert!(restart.unwrap().wait().unwrap().success());
    assert_eq!(kafka.ready().await, Ok(()));
    taker.wait_for(60).await;
    let expected = (0..60).map(|number| number.to_string()).collect::<Vec<_>>();
    assert_eq!(*taker.0.lock().unwrap(), expected);
    consumers.shutdown().await;
}

fn main() -> ExitCode {
    let runtime = conformance::runtime();
    let server = env::var(support::SERVER).ok();
    let options = support::options(server.as_deref().unwrap_or("127.0.0.1:1"));
    let missing = server.is_none() || env::var(RESTART).is_err();
    let handle = runtime.handle().clone();
    let run = move || {
        handle.block_on(a_broker_that_is_killed_loses_nothing(options));
        Ok(())
    };
    let trial = Trial::test("a_broker_that_is_killed_loses_nothing", run).with_ignored_flag(missing);
    conformance::run(vec![trial])
}
