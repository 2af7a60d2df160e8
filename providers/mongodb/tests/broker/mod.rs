//! An in-memory broker that records events, and relays that publish to it.

use std::collections::HashSet;
use std::sync::{Arc, Mutex};
use std::time::{SystemTime, UNIX_EPOCH};

use async_trait::async_trait;
use mercato_mongodb::{Relay, RelayOptions, Store};
use mercato_ports::events::{Event, Publisher};
use tokio::sync::{oneshot, watch};
use tokio::task::JoinHandle;
use uuid::Uuid;

/// A broker that records events, and fails or hangs when a test sets it to.
#[derive(Default)]
pub struct Broker {
    state: Mutex<State>,
    changed: watch::Sender<()>,
}

#[derive(Default)]
struct State {
    published: Vec<(u64, Event)>,
    publishers: HashSet<Uuid>,
    calls: usize,
    failures: usize,
    hangs: bool,
}

impl Broker {
    pub fn new() -> Arc<Self> {
        Arc::default()
    }

    /// Makes the next calls fail.
    pub fn fail(&self, times: usize) {
        self.state.lock().unwrap().failures = times;
    }

    /// Sets whether calls hang.
    pub fn hang(&self, hangs: bool) {
        self.state.lock().unwrap().hangs = hangs;
    }

    /// Waits for this many events, and returns all published events.
    pub async fn published(&self, count: usize) -> Vec<Event> {
        self.until(|state| state.published.len() >= count).await;
        let state = self.state.lock().unwrap();
        state.published.iter().map(|(_, event)| event.clone()).collect()
    }

    /// Returns the times of publication, in milliseconds since the Unix epoch.
    pub fn times(&self) -> Vec<u64> {
        self.state
            .lock()
            .unwrap()
            .published
            .iter()
            .map(|(at, _)| *at)
            .collect()
    }

    /// Waits for this many calls.
    pub async fn calls(&self, count: usize) {
        self.until(|state| state.calls >= count).await;
    }

    /// Returns the number of calls so far.
    pub fn call_count(&self) -> usize {
        self.state.lock().unwrap().calls
    }

    /// Returns the number of relays that have published events.
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

/// The publisher of one relay.
struct BrokerPublisher {
    id: Uuid,
    broker: Arc<Broker>,
}

#[async_trait]
impl Publisher for BrokerPublisher {
    async fn publish(&self, events: Vec<Event>) -> Result<(), String> {
        let hangs = {
            let mut state = self.broker.state.lock().unwrap();
            state.calls += 1;
            state.hangs
        };
        self.broker.changed.send_replace(());
        if hangs {
            std::future::pending::<()>().await;
        }
        let mut state = self.broker.state.lock().unwrap();
        if state.failures > 0 {
            state.failures -= 1;
            return Err("the broker is unavailable".into());
        }
        state.publishers.insert(self.id);
        let at = now();
        state
            .published
            .extend(events.into_iter().map(|event| (at, event)));
        drop(state);
        self.broker.changed.send_replace(());
        Ok(())
    }
}

/// A running relay.
pub struct Running {
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl Running {
    /// Stops the relay, as a process does on a signal.
    pub async fn stop(self) {
        self.stop.send(()).unwrap();
        self.task.await.unwrap();
    }

    /// Aborts the relay, like a killed process.
    pub fn kill(self) {
        self.task.abort();
    }
}

/// Starts a relay.
pub fn start(store: &Arc<Store>, broker: &Arc<Broker>, options: RelayOptions) -> Running {
    let relay = Relay::new(Arc::clone(store), options);
    let publisher = Arc::new(BrokerPublisher {
        id: Uuid::new_v4(),
        broker: Arc::clone(broker),
    });
    let (stop, stopped) = oneshot::channel::<()>();
    let task = tokio::spawn(async move {
        relay.run(publisher, async { drop(stopped.await) }).await;
    });
    Running { stop, task }
}

/// Returns a new event of the service `orders`.
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

/// Returns the current time, in milliseconds since the Unix epoch.
pub fn now() -> u64 {
    u64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis()).unwrap()
}
