//! The data of a store: the WASI context of an instance, its handles, and its memory.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use wasmtime::component::ResourceTable;
use wasmtime_wasi::p2::{DynInputStream, DynOutputStream};
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};

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
            output,
        }
    }

    /// Returns whether the guest still holds a handle of a finished call. Standard streams don't count.
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
