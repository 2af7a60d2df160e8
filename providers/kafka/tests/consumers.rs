//! Tests of the consumers: killed processes, shared groups, events that block others.
//!
//! With the arguments `as-consumer PREFIX` this program consumes events and prints their ids until it is
//! killed.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "tests fail by panicking"
)]

mod support;

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::env;
use std::io::{BufRead, BufReader};
use std::panic::resume_unwind;
use std::process::{Child, Command, ExitCode, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use libtest_mimic::Trial;
use mercato_kafka::{Consumers, DeliveryOptions, Kafka, KafkaOptions, Subscriber};
use mercato_ports::conformance;
use mercato_ports::conformance::events::EventHandler;
use mercato_ports::events::{
    Attempt, DeadLetters, DeliveryFailure, Event, HandlerFailure, Handlers, Publisher,
};
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};

const CHILD: &str = "as-consumer";
const TIMEOUT: Duration = Duration::from_secs(60);

fn event(subject: &str, number: usize) -> Event {
    Event {
        id: format!("{subject}-{number}"),
        kind: "mercato.orders.placed".into(),
        subject: subject.into(),
        time: 0,
        due: None,
        data: "{}".into(),
    }
}

fn subscriber() -> Subscriber {
    Subscriber {
        name: "mails".into(),
        kinds: ["mercato.orders.placed".into()].into(),
        batches: BTreeSet::new(),
    }
}

fn delivery() -> DeliveryOptions {
    DeliveryOptions {
        attempts: 2,
        backoff: Duration::from_millis(10),
        session_timeout: Duration::from_secs(6),
        window: 10,
        ..DeliveryOptions::default()
    }
}

/// The handled events, in order.
#[derive(Default)]
struct Journal(Mutex<Vec<Event>>);

impl Journal {
    fn add(&self, event: Event) {
        self.0.lock().unwrap().push(event);
    }

    /// Returns the ids of a subject in the order of their first arrival.
    fn first_arrivals(&self, subject: &str) -> Vec<String> {
        let mut seen = HashSet::new();
        let events = self.0.lock().unwrap();
        let ids = events
            .iter()
            .filter(|event| event.subject == subject)
            .map(|event| event.id.clone());
        ids.filter(|id| seen.insert(id.clone())).collect()
    }

    async fn wait_for(&self, subjects: &BTreeMap<String, usize>) {
        let all = async {
            for (subject, count) in subjects {
                while self.first_arrivals(subject).len() < *count {
                    sleep(Duration::from_millis(20)).await;
                }
            }
        };
        timeout(TIMEOUT, all).await.expect("not all events arrived");
    }

    /// Asserts that all events arrived, and those of each subject in order.
    fn assert_in_order(&self, subjects: &BTreeMap<String, usize>) {
        for (subject, count) in subjects {
            let expected = (0..*count)
                .map(|number| format!("{subject}-{number}"))
                .collect::<Vec<_>>();
            assert_eq!(self.first_arrivals(subject), expected);
        }
    }
}

/// Handlers that record events. Events of the subject `slow` wait for a permit, `poison` is rejected, and
/// `panic` panics.
struct Recorder {
    journal: Arc<Journal>,
    slow: Semaphore,
    /// The number of `slow` events that have arrived.
    waiting: AtomicUsize,
    /// The number of events that became dead letters.
    rejected: AtomicUsize,
}

impl Recorder {
    fn new(journal: &Arc<Journal>) -> Arc<Self> {
        Arc::new(Self {
            journal: Arc::clone(journal),
            slow: Semaphore::new(0),
            waiting: AtomicUsize::new(0),
            rejected: AtomicUsize::new(0),
        })
    }
}

#[async_trait]
impl EventHandler for Recorder {
    async fn handle_event(&self, _: &str, event: Event) -> Result<(), DeliveryFailure> {
        match event.subject.as_str() {
            "slow" => {
                self.waiting.fetch_add(1, Ordering::SeqCst);
                self.slow.acquire().await.unwrap().forget();
            }
            "poison" => return Err(HandlerFailure::Reject("poison".into()).into()),
            // A panic without the panic hook, which would print a backtrace.
            "panic" => resume_unwind(Box::new("a panic of the test")),
            _ => sleep(Duration::from_millis(2)).await,
        }
        self.journal.add(event);
        Ok(())
    }

