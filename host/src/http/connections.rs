//! The open connections: a limit for all clients, a limit for each client, and time limits.

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Notify;

use super::client_network;
use super::connection_state::{Closing, Connection};
use super::held_bytes::HeldBytes;

/// The bytes of responses that all clients together may leave unread.
const MAX_UNSENT: usize = 256 << 20;

/// The bytes of incomplete requests that all clients together may have sent.
const MAX_INCOMPLETE: usize = 256 << 20;

/// The part of the limit that is closed at once if no connection is free. So a flood of connections does not
/// search through all of them each time.
const CLOSED_PART: usize = 64;

/// A connection that has waited for its next request for less time is not closed.
const MIN_IDLE: Duration = Duration::from_millis(250);

/// The open connections of a server.
pub struct Connections {
    limit: usize,
    per_client: usize,
    min_idle: Duration,
    unsent: Arc<HeldBytes>,
    incomplete: Arc<HeldBytes>,
    open: Mutex<Open>,
    closed: Notify,
}

#[derive(Default)]
struct Open {
    next_id: u64,
    by_id: BTreeMap<u64, Arc<Connection>>,
    /// The number of connections of each client that has any.
    by_client: HashMap<IpAddr, usize>,
}

/// An open connection. Dropping it makes room for another one.
pub struct OpenConnection {
    /// The state of the connection.
    pub state: Arc<Connection>,
    id: u64,
    connections: Arc<Connections>,
}

impl Connections {
    /// Creates a limit for all clients, and a limit for each client.
    pub fn new(limit: usize, per_client: usize) -> Arc<Self> {
        Arc::new(Self {
            limit,
            per_client,
            min_idle: MIN_IDLE,
            unsent: HeldBytes::new(MAX_UNSENT),
            incomplete: HeldBytes::new(MAX_INCOMPLETE),
            open: Mutex::default(),
            closed: Notify::new(),
        })
    }

    /// Returns the limit for all clients.
    pub fn limit(&self) -> usize {
        self.limit
    }

    /// Returns the number of open connections.
    pub fn count(&self) -> usize {
        self.lock().by_id.len()
    }

    /// Opens a connection from this address. At a limit, it closes the connections that have waited longest
    /// for a request. Returns `None` if no connection waits.
    pub fn open(self: &Arc<Self>, address: IpAddr) -> Option<OpenConnection> {
        let client = client_network::of(address);
        let mut open = self.lock();
        if open.of_client(client) >= self.per_client {
            open.close_idle(self.per_client, self.min_idle, Some(client));
        }
        if open.by_id.len() >= self.limit {
            open.close_idle(self.limit, self.min_idle, None);
        }
        if open.of_client(client) >= self.per_client || open.by_id.len() >= self.limit {
            return None;
        }
        let id = open.next_id;
        open.next_id += 1;
        let state = Connection::new(client, Arc::clone(&self.unsent), Arc::clone(&self.incomplete));
        open.by_id.insert(id, Arc::clone(&state));
        *open.by_client.entry(client).or_default() += 1;
        Some(OpenConnection {
            state,
            id,
            connections: Arc::clone(self),
        })
    }

    /// Closes connections that have waited longest for a request, to free their file descriptors.
    pub fn close_idle(&self) {
        self.lock().close_idle(self.limit, self.min_idle, None);
    }

    /// Closes connections whose client exceeds a time limit.
    pub fn check(&self, now: Instant) {
        let open: Vec<_> = self.lock().by_id.values().cloned().collect();
        for connection in open {
            connection.check(now);
        }
        self.unsent.check(now);
    }

    /// Closes all connections, each after its running requests.
    pub fn close_all(&self) {
        for connection in self.lock().by_id.values() {
            connection.close(Closing::AfterRequests);
        }
    }

    /// Waits until no connection is open.
    pub async fn all_closed(&self) {
        loop {
            let closed = self.closed.notified();
            if self.count() == 0 {
                return;
            }
            closed.await;
        }
    }

