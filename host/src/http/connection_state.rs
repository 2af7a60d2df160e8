//! The state of one connection: its running requests, its unread responses, and when it has to end.

use std::net::IpAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{Notify, Semaphore};

use super::held_bytes::{Cut, HeldBytes, Hold};
use super::limits::{HEAD_TIMEOUT, IDLE_TIMEOUT, MAX_HTTP2_STREAMS, WRITE_TIMEOUT};
use super::stream_cut;

/// The bytes of unread responses after which a connection starts no further request.
const MAX_UNSENT: usize = 4 << 20;

/// The maximum number of calls to the shop that one connection runs. A client that cancels its HTTP/2 streams
/// does not get more.
const MAX_CALLS: usize = MAX_HTTP2_STREAMS as usize;

/// A connection of a client.
pub struct Connection {
    /// The network of the client.
    pub client: IpAddr,
    /// The permits for calls to the shop.
    pub calls: Arc<Semaphore>,
    activity: Mutex<Activity>,
    closing: Notify,
    unsent: AtomicUsize,
    sent: Notify,
    unsent_of_all: Arc<HeldBytes>,
    incomplete_of_all: Arc<HeldBytes>,
}

struct Activity {
    /// The number of requests whose response is not sent yet.
    requests: usize,
    head: Head,
    /// Whether all that has arrived was read, and something is missing of the first head.
    first_awaited: bool,
    /// When the last request ended, or when the first byte of the next head arrived.
    since: Instant,
    /// Since when the client accepts no bytes.
    blocked_since: Option<Instant>,
    /// Whether a response was cut because the client did not read it.
    stalled: bool,
    closing: Option<Closing>,
}

/// The sender of a request.
#[derive(Clone)]
pub struct Client {
    /// The address of the connection.
    pub address: IpAddr,
    /// The connection.
    pub connection: Arc<Connection>,
}

/// The head that a connection waits for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Head {
    /// The first head. None of it may have arrived.
    First,
    /// A later head, of which nothing has arrived.
    Next,
    /// The rest of a later head.
    Rest,
}

/// How a connection has to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Closing {
    /// After its running requests.
    AfterRequests,
    /// The client did not send the head of a request in time.
    HeadTimeout,
    /// To make room for other connections.
    AtOnce,
    /// The client does not read. Its unread bytes are discarded.
    Stalled,
}

impl Connection {
    /// Creates the state of a new connection, with the limits that it shares with all others.
    pub fn new(
        client: IpAddr,
        unsent_of_all: Arc<HeldBytes>,
        incomplete_of_all: Arc<HeldBytes>,
    ) -> Arc<Self> {
        Arc::new(Self {
            client,
            calls: Arc::new(Semaphore::new(MAX_CALLS)),
            activity: Mutex::new(Activity {
                requests: 0,
                head: Head::First,
                first_awaited: false,
                since: Instant::now(),
                blocked_since: None,
                stalled: false,
                closing: None,
            }),
            closing: Notify::new(),
            unsent: AtomicUsize::new(0),
            sent: Notify::new(),
            unsent_of_all,
            incomplete_of_all,
        })
    }

    /// Begins a request, whose head has arrived.
    pub fn begin(self: &Arc<Self>) -> RunningRequest {
        let mut activity = self.lock();
        activity.requests += 1;
        activity.head = Head::Next;
        RunningRequest(Arc::clone(self))
    }

    /// Records that all that has arrived was read.
    pub fn set_awaited(&self) {
        self.lock().first_awaited = true;
    }

    /// Records that a part of a head has arrived.
    pub fn head_begun(&self) {
        let mut activity = self.lock();
        if activity.head == Head::Next {
            activity.head = Head::Rest;
            activity.since = Instant::now();
        }
    }

    /// Records whether the client accepts bytes.
    pub fn set_blocked(&self, blocked: bool) {
        self.lock().blocked_since = blocked.then(Instant::now);
    }

    /// Records that a response was cut. The connection ends with its last request.
    pub fn set_stalled(&self) {
        self.lock().stalled = true;
    }

    /// Records that the connection gets no more requests, and only waits for the end of the client's side.
    pub fn finish(&self) {
        let mut activity = self.lock();
        activity.head = Head::Next;
        activity.since = Instant::now();
    }

    /// Counts bytes of a response, until the hold is dropped.
    pub fn hold_unsent(self: &Arc<Self>, bytes: usize) -> UnsentHold {
        self.unsent.fetch_add(bytes, Ordering::Relaxed);
        UnsentHold {
            hold: self.unsent_of_all.hold(bytes, self.cut()),
            connection: Arc::clone(self),
            bytes,
        }
    }

    /// Counts bytes of an incomplete request, until the hold is dropped.
    pub fn hold_incomplete(self: &Arc<Self>, bytes: usize) -> Hold {
        self.incomplete_of_all.hold(bytes, self.cut())
    }

    /// Returns what ends a client that holds bytes for too long.
    fn cut(self: &Arc<Self>) -> Cut {
        let (connection, stream) = (Arc::clone(self), stream_cut::current());
        Box::new(move || match stream {
            // The other streams of the connection may be those of other clients behind a proxy.
            Some(stream) => {
                connection.set_stalled();
                stream.notify_one();
            }
            None => connection.close(Closing::Stalled),
        })
    }

    /// Waits until the client has read enough of its responses.
    pub async fn read_enough(&self) {
        loop {
            let mut sent = std::pin::pin!(self.sent.notified());
            sent.as_mut().enable();
            if self.unsent.load(Ordering::Relaxed) <= MAX_UNSENT {
                return;
            }
            sent.await;
        }
    }

