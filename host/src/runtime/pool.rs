//! A pool with a maximum number of instances. Each instance is reused for many calls, one at a time.

use std::hint::black_box;
use std::net::IpAddr;
use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::header::AUTHORIZATION;
use http::{Request, Response};
use mercato_ports::events::{Event, HandlerFailure};
use tokio::time::sleep;

use super::admission::Admission;
use super::budget::{Cut, TimeBudget, run};
use super::costs::{API_KEY, Cost, Costs};
use super::engine::Compiled;
use super::instance::{Instance, InstanceError};
use super::limits::Limits;
use super::memory::MemoryBudget;
use super::platform::Platform;
use super::processors::Processors;
use crate::shop::Shop;

/// How many idle instances are kept however long they are idle.
const KEPT: usize = 8;

/// How long more idle instances are kept.
const MAX_IDLE: Duration = Duration::from_secs(5);

/// How often idle instances are dropped.
const TRIM_INTERVAL: Duration = Duration::from_secs(1);

/// The size of a block that the allocator does not keep, in bytes.
const LARGE_BLOCK: usize = 1 << 20;

/// The pause before an event asks for an instance again, if there is no memory for one.
const EVENT_PAUSE: Duration = Duration::from_millis(100);

/// The pool, and everything that a new instance needs.
pub struct Pool {
    compiled: Compiled,
    platform: Arc<Platform>,
    limits: Limits,
    /// The last instance is used first: its memory is still in the caches of the processor.
    idle: Mutex<Vec<Idle>>,
    admission: Admission,
    memory: Arc<MemoryBudget>,
    processors: Processors,
    costs: Costs,
    counts: Counts,
}

/// An idle instance.
pub(super) struct Idle {
    instance: Instance,
    since: Instant,
}

/// What happened to calls since the start.
#[derive(Default)]
struct Counts {
    refused: AtomicU64,
    computed: AtomicU64,
    out_of_memory: AtomicU64,
}

/// The load of the pool.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PoolLoad {
    /// The number of calls that instances are running.
    pub running: usize,
    /// The number of requests that wait for an instance.
    pub waiting: usize,
    /// The memory of all instances, in bytes.
    pub memory: usize,
    /// The number of requests that were refused because the pool was busy.
    pub refused: u64,
    /// The number of calls that computed for longer than their limit.
    pub computed: u64,
    /// The number of calls that needed more memory than there was.
    pub out_of_memory: u64,
}

/// Why there was no instance for a call.
#[derive(Debug, thiserror::Error)]
pub enum AcquireError {
    /// The queue is full, the call has waited for too long, or there is no memory for an instance.
    #[error("all instances are busy")]
    Busy,
    /// A new instance could not be created.
    #[error("no instance could be created: {0:?}")]
    Instantiation(InstanceError),
}

