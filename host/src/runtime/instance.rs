//! An instance of the shop, and the calls to it.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures::FutureExt;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use mercato_ports::events::{Event, HandlerFailure};
use tokio::sync::oneshot;
use tokio::task::unconstrained;
use wasmtime::Store;
use wasmtime::component::Instance as WasmInstance;
use wasmtime_wasi_http::WasiHttpView;
use wasmtime_wasi_http::p2::bindings::Proxy;
use wasmtime_wasi_http::p2::bindings::http::types::{ErrorCode, Scheme};
use wasmtime_wasi_http::p2::body::HyperOutgoingBody;

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
    /// The guest returned without a complete response.
    #[error("the shop returned no complete response")]
    NoResponse,
    /// The guest returned an error in place of a response.
    #[error("the shop returned an error: {0:?}")]
    Refused(ErrorCode),
    /// The call exceeded its time limit.
    #[error("the shop did not respond within {} s", .0.as_secs_f32())]
    TimedOut(Duration),
    /// The shop has no subscriber of this name.
    #[error("the shop has no event handler `{0}`")]
    NoHandler(String),
}

/// An instance of the shop with its store. It runs one call at a time.
pub struct Instance {
    store: Store<State>,
    wasm: WasmInstance,
    proxy: Proxy,
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
        let wasm = created.map_err(|error| match store.data().memory.refused() {
            true => InstanceError::OutOfMemory,
            false => InstanceError::Trap(error),
        })?;
        let proxy = compiled
            .proxy
            .load(&mut store, &wasm)
            .map_err(InstanceError::Trap)?;
        store.data_mut().memory.created();
        Ok(Self {
            store,
            wasm,
            proxy,
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
    pub async fn serve(
        &mut self,
        request: Request<Full<Bytes>>,
    ) -> Result<Response<Full<Bytes>>, InstanceError> {
        self.begin();
        let response = self.respond(request).await;
        self.end(response)
    }

    /// Passes an event to a subscriber in the guest and returns the subscriber's result.
    ///
    /// # Errors
    /// See [`InstanceError`]. A failure of the subscriber is not an error.
    pub async fn handle(
        &mut self,
        compiled: &Compiled,
        subscriber: &str,
        event: Event,
    ) -> Result<Result<(), HandlerFailure>, InstanceError> {
        let export = compiled
            .handlers
            .get(subscriber)
            .ok_or_else(|| InstanceError::NoHandler(subscriber.to_owned()))?;
        self.begin();
        let handle = self
            .wasm
            .get_typed_func::<(Event,), (Result<(), HandlerFailure>,)>(&mut self.store, export)
            .map_err(InstanceError::Trap)?;
        let result = handle.call_async(&mut self.store, (event,)).await;
        self.end(result.map(|(result,)| result).map_err(InstanceError::Trap))
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

    /// Ends the output of a call, and names the reason of a trap.
    fn end<T>(&self, result: Result<T, InstanceError>) -> Result<T, InstanceError> {
        self.end_output();
        match result {
            Err(InstanceError::Trap(_)) if self.store.data().memory.refused() => {
                Err(InstanceError::OutOfMemory)
            }
            result => result,
        }
    }

    async fn respond(
        &mut self,
        request: Request<Full<Bytes>>,
    ) -> Result<Response<Full<Bytes>>, InstanceError> {
        let (sender, receiver) = oneshot::channel();
        let mut http = self.store.data_mut().http();
        let request = http
            .new_incoming_request(Scheme::Http, request)
            .map_err(InstanceError::Trap)?;
        let outparam = http.new_response_outparam(sender).map_err(InstanceError::Trap)?;

        let mut call = pin!(self.proxy.wasi_http_incoming_handler().call_handle(
            &mut self.store,
            request,
            outparam
        ));
        // Unconstrained, so that the complete response is received in one poll after the guest has returned.
        // Tokio's cooperative budget would interrupt a large response.
        let mut response = pin!(unconstrained(receive(receiver)).fuse());
        let mut received = None;
        // The guest is polled first: most guests have sent a complete response when they return.
        poll_fn(|context| {
            if let Poll::Ready(called) = call.as_mut().poll(context) {
                return Poll::Ready(called);
            }
            if received.is_none()
                && let Poll::Ready(response) = response.as_mut().poll(context)
            {
                received = Some(response);
            }
            Poll::Pending
        })
        .await
        .map_err(InstanceError::Trap)?;
        match received {
            Some(response) => response,
            None => response.now_or_never().unwrap_or(Err(InstanceError::NoResponse)),
        }
    }
}

/// Returns the complete response after the guest has finished its body.
async fn receive(
    receiver: oneshot::Receiver<Result<Response<HyperOutgoingBody>, ErrorCode>>,
) -> Result<Response<Full<Bytes>>, InstanceError> {
    let response = receiver
        .await
        .map_err(|_| InstanceError::NoResponse)?
        .map_err(InstanceError::Refused)?;
    let (head, mut body) = response.into_parts();
    let mut first = Bytes::new();
    let mut rest = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(|_| InstanceError::NoResponse)?.into_data() else {
            continue;
        };
        if first.is_empty() {
            first = data;
            continue;
        }
        if rest.is_empty() {
            rest.extend_from_slice(&first);
        }
        rest.extend_from_slice(&data);
    }
    let body = if rest.is_empty() { first } else { rest.freeze() };
    Ok(Response::from_parts(head, Full::new(body)))
}
