//! The time budget of a call: how long it may compute, wait for permits to compute, and take in total.

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use mercato_ports::store_work::StoreWork;
use rustix::time::{ClockId, clock_gettime};
use tokio::time::{Instant, timeout, timeout_at};

use super::costs::LONG;
use super::permits::Permit;
use super::processors::{Processors, Turn, Urgency};
use super::shares::Place;

/// How long a request may wait in total until its store computes for it.
const MAX_STORE_WAIT: Duration = Duration::from_secs(2);

/// The time budget of one call.
#[derive(Clone, Copy, Debug)]
pub struct TimeBudget {
    /// The call is long after it has computed for this time.
    pub short: Duration,
    /// How long the call and its store may compute for it, in CPU time.
    pub cpu: Duration,
    /// How long the call may take in total. Waiting for permits does not count.
    pub total: Duration,
    /// How long the call may wait for permits. `None` is without a limit, for events.
    pub waiting: Option<Duration>,
}

/// Why a call was cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// It has computed for too long.
    Computed,
    /// It has waited for permits for too long, and has changed nothing.
    Waited,
    /// It has taken too long in total.
    TimedOut,
}

/// Runs a call within its budget. Returns its output, and its CPU time with that of its store.
///
/// The time counts CPU time of the thread that polls the call, so a busy machine takes nothing from the
/// budget. A store counts the CPU time of its slow reads. The engine's epoch ends each poll of a computing
/// guest after a tick.
///
/// `changed` says whether the call has changed something outside its instance. Such a call goes on, because a
/// client would repeat it after a refusal.
pub async fn run<F: Future>(
    processors: &Processors,
    place: Place,
    budget: TimeBudget,
    changed: &AtomicBool,
    call: F,
) -> (Result<F::Output, Cut>, Duration) {
    let work = StoreWork::new(budget.waiting.map(|_| MAX_STORE_WAIT));
    let mut call = pin!(work.clone().of(call));
    let mut waits = PermitWaits {
        processors,
        place,
        budget,
        changed,
        waited: Duration::ZERO,
    };
    let begun = Instant::now();
    let mut computed_here = Duration::ZERO;
    let mut held = None;
    loop {
        let computed = computed_here + work.computed();
        let is_long = computed >= budget.short;
        let permit = match held.take() {
            None => match waits.acquire(computed).await {
                Ok(permit) => permit,
                Err(cut) => return (Err(cut), computed),
            },
            held => held,
        };
        let (poll, is_runnable) = poll_fn(|context| {
            let stopwatch = Stopwatch::start();
            let poll = WakeFlag::poll(call.as_mut(), context);
            computed_here += stopwatch.stop();
            Poll::Ready(poll)
        })
        .await;
        let computed = computed_here + work.computed();
        match poll {
            Poll::Ready(output) => return (Ok(output), computed),
            Poll::Pending if computed >= budget.cpu => return (Err(Cut::Computed), computed),
            Poll::Pending => {}
        }
        // A call that goes on at once keeps its permit, so calls end in the order of their places.
        let keeps = is_runnable && is_long == (computed >= budget.short);
        held = permit.filter(|permit| keeps && !permit.is_due_to_another());
        let deadline = begun + budget.total + waits.waited;
        // The timers of a busy runtime are late, so the clock is read too.
        if timeout_at(deadline, woken()).await.is_err() || deadline <= Instant::now() {
            return (Err(Cut::TimedOut), computed);
        }
    }
}

/// The waits of one call for permits.
struct PermitWaits<'a> {
    processors: &'a Processors,
    place: Place,
    budget: TimeBudget,
    changed: &'a AtomicBool,
    waited: Duration,
}

impl PermitWaits<'_> {
    /// Waits for a permit of a call that has computed for this long. A short handling of an event needs none.
    async fn acquire(&mut self, computed: Duration) -> Result<Option<Permit<Turn>>, Cut> {
        let is_long = computed >= self.budget.short;
        let changed = self.changed.load(Ordering::Relaxed);
        let (urgency, limit, cut) = match self.budget.waiting {
            None if !is_long => return Ok(None),
            None => (Urgency::Event, None, Cut::TimedOut),
            // A call that has changed something is preferred. It may wait for the whole time of a call.
            Some(_) if changed => (Urgency::Short, Some(self.budget.total), Cut::TimedOut),
            Some(limit) if computed < LONG => (Urgency::Short, Some(limit), Cut::Waited),
            Some(limit) => (Urgency::Long, Some(limit), Cut::Waited),
        };
        let permits = if is_long {
            &self.processors.long
        } else {
            &self.processors.short
        };
        let turn = (urgency, self.place);
        if let Some(permit) = permits.try_acquire(turn) {
            self.processors.shares.begin(self.place);
            return Ok(Some(permit));
        }
        let begun = Instant::now();
        let acquire = permits.acquire(turn);
        let permit = match limit {
            None => acquire.await,
            Some(limit) => timeout(limit.saturating_sub(self.waited), acquire)
                .await
                .map_err(|_| cut)?,
        };
        self.processors.shares.begin(self.place);
        self.waited += begun.elapsed();
        Ok(Some(permit))
    }
}

