//! Tests of the embedded dispatcher: restarts, shutdown, panicking handlers, long queues.
#![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

use std::panic::resume_unwind;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use mercato_embedded::{DispatchOptions, Dispatcher, Durability, Options, RetryPolicy, Store};
use mercato_ports::clock::{Clock, ManualSource, Source};
use mercato_ports::conformance::events::EventHandler;
use mercato_ports::documents::Documents;
use mercato_ports::events::{Attempt, DeadLetters, DeliveryFailure, Event, Handlers};
use mercato_ports::manifest::{ServiceManifest, ShopManifest};
use tokio::sync::{Semaphore, oneshot};
use tokio::task::JoinHandle;

const FAR_FUTURE: Option<u64> = Some(u64::MAX >> 2);

fn open(folder: &Path) -> Arc<Store> {
    open_with(folder, Options::default())
}

fn open_with(folder: &Path, options: Options) -> Arc<Store> {
    Arc::new(create(folder, options))
}

/// Opens a store whose clock begins at the time of this source.
fn open_at(folder: &Path, source: &ManualSource) -> Arc<Store> {
    Arc::new(create(folder, Options::default()).with_clock(Clock::new(source.clone())))
}

fn create(folder: &Path, options: Options) -> Store {
    let service = ServiceManifest {
        handles: vec!["order-placed".into()],
        ..ServiceManifest::default()
    };
    let shop = ShopManifest {
        services: [("orders".into(), service)].into(),
    };
    Store::open(folder, &shop, options).unwrap()
}

fn event(id: impl ToString, subject: impl ToString, due: Option<u64>) -> Event {
    let (id, subject) = (id.to_string(), subject.to_string());
    Event {
        id,
        kind: "order-placed".into(),
        subject,
        time: 0,
        due,
        data: "{}".into(),
    }
}

/// Handlers that record the events. The event `panic` panics, and the event `slow` waits for a permit.
struct Recorder {
    handled: Mutex<Vec<String>>,
    attempts: Mutex<Vec<Attempt>>,
    count: Semaphore,
    started: AtomicUsize,
    slow: Semaphore,
}

impl Recorder {
    fn new() -> Arc<Self> {
        let (count, slow) = (Semaphore::new(0), Semaphore::new(0));
        Arc::new(Self {
            handled: Mutex::default(),
            attempts: Mutex::default(),
            count,
            started: AtomicUsize::new(0),
            slow,
        })
    }

    async fn wait_for(&self, count: u32) {
        tokio::time::timeout(Duration::from_secs(30), self.count.acquire_many(count))
            .await
            .unwrap()
            .unwrap()
            .forget();
    }
}

#[async_trait]
impl EventHandler for Recorder {
    async fn handle_event(&self, _: &str, event: Event) -> Result<(), DeliveryFailure> {
        self.started.fetch_add(1, Ordering::SeqCst);
        if event.id == "panic" {
            // A panic without the panic hook, which would print a backtrace.
            resume_unwind(Box::new("a panic of the test"));
        }
        if event.id == "slow" {
            self.slow.acquire().await.unwrap().forget();
        }
        self.handled.lock().unwrap().push(event.id);
        self.count.add_permits(1);
        Ok(())
    }

    fn attempted(&self, subscriber: &str, attempt: Attempt) {
        assert_eq!(subscriber, "orders");
        self.attempts.lock().unwrap().push(attempt);
    }
}

/// Starts a dispatcher that runs until the sender is used or dropped.
fn dispatch(store: &Arc<Store>, recorder: &Arc<Recorder>) -> (oneshot::Sender<()>, JoinHandle<()>) {
    let options = DispatchOptions {
        retry: RetryPolicy {
            attempts: 2,
            backoff: Duration::from_millis(5),
            ..RetryPolicy::default()
        },
        ..DispatchOptions::default()
    };
    let (dispatcher, recorder) = (Dispatcher::new(Arc::clone(store), options), Arc::clone(recorder));
    let (stop, stopped) = oneshot::channel::<()>();
    let shutdown = async move { drop(stopped.await) };
    (
        stop,
        tokio::spawn(async move { dispatcher.run(recorder, shutdown).await }),
    )
}

/// Makes the store record each change of a delivery with the durability of its transaction. It is `wal 2` if
/// the COMMIT waits for the disk, and `wal 1` if not. Returns a connection that reads these records.
///
/// This is SQLite's setting at the change. Whether SQLite and the disk keep their promise is not observed.
fn record_durability(folder: &Path) -> rusqlite::Connection {
    let file = rusqlite::Connection::open(folder.join("mercato.db")).unwrap();
    file.execute_batch("CREATE TABLE changes (text TEXT)").unwrap();
    for change in ["INSERT", "UPDATE", "DELETE"] {
        let trigger = format!(
            "CREATE TRIGGER record_{change} AFTER {change} ON deliveries BEGIN
                INSERT INTO changes SELECT concat_ws(' ', '{change}', journal_mode, synchronous)
                FROM pragma_journal_mode, pragma_synchronous;
            END"
        );
        file.execute_batch(&trigger).unwrap();
    }
    file
}

