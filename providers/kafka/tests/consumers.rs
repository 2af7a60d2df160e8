//! What is particular to Kafka: processes that die, that share a group, and what holds up what.
//!
//! Started with `as-consumer PREFIX`, this program consumes and prints what it takes, until it is killed.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "tests fail by panicking"
)]

mod support;

use std::collections::{BTreeMap, HashSet};
use std::env;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, ExitCode, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use libtest_mimic::Trial;
use mercato_kafka::{Consumers, DeliveryOptions, Kafka, KafkaOptions, Subscriber};
use mercato_ports::conformance;
use mercato_ports::events::{Attempt, DeadLetters, Event, HandlerFailure, Handlers, Publisher};
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};

const CHILD: &str = "as-consumer";
const PATIENCE: Duration = Duration::from_secs(60);

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

/// What came to any consumer, in order.
#[derive(Default)]
struct Journal(Mutex<Vec<Event>>);

impl Journal {
    fn add(&self, event: Event) {
        self.0.lock().unwrap().push(event);
    }

    /// The ids of a subject in the order of their first arrival.
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
        timeout(PATIENCE, all).await.expect("not all events have come");
    }

    /// All events have come, those of a subject in order.
    fn assert_in_order(&self, subjects: &BTreeMap<String, usize>) {
        for (subject, count) in subjects {
            let expected = (0..*count)
                .map(|number| format!("{subject}-{number}"))
                .collect::<Vec<_>>();
            assert_eq!(self.first_arrivals(subject), expected);
        }
    }
}

/// Notes what comes. The subject `slow` waits for a permit, `poison` is never taken.
struct Taker {
    journal: Arc<Journal>,
    slow: Semaphore,
    /// How many of `slow` came.
    waiting: AtomicUsize,
    /// How many attempts ended among the dead letters.
    rejected: AtomicUsize,
}

