//! The pool of instances: at most so many, each reused for many calls, one call at a time.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use mercato_ports::events::{Event, HandlerFailure};
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::timeout;

use super::engine::{Compiled, Limits};
use super::instance::{Instance, Trouble};
use super::ports::Platform;
use super::turns::{self, take_turns};
use crate::shop::Shop;

/// The pool, and all that is needed to fill it.
pub struct Pool {
    compiled: Compiled,
    platform: Arc<Platform>,
    limits: Limits,
    /// The last used comes first: its memory is warm.
    idle: Mutex<Vec<Instance>>,
    running: Semaphore,
    /// For calls that compute for long.
    turns: Semaphore,
    waiting: AtomicUsize,
}

/// Why there was no instance for a call.
#[derive(Debug, thiserror::Error)]
pub enum Busy {
    /// All instances are in use, and as many calls wait as may wait, or this one waited for as long as it may.
    #[error("all instances are busy")]
    Full,
    /// A new instance could not be made.
    #[error("no instance could be made: {0:?}")]
    Broken(wasmtime::Error),
}

impl Pool {
    /// Compiles the shop and makes a first instance, so that what is wrong with it shows now.
    ///
    /// # Errors
    /// Where the shop can't be compiled, linked or instantiated.
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
            turns: turns::for_this_machine(),
            waiting: AtomicUsize::new(0),
        })
    }

    /// Lets an instance answer a request.
    ///
    /// # Errors
    /// Where no instance was free, or where the one that answered failed.
    pub async fn serve(&self, request: Request<Full<Bytes>>) -> Result<Response<Full<Bytes>>, CallError> {
        let mut lease = self.lease().await?;
        let response = take_turns(&self.turns, lease.instance.serve(request, &self.limits)).await?;
        self.give_back(lease);
        Ok(response)
    }

    /// Lets a subscriber in an instance handle an event; the inner error is its answer.
    ///
    /// # Errors
    /// As for [`Pool::serve`].
    pub async fn handle(
        &self,
        subscriber: &str,
        event: Event,
    ) -> Result<Result<(), HandlerFailure>, CallError> {
        let mut lease = self.lease().await?;
        let call = lease
            .instance
            .handle(&self.compiled, subscriber, event, &self.limits);
        let answer = take_turns(&self.turns, call).await?;
        self.give_back(lease);
        Ok(answer)
    }

    /// How many calls run, and how many wait.
    pub fn load(&self) -> (usize, usize) {
        let running = (self.limits.instances as usize).saturating_sub(self.running.available_permits());
        (running, self.waiting.load(Ordering::Relaxed))
    }

    async fn lease(&self) -> Result<Lease<'_>, Busy> {
        let permit = match self.running.try_acquire() {
            Ok(permit) => permit,
            Err(_) => self.queue().await?,
        };
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let instance = match idle {
            Some(instance) => instance,
            None => Instance::new(&self.compiled, self.platform.clone(), &self.limits)
                .await
                .map_err(Busy::Broken)?,
        };
        Ok(Lease {
            instance,
            _permit: permit,
        })
    }

    async fn queue(&self) -> Result<SemaphorePermit<'_>, Busy> {
        let place = Place::take(&self.waiting, self.limits.queue).ok_or(Busy::Full)?;
        let permit = timeout(self.limits.wait, self.running.acquire()).await;
        drop(place);
        permit.map_err(|_| Busy::Full)?.map_err(|_| Busy::Full)
    }

    /// Takes an instance back after a call that succeeded; after any other, it is dropped with its lease.
    fn give_back(&self, mut lease: Lease<'_>) {
        if lease.instance.reusable(&self.limits) {
            self.idle
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push(lease.instance);
        }
    }
}

/// An instance in use. Its permit is given back after it: then its place in the engine's pool is free.
struct Lease<'pool> {
    instance: Instance,
    _permit: SemaphorePermit<'pool>,
}

/// Why a call into the shop failed.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// It did not begin.
    #[error(transparent)]
    Busy(#[from] Busy),
    /// It began.
    #[error(transparent)]
    Trouble(#[from] Trouble),
}

/// A place in the queue, left when dropped.
struct Place<'pool>(&'pool AtomicUsize);

impl<'pool> Place<'pool> {
    fn take(waiting: &'pool AtomicUsize, most: usize) -> Option<Self> {
        if waiting.fetch_add(1, Ordering::Relaxed) < most {
            return Some(Self(waiting));
        }
        waiting.fetch_sub(1, Ordering::Relaxed);
        None
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
