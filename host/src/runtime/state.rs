//! What a store holds besides the instance itself: its WASI contexts, its handles, and how much it has used.

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
use super::ports::Platform;

/// Standard streams that a guest's libc opens once and keeps: more of them than this are a leak.
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
    /// The state of a fresh instance: no files, no sockets, no environment; its output goes to the log.
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

    /// Whether the guest still holds anything of the request that it has finished. The standard streams don't count; a
    /// stream of a body does, because the body it belongs to is held with it.
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

/// What a store may use, and has used.
pub struct Usage {
    /// All linear memories together, in bytes.
    pub memory: usize,
    /// The most that they may have together, in bytes.
    pub memory_limit: usize,
    /// Ticks of the epoch that the current call may still run for.
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

/// How `wasi:http` behaves: bodies are buffered generously, and no request goes out.
struct Hooks;

/// Made once: the default would allocate it for each request.
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

/// What [`WasiHttpHooks::send_request`] answers: the response, and what drives its connection.
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
