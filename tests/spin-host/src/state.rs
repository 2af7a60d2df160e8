//! The data of a store in addition to the instance itself.

use std::path::PathBuf;
use std::sync::Arc;

use wasmtime::component::ResourceTable;
use wasmtime_wasi::sockets::SocketAddrUse;
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};
use wasmtime_wasi_http::{WasiHttpCtx, WasiHttpCtxView, WasiHttpView};

use crate::app::Component;
use crate::chain::Chain;
use crate::stores::Stores;

/// The data of one instance.
pub struct State {
    /// The component of the instance.
    pub component: Arc<Component>,
    /// The key-value stores of the application.
    pub stores: Stores,
    /// The state folder.
    pub data: PathBuf,
    /// The handles of the guest.
    pub table: ResourceTable,
    wasi: WasiCtx,
    http: WasiHttpCtx,
    chain: Chain,
}

impl State {
    /// Creates the state of a new instance without files or environment variables. It may connect only to the
    /// hosts of its component.
    pub fn new(component: Arc<Component>, stores: Stores, data: PathBuf, chain: Chain) -> Self {
        let mut wasi = WasiCtx::builder();
        let allowed = Arc::clone(&component);
        wasi.inherit_stdout()
            .inherit_stderr()
            .allow_tcp(true)
            .socket_addr_check(move |address, used| {
                let scheme = match used {
                    SocketAddrUse::TcpConnect => "tcp",
                    // Each outgoing connection begins with such a bind.
                    SocketAddrUse::TcpBind if address.ip().is_unspecified() && address.port() == 0 => {
                        return Box::pin(async { true });
                    }
                    _ => return Box::pin(async { false }),
                };
                let host = address.ip().to_string();
                let allowed = allowed
                    .hosts
                    .iter()
                    .any(|allowed| allowed.allows(scheme, &host, Some(address.port())));
                Box::pin(async move { allowed })
            });
        Self {
            component,
            stores,
            data,
            table: ResourceTable::new(),
            wasi: wasi.build(),
            http: WasiHttpCtx::new(),
            chain,
        }
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
            hooks: &mut self.chain,
        }
    }
}
