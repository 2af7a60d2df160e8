//! One instance of the shop, and the calls into it.

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

use super::bindings::mercato::platform::events;
use super::engine::{Compiled, Limits, TICK};
use super::ports::{Platform, WitHandlerFailure};
use super::state::{State, Usage};

/// Why a call failed. The instance is not used again.
#[derive(Debug, thiserror::Error)]
pub enum Trouble {
    /// The guest broke off: a panic, a limit, or another trap.
    #[error("the shop broke off: {0:?}")]
    Trap(wasmtime::Error),
    /// The guest returned without a whole response.
    #[error("the shop gave no complete response")]
    NoResponse,
    /// The guest reports that it can't answer.
    #[error("the shop answered with an error: {0:?}")]
    Refused(ErrorCode),
    /// The call took longer than it may.
    #[error("the shop did not answer within {} s", .0.as_secs_f32())]
    TooLong(Duration),
    /// There is no such export in the shop.
    #[error("nobody in the shop handles events as `{0}`")]
    NoHandler(String),
}

/// An instance: a store, and what lives in it. One call at a time.
pub struct Instance {
    store: Store<State>,
    wasm: WasmInstance,
    proxy: Proxy,
    calls: u32,
}

impl Instance {
    /// A fresh instance.
    ///
    /// # Errors
    /// Where the pool has no room or the guest's start function fails.
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
                None => Err(wasmtime::format_err!("it computed for longer than a call may")),
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

    /// Whether it may serve another call: it is not worn out, has not grown too much, and let go of everything.
    pub fn reusable(&mut self, limits: &Limits) -> bool {
        let state = self.store.data_mut();
        self.calls < limits.calls && state.usage.memory <= limits.memory_kept && !state.holds_handles()
    }

    /// Lets the guest answer a request.
    ///
    /// # Errors
    /// After any error the instance must not be used again.
    pub async fn serve(
        &mut self,
        request: Request<Full<Bytes>>,
        limits: &Limits,
    ) -> Result<Response<Full<Bytes>>, Trouble> {
        self.begin(limits);
        let response = tokio::time::timeout(limits.time, self.answer(request)).await;
        self.store.data().output.finish();
        response.map_err(|_| Trouble::TooLong(limits.time))?
    }

    /// Lets a subscriber in the guest handle an event. The outer error is the host's: the instance must not be used
    /// again. The inner one is the guest's answer.
    ///
    /// # Errors
    /// As above.
    pub async fn handle(
        &mut self,
        compiled: &Compiled,
        subscriber: &str,
        event: Event,
        limits: &Limits,
    ) -> Result<Result<(), HandlerFailure>, Trouble> {
        let export = compiled
            .handlers
            .get(subscriber)
            .ok_or_else(|| Trouble::NoHandler(subscriber.to_owned()))?;
        self.begin(limits);
        let handle = self
            .wasm
            .get_typed_func::<(events::Event,), (Result<(), WitHandlerFailure>,)>(&mut self.store, export)
            .map_err(Trouble::Trap)?;
        let call = handle.call_async(&mut self.store, (event.into(),));
        let answer = tokio::time::timeout(limits.time, call).await;
        self.store.data().output.finish();
        let (answer,) = answer
            .map_err(|_| Trouble::TooLong(limits.time))?
            .map_err(Trouble::Trap)?;
        Ok(answer.map_err(Into::into))
    }

    /// Sets back what is counted per call.
    fn begin(&mut self, limits: &Limits) {
        self.calls += 1;
        self.store.data_mut().usage.ticks = ticks(limits);
        self.store.set_epoch_deadline(1);
    }

    async fn answer(&mut self, request: Request<Full<Bytes>>) -> Result<Response<Full<Bytes>>, Trouble> {
        let (sender, receiver) = oneshot::channel();
        let mut http = self.store.data_mut().http();
        let request = http
            .new_incoming_request(Scheme::Http, request)
            .map_err(Trouble::Trap)?;
        let outparam = http.new_response_outparam(sender).map_err(Trouble::Trap)?;

        let mut call = pin!(self.proxy.wasi_http_incoming_handler().call_handle(
            &mut self.store,
            request,
            outparam
        ));
        // All that is there has to be seen when the guest has returned: tokio would have a large answer take turns.
        let mut response = pin!(unconstrained(receive(receiver)).fuse());
        let mut received = None;
        // The guest comes first: most often it has answered, and closed its body, when it returns.
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
        .map_err(Trouble::Trap)?;
        match received {
            Some(response) => response,
            None => response.now_or_never().unwrap_or(Err(Trouble::NoResponse)),
        }
    }
}

/// The whole response, as soon as the guest has finished it.
async fn receive(
    receiver: oneshot::Receiver<Result<Response<HyperOutgoingBody>, ErrorCode>>,
) -> Result<Response<Full<Bytes>>, Trouble> {
    let response = receiver
        .await
        .map_err(|_| Trouble::NoResponse)?
        .map_err(Trouble::Refused)?;
    let (head, mut body) = response.into_parts();
    let mut first = Bytes::new();
    let mut rest = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(|_| Trouble::NoResponse)?.into_data() else {
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

/// The ticks that make up the time that a call may compute.
fn ticks(limits: &Limits) -> u32 {
    u32::try_from(limits.cpu.as_millis() / TICK.as_millis()).unwrap_or(u32::MAX)
}
