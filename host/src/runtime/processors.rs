//! The processors: which calls may compute. Few of them compute at a time, so those that come first end soon.

use super::permits::Permits;
use super::shares::{Place, Shares};

/// How urgent a call's next permit is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Urgency {
    /// The call handles an event.
    Event,
    /// The call has computed for a short time only, or it has changed something.
    Short,
    /// The call has computed for long.
    Long,
}

/// A call's place in the order of all permits.
pub type Turn = (Urgency, Place);

/// The processors of this machine.
pub struct Processors {
    /// The use of all clients.
    pub shares: Shares,
    /// For requests that have computed for a short time. Without these permits, all of them would compute at
    /// the same time, and each would end late.
    pub short: Permits<Turn>,
    /// For calls that have computed for long. One thread stays free for short calls and for connections.
    pub long: Permits<Turn>,
}

impl Processors {
    /// Returns the processors of this machine.
    pub fn of_this_machine() -> Self {
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        // While a permit passes to the next call, a thread computes for another one.
        Self::new(threads + threads.div_ceil(2), threads.saturating_sub(1).max(1))
    }

    /// Returns processors with these numbers of permits.
    pub fn new(short: usize, long: usize) -> Self {
        Self {
            shares: Shares::default(),
            short: Permits::new(short),
            long: Permits::new(long),
        }
    }
}
