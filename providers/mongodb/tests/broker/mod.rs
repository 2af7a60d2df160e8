//! A broker that remembers what it was handed, and relays that publish to it.

use std::collections::HashSet;
use std::sync::{Arc, Mutex};
use std::time::{SystemTime, UNIX_EPOCH};

use async_trait::async_trait;
use mercato_mongodb::{Relay, RelayOptions, Store};
use mercato_ports::events::{Event, Publisher};
use tokio::sync::{oneshot, watch};
use tokio::task::JoinHandle;
use uuid::Uuid;

/// A broker that does as it is told.
#[derive(Default)]
pub struct Broker {
    state: Mutex<State>,
    changed: watch::Sender<()>,
}

#[derive(Default)]
struct State {
    seen: Vec<(u64, Event)>,
    publishers: HashSet<Uuid>,
    asked: usize,
    failures: usize,
    hangs: bool,
}

impl Broker {
    pub fn new() -> Arc<Self> {
        Arc::default()
    }

    /// Fails so many times.
    pub fn fail(&self, times: usize) {
        self.state.lock().unwrap().failures = times;
    }

    /// Answers no more, or again.
    pub fn hang(&self, hangs: bool) {
        self.state.lock().unwrap().hangs = hangs;
    }

    /// Everything that was handed over, once there is so much.
    pub async fn seen(&self, count: usize) -> Vec<Event> {
        self.until(|state| state.seen.len() >= count).await;
        let state = self.state.lock().unwrap();
        state.seen.iter().map(|(_, event)| event.clone()).collect()
    }

    /// When it was handed over, in milliseconds since the Unix epoch.
    pub fn times(&self) -> Vec<u64> {
        self.state
            .lock()
            .unwrap()
            .seen
            .iter()
            .map(|(at, _)| *at)
            .collect()
    }

    /// Waits until it was asked so often.
    pub async fn asked(&self, times: usize) {
        self.until(|state| state.asked >= times).await;
    }

    /// How many relays have handed something over.
    pub fn publishers(&self) -> usize {
        self.state.lock().unwrap().publishers.len()
    }

    async fn until(&self, done: impl Fn(&State) -> bool) {
        let mut changed = self.changed.subscribe();
        while !done(&self.state.lock().unwrap()) {
            changed.changed().await.unwrap();
        }
    }
}

/// A relay's way to the broker.
struct Line {
    id: Uuid,
    broker: Arc<Broker>,
}

#[async_trait]
impl Publisher for Line {
    async fn publish(&self, events: Vec<Event>) -> Result<(), String> {
        let hangs = {
            let mut state = self.broker.state.lock().unwrap();
            state.asked += 1;
            state.hangs
        };
        self.broker.changed.send_replace(());
        if hangs {
            std::future::pending::<()>().await;
        }
        let mut state = self.broker.state.lock().unwrap();
        if state.failures > 0 {
            state.failures -= 1;
            return Err("the broker is away".into());
        }
        state.publishers.insert(self.id);
        let at = now();
        state.seen.extend(events.into_iter().map(|event| (at, event)));
        drop(state);
        self.broker.changed.send_replace(());
        Ok(())
    }
}

/// A relay that runs.
pub struct Running {
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl Running {
    /// Ends it as a process that is told to end does.
    pub async fn stop(self) {
        self.stop.send(()).unwrap();
        self.task.await.unwrap();
    }

    /// Ends it as a process that is killed does.
    pub fn kill(self) {
        self.task.abort();
    }
}

/// Starts a relay.
pub fn start(store: &Arc<Store>, broker: &Arc<Broker>, options: RelayOptions) -> Running {
    let relay = Relay::new(Arc::clone(store), options);
    let line = Arc::new(Line {
        id: Uuid::new_v4(),
        broker: Arc::clone(broker),
    });
    let (stop, stopped) = oneshot::channel::<()>();
    let task = tokio::spawn(async move {
        relay.run(line, async { drop(stopped.await) }).await;
    });
    Running { stop, task }
}

/// An event of the service `orders`.
pub fn event(subject: &str) -> Event {
    Event {
        id: Uuid::now_v7().to_string(),
        kind: "mercato.orders.order-placed".into(),
        subject: subject.into(),
        time: now(),
        due: None,
        data: "{}".into(),
    }
}

/// Now, in milliseconds since the Unix epoch.
pub fn now() -> u64 {
    u64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis()).unwrap()
}