    fn attempted(&self, _: &str, attempt: Attempt) {
        if attempt == Attempt::Rejected {
            self.rejected.fetch_add(1, Ordering::SeqCst);
        }
    }
}

/// Starts a member of the group in this process.
async fn member(options: &KafkaOptions, recorder: &Arc<Recorder>) -> Consumers {
    let consumers = Consumers::new(support::kafka(options), recorder.clone(), delivery());
    consumers.add(subscriber()).await;
    consumers
}

async fn publish(kafka: &Kafka, subject: &str, numbers: std::ops::Range<usize>) {
    let events = numbers.map(|number| event(subject, number)).collect();
    kafka.publish(events).await.unwrap();
}

fn counts(subjects: impl IntoIterator<Item = (&'static str, usize)>) -> BTreeMap<String, usize> {
    subjects
        .into_iter()
        .map(|(subject, count)| (subject.into(), count))
        .collect()
}

/// Starts a process that consumes events and prints their ids.
fn child(prefix: &str) -> Child {
    Command::new(env::current_exe().unwrap())
        .args([CHILD, prefix])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

async fn unfinished_events_of_a_killed_process_are_delivered_again(options: KafkaOptions) {
    let kafka = support::kafka(&options);
    publish(&kafka, "a", 0..20).await;
    publish(&kafka, "slow", 0..3).await;
    let mut child = child(&options.prefix);
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    // The process is killed when it has handled all events of `a` and is handling an event of `slow`.
    let mut expected = HashSet::from(["a-19".to_owned(), "slow-0".to_owned()]);
    for line in lines {
        expected.remove(line.unwrap().as_str());
        if expected.is_empty() {
            break;
        }
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let journal = Arc::default();
    let recorder = Recorder::new(&journal);
    recorder.slow.add_permits(1_000);
    let consumers = member(&options, &recorder).await;
    publish(&kafka, "a", 20..21).await;
    let all = counts([("slow", 3)]);
    journal.wait_for(&all).await;
    journal.assert_in_order(&all);
    let of_a = async {
        while journal.first_arrivals("a").last().map(String::as_str) != Some("a-20") {
            sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(TIMEOUT, of_a).await.unwrap();
    consumers.shutdown().await;
}

async fn members_share_a_group_and_keep_the_order_of_a_subject(options: KafkaOptions) {
    let (kafka, journals) = (support::kafka(&options), [Arc::default(), Arc::default()]);
    let shared = Arc::<Journal>::default();
    let subjects = (0..16).map(|number| format!("s{number}")).collect::<Vec<_>>();
    let recorders = journals.each_ref().map(|journal: &Arc<Journal>| {
        Arc::new(TwoJournals {
            shared: Arc::clone(&shared),
            own: Arc::clone(journal),
        })
    });
    let join = async |recorder: &Arc<TwoJournals>| {
        let consumers = Consumers::new(support::kafka(&options), recorder.clone(), delivery());
        consumers.add(subscriber()).await;
        consumers
    };
    let first = join(&recorders[0]).await;
    let mut second = None;
    let mut rounds = 0;
    // A second member joins and leaves while events are published.
    while rounds < 60 {
        for subject in &subjects {
            publish(&kafka, subject, rounds..rounds + 1).await;
        }
        rounds += 1;
        if rounds == 10 {
            second = Some(join(&recorders[1]).await);
        }
        if rounds == 50
            && let Some(second) = second.take()
        {
            let receives = async {
                while journals[1].0.lock().unwrap().is_empty() {
                    publish(&kafka, "more", 0..1).await;
                    for subject in &subjects {
                        publish(&kafka, subject, rounds..rounds + 1).await;
                    }
                    rounds += 1;
                }
            };
            timeout(TIMEOUT, receives)
                .await
                .expect("the second member receives no event");
            second.shutdown().await;
        }
    }
    let all = subjects.iter().map(|subject| (subject.clone(), rounds)).collect();
    shared.wait_for(&all).await;
    shared.assert_in_order(&all);
    first.shutdown().await;
    let mut ids = HashSet::new();
    let events = shared.0.lock().unwrap();
    let repeated = events
        .iter()
        .filter(|event| event.subject != "more" && !ids.insert(event.id.clone()))
        .count();
    assert_eq!(
        repeated, 0,
        "finished events were delivered again after a rebalance"
    );
}

/// Handlers that record events in the journal of all members and in the journal of one member.
struct TwoJournals {
    shared: Arc<Journal>,
    own: Arc<Journal>,
}

#[async_trait]
impl EventHandler for TwoJournals {
    async fn handle_event(&self, _: &str, event: Event) -> Result<(), DeliveryFailure> {
        sleep(Duration::from_millis(1)).await;
        self.shared.add(event.clone());
        self.own.add(event);
        Ok(())
    }
}

async fn a_rejected_event_and_a_full_window_do_not_block_other_subjects(options: KafkaOptions) {
    // All subjects share one partition, so that one could block the others.
    let options = KafkaOptions {
        partitions: 1,
        ..options
    };
    let (kafka, journal) = (support::kafka(&options), Arc::default());
    let recorder = Recorder::new(&journal);
    let unhandled = Event {
        kind: "mercato.orders.unhandled".into(),
        ..event("a", 0)
    };
    kafka.publish(vec![unhandled]).await.unwrap();
    publish(&kafka, "poison", 0..1).await;
    publish(&kafka, "panic", 0..1).await;
    publish(&kafka, "slow", 0..2).await;
    publish(&kafka, "a", 0..5).await;
    let consumers = member(&options, &recorder).await;
    let some = counts([("a", 5)]);
    journal.wait_for(&some).await;
    // These are more than the window of ten, so the partition pauses until some are finished.
    publish(&kafka, "slow", 2..30).await;
    publish(&kafka, "a", 5..50).await;
    sleep(Duration::from_millis(500)).await;
    assert!(
        journal.first_arrivals("a").len() < 50,
        "the window does not limit the deliveries"
    );
    let lag = consumers.lag().await.unwrap();
    let waiting = lag
        .iter()
        .filter(|lag| lag.topic.ends_with("orders"))
        .map(|lag| lag.waiting)
        .sum::<u64>();
    assert!((70..=85).contains(&waiting), "{lag:?}");
    recorder.slow.add_permits(1_000);
    let all = counts([("a", 50), ("slow", 30)]);
    journal.wait_for(&all).await;
    journal.assert_in_order(&all);
    let dead_letters = kafka.list(10).await.unwrap();
    let dead_letters = dead_letters
        .iter()
        .map(|dead_letter| (dead_letter.event.subject.as_str(), dead_letter.attempts));
    assert_eq!(
        dead_letters.collect::<HashSet<_>>(),
        HashSet::from([("poison", 1), ("panic", 2)])
    );
    consumers.shutdown().await;
    assert_eq!(recorder.rejected.load(Ordering::SeqCst), 2);
    // All offsets are committed, so the next member receives only new events.
    let journal = Arc::default();
    let consumers = member(&options, &Recorder::new(&journal)).await;
    publish(&kafka, "b", 0..1).await;
    let next = counts([("b", 1)]);
    journal.wait_for(&next).await;
    assert_eq!(journal.0.lock().unwrap().len(), 1);
    let zero = async {
        while consumers.lag().await.unwrap().iter().any(|lag| lag.waiting > 0) {
            sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(TIMEOUT, zero)
        .await
        .expect("the lag does not become zero");
    consumers.shutdown().await;
}

async fn a_removed_subscriber_finishes_and_continues_from_its_offsets(options: KafkaOptions) {
    let (kafka, journal) = (support::kafka(&options), Arc::default());
    let recorder = Recorder::new(&journal);
    publish(&kafka, "slow", 0..1).await;
    publish(&kafka, "slow", 1..2).await;
    let consumers = Arc::new(member(&options, &recorder).await);
    let running = async {
        while recorder.waiting.load(Ordering::SeqCst) == 0 {
            sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(TIMEOUT, running).await.unwrap();
    let ending = tokio::spawn({
        let consumers = Arc::clone(&consumers);
        async move { consumers.remove("mails").await }
    });
    sleep(Duration::from_millis(300)).await;
    assert!(!ending.is_finished(), "the running handler is not waited for");
    recorder.slow.add_permits(2);
    timeout(TIMEOUT, ending).await.unwrap().unwrap();
    assert_eq!(journal.first_arrivals("slow"), ["slow-0"]);
    consumers.add(subscriber()).await;
    let all = counts([("slow", 2)]);
    journal.wait_for(&all).await;
    assert_eq!(
        journal.0.lock().unwrap().len(),
        2,
        "a finished event was delivered again"
    );
    consumers.shutdown().await;
}

async fn calls_fail_in_time_if_the_broker_is_unavailable(options: KafkaOptions) {
    let kafka = support::kafka(&KafkaOptions {
        brokers: "127.0.0.1:1".into(),
        timeout: Duration::from_secs(1),
        ..options
    });
    let all = async {
        for failure in [
            kafka.ready().await.unwrap_err(),
            kafka.publish(vec![event("a", 0)]).await.unwrap_err(),
            kafka.list(1).await.unwrap_err(),
        ] {
            assert!(failure.contains("127.0.0.1:1"), "{failure}");
        }
        let consumers = Consumers::new(kafka, Recorder::new(&Arc::default()), delivery());
        consumers.add(subscriber()).await;
        consumers.shutdown().await;
    };
    timeout(TIMEOUT, all).await.unwrap();
}

/// Handlers that record the sizes of their calls.
#[derive(Default)]
struct Calls(Mutex<Vec<usize>>);

#[async_trait]
impl Handlers for Calls {
    async fn handle(&self, _: &str, events: Vec<Event>) -> Vec<Result<(), DeliveryFailure>> {
        self.0.lock().unwrap().push(events.len());
        vec![Ok(()); events.len()]
    }
}

async fn events_of_a_batched_kind_share_calls(options: KafkaOptions) {
    let (kafka, calls) = (support::kafka(&options), Arc::<Calls>::default());
    let events = (0..100).map(|number| event(&number.to_string(), 0)).collect();
    kafka.publish(events).await.unwrap();
    let consumers = Consumers::new(Arc::clone(&kafka), calls.clone(), delivery());
    let subscriber = Subscriber {
        batches: subscriber().kinds,
        ..subscriber()
    };
    consumers.add(subscriber).await;
    let all = async {
        while calls.0.lock().unwrap().iter().sum::<usize>() < 100 {
            sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(TIMEOUT, all).await.expect("not all events arrived");
    consumers.shutdown().await;
    let sizes = calls.0.lock().unwrap().clone();
    assert!(sizes.len() <= 50, "{sizes:?}");
}

/// Handlers that print the id of each event first.
struct Printer;

#[async_trait]
impl EventHandler for Printer {
    async fn handle_event(&self, _: &str, event: Event) -> Result<(), DeliveryFailure> {
        println!("{}", event.id);
        if event.subject == "slow" {
            std::future::pending::<()>().await;
        }
        Ok(())
    }
}

fn main() -> ExitCode {
    let runtime = conformance::runtime();
    let server = env::var(support::SERVER).ok();
    let brokers = server.clone().unwrap_or_else(|| "127.0.0.1:1".into());
    let arguments = env::args().collect::<Vec<_>>();
    if let [_, child, prefix] = arguments.as_slice()
        && child == CHILD
    {
        let options = support::with_prefix(&brokers, prefix);
        return runtime.block_on(async {
            let consumers = Consumers::new(support::kafka(&options), Arc::new(Printer), delivery());
            consumers.add(subscriber()).await;
            std::future::pending::<()>().await;
            ExitCode::SUCCESS
        });
    }
    macro_rules! trial {
        ($case:ident, $ignored:expr) => {{
            let (handle, options) = (runtime.handle().clone(), support::options(&brokers));
            Trial::test(stringify!($case), move || Ok(handle.block_on($case(options))))
                .with_ignored_flag($ignored)
        }};
    }
    let missing = server.is_none();
    let code = conformance::run(vec![
        trial!(unfinished_events_of_a_killed_process_are_delivered_again, missing),
        trial!(members_share_a_group_and_keep_the_order_of_a_subject, missing),
        trial!(
            a_rejected_event_and_a_full_window_do_not_block_other_subjects,
            missing
        ),
        trial!(
            a_removed_subscriber_finishes_and_continues_from_its_offsets,
            missing
        ),
        trial!(events_of_a_batched_kind_share_calls, missing),
        trial!(calls_fail_in_time_if_the_broker_is_unavailable, false),
    ]);
    runtime.shutdown_background();
    code
}
