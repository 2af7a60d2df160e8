//! An instance of the shop, and the calls to it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use mercato_ports::events::{Event, HandlerFailure};
use mercato_ports::http_handler;
use wasmtime::Store;
use wasmtime::component::TypedFunc;

use super::engine::Compiled;
use super::limits::Limits;
use super::memory::{InstanceMemory, MemoryBudget};
use super::platform::Platform;
use super::state::State;

/// Why a call to an instance failed. The instance must not be reused.
#[derive(Debug, thiserror::Error)]
pub enum InstanceError {
    /// The guest trapped: it panicked, for example.
    #[error("the shop trapped: {0:?}")]
    Trap(wasmtime::Error),
    /// The guest trapped after more memory was refused.
    #[error("the shop had too little memory for the call")]
    OutOfMemory,
    /// The call computed for longer than its limit.
    #[error("the call computed for longer than {} s", .0.as_secs_f32())]
    Computed(Duration),
    /// The guest returned an invalid response.
    #[error("the shop returned an invalid response: {0}")]
    InvalidResponse(http::Error),
    /// The call exceeded its time limit.
    #[error("the shop did not respond within {} s", .0.as_secs_f32())]
    TimedOut(Duration),
    /// The shop has no subscriber of this name.
    #[error("the shop has no event handler `{0}`")]
    NoHandler(String),
}

/// The export that handles requests.
type HttpHandler = TypedFunc<(http_handler::Request,), (http_handler::Response,)>;

/// The export of a service that handles events.
type EventHandler = TypedFunc<(Vec<Event>,), (Vec<Result<(), HandlerFailure>>,)>;

/// An instance of the shop with its store. It runs one call at a time.
pub struct Instance {
    store: Store<State>,
    http_handler: HttpHandler,
    event_handlers: BTreeMap<String, EventHandler>,
    calls: u32,
}

impl Instance {
    /// Creates an instance.
    ///
    /// # Errors
    /// Fails if the engine's pool is full, if the memory budget is used up, or if the guest's start function
    /// traps.
    pub async fn new(
        compiled: &Compiled,
        platform: Arc<Platform>,
        budget: Arc<MemoryBudget>,
        limits: &Limits,
    ) -> Result<Self, InstanceError> {
        let memory = InstanceMemory::new(budget, limits.instance_memory, limits.reusable_growth);
        let mut store = Store::new(compiled.instance_pre.engine(), State::new(platform, memory));
        store.limiter(|state| &mut state.memory);
        // A computing guest yields each tick, so that its time is checked.
        store.set_epoch_deadline(1);
        store.epoch_deadline_async_yield_and_update(1);
        let created = compiled.instance_pre.instantiate_async(&mut store).await;
        let wasm = created.map_err(|error| trap(&store, error))?;
        let http_handler = wasm
            .get_typed_func(&mut store, compiled.http_handler)
            .map_err(InstanceError::Trap)?;
        let event_handlers = compiled.event_handlers.iter().map(|(service, export)| {
            let handler = wasm.get_typed_func(&mut store, export)?;
            Ok((service.clone(), handler))
        });
        let event_handlers = event_handlers
            .collect::<wasmtime::Result<_>>()
            .map_err(InstanceError::Trap)?;
        store.data_mut().memory.created();
        Ok(Self {
            store,
            http_handler,
            event_handlers,
            calls: 0,
        })
    }

    /// Returns whether the instance may run another call. A reusable instance has calls left, has not grown
    /// too large, and has closed all handles.
    pub fn reusable(&mut self, limits: &Limits) -> bool {
        let state = self.store.data_mut();
        self.calls < limits.calls && state.memory.is_small() && !state.holds_handles()
    }

    /// Returns whether the instance has run no call before the current one. The first call prepares what later
    /// ones use, so its cost says nothing.
    pub fn is_fresh(&self) -> bool {
        self.calls <= 1
    }

    /// Returns a flag that is set when the current call changes something outside the instance.
    pub fn changed(&self) -> Arc<AtomicBool> {
        self.store.data().changed.clone()
    }

    /// Passes a request to the guest and returns its response.
    ///
    /// # Errors
    /// See [`InstanceError`].
    pub async fn serve(&mut self, request: Request<Bytes>) -> Result<Response<Bytes>, InstanceError> {
        self.begin();
        let result = self
            .http_handler
            .call_async(&mut self.store, (request.into(),))
            .await;
        let (response,) = self.end(result)?;
        let response = Response::try_from(response).map_err(InstanceError::InvalidResponse)?;
        Ok(response.map(Bytes::from))
    }

    /// Passes events to a subscriber in the guest and returns the subscriber's results.
    ///
    /// # Errors
    /// See [`InstanceError`]. A failure of the subscriber is not an error.
    pub async fn handle(
        &mut self,
        subscriber: &str,
        events: Vec<Event>,
    ) -> Result<Vec<Result<(), HandlerFailure>>, InstanceError> {
        let handler = *self
            .event_handlers
            .get(subscriber)
            .ok_or_else(|| InstanceError::NoHandler(subscriber.to_owned()))?;
        self.begin();
        let result = handler.call_async(&mut self.store, (events,)).await;
        let (results,) = self.end(result)?;
        Ok(results)
    }

    fn begin(&mut self) {
        self.calls += 1;
        self.store.set_epoch_deadline(1);
        let state = self.store.data_mut();
        state.memory.begin();
        state.changed.store(false, Ordering::Relaxed);
    }

    /// Logs the unfinished output of a call that was cut.
    pub fn end_output(&self) {
        self.store.data().output.finish();
    }

    /// Ends the output of a call.
    fn end<T>(&self, result: wasmtime::Result<T>) -> Result<T, InstanceError> {
        self.end_output();
        result.map_err(|error| trap(&self.store, error))
    }
}

/// Names the reason of a trap.
fn trap(store: &Store<State>, error: wasmtime::Error) -> InstanceError {
    match store.data().memory.refused() {
        true => InstanceError::OutOfMemory,
        false => InstanceError::Trap(error),
    }
}
