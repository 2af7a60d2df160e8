//! Fair shares of the processors: the calls of a client that uses much come after those of one that uses little.
//!
//! Each call has a place in a virtual time, in nanoseconds of a processor (start-time fair queuing: Goyal, Vin
//! and Cheng, 1996). The next call of a client is placed after all that the client has used. A client that has
//! used nothing lately is placed at the present.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// The use of a call until its real use is known, in nanoseconds.
const EXPECTED: u64 = 500_000;

/// With more clients than this, those whose use has passed are forgotten, or else all of them.
const MAX_CLIENTS: usize = 4_096;

/// A call's place in the order of calls. The first place is the smallest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    start: u64,
    /// The order of arrival.
    number: u64,
}

/// The use of all clients.
#[derive(Default)]
pub struct Shares(Mutex<State>);

#[derive(Default)]
struct State {
    /// The present: the latest place of a call that has computed.
    now: u64,
    /// The virtual time up to which each client has used its share.
    used: HashMap<IpAddr, u64>,
    calls: u64,
}

impl Shares {
    /// Returns the place of a client's next call.
    pub fn place(&self, client: IpAddr) -> Place {
        let mut state = self.state();
        if state.used.len() > MAX_CLIENTS {
            let now = state.now;
            state.used.retain(|_, used| *used > now);
        }
        if state.used.len() > MAX_CLIENTS {
            state.used.clear();
        }
        let place = state.next(Some(client));
        state.calls += 1;
        state.used.insert(client, place.start.saturating_add(EXPECTED));
        place
    }

    /// Returns the place of an event.
    pub fn place_of_event(&self) -> Place {
        let mut state = self.state();
        let place = state.next(None);
        state.calls += 1;
        place
    }

    /// Returns the place that a client's next call would have.
    pub fn next(&self, client: IpAddr) -> Place {
        self.state().next(Some(client))
    }

    /// Records that the call at a place computes.
    pub fn begin(&self, place: Place) {
        let mut state = self.state();
        state.now = state.now.max(place.start);
    }

    /// Records what a call of a client has used.
    pub fn end(&self, client: IpAddr, computed: Duration) {
        let computed = u64::try_from(computed.as_nanos()).unwrap_or(u64::MAX);
        if let Some(used) = self.state().used.get_mut(&client) {
            *used = used.saturating_add(computed).saturating_sub(EXPECTED);
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn next(&self, client: Option<IpAddr>) -> Place {
        let used = client.and_then(|client| self.used.get(&client).copied());
        Place {
            start: used.unwrap_or_default().max(self.now),
            number: self.calls,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OFTEN: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1));
    const SELDOM: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 2));

    #[test]
    fn a_client_with_little_use_comes_first() {
        let shares = Shares::default();
        let queue: Vec<_> = (0..100).map(|_| shares.place(OFTEN)).collect();
        assert!(queue.is_sorted());
        shares.begin(queue[10]);
        let first = shares.place(SELDOM);
        assert!(queue[10] < first && first < queue[11]);
        // Two clients that call equally often take turns.
        let second = shares.place(SELDOM);
        assert!(queue[11] < second && second < queue[12]);
    }

    #[test]
    fn a_long_call_counts_for_more_than_a_short_one() {
        let shares = Shares::default();
        for client in [OFTEN, SELDOM] {
            shares.begin(shares.place(client));
        }
        shares.end(OFTEN, Duration::from_millis(20));
        shares.end(SELDOM, Duration::from_micros(100));
        let long = shares.place(OFTEN);
        for _ in 0..40 {
            assert!(shares.place(SELDOM) < long);
        }
        assert!(shares.place(SELDOM) > long);
    }

    #[test]
    fn a_pause_earns_no_share() {
        let shares = Shares::default();
        shares.begin(shares.place(SELDOM));
        for _ in 0..100 {
            shares.begin(shares.place(OFTEN));
        }
        let next = shares.next(OFTEN);
        assert!(shares.place(SELDOM) < next);
        assert!(shares.place(SELDOM) > next);
    }

    #[test]
    fn forgets_clients_whose_use_has_passed() {
        let shares = Shares::default();
        for number in 0..3 * MAX_CLIENTS as u32 {
            shares.begin(shares.place(IpAddr::V4(number.into())));
        }
        assert!(shares.state().used.len() <= MAX_CLIENTS + 1);
    }
}
