//! Tests a broker that is killed while events are published and delivered.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "tests fail by panicking"
)]

mod support;

use std::collections::BTreeSet;
use std::env;
use std::process::{Command, ExitCode};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use libtest_mimic::Trial;
use mercato_kafka::{Consumers, DeliveryOptions, KafkaOptions, Subscriber};
use mercato_ports::conformance;
use mercato_ports::conformance::events::EventHandler;
use mercato_ports::events::{DeliveryFailure, Event, Publisher};
use tokio::time::{sleep, timeout};

const TIMEOUT: Duration = Duration::from_secs(120);
/// The environment variable with a shell command that kills the broker with SIGKILL and starts it again.
const RESTART: &str = "MERCATO_TEST_KAFKA_RESTART";

#[derive(Default)]
struct Recorder(Mutex<Vec<String>>);

#[async_trait]
impl EventHandler for Recorder {
    async fn handle_event(&self, _: &str, event: Event) -> Result<(), DeliveryFailure> {
        let mut handled = self.0.lock().unwrap();
        if !handled.contains(&event.id) {
            handled.push(event.id);
        }
        Ok(())
    }
}

impl Recorder {
    async fn wait_for(&self, count: usize) {
        let all = async {
            while self.0.lock().unwrap().len() < count {
                sleep(Duration::from_millis(20)).await;
            }
        };
        timeout(TIMEOUT, all).await.expect("not all events arrived");
    }
}

async fn a_killed_broker_loses_no_event(options: KafkaOptions) {
    let options = KafkaOptions {
        timeout: Duration::from_secs(3),
        ..options
    };
    let (kafka, recorder) = (support::kafka(&options), Arc::<Recorder>::default());
    let consumers = Consumers::new(
        support::kafka(&options),
        recorder.clone(),
        DeliveryOptions::default(),
    );
    let subscriber = Subscriber {
        name: "mails".into(),
        kinds: ["mercato.orders.placed".into()].into(),
        batches: BTreeSet::new(),
    };
    consumers.add(subscriber).await;
    let mut restart = None;
    let mut failures = 0;
    for number in 0..60 {
        if number == 5 {
            recorder.wait_for(5).await;
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
        // Publishes again until it succeeds, as a relay does.
        while let Err(failure) = kafka.publish(vec![event.clone()]).await {
            assert!(failure.contains(&options.brokers), "{failure}");
            failures += 1;
            sleep(Duration::from_millis(200)).await;
        }
        sleep(Duration::from_millis(50)).await;
    }
    println!("{failures} calls of the publisher failed while the broker was down");
    assert!(restart.unwrap().wait().unwrap().success());
    assert_eq!(kafka.ready().await, Ok(()));
    recorder.wait_for(60).await;
    let expected = (0..60).map(|number| number.to_string()).collect::<Vec<_>>();
    assert_eq!(*recorder.0.lock().unwrap(), expected);
    consumers.shutdown().await;
}

fn main() -> ExitCode {
    let runtime = conformance::runtime();
    let server = env::var(support::SERVER).ok();
    let options = support::options(server.as_deref().unwrap_or("127.0.0.1:1"));
    let missing = server.is_none() || env::var(RESTART).is_err();
    let handle = runtime.handle().clone();
    let run = move || {
        handle.block_on(a_killed_broker_loses_no_event(options));
        Ok(())
    };
    let trial = Trial::test("a_killed_broker_loses_no_event", run).with_ignored_flag(missing);
    conformance::run(vec![trial])
}