    /// Returns since when the connection waits for a request, if it may be closed for another one. After a
    /// request it may be closed when it has waited for `min_idle`, because the next request may be on the way.
    pub fn idle_since(&self, min_idle: Duration) -> Option<Instant> {
        let activity = self.lock();
        let is_idle = activity.requests == 0
            && match activity.head {
                Head::First => activity.first_awaited,
                Head::Next | Head::Rest => activity.since.elapsed() >= min_idle,
            };
        is_idle.then_some(activity.since)
    }

    /// Ends the connection. A stronger reason replaces a weaker one.
    pub fn close(&self, closing: Closing) {
        let mut activity = self.lock();
        activity.closing = activity.closing.max(Some(closing));
        self.closing.notify_one();
    }

    /// Returns whether the connection has to end.
    #[cfg(test)]
    pub fn is_closing(&self) -> bool {
        self.lock().closing.is_some()
    }

    /// Waits until the connection has to end, or has to end for a stronger reason. Only one task may wait.
    pub async fn closing(&self) -> Closing {
        loop {
            self.closing.notified().await;
            if let Some(closing) = self.lock().closing {
                return closing;
            }
        }
    }

    /// Ends the connection if its client exceeds a time limit.
    pub fn check(&self, now: Instant) {
        let activity = self.lock();
        let waits = |since: Instant, limit: Duration| now.saturating_duration_since(since) >= limit;
        let closing = if activity
            .blocked_since
            .is_some_and(|since| waits(since, WRITE_TIMEOUT))
        {
            Closing::Stalled
        } else if activity.requests > 0 {
            return;
        } else if activity.closing == Some(Closing::AfterRequests) && waits(activity.since, HEAD_TIMEOUT) {
            Closing::AtOnce
        } else if activity.stalled || (activity.head == Head::Next && waits(activity.since, IDLE_TIMEOUT)) {
            Closing::AfterRequests
        } else if activity.head != Head::Next && waits(activity.since, HEAD_TIMEOUT) {
            Closing::HeadTimeout
        } else {
            return;
        };
        let is_new = activity.closing < Some(closing);
        drop(activity);
        if is_new {
            self.close(closing);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Activity> {
        self.activity.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A request whose response is not sent yet.
pub struct RunningRequest(Arc<Connection>);

impl Drop for RunningRequest {
    fn drop(&mut self) {
        let mut activity = self.0.lock();
        activity.requests = activity.requests.saturating_sub(1);
        if activity.requests == 0 {
            activity.since = Instant::now();
        }
    }
}

/// Counted bytes of a response.
pub struct UnsentHold {
    hold: Hold,
    connection: Arc<Connection>,
    bytes: usize,
}

impl UnsentHold {
    /// Records that the client has read a part of the response.
    pub fn renew(&self) {
        self.hold.renew();
    }
}

impl Drop for UnsentHold {
    fn drop(&mut self) {
        self.connection.unsent.fetch_sub(self.bytes, Ordering::Relaxed);
        self.connection.sent.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn connection() -> Arc<Connection> {
        let budget = || HeldBytes::new(64 << 20);
        Connection::new("192.0.2.1".parse().unwrap(), budget(), budget())
    }

    /// Returns how a connection ends if nothing happens for some seconds.
    fn after(connection: &Connection, seconds: u64) -> Option<Closing> {
        connection.check(Instant::now() + Duration::from_secs(seconds));
        connection.lock().closing
    }

    #[test]
    fn limits_the_time_of_the_first_head() {
        let connection = connection();
        connection.head_begun();
        assert_eq!(after(&connection, 9), None);
        assert_eq!(after(&connection, 11), Some(Closing::HeadTimeout));
    }

    #[test]
    fn waits_longer_for_the_first_byte_of_the_next_head_than_for_its_rest() {
        let idle = connection();
        drop(idle.begin());
        assert_eq!(after(&idle, 74), None);
        assert_eq!(after(&idle, 76), Some(Closing::AfterRequests));
        let begun = connection();
        drop(begun.begin());
        begun.head_begun();
        assert_eq!(after(&begun, 9), None);
        assert_eq!(after(&begun, 11), Some(Closing::HeadTimeout));
    }

    #[test]
    fn keeps_a_connection_with_a_request() {
        let connection = connection();
        let request = connection.begin();
        connection.head_begun();
        assert_eq!(after(&connection, 100_000), None);
        drop(request);
        assert_eq!(
            after(&connection, 9),
            None,
            "the time begins with the end of the request"
        );
        assert_eq!(after(&connection, 11), Some(Closing::HeadTimeout));
    }

    #[test]
    fn ends_a_connection_whose_client_accepts_no_bytes() {
        let connection = connection();
        let _request = connection.begin();
        connection.set_blocked(true);
        assert_eq!(after(&connection, 29), None);
        connection.set_blocked(false);
        assert_eq!(after(&connection, 100), None);
        connection.set_blocked(true);
        assert_eq!(after(&connection, 31), Some(Closing::Stalled));
    }

    #[test]
    fn ends_a_stalled_connection_after_its_last_request() {
        let connection = connection();
        let request = connection.begin();
        connection.set_stalled();
        assert_eq!(after(&connection, 1), None);
        drop(request);
        assert_eq!(after(&connection, 1), Some(Closing::AfterRequests));
        assert_eq!(after(&connection, 11), Some(Closing::AtOnce));
    }

    #[tokio::test]
    async fn starts_no_request_while_much_is_unread() {
        let connection = connection();
        let first = connection.hold_unsent(MAX_UNSENT);
        connection.read_enough().await;
        let second = connection.hold_unsent(1);
        let waiting = tokio::spawn({
            let connection = Arc::clone(&connection);
            async move { connection.read_enough().await }
        });
        tokio::task::yield_now().await;
        assert!(!waiting.is_finished());
        drop(second);
        waiting.await.unwrap();
        drop(first);
    }
}
