//! The limits of instances and of calls.

use std::time::Duration;

use super::budget::TimeBudget;
use super::costs::{Cost, LONG, SHORT};

/// The limits of instances, and when they are reused.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// The maximum number of instances for requests. Each instance runs one call at a time.
    pub instances: u32,
    /// The total size of one instance's linear memories, in bytes.
    pub instance_memory: usize,
    /// The total size of the linear memories of all instances, in bytes.
    pub memory: usize,
    /// An instance is not reused after its memories have grown by more than this, in bytes.
    pub reusable_growth: usize,
    /// An instance is dropped after this number of calls.
    pub calls: u32,
    /// How long one call may compute.
    pub cpu: Duration,
    /// How long the request of an anonymous client may compute.
    pub cpu_anonymous: Duration,
    /// How long one call may take in total.
    pub time: Duration,
    /// How many requests may wait for an instance.
    pub queue: usize,
    /// How long a request waits for an instance.
    pub wait: Duration,
}

impl Limits {
    /// Returns the number of instances for events. They are additional, so requests never delay events.
    pub fn event_instances(&self) -> u32 {
        self.instances.div_ceil(2)
    }

    /// Returns how many requests of an unknown or long cost may have an instance. The other instances are for
    /// requests that are known to be short.
    pub fn unproven_instances(&self) -> u32 {
        self.instances - self.instances / 4
    }

    /// Returns how many requests of a long cost may have an instance.
    pub fn long_instances(&self) -> u32 {
        self.instances.div_ceil(4)
    }

    /// Returns the time budget of a request.
    pub fn request(&self, cost: Cost, anonymous: bool) -> TimeBudget {
        let cpu = if anonymous {
            self.cpu_anonymous.min(self.cpu)
        } else {
            self.cpu
        };
        TimeBudget {
            short: match cost {
                Cost::Short => LONG,
                Cost::Unknown => SHORT,
                Cost::Long => Duration::ZERO,
            },
            cpu,
            total: self.time,
            // After the last wait there is still time to compute.
            waiting: Some(self.time.saturating_sub(cpu).max(self.time / 2)),
        }
    }

    /// Returns the time budget of the handling of an event.
    pub fn event(&self) -> TimeBudget {
        TimeBudget {
            short: LONG,
            cpu: self.cpu,
            total: self.time,
            waiting: None,
        }
    }
}