    fn lock(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Open {
    fn of_client(&self, client: IpAddr) -> usize {
        self.by_client.get(&client).copied().unwrap_or(0)
    }

    /// Closes a part of `limit` of the connections that wait for a request, oldest first. With a client, it
    /// closes only connections of this client.
    fn close_idle(&mut self, limit: usize, min_idle: Duration, client: Option<IpAddr>) {
        let mut idle: Vec<_> = self
            .by_id
            .iter()
            .filter(|(_, connection)| client.is_none_or(|client| connection.client == client))
            .filter_map(|(id, connection)| Some((connection.idle_since(min_idle)?, *id)))
            .collect();
        idle.sort_unstable();
        for (_, id) in idle.into_iter().take(limit.div_ceil(CLOSED_PART)) {
            if let Some(connection) = self.remove(id) {
                connection.close(Closing::AtOnce);
            }
        }
    }

    fn remove(&mut self, id: u64) -> Option<Arc<Connection>> {
        let connection = self.by_id.remove(&id)?;
        if let Some(of_client) = self.by_client.get_mut(&connection.client) {
            *of_client = of_client.saturating_sub(1);
            if *of_client == 0 {
                self.by_client.remove(&connection.client);
            }
        }
        Some(connection)
    }
}

impl Drop for OpenConnection {
    fn drop(&mut self) {
        self.connections.lock().remove(self.id);
        self.connections.closed.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(connections: &Arc<Connections>, address: &str) -> Option<OpenConnection> {
        let open = connections.open(address.parse().unwrap())?;
        open.state.set_awaited();
        Some(open)
    }

    /// Returns limits that close a connection however short it is idle.
    fn connections(limit: usize, per_client: usize) -> Arc<Connections> {
        let mut connections = Connections::new(limit, per_client);
        Arc::get_mut(&mut connections).unwrap().min_idle = Duration::ZERO;
        connections
    }

    #[test]
    fn does_not_close_a_connection_whose_request_may_be_on_the_way() {
        let connections = Connections::new(1, 1);
        let unread = connections.open("192.0.2.1".parse().unwrap()).unwrap();
        assert!(open(&connections, "192.0.2.1").is_none());
        unread.state.set_awaited();
        let served = open(&connections, "192.0.2.1").unwrap();
        assert!(unread.state.is_closing());
        drop(served.state.begin());
        assert!(open(&connections, "192.0.2.2").is_none());
        std::thread::sleep(MIN_IDLE);
        assert!(open(&connections, "192.0.2.2").is_some());
        assert!(served.state.is_closing());
    }

    #[test]
    fn closes_the_connection_that_has_waited_longest() {
        let connections = connections(3, 3);
        let first = open(&connections, "192.0.2.1").unwrap();
        let busy = open(&connections, "192.0.2.2").unwrap();
        let request = busy.state.begin();
        let third = open(&connections, "192.0.2.3").unwrap();
        let fourth = open(&connections, "192.0.2.4").unwrap();
        assert!(first.state.is_closing() && !busy.state.is_closing() && !third.state.is_closing());
        let fifth = open(&connections, "192.0.2.5").unwrap();
        assert!(third.state.is_closing() && !fourth.state.is_closing());
        let running = (fourth.state.begin(), fifth.state.begin());
        assert!(
            open(&connections, "192.0.2.6").is_none(),
            "all connections have requests"
        );
        drop((request, running));
        assert!(open(&connections, "192.0.2.6").is_some());
    }

    #[test]
    fn limits_the_connections_of_one_client() {
        let connections = connections(9, 2);
        let others = open(&connections, "192.0.2.9").unwrap();
        let held = [
            open(&connections, "2001:db8::1").unwrap(),
            open(&connections, "2001:db8::2").unwrap(),
        ];
        let running = held.each_ref().map(|connection| connection.state.begin());
        assert!(open(&connections, "2001:db8::3").is_none());
        assert!(open(&connections, "2001:db8:0:1::3").is_some());
        drop(running);
        assert!(open(&connections, "2001:db8::3").is_some());
        assert!(
            !others.state.is_closing(),
            "a client at its limit closes only its own connections"
        );
    }

    #[test]
    fn a_closed_connection_makes_room_once() {
        let connections = connections(1, 1);
        let first = open(&connections, "192.0.2.1").unwrap();
        let second = open(&connections, "192.0.2.1").unwrap();
        drop(first);
        assert_eq!(connections.count(), 1);
        drop(second);
        assert_eq!(connections.count(), 0);
        assert!(
            connections.lock().by_client.is_empty(),
            "a client without connections has no entry"
        );
    }
}