/// A waker that knows whether it was used. A computing guest wakes its task when it yields.
struct WakeFlag {
    woken: AtomicBool,
    task: Waker,
}

impl WakeFlag {
    /// Polls a future. Returns its result, and whether its task was woken meanwhile.
    fn poll<F: Future>(future: Pin<&mut F>, context: &mut Context<'_>) -> (Poll<F::Output>, bool) {
        let flag = Arc::new(Self {
            woken: AtomicBool::new(false),
            task: context.waker().clone(),
        });
        let waker = Waker::from(flag.clone());
        let poll = future.poll(&mut Context::from_waker(&waker));
        (poll, flag.woken.load(Ordering::Relaxed))
    }
}

impl Wake for WakeFlag {
    fn wake(self: Arc<Self>) {
        self.woken.store(true, Ordering::Relaxed);
        self.task.wake_by_ref();
    }
}

/// Waits until the last poll wakes the task.
async fn woken() {
    let mut polled = false;
    poll_fn(|_| match std::mem::replace(&mut polled, true) {
        true => Poll::Ready(()),
        false => Poll::Pending,
    })
    .await;
}

/// Measures the CPU time of a poll.
struct Stopwatch {
    begun: std::time::Instant,
    cpu: Duration,
}

impl Stopwatch {
    fn start() -> Self {
        Self {
            begun: std::time::Instant::now(),
            cpu: thread_cpu_time(),
        }
    }

    fn stop(self) -> Duration {
        /// Reading the CPU time is a system call, so the time of a shorter poll is not read again.
        const EXACT: Duration = Duration::from_micros(500);
        let elapsed = self.begun.elapsed();
        if elapsed < EXACT {
            return elapsed;
        }
        thread_cpu_time().saturating_sub(self.cpu)
    }
}