impl Taker {
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
impl Handlers for Taker {
    async fn handle(&self, _: &str, event: Event) -> Result<(), HandlerFailure> {
        match event.subject.as_str() {
            "slow" => {
                self.waiting.fetch_add(1, Ordering::SeqCst);
                self.slow.acquire().await.unwrap().forget();
            }
            "poison" => return Err(HandlerFailure::Reject("poison".into())),
            "panic" => panic!("as this test demands"),
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

/// A member of the group in this process.
async fn member(options: &KafkaOptions, taker: &Arc<Taker>) -> Consumers {
    let consumers = Consumers::new(support::kafka(options), taker.clone(), delivery());
    consumers.add(subscriber()).await;
    consumers
}

async fn publish(kafka: &Kafka, subject: &str, numbers: std::ops::Range<usize>) {
    let events = numbers.map(|number| event(subject, number)).collect();
    kafka.publish(events).await.unwrap();
}

fn of(subjects: impl IntoIterator<Item = (&'static str, usize)>) -> BTreeMap<String, usize> {
    subjects
        .into_iter()
        .map(|(subject, count)| (subject.into(), count))
        .collect()
}

/// A process of its own that prints the ids that it takes.
fn child(prefix: &str) -> Child {
    Command::new(env::current_exe().unwrap())
        .args([CHILD, prefix])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

async fn what_a_killed_process_had_not_finished_comes_again(options: KafkaOptions) {
    let kafka = support::kafka(&options);
    publish(&kafka, "a", 0..20).await;
    publish(&kafka, "slow", 0..3).await;
    let mut child = child(&options.prefix);
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    // All of `a` is taken, and `slow` is being handled, when the process dies.
    let mut wanted = HashSet::from(["a-19".to_owned(), "slow-0".to_owned()]);
    for line in lines {
        wanted.remove(line.unwrap().as_str());
        if wanted.is_empty() {
            break;
        }
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let journal = Arc::default();
    let taker = Taker::new(&journal);
    taker.slow.add_permits(1_000);
    let consumers = member(&options, &taker).await;
    publish(&kafka, "a", 20..21).await;
    let all = of([("slow", 3)]);
    journal.wait_for(&all).await;
    journal.assert_in_order(&all);
    let of_a = async {
        while journal.first_arrivals("a").last().map(String::as_str) != Some("a-20") {
            sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(PATIENCE, of_a).await.unwrap();
    consumers.shutdown().await;
}

async fn members_share_a_group_and_keep_the_order_of_a_subject(options: KafkaOptions) {
    let (kafka, journals) = (support::kafka(&options), [Arc::default(), Arc::default()]);
    let whole = Arc::<Journal>::default();
    let subjects = (0..16).map(|number| format!("s{number}")).collect::<Vec<_>>();
    let takers = journals.each_ref().map(|journal: &Arc<Journal>| {
        Arc::new(Both {
            whole: Arc::clone(&whole),
            mine: Arc::clone(journal),
        })
    });
    let join = async |taker: &Arc<Both>| {
        let consumers = Consumers::new(support::kafka(&options), taker.clone(), delivery());
        consumers.add(subscriber()).await;
        consumers
    };
    let first = join(&takers[0]).await;
    let mut second = None;
    let mut rounds = 0;
    // A second one comes while events come, and goes again.
    while rounds < 60 {
        for subject in &subjects {
            publish(&kafka, subject, rounds..rounds + 1).await;
        }
        rounds += 1;
        if rounds == 10 {
            second = Some(join(&takers[1]).await);
        }
        if rounds == 50
            && let Some(second) = second.take()
        {
            let shared = async {
                while journals[1].0.lock().unwrap().is_empty() {
                    publish(&kafka, "more", 0..1).await;
                    for subject in &subjects {
                        publish(&kafka, subject, rounds..rounds + 1).await;
                    }
                    rounds += 1;
                }
            };
            timeout(PATIENCE, shared).await.expect("the second gets nothing");
            second.shutdown().await;
        }
    }
    let all = subjects.iter().map(|subject| (subject.clone(), rounds)).collect();
    whole.wait_for(&all).await;
    whole.assert_in_order(&all);
    first.shutdown().await;
    let mut ids = HashSet::new();
    let events = whole.0.lock().unwrap();
    let again = events
        .iter()
        .filter(|event| event.subject != "more" && !ids.insert(event.id.clone()))
        .count();
    assert_eq!(again, 0, "what was finished before partitions moved came again");
}

/// Notes what comes twice: for all members, and for this one.
struct Both {
    whole: Arc<Journal>,
    mine: Arc<Journal>,
}

#[async_trait]
impl Handlers for Both {
    async fn handle(&self, _: &str, event: Event) -> Result<(), HandlerFailure> {
        sleep(Duration::from_millis(1)).await;
        self.whole.add(event.clone());
        self.mine.add(event);
        Ok(())
    }
}

async fn neither_poison_nor_a_full_window_stops_other_subjects(options: KafkaOptions) {
    // One partition, so that all are in each other's way.
    let options = KafkaOptions {
        partitions: 1,
        ..options
    };
    let (kafka, journal) = (support::kafka(&options), Arc::default());
    let taker = Taker::new(&journal);
    let nobodys = Event {
        kind: "mercato.orders.nobodys".into(),
        ..event("a", 0)
    };
    kafka.publish(vec![nobodys]).await.unwrap();
    publish(&kafka, "poison", 0..1).await;
    publish(&kafka, "panic", 0..1).await;
    publish(&kafka, "slow", 0..2).await;
    publish(&kafka, "a", 0..5).await;
    let consumers = member(&options, &taker).await;
    let some = of([("a", 5)]);
    journal.wait_for(&some).await;
    // More than the window of ten: the partition pauses until there is room.
    publish(&kafka, "slow", 2..30).await;
    publish(&kafka, "a", 5..50).await;
    sleep(Duration::from_millis(500)).await;
    assert!(journal.first_arrivals("a").len() < 50, "there is no window");
    let lag = consumers.lag().await.unwrap();
    let waiting = lag
        .iter()
        .filter(|lag| lag.topic.ends_with("orders"))
        .map(|lag| lag.waiting)
        .sum::<u64>();
    assert!((70..=85).contains(&waiting), "{lag:?}");
    taker.slow.add_permits(1_000);
    let all = of([("a", 50), ("slow", 30)]);
    journal.wait_for(&all).await;
    journal.assert_in_order(&all);
    let letters = kafka.list(10).await.unwrap();
    let letters = letters
        .iter()
        .map(|letter| (letter.event.subject.as_str(), letter.attempts));
    assert_eq!(
        letters.collect::<HashSet<_>>(),
        HashSet::from([("poison", 1), ("panic", 2)])
    );
    consumers.shutdown().await;
    assert_eq!(taker.rejected.load(Ordering::SeqCst), 2);
    // All of it is committed: who comes next begins with what is new.
    let journal = Arc::default();
    let consumers = member(&options, &Taker::new(&journal)).await;
    publish(&kafka, "b", 0..1).await;
    let next = of([("b", 1)]);
    journal.wait_for(&next).await;
    assert_eq!(journal.0.lock().unwrap().len(), 1);
    let zero = async {
        while consumers.lag().await.unwrap().iter().any(|lag| lag.waiting > 0) {
            sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(PATIENCE, zero).await.expect("the lag stays");
    consumers.shutdown().await;
}

async fn a_subscriber_that_is_removed_finishes_and_goes_on_where_it_was(options: KafkaOptions) {
    let (kafka, journal) = (support::kafka(&options), Arc::default());
    let taker = Taker::new(&journal);
    publish(&kafka, "slow", 0..1).await;
    publish(&kafka, "slow", 1..2).await;
    let consumers = Arc::new(member(&options, &taker).await);
    let running = async {
        while taker.waiting.load(Ordering::SeqCst) == 0 {
            sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(PATIENCE, running).await.unwrap();
    let ending = tokio::spawn({
        let consumers = Arc::clone(&consumers);
        async move { consumers.remove("mails").await }
    });
    sleep(Duration::from_millis(300)).await;
    assert!(!ending.is_finished(), "the handler that runs is not waited for");
    taker.slow.add_permits(2);
    timeout(PATIENCE, ending).await.unwrap().unwrap();
    assert_eq!(journal.first_arrivals("slow"), ["slow-0"]);
    consumers.add(subscriber()).await;
    let all = of([("slow", 2)]);
    journal.wait_for(&all).await;
    assert_eq!(journal.0.lock().unwrap().len(), 2, "what was finished came again");
    consumers.shutdown().await;
}

async fn a_broker_that_is_away_is_told_in_time(options: KafkaOptions) {
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
        let consumers = Consumers::new(kafka, Taker::new(&Arc::default()), delivery());
        consumers.add(subscriber()).await;
        consumers.shutdown().await;
    };
    timeout(PATIENCE, all).await.unwrap();
}

/// Prints the ids of what comes, before it is taken.
struct Printer;

#[async_trait]
impl Handlers for Printer {
    async fn handle(&self, _: &str, event: Event) -> Result<(), HandlerFailure> {
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
        trial!(what_a_killed_process_had_not_finished_comes_again, missing),
        trial!(members_share_a_group_and_keep_the_order_of_a_subject, missing),
        trial!(neither_poison_nor_a_full_window_stops_other_subjects, missing),
        trial!(
            a_subscriber_that_is_removed_finishes_and_goes_on_where_it_was,
            missing
        ),
        trial!(a_broker_that_is_away_is_told_in_time, false),
    ]);
    runtime.shutdown_background();
    code
}