/// Why a call to the shop failed.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// No instance could be acquired, or the call got no permit to compute.
    #[error(transparent)]
    Acquire(#[from] AcquireError),
    /// The instance failed.
    #[error(transparent)]
    Instance(#[from] InstanceError),
}

impl Pool {
    /// Compiles the shop and creates a first instance, so that errors of the shop appear at the start.
    ///
    /// # Errors
    /// Fails if the shop can't be compiled, linked or instantiated.
    pub async fn new(
        shop: Shop,
        platform: Arc<Platform>,
        limits: Limits,
        cache: Option<&std::path::Path>,
    ) -> wasmtime::Result<Arc<Self>> {
        let compiled = tokio::task::block_in_place(|| Compiled::new(shop, &limits, cache))?;
        let memory = MemoryBudget::new(limits.memory);
        let instance = Instance::new(&compiled, platform.clone(), memory.clone(), &limits).await?;
        let pool = Arc::new(Self {
            compiled,
            platform,
            limits,
            idle: Mutex::default(),
            admission: Admission::new(&limits),
            memory,
            processors: Processors::of_this_machine(),
            costs: Costs::default(),
            counts: Counts::default(),
        });
        pool.keep(instance);
        tokio::spawn(trim(Arc::downgrade(&pool)));
        Ok(pool)
    }

    /// Passes a request of a client to an instance and returns its response.
    ///
    /// # Errors
    /// Fails if no instance is free or if the instance fails.
    pub async fn serve(&self, request: Request<Bytes>, client: IpAddr) -> Result<Response<Bytes>, CallError> {
        let place = self.processors.shares.place(client);
        let key = self.costs.key(&request);
        let cost = self.costs.get(key);
        let budget = self.limits.request(cost, is_anonymous(&request));
        let Some(permit) = self.admission.request(cost, place).await else {
            self.processors.shares.end(client, Duration::ZERO);
            return Err(self.count(AcquireError::Busy.into()));
        };
        let mut instance = self.instance().await.map_err(|error| self.count(error.into()))?;
        let changed = instance.changed();
        let (output, computed) = {
            // Pinned here, because each function that took it by value would hold it twice.
            let call = pin!(instance.serve(request));
            run(&self.processors, place, budget, &changed, call).await
        };
        self.processors.shares.end(client, computed);
        if !instance.is_fresh() || output.is_err() {
            self.costs.set(key, Cost::of(computed));
        }
        self.admission.answered();
        self.end(instance, permit, budget, output)
    }

    /// Passes events to a subscriber in an instance and returns the subscriber's results. It waits for an
    /// instance without a limit.
    ///
    /// # Errors
    /// Fails if the instance fails. A failure of the subscriber is not an error.
    pub async fn handle(
        &self,
        subscriber: &str,
        events: Vec<Event>,
    ) -> Result<Vec<Result<(), HandlerFailure>>, CallError> {
        let permit = self.admission.event().await.ok_or(AcquireError::Busy)?;
        let mut instance = loop {
            match self.instance().await {
                Err(AcquireError::Busy) => sleep(EVENT_PAUSE).await,
                instance => break instance?,
            }
        };
        let (budget, changed) = (self.limits.event(), instance.changed());
        let place = self.processors.shares.place_of_event();
        let (output, _) = {
            let call = pin!(instance.handle(subscriber, events));
            run(&self.processors, place, budget, &changed, call).await
        };
        self.end(instance, permit, budget, output)
    }

    /// Returns whether a client's request would find an instance or a slot in the queue now.
    pub fn has_room(&self, client: IpAddr) -> bool {
        self.admission.has_room(self.processors.shares.next(client))
    }

    /// Estimates in how many seconds a refused request finds a slot, from 1 to 30.
    pub fn retry_after(&self) -> u32 {
        self.admission.retry_after()
    }

    /// Returns the load.
    pub fn load(&self) -> PoolLoad {
        PoolLoad {
            running: self.admission.running(),
            waiting: self.admission.waiting(),
            memory: self.memory.used(),
            refused: self.counts.refused.load(Ordering::Relaxed),
            computed: self.counts.computed.load(Ordering::Relaxed),
            out_of_memory: self.counts.out_of_memory.load(Ordering::Relaxed),
        }
    }

    /// Returns an idle instance, or creates one. The caller has a permit.
    async fn instance(&self) -> Result<Instance, AcquireError> {
        let idle = self.idle().pop();
        match idle {
            Some(idle) => Ok(idle.instance),
            None => {
                let (platform, memory) = (self.platform.clone(), self.memory.clone());
                let created = Instance::new(&self.compiled, platform, memory, &self.limits).await;
                created.map_err(|error| match error {
                    InstanceError::OutOfMemory => AcquireError::Busy,
                    error => AcquireError::Instantiation(error),
                })
            }
        }
    }

    /// Ends a call. The instance returns to the pool after a successful call. It is dropped after a failed one.
    fn end<T, P>(
        &self,
        mut instance: Instance,
        permit: P,
        budget: TimeBudget,
        output: Result<Result<T, InstanceError>, Cut>,
    ) -> Result<T, CallError> {
        let result = match output {
            Ok(Ok(output)) => {
                if instance.reusable(&self.limits) {
                    self.keep(instance);
                }
                Ok(output)
            }
            Ok(Err(error)) => Err(error.into()),
            Err(cut) => {
                instance.end_output();
                Err(match cut {
                    Cut::Computed => InstanceError::Computed(budget.cpu).into(),
                    Cut::Waited => AcquireError::Busy.into(),
                    Cut::TimedOut => InstanceError::TimedOut(budget.total).into(),
                })
            }
        };
        // The instance is gone, so the engine's pool has a free slot for the next permit.
        drop(permit);
        result.map_err(|error| self.count(error))
    }

    fn count(&self, error: CallError) -> CallError {
        let count = match &error {
            CallError::Acquire(AcquireError::Busy) => &self.counts.refused,
            CallError::Instance(InstanceError::Computed(_)) => &self.counts.computed,
            CallError::Instance(InstanceError::OutOfMemory) => &self.counts.out_of_memory,
            _ => return error,
        };
        count.fetch_add(1, Ordering::Relaxed);
        error
    }

    fn keep(&self, instance: Instance) {
        self.idle().push(Idle {
            instance,
            since: Instant::now(),
        });
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Idle>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Removes the instances that are idle for longer than `max_idle`, and not needed.
    pub(super) fn take_surplus(&self, max_idle: Duration) -> Vec<Idle> {
        let mut idle = self.idle();
        let surplus = idle.len().saturating_sub(KEPT);
        let old = idle.iter().take(surplus);
        let old = old.take_while(|idle| idle.since.elapsed() > max_idle).count();
        idle.drain(..old).collect()
    }
}

/// Drops surplus instances until the pool is dropped, so that the memory of a peak returns to the system.
async fn trim(pool: Weak<Pool>) {
    loop {
        sleep(TRIM_INTERVAL).await;
        // The allocator returns freed memory a second later, while it frees a large block. An idle shop frees
        // none.
        drop(black_box(Vec::<u8>::with_capacity(LARGE_BLOCK)));
        let Some(pool) = pool.upgrade() else { return };
        let surplus = pool.take_surplus(MAX_IDLE);
        drop(pool);
        if !surplus.is_empty() {
            // Unmapping memory takes some time, which no request should wait for.
            let _ = tokio::task::spawn_blocking(move || drop(surplus)).await;
        }
    }
}

/// Returns whether a request has no credential. The gateway checks whether a credential is valid.
fn is_anonymous<B>(request: &Request<B>) -> bool {
    !request.headers().contains_key(API_KEY) && !request.headers().contains_key(AUTHORIZATION)
}