/// Returns the CPU time of this thread.
fn thread_cpu_time() -> Duration {
    clock_gettime(ClockId::ThreadCPUTime)
        .try_into()
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;
    use std::sync::LazyLock;

    use mercato_ports::store_work;
    use tokio::time::sleep;

    use super::super::shares::Shares;
    use super::*;

    const BUDGET: TimeBudget = TimeBudget {
        short: LONG,
        cpu: Duration::from_secs(60),
        total: Duration::from_secs(60),
        waiting: Some(Duration::from_secs(60)),
    };

    /// Computes for this CPU time, in steps of a few milliseconds. A step runs on one thread.
    async fn compute(time: Duration) {
        let mut left = time;
        while !left.is_zero() {
            let begun = thread_cpu_time();
            let end = begun + left.min(Duration::from_millis(4));
            while thread_cpu_time() < end {
                std::hint::spin_loop();
            }
            left = left.saturating_sub(thread_cpu_time() - begun);
            yield_now().await;
        }
    }

    /// Yields as a guest does. Tokio's function would wake the task later.
    async fn yield_now() {
        let mut yielded = false;
        poll_fn(|context| {
            context.waker().wake_by_ref();
            match std::mem::replace(&mut yielded, true) {
                true => Poll::Ready(()),
                false => Poll::Pending,
            }
        })
        .await;
    }

    /// Returns the next place of one client.
    fn place() -> Place {
        static SHARES: LazyLock<Shares> = LazyLock::new(Shares::default);
        SHARES.place(IpAddr::from([192, 0, 2, 1]))
    }

    fn unchanged() -> AtomicBool {
        AtomicBool::new(false)
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn runs_long_calls_one_after_the_other_in_the_order_of_their_arrival() {
        let permits = Arc::new(Processors::new(8, 1));
        let held = permits.long.acquire((Urgency::Long, place())).await;
        let ended = Arc::new(std::sync::Mutex::new(Vec::new()));
        let mut calls = Vec::new();
        for number in 0..4 {
            let (shared, ended) = (permits.clone(), ended.clone());
            calls.push(tokio::spawn(async move {
                let call = compute(3 * LONG);
                let (output, computed) = run(&shared, place(), BUDGET, &unchanged(), call).await;
                assert!(output.is_ok() && computed >= 2 * LONG, "{computed:?}");
                ended.lock().unwrap().push(number);
            }));
            // Each call waits for its permit before the next one begins.
            while permits.long.waiting() <= number {
                sleep(Duration::from_millis(1)).await;
            }
        }
        assert!(ended.lock().unwrap().is_empty(), "all calls wait for a permit");
        drop(held);
        for call in calls {
            call.await.unwrap();
        }
        assert_eq!(*ended.lock().unwrap(), [0, 1, 2, 3]);
    }

    #[tokio::test]
    async fn a_short_call_needs_no_permit_of_long_ones_and_an_event_needs_none() {
        for (short, waiting) in [(1, BUDGET.waiting), (0, None)] {
            let processors = Processors::new(short, 0);
            let budget = TimeBudget { waiting, ..BUDGET };
            let call = async {
                sleep(2 * LONG).await;
                7
            };
            let (output, _) = run(&processors, place(), budget, &unchanged(), call).await;
            assert_eq!(output, Ok(7));
            assert_eq!(processors.short.available(), short);
        }
    }

    #[tokio::test]
    async fn a_waiting_call_has_no_permit() {
        let processors = Processors::new(1, 0);
        let waiting = async {
            sleep(Duration::from_millis(20)).await;
            processors.short.available()
        };
        let other = async {
            sleep(Duration::from_millis(10)).await;
            run(&processors, place(), BUDGET, &unchanged(), async { 7 })
                .await
                .0
        };
        let unchanged = unchanged();
        let first = run(&processors, place(), BUDGET, &unchanged, waiting);
        let (first, other) = tokio::join!(first, other);
        assert_eq!((first.0, other), (Ok(0), Ok(7)));
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 8)]
    async fn counts_the_time_of_the_processor_and_not_of_the_clock() {
        let permits = Arc::new(Processors::new(8, 8));
        let budget = TimeBudget {
            cpu: Duration::from_millis(100),
            ..BUDGET
        };
        // All threads compute at the same time, on fewer processors.
        let calls: Vec<_> = (0..8 * std::thread::available_parallelism().unwrap().get())
            .map(|_| {
                let permits = permits.clone();
                tokio::spawn(async move {
                    run(
                        &permits,
                        place(),
                        budget,
                        &unchanged(),
                        compute(Duration::from_millis(60)),
                    )
                    .await
                    .0
                })
            })
            .collect();
        for call in calls {
            assert_eq!(call.await.unwrap(), Ok(()));
        }
    }

    #[tokio::test]
    async fn cuts_a_call_that_computes_for_too_long() {
        let budget = TimeBudget {
            cpu: 2 * LONG,
            ..BUDGET
        };
        let (output, computed) = run(
            &Processors::new(8, 1),
            place(),
            budget,
            &unchanged(),
            compute(Duration::from_secs(60)),
        )
        .await;
        assert_eq!(output, Err(Cut::Computed));
        assert!(
            computed >= 2 * LONG && computed < Duration::from_secs(1),
            "{computed:?}"
        );
    }

    #[tokio::test]
    async fn counts_what_the_store_computes_for_a_call() {
        let budget = TimeBudget {
            cpu: Duration::from_millis(100),
            ..BUDGET
        };
        let reads = |count: u32| async move {
            for _ in 0..count {
                yield_now().await;
                store_work::computed(Duration::from_millis(40));
            }
        };
        let permits = Processors::new(8, 1);
        for (count, expected) in [(2, Ok(())), (20, Err(Cut::Computed))] {
            let (output, computed) = run(&permits, place(), budget, &unchanged(), reads(count)).await;
            assert_eq!(output, expected);
            let milliseconds = computed.as_millis();
            assert!((80..200).contains(&milliseconds), "{computed:?}");
        }
    }

    #[tokio::test]
    async fn only_an_event_may_wait_for_the_store_without_a_limit() {
        for (waiting, expected) in [(BUDGET.waiting, Some(MAX_STORE_WAIT)), (None, None)] {
            let budget = TimeBudget { waiting, ..BUDGET };
            let call = async { store_work::max_wait() };
            let (output, _) = run(&Processors::new(8, 1), place(), budget, &unchanged(), call).await;
            assert_eq!(output, Ok(expected));
        }
    }

    #[tokio::test]
    async fn cuts_a_call_that_takes_too_long_in_total() {
        let budget = TimeBudget {
            total: Duration::from_millis(10),
            ..BUDGET
        };
        let call = sleep(Duration::from_secs(60));
        let (output, _) = run(&Processors::new(8, 1), place(), budget, &unchanged(), call).await;
        assert_eq!(output, Err(Cut::TimedOut));
    }

    #[tokio::test]
    async fn waiting_for_a_permit_is_no_part_of_the_total_time() {
        let permits = Processors::new(8, 1);
        let held = permits.long.acquire((Urgency::Long, place())).await;
        let budget = TimeBudget {
            total: Duration::from_secs(2),
            ..BUDGET
        };
        let unchanged = unchanged();
        let call = run(&permits, place(), budget, &unchanged, compute(2 * LONG));
        let release = async {
            sleep(Duration::from_millis(2_500)).await;
            drop(held);
        };
        let ((output, _), ()) = tokio::join!(call, release);
        assert_eq!(output, Ok(()));
    }

    #[tokio::test]
    async fn refuses_a_call_that_waits_too_long_for_a_permit_unless_it_has_changed_something() {
        let permits = Processors::new(8, 0);
        let (short, long) = (Duration::from_secs(1), Duration::from_secs(60));
        for (changed, total, waiting, cut) in [
            (false, long, LONG, Cut::Waited),
            (true, short, long, Cut::TimedOut),
        ] {
            let changed = AtomicBool::new(changed);
            let budget = TimeBudget {
                total,
                waiting: Some(waiting),
                ..BUDGET
            };
            let (output, _) = run(&permits, place(), budget, &changed, compute(3 * LONG)).await;
            assert_eq!(output, Err(cut));
        }
    }
}
