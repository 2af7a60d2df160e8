//! The data of a store: the WASI contexts of an instance, its handles, and its memory.

use std::sync::atomic::AtomicBool;
use std::sync::{Arc, LazyLock};

use http::HeaderName;
use wasmtime::component::ResourceTable;
use wasmtime_wasi::p2::{DynInputStream, DynOutputStream};
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};
use wasmtime_wasi_http::{
    DEFAULT_FORBIDDEN_HEADERS, Error as HttpError, ForbiddenHeaderFilter, RequestOptions, WasiBody,
    WasiHttpCtx, WasiHttpCtxView, WasiHttpHooks, WasiHttpView,
};

use super::memory::InstanceMemory;
use super::output::Output;
use super::platform::Platform;

/// A guest's libc opens its standard streams once and never closes them. More streams than this are a leak.
const STANDARD_STREAMS: usize = 8;

/// The data of one store.
pub struct State {
    pub(super) platform: Arc<Platform>,
    pub(super) output: Output,
    pub(super) memory: InstanceMemory,
    /// Whether the current call has changed something outside the instance.
    pub(super) changed: Arc<AtomicBool>,
    table: ResourceTable,
    wasi: WasiCtx,
    http: WasiHttpCtx,
    hooks: Hooks,
}

impl State {
    /// Creates the state of a new instance without files, sockets or environment variables. Its output goes
    /// to the log.
    pub fn new(platform: Arc<Platform>, memory: InstanceMemory) -> Self {
        let output = Output::default();
        let mut wasi = WasiCtx::builder();
        wasi.stdout(output.stdout())
            .stderr(output.stderr())
            .allow_tcp(false)
            .allow_udp(false);
        Self {
            platform,
            memory,
            changed: Arc::default(),
            table: ResourceTable::new(),
            wasi: wasi.build(),
            http: WasiHttpCtx::new(),
            hooks: Hooks,
            output,
        }
    }

    /// Returns whether the guest still holds a handle of a finished request. Standard streams don't count. A
    /// leaked stream of a body counts, because the handle of its body leaks with it.
    pub fn holds_handles(&mut self) -> bool {
        let mut streams = 0;
        let only_streams = self.table.iter_mut().all(|entry| {
            streams += 1;
            entry.is::<DynOutputStream>() || entry.is::<DynInputStream>()
        });
        !only_streams || streams > STANDARD_STREAMS
    }
}

impl WasiView for State {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView {
            ctx: &mut self.wasi,
            table: &mut self.table,
        }
    }
}

impl WasiHttpView for State {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        WasiHttpCtxView {
            ctx: &mut self.http,
            table: &mut self.table,
            hooks: &mut self.hooks,
        }
    }
}

/// Configures `wasi:http`: response bodies have a large buffer, and guests can't send requests.
struct Hooks;

/// Created once. The default would allocate it for each request.
static FORBIDDEN_HEADERS: LazyLock<ForbiddenHeaderFilter> =
    LazyLock::new(|| Arc::new(|name| DEFAULT_FORBIDDEN_HEADERS.contains(name)));

impl WasiHttpHooks for Hooks {
    fn is_forbidden_header(&mut self, name: &HeaderName) -> bool {
        DEFAULT_FORBIDDEN_HEADERS.contains(name)
    }

    fn forbidden_header_filter(&mut self) -> ForbiddenHeaderFilter {
        FORBIDDEN_HEADERS.clone()
    }

    fn send_request(
        &mut self,
        _: http::Request<WasiBody>,
        _: Option<RequestOptions>,
        _: Box<dyn Future<Output = Result<(), HttpError>> + Send>,
    ) -> Sending {
        Box::new(async { Err(HttpError::HttpRequestDenied) })
    }

    fn p2_outgoing_body_buffer_chunks(&mut self) -> usize {
        64
    }
}

/// The result of [`WasiHttpHooks::send_request`]: the response, and the future that drives its connection.
type Sending = Box<
    dyn Future<
            Output = Result<
                (
                    http::Response<WasiBody>,
                    Box<dyn Future<Output = Result<(), HttpError>> + Send>,
                ),
                HttpError,
            >,
        > + Send,
>;
