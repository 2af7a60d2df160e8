//! The clock that decides which events are due. It does not follow a system clock that jumps and comes back.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// A difference up to this is no jump, in milliseconds.
const TOLERANCE: i64 = 1_000;

/// After a jump of this duration, the clock follows the system clock.
const SETTLED: Duration = Duration::from_mins(15);

/// A clock that runs with the time since its start, from the system's time at its start.
///
/// When somebody sets the system clock, this clock continues as before. It follows after 15 minutes, if the
/// system clock has not come back by then. Only then can it go back.
pub struct Clock {
    source: Box<dyn Source>,
    state: Mutex<State>,
}

/// What a clock reads.
pub trait Source: Send + Sync {
    /// Returns the time of the system clock, in milliseconds since the Unix epoch.
    fn system_time(&self) -> i64;

    /// Returns the time since a fixed moment. Nobody can set it.
    fn elapsed(&self) -> Duration;
}

struct State {
    /// The time at a moment of the source.
    anchor: (i64, Duration),
    /// Since when the system clock differs.
    differs_since: Option<Duration>,
    anchors: u64,
}

impl Default for Clock {
    fn default() -> Self {
        Self::new(SystemSource)
    }
}

impl Clock {
    /// Creates a clock of this source.
    pub fn new(source: impl Source + 'static) -> Self {
        let state = State {
            anchor: (source.system_time(), source.elapsed()),
            differs_since: None,
            anchors: 1,
        };
        Self {
            source: Box::new(source),
            state: Mutex::new(state),
        }
    }

    /// Returns the time, in milliseconds since the Unix epoch.
    pub fn now(&self) -> i64 {
        self.read().0
    }

    /// Converts a later time of the system clock to a time of this clock.
    pub fn at(&self, system_time: i64) -> i64 {
        let (now, system_now) = self.read();
        let ahead = system_now.saturating_sub(now);
        if ahead.saturating_abs() <= TOLERANCE {
            return system_time;
        }
        system_time.saturating_sub(ahead)
    }

    /// Returns how often the clock was set from the system clock. Times from before a change may be too late.
    pub fn anchors(&self) -> u64 {
        self.state().anchors
    }

    /// Returns the time of this clock, and of the system clock.
    fn read(&self) -> (i64, i64) {
        let (system_now, elapsed) = (self.source.system_time(), self.source.elapsed());
        let mut state = self.state();
        let (time, at) = state.anchor;
        let passed = i64::try_from(elapsed.saturating_sub(at).as_millis()).unwrap_or(i64::MAX);
        let now = time.saturating_add(passed);
        if system_now.abs_diff(now) <= TOLERANCE.unsigned_abs() {
            state.differs_since = None;
            return (now, system_now);
        }
        let since = *state.differs_since.get_or_insert(elapsed);
        if elapsed.saturating_sub(since) < SETTLED {
            return (now, system_now);
        }
        *state = State {
            anchor: (system_now, elapsed),
            differs_since: None,
            anchors: state.anchors + 1,
        };
        (system_now, system_now)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The clocks of the system.
struct SystemSource;

impl Source for SystemSource {
    fn system_time(&self) -> i64 {
        SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |time| i64::try_from(time.as_millis()).unwrap_or(i64::MAX))
    }

    /// The time counts while the machine sleeps.
    #[cfg(target_os = "linux")]
    fn elapsed(&self) -> Duration {
        use rustix::time::{ClockId, clock_gettime};
        clock_gettime(ClockId::Boottime).try_into().unwrap_or_default()
    }

    #[cfg(not(target_os = "linux"))]
    fn elapsed(&self) -> Duration {
        static START: std::sync::LazyLock<std::time::Instant> =
            std::sync::LazyLock::new(std::time::Instant::now);
        START.elapsed()
    }
}

/// A source that tests set.
#[cfg(any(test, feature = "conformance"))]
#[derive(Clone, Default)]
pub struct ManualSource(std::sync::Arc<Mutex<(i64, Duration)>>);

#[cfg(any(test, feature = "conformance"))]
impl ManualSource {
    /// Lets time pass.
    pub fn pass(&self, time: Duration) {
        let mut source = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        source.0 += i64::try_from(time.as_millis()).unwrap_or_default();
        source.1 += time;
    }

    /// Sets the system clock forward or back by seconds.
    pub fn jump(&self, seconds: i64) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).0 += seconds * 1_000;
    }
}

#[cfg(any(test, feature = "conformance"))]
impl Source for ManualSource {
    fn system_time(&self) -> i64 {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).0
    }

    fn elapsed(&self) -> Duration {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_mins(1);

    fn clock() -> (ManualSource, Clock) {
        let source = ManualSource::default();
        source.jump(1_000_000);
        (source.clone(), Clock::new(source))
    }

    #[test]
    fn ignores_a_jump_of_the_system_clock_that_comes_back() {
        for jump in [600, -600] {
            let (source, clock) = clock();
            source.jump(jump);
            assert_eq!(clock.now(), 1_000_000_000);
            source.pass(MINUTE);
            assert_eq!(clock.now(), 1_000_060_000);
            source.jump(-jump);
            assert_eq!(clock.now(), 1_000_060_000);
            // The next jump begins anew.
            source.pass(14 * MINUTE);
            source.jump(jump);
            assert_eq!(clock.now(), 1_000_900_000);
            assert_eq!(clock.anchors(), 1);
        }
    }

    #[test]
    fn follows_the_system_clock_after_a_while() {
        for jump in [600, -600] {
            let (source, clock) = clock();
            source.jump(jump);
            clock.now();
            source.pass(14 * MINUTE);
            assert_eq!((clock.now(), clock.anchors()), (1_000_840_000, 1));
            source.pass(MINUTE);
            assert_eq!((clock.now(), clock.anchors()), (1_000_900_000 + jump * 1_000, 2));
        }
    }

    #[test]
    fn converts_times_that_were_computed_by_a_wrong_system_clock() {
        let (source, clock) = clock();
        assert_eq!(clock.at(1_000_060_000), 1_000_060_000);
        for jump in [600, -1_200] {
            source.jump(jump);
            let in_a_minute = source.system_time() + 60_000;
            assert_eq!(clock.at(in_a_minute), 1_000_060_000);
        }
    }

    #[test]
    fn the_clock_of_the_system_runs() {
        let clock = Clock::default();
        let begun = clock.now();
        std::thread::sleep(Duration::from_millis(20));
        assert!(clock.now() > begun);
    }
}