/// Waits until the store has recorded this number of changes, and returns them.
async fn changes(file: &rusqlite::Connection, count: usize) -> Vec<String> {
    let sql = "SELECT text FROM changes ORDER BY rowid";
    let mut changes = Vec::new();
    for _ in 0..3_000 {
        let mut statement = file.prepare_cached(sql).unwrap();
        let rows = statement.query_map((), |row| row.get(0)).unwrap();
        changes = rows.map(Result::unwrap).collect();
        if changes.len() >= count {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    changes
}

#[tokio::test]
async fn a_commit_waits_for_the_disk_after_bookkeeping_that_does_not() {
    for (durability, waits) in [(Durability::Full, "wal 2"), (Durability::Relaxed, "wal 1")] {
        let expect = |changes: &[&str]| {
            changes
                .iter()
                .map(|change| change.replace("WAITS", waits))
                .collect::<Vec<_>>()
        };
        let options = Options {
            durability,
            ..Options::default()
        };
        let folder = tempfile::tempdir().unwrap();
        let (store, recorder) = (open_with(folder.path(), options), Recorder::new());
        let file = record_durability(folder.path());
        let (stop, running) = dispatch(&store, &recorder);
        for number in 1..=3 {
            store
                .commit(vec![], vec![event(number, number, None)])
                .await
                .unwrap();
            store.ready().await.unwrap();
            let changes = changes(&file, number * 2).await;
            assert_eq!(changes, expect(&["INSERT WAITS", "DELETE wal 1"].repeat(number)));
        }
        // The event is delivered twice, and becomes a dead letter.
        store
            .commit(vec![], vec![event("panic", "panic", None)])
            .await
            .unwrap();
        let expected = expect(&["INSERT WAITS", "UPDATE wal 1", "UPDATE wal 1"]);
        assert_eq!(changes(&file, 9).await[6..], expected);
        drop(stop);
        running.await.unwrap();
        let dead_letter = store.list(1).await.unwrap().remove(0);
        store.replay(dead_letter.id).await.unwrap();
        store.ready().await.unwrap();
        store
            .commit(vec![], vec![event("last", "last", None)])
            .await
            .unwrap();
        let expected = expect(&["DELETE WAITS", "INSERT WAITS", "INSERT WAITS"]);
        assert_eq!(changes(&file, 12).await[9..], expected);
    }
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

#[tokio::test]
async fn delivers_waiting_events_of_a_batched_kind_in_full_batches() {
    let folder = tempfile::tempdir().unwrap();
    let service = ServiceManifest {
        handles: vec!["order-placed".into()],
        batches: vec!["order-placed".into()],
        ..ServiceManifest::default()
    };
    let shop = ShopManifest {
        services: [("orders".into(), service)].into(),
    };
    let store = Arc::new(Store::open(folder.path(), &shop, Options::default()).unwrap());
    let events = (0..70).map(|number| event(number, number, None)).collect();
    store.commit(vec![], events).await.unwrap();
    let calls = Arc::new(Calls::default());
    let dispatcher = Dispatcher::new(Arc::clone(&store), DispatchOptions::default());
    let delivered = async {
        while calls.0.lock().unwrap().iter().sum::<usize>() < 70 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    dispatcher.run(calls.clone(), delivered).await;
    let mut sizes = calls.0.lock().unwrap().clone();
    sizes.sort_unstable();
    assert_eq!(sizes, [6, 32, 32]);
}

#[tokio::test]
async fn delivers_undelivered_events_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    store
        .commit(
            vec![],
            vec![
                event("a", "x", None),
                event("b", "x", None),
                event("c", "y", FAR_FUTURE),
            ],
        )
        .await
        .unwrap();
    drop(store);
    let (store, recorder) = (open(folder.path()), Recorder::new());
    let (stop, running) = dispatch(&store, &recorder);
    recorder.wait_for(2).await;
    drop(stop);
    running.await.unwrap();
    assert_eq!(*recorder.handled.lock().unwrap(), ["a", "b"]);
    drop(store);
    // Events that were handled are not delivered again.
    let (store, recorder) = (open(folder.path()), Recorder::new());
    store.commit(vec![], vec![event("d", "x", None)]).await.unwrap();
    let (_stop, _running) = dispatch(&store, &recorder);
    recorder.wait_for(1).await;
    assert_eq!(*recorder.handled.lock().unwrap(), ["d"]);
}

#[tokio::test]
async fn a_shutdown_waits_for_running_handlers_and_starts_no_other() {
    let folder = tempfile::tempdir().unwrap();
    let (store, recorder) = (open(folder.path()), Recorder::new());
    store
        .commit(vec![], vec![event("slow", "x", None), event("behind", "x", None)])
        .await
        .unwrap();
    let (stop, mut running) = dispatch(&store, &recorder);
    while recorder.started.load(Ordering::SeqCst) == 0 {
        tokio::task::yield_now().await;
    }
    stop.send(()).unwrap();
    assert!(
        tokio::time::timeout(Duration::from_millis(50), &mut running)
            .await
            .is_err()
    );
    recorder.slow.add_permits(1);
    running.await.unwrap();
    assert_eq!(*recorder.handled.lock().unwrap(), ["slow"]);
}

#[tokio::test]
async fn a_panicking_handler_counts_as_a_failed_attempt() {
    let folder = tempfile::tempdir().unwrap();
    let (store, recorder) = (open(folder.path()), Recorder::new());
    store
        .commit(vec![], vec![event("panic", "x", None), event("next", "x", None)])
        .await
        .unwrap();
    let (stop, running) = dispatch(&store, &recorder);
    recorder.wait_for(1).await;
    drop(stop);
    running.await.unwrap();
    let attempts = recorder.attempts.lock().unwrap().clone();
    for attempt in [Attempt::Retried, Attempt::Rejected, Attempt::Handled] {
        let times = attempts.iter().filter(|recorded| **recorded == attempt).count();
        assert_eq!(times, 1, "{attempts:?}");
    }
    let dead_letters = store.list(10).await.unwrap();
    assert_eq!(dead_letters.len(), 1);
    assert_eq!(
        (dead_letters[0].attempts, dead_letters[0].event.id.as_str()),
        (2, "panic")
    );
}

/// A source at a usual time.
fn source() -> ManualSource {
    let source = ManualSource::default();
    source.jump(1_700_000_000);
    source
}

#[tokio::test]
async fn a_clock_that_jumps_and_comes_back_delays_no_event_and_hastens_no_timer() {
    for jump in [600, -600] {
        let (folder, source) = (tempfile::tempdir().unwrap(), source());
        let timer = |id: &str| {
            let in_a_minute = source.system_time().cast_unsigned() + 60_000;
            event(id, id, Some(in_a_minute))
        };
        let (store, recorder) = (open_at(folder.path(), &source), Recorder::new());
        let (_stop, _running) = dispatch(&store, &recorder);
        store.commit(vec![], vec![timer("before")]).await.unwrap();
        source.jump(jump);
        let events = vec![event("now", "x", None), timer("meanwhile")];
        store.commit(vec![], events).await.unwrap();
        recorder.wait_for(1).await;
        assert_eq!(*recorder.handled.lock().unwrap(), ["now"]);
        source.jump(-jump);
        source.pass(Duration::from_secs(61));
        let events = vec![event("later", "x", None)];
        store.commit(vec![], events).await.unwrap();
        recorder.wait_for(3).await;
        let mut handled = recorder.handled.lock().unwrap().clone();
        handled.sort();
        assert_eq!(handled, ["before", "later", "meanwhile", "now"]);
    }
}

#[tokio::test]
async fn a_start_with_the_right_clock_delivers_what_a_wrong_clock_delayed() {
    let (folder, source) = (tempfile::tempdir().unwrap(), source());
    source.jump(600);
    let store = open_at(folder.path(), &source);
    store.commit(vec![], vec![event("a", "x", None)]).await.unwrap();
    drop(store);
    source.jump(-600);
    let (store, recorder) = (open_at(folder.path(), &source), Recorder::new());
    let (_stop, _running) = dispatch(&store, &recorder);
    recorder.wait_for(1).await;
    assert_eq!(*recorder.handled.lock().unwrap(), ["a"]);
}

#[tokio::test]
async fn long_queues_of_waiting_events_do_not_delay_other_events() {
    let folder = tempfile::tempdir().unwrap();
    // The measured time is to exclude waits for the disk.
    let options = Options {
        durability: Durability::Relaxed,
        ..Options::default()
    };
    let (store, recorder) = (open_with(folder.path(), options), Recorder::new());
    // Timers of different subjects, and a queue behind a timer.
    let timers = (0..100_000).map(|n| event(n, n, FAR_FUTURE)).collect();
    store.commit(vec![], timers).await.unwrap();
    let queue = (0..20_000)
        .map(|n| event(n, "queue", if n == 0 { FAR_FUTURE } else { None }))
        .collect();
    store.commit(vec![], queue).await.unwrap();
    let (_stop, _running) = dispatch(&store, &recorder);
    let started = Instant::now();
    for n in 0..100 {
        store
            .commit(vec![], vec![event(n, format!("now {n}"), None)])
            .await
            .unwrap();
        recorder.wait_for(1).await;
    }
    let each = started.elapsed() / 100;
    // To read all of them would take tens of milliseconds each time.
    assert!(each < Duration::from_millis(20), "{each:?}");
}
