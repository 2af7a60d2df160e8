//! What is particular to the embedded dispatcher: restarts, its end, handlers that panic, long queues.
#![allow(clippy::panic, clippy::unwrap_used, reason = "tests fail by panicking")]

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use mercato_embedded::{DispatchOptions, Dispatcher, Durability, Options, Patience, Store};
use mercato_ports::documents::Documents;
use mercato_ports::events::{Attempt, DeadLetters, Event, HandlerFailure, Handlers};
use mercato_ports::manifest::{ServiceManifest, ShopManifest};
use tokio::sync::{Semaphore, oneshot};
use tokio::task::JoinHandle;

const FAR: Option<u64> = Some(u64::MAX >> 2);

fn open(folder: &Path) -> Arc<Store> {
    open_with(folder, Options::default())
}

fn open_with(folder: &Path, options: Options) -> Arc<Store> {
    let service = ServiceManifest {
        handles: vec!["happened".into()],
        ..ServiceManifest::default()
    };
    let shop = ShopManifest {
        services: [("orders".into(), service)].into(),
    };
    Arc::new(Store::open(folder, &shop, options).unwrap())
}

fn event(id: impl ToString, subject: impl ToString, due: Option<u64>) -> Event {
    let (id, subject) = (id.to_string(), subject.to_string());
    Event {
        id,
        kind: "happened".into(),
        subject,
        time: 0,
        due,
        data: "{}".into(),
    }
}

/// Takes what comes; the id `panic` panics, and `slow` waits for a permit.
struct Taker {
    taken: Mutex<Vec<String>>,
    attempts: Mutex<Vec<Attempt>>,
    count: Semaphore,
    tries: AtomicUsize,
    slow: Semaphore,
}

impl Taker {
    fn new() -> Arc<Self> {
        let (count, slow) = (Semaphore::new(0), Semaphore::new(0));
        Arc::new(Self {
            taken: Mutex::default(),
            attempts: Mutex::default(),
            count,
            tries: AtomicUsize::new(0),
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
impl Handlers for Taker {
    async fn handle(&self, _: &str, event: Event) -> Result<(), HandlerFailure> {
        self.tries.fetch_add(1, Ordering::SeqCst);
        assert_ne!(event.id, "panic", "as this test demands");
        if event.id == "slow" {
            self.slow.acquire().await.unwrap().forget();
        }
        self.taken.lock().unwrap().push(event.id);
        self.count.add_permits(1);
        Ok(())
    }

    fn attempted(&self, subscriber: &str, attempt: Attempt) {
        assert_eq!(subscriber, "orders");
        self.attempts.lock().unwrap().push(attempt);
    }
}

/// A dispatcher that runs until the sender is used or dropped.
fn dispatch(store: &Arc<Store>, taker: &Arc<Taker>) -> (oneshot::Sender<()>, JoinHandle<()>) {
    let options = DispatchOptions {
        patience: Patience {
            attempts: 2,
            backoff: Duration::from_millis(5),
            ..Patience::default()
        },
        ..DispatchOptions::default()
    };
    let (dispatcher, taker) = (Dispatcher::new(Arc::clone(store), options), Arc::clone(taker));
    let (stop, stopped) = oneshot::channel::<()>();
    let shutdown = async move { drop(stopped.await) };
    (
        stop,
        tokio::spawn(async move { dispatcher.run(taker, shutdown).await }),
    )
}

#[tokio::test]
async fn events_that_were_not_delivered_are_delivered_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    store
        .commit(
            vec![],
            vec![event("a", "x", None), event("b", "x", None), event("c", "y", FAR)],
        )
        .await
        .unwrap();
    drop(store);
    let (store, taker) = (open(folder.path()), Taker::new());
    let (stop, running) = dispatch(&store, &taker);
    taker.wait_for(2).await;
    drop(stop);
    running.await.unwrap();
    assert_eq!(*taker.taken.lock().unwrap(), ["a", "b"]);
    drop(store);
    // What was taken does not come again.
    let (store, taker) = (open(folder.path()), Taker::new());
    store.commit(vec![], vec![event("d", "x", None)]).await.unwrap();
    let (_stop, _running) = dispatch(&store, &taker);
    taker.wait_for(1).await;
    assert_eq!(*taker.taken.lock().unwrap(), ["d"]);
}

#[tokio::test]
async fn the_end_waits_for_handlers_that_run_and_starts_no_other() {
    let folder = tempfile::tempdir().unwrap();
    let (store, taker) = (open(folder.path()), Taker::new());
    store
        .commit(vec![], vec![event("slow", "x", None), event("behind", "x", None)])
        .await
        .unwrap();
    let (stop, mut running) = dispatch(&store, &taker);
    while taker.tries.load(Ordering::SeqCst) == 0 {
        tokio::task::yield_now().await;
    }
    stop.send(()).unwrap();
    assert!(
        tokio::time::timeout(Duration::from_millis(50), &mut running)
            .await
            .is_err()
    );
    taker.slow.add_permits(1);
    running.await.unwrap();
    assert_eq!(*taker.taken.lock().unwrap(), ["slow"]);
}

#[tokio::test]
async fn a_handler_that_panics_fails_like_any_other() {
    let folder = tempfile::tempdir().unwrap();
    let (store, taker) = (open(folder.path()), Taker::new());
    store
        .commit(vec![], vec![event("panic", "x", None), event("next", "x", None)])
        .await
        .unwrap();
    let (stop, running) = dispatch(&store, &taker);
    taker.wait_for(1).await;
    drop(stop);
    running.await.unwrap();
    let attempts = taker.attempts.lock().unwrap().clone();
    for attempt in [Attempt::Retried, Attempt::Rejected, Attempt::Taken] {
        let times = attempts.iter().filter(|told| **told == attempt).count();
        assert_eq!(times, 1, "{attempts:?}");
    }
    let letters = store.list(10).await.unwrap();
    assert_eq!(letters.len(), 1);
    assert!(
        letters
            .iter()
            .all(|letter| letter.attempts == 2 && letter.event.id == "panic")
    );
}

#[tokio::test]
async fn long_queues_of_what_can_not_be_delivered_yet_hold_nothing_up() {
    let folder = tempfile::tempdir().unwrap();
    // Without the disk in what is measured.
    let options = Options {
        durability: Durability::Relaxed,
    };
    let (store, taker) = (open_with(folder.path(), options), Taker::new());
    // Timers with subjects of their own, and a queue behind one that is held up.
    let timers = (0..100_000).map(|n| event(n, n, FAR)).collect();
    store.commit(vec![], timers).await.unwrap();
    let queue = (0..20_000)
        .map(|n| event(n, "queue", if n == 0 { FAR } else { None }))
        .collect();
    store.commit(vec![], queue).await.unwrap();
    let (_stop, _running) = dispatch(&store, &taker);
    let started = Instant::now();
    for n in 0..100 {
        store
            .commit(vec![], vec![event(n, format!("now {n}"), None)])
            .await
            .unwrap();
        taker.wait_for(1).await;
    }
    let each = started.elapsed() / 100;
    // Looking at all of them takes tens of milliseconds each time.
    assert!(each < Duration::from_millis(20), "{each:?}");
}
