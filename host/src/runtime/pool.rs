//! A pool with a maximum number of instances. Each instance is reused for many calls, one at a time.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use mercato_ports::events::{Event, HandlerFailure};
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::timeout;

use super::compute_permits::{compute_permits, run_with_permits};
use super::engine::{Compiled, Limits};
use super::instance::{Instance, InstanceError};
use super::platform::Platform;
use crate::shop::Shop;

/// The pool, and everything that a new instance needs.
pub struct Pool {
    compiled: Compiled,
    platform: Arc<Platform>,
    limits: Limits,
    /// The last instance is used first: its memory is still in the caches of the processor.
    idle: Mutex<Vec<Instance>>,
    running: Semaphore,
    /// Permits for calls that compute for long.
    compute_permits: Semaphore,
    waiting: AtomicUsize,
}

/// Why there was no instance for a call.
#[derive(Debug, thiserror::Error)]
pub enum AcquireError {
    /// All instances are in use. The queue is full, or the call has waited for the maximum time.
    #[error("all instances are busy")]
    Busy,
    /// A new instance could not be created.
    #[error("no instance could be created: {0:?}")]
    Instantiation(wasmtime::Error),
}

impl Pool {
    /// Compiles the shop and creates a first instance, so that errors of the shop appear at the start.
    ///
    /// # Errors
    /// Fails if the shop can't be compiled, linked or instantiated.
    pub async fn new(
        shop: &Shop,
        platform: Arc<Platform>,
        limits: Limits,
        cache: Option<&std::path::Path>,
    ) -> wasmtime::Result<Self> {
        let compiled = tokio::task::block_in_place(|| Compiled::new(shop, &limits, cache))?;
        let first = Instance::new(&compiled, platform.clone(), &limits).await?;
        Ok(Self {
            compiled,
            platform,
            limits,
            idle: Mutex::new(vec![first]),
            running: Semaphore::new(limits.instances as usize),
            compute_permits: compute_permits(),
            waiting: AtomicUsize::new(0),
        })
    }

    /// Passes a request to an instance and returns its response.
    ///
    /// # Errors
    /// Fails if no instance is free or if the instance fails.
    pub async fn serve(&self, request: Request<Full<Bytes>>) -> Result<Response<Full<Bytes>>, CallError> {
        let mut pooled = self.acquire().await?;
        let response = run_with_permits(
            &self.compute_permits,
            pooled.instance.serve(request, &self.limits),
        )
        .await?;
        self.release(pooled);
        Ok(response)
    }

    /// Passes an event to a subscriber in an instance and returns the subscriber's result.
    ///
    /// # Errors
    /// Fails if no instance is free or if the instance fails. A failure of the subscriber is not an error.
    pub async fn handle(
        &self,
        subscriber: &str,
        event: Event,
    ) -> Result<Result<(), HandlerFailure>, CallError> {
        let mut pooled = self.acquire().await?;
        let call = pooled
            .instance
            .handle(&self.compiled, subscriber, event, &self.limits);
        let result = run_with_permits(&self.compute_permits, call).await?;
        self.release(pooled);
        Ok(result)
    }

    /// Returns how many calls run and how many wait.
    pub fn load(&self) -> (usize, usize) {
        let running = (self.limits.instances as usize).saturating_sub(self.running.available_permits());
        (running, self.waiting.load(Ordering::Relaxed))
    }

    async fn acquire(&self) -> Result<PooledInstance<'_>, AcquireError> {
        let permit = match self.running.try_acquire() {
            Ok(permit) => permit,
            Err(_) => self.wait_for_permit().await?,
        };
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let instance = match idle {
            Some(instance) => instance,
            None => Instance::new(&self.compiled, self.platform.clone(), &self.limits)
                .await
                .map_err(AcquireError::Instantiation)?,
        };
        Ok(PooledInstance {
            instance,
            _permit: permit,
        })
    }

    async fn wait_for_permit(&self) -> Result<SemaphorePermit<'_>, AcquireError> {
        let slot = QueueSlot::take(&self.waiting, self.limits.queue).ok_or(AcquireError::Busy)?;
        let permit = timeout(self.limits.wait, self.running.acquire()).await;
        drop(slot);
        permit
            .map_err(|_| AcquireError::Busy)?
            .map_err(|_| AcquireError::Busy)
    }

    /// Returns an instance to the pool after a successful call. After a failed call it is dropped with its
    /// permit.
    fn release(&self, mut pooled: PooledInstance<'_>) {
        if pooled.instance.reusable(&self.limits) {
            self.idle
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push(pooled.instance);
        }
    }
}

/// An instance in use. It is dropped before its permit, so that the engine's pool has a free slot for the
/// next permit.
struct PooledInstance<'pool> {
    instance: Instance,
    _permit: SemaphorePermit<'pool>,
}

/// Why a call to the shop failed.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// No instance could be acquired.
    #[error(transparent)]
    Acquire(#[from] AcquireError),
    /// The instance failed.
    #[error(transparent)]
    Instance(#[from] InstanceError),
}

/// A slot in the queue of waiting calls. It becomes free when it is dropped.
struct QueueSlot<'pool>(&'pool AtomicUsize);

impl<'pool> QueueSlot<'pool> {
    fn take(waiting: &'pool AtomicUsize, limit: usize) -> Option<Self> {
        if waiting.fetch_add(1, Ordering::Relaxed) < limit {
            return Some(Self(waiting));
        }
        waiting.fetch_sub(1, Ordering::Relaxed);
        None
    }
}

impl Drop for QueueSlot<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
