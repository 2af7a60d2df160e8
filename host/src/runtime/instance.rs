//! An instance of the shop, and the calls to it.

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures::FutureExt;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use mercato_ports::events::{Event, HandlerFailure};
use tokio::sync::oneshot;
use tokio::task::unconstrained;
use wasmtime::component::Instance as WasmInstance;
use wasmtime::{Store, UpdateDeadline};
use wasmtime_wasi_http::WasiHttpView;
use wasmtime_wasi_http::p2::bindings::Proxy;
use wasmtime_wasi_http::p2::bindings::http::types::{ErrorCode, Scheme};
use wasmtime_wasi_http::p2::body::HyperOutgoingBody;

use super::engine::{Compiled, Limits, TICK};
use super::platform::Platform;
use super::state::{State, Usage};

/// Why a call to an instance failed. The instance must not be reused.
#[derive(Debug, thiserror::Error)]
pub enum InstanceError {
    /// The guest trapped: it panicked or exceeded a limit, for example.
    #[error("the shop trapped: {0:?}")]
    Trap(wasmtime::Error),
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
    /// Fails if the engine's pool is full or if the guest's start function traps.
    pub async fn new(
        compiled: &Compiled,
        platform: std::sync::Arc<Platform>,
        limits: &Limits,
    ) -> wasmtime::Result<Self> {
        let usage = Usage {
            memory: 0,
            memory_limit: limits.memory,
            ticks: ticks(limits),
        };
        let mut store = Store::new(compiled.instance_pre.engine(), State::new(platform, usage));
        store.limiter(|state| &mut state.usage);
        store.epoch_deadline_callback(|mut context| {
            let usage = &mut context.data_mut().usage;
            match usage.ticks.checked_sub(1) {
                Some(left) => {
                    usage.ticks = left;
                    Ok(UpdateDeadline::Yield(1))
                }
                None => Err(wasmtime::format_err!(
                    "the call exceeded its limit of computing time"
                )),
            }
        });
        store.set_epoch_deadline(1);
        let wasm = compiled.instance_pre.instantiate_async(&mut store).await?;
        let proxy = compiled.proxy.load(&mut store, &wasm)?;
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
        self.calls < limits.calls && state.usage.memory <= limits.reusable_memory && !state.holds_handles()
    }

    /// Passes a request to the guest and returns its response.
    ///
    /// # Errors
    /// See [`InstanceError`].
    pub async fn serve(
        &mut self,
        request: Request<Full<Bytes>>,
        limits: &Limits,
    ) -> Result<Response<Full<Bytes>>, InstanceError> {
        self.begin(limits);
        let response = tokio::time::timeout(limits.time, self.respond(request)).await;
        self.store.data().output.finish();
        response.map_err(|_| InstanceError::TimedOut(limits.time))?
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
        limits: &Limits,
    ) -> Result<Result<(), HandlerFailure>, InstanceError> {
        let export = compiled
            .handlers
            .get(subscriber)
            .ok_or_else(|| InstanceError::NoHandler(subscriber.to_owned()))?;
        self.begin(limits);
        let handle = self
            .wasm
            .get_typed_func::<(Event,), (Result<(), HandlerFailure>,)>(&mut self.store, export)
            .map_err(InstanceError::Trap)?;
        let call = handle.call_async(&mut self.store, (event,));
        let result = tokio::time::timeout(limits.time, call).await;
        self.store.data().output.finish();
        let (result,) = result
            .map_err(|_| InstanceError::TimedOut(limits.time))?
            .map_err(InstanceError::Trap)?;
        Ok(result)
    }

    /// Starts a call with the whole budget of computing time.
    fn begin(&mut self, limits: &Limits) {
        self.calls += 1;
        self.store.data_mut().usage.ticks = ticks(limits);
        self.store.set_epoch_deadline(1);
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

/// Returns the limit of computing time in ticks.
fn ticks(limits: &Limits) -> u32 {
    u32::try_from(limits.cpu.as_millis() / TICK.as_millis()).unwrap_or(u32::MAX)
}
