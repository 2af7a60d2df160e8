//! The data of a store: the WASI contexts of an instance, its handles, and its resource usage.

use std::sync::{Arc, LazyLock};

use http::HeaderName;
use wasmtime::ResourceLimiter;
use wasmtime::component::ResourceTable;
use wasmtime_wasi::p2::{DynInputStream, DynOutputStream};
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};
use wasmtime_wasi_http::{
    DEFAULT_FORBIDDEN_HEADERS, Error as HttpError, ForbiddenHeaderFilter, RequestOptions, WasiBody,
    WasiHttpCtx, WasiHttpCtxView, WasiHttpHooks, WasiHttpView,
};

use super::output::Output;
use super::platform::Platform;

/// A guest's libc opens its standard streams once and never closes them. More streams than this are a leak.
const STANDARD_STREAMS: usize = 8;

/// The data of one store.
pub struct State {
    pub(super) platform: Arc<Platform>,
    pub(super) output: Output,
    pub(super) usage: Usage,
    table: ResourceTable,
    wasi: WasiCtx,
    http: WasiHttpCtx,
    hooks: Hooks,
}

impl State {
    /// Creates the state of a new instance without files, sockets or environment variables. Its output goes
    /// to the log.
    pub fn new(platform: Arc<Platform>, usage: Usage) -> Self {
        let output = Output::default();
        let mut wasi = WasiCtx::builder();
        wasi.stdout(output.stdout())
            .stderr(output.stderr())
            .allow_tcp(false)
            .allow_udp(false);
        Self {
            platform,
            usage,
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

/// The resource usage of a store, and its limits.
pub struct Usage {
    /// The total size of all linear memories, in bytes.
    pub memory: usize,
    /// The maximum total size of all linear memories, in bytes.
    pub memory_limit: usize,
    /// How many more ticks of the epoch the current call may compute.
    pub ticks: u32,
}

impl ResourceLimiter for Usage {
    fn memory_growing(&mut self, current: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        let memory = self.memory.saturating_add(desired.saturating_sub(current));
        if memory > self.memory_limit {
            return Ok(false);
        }
        self.memory = memory;
        Ok(true)
    }

    fn table_growing(&mut self, _: usize, _: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        Ok(true)
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
