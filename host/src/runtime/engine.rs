//! The engine with the limits for the shop, and the shop that it compiles.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use mercato_ports::World;
use mercato_ports::manifest::ShopManifest;
use wasmtime::component::{Component, ComponentExportIndex, HasSelf, InstancePre, Linker};
use wasmtime::{Cache, CacheConfig, Config, Engine, InstanceAllocationStrategy, PoolingAllocationConfig};
use wasmtime_wasi_http::p2::bindings::ProxyIndices;

use super::limits::Limits;
use super::state::State;
use crate::shop::{Shop, Size};

/// The interval of the epoch. A computing guest yields its thread after this time.
const TICK: Duration = Duration::from_millis(2);

/// The shop, compiled and linked. Instances are created from it.
pub struct Compiled {
    pub(super) instance_pre: InstancePre<State>,
    pub(super) proxy: ProxyIndices,
    /// The export `handle` of each service that subscribes to events, by the service's name.
    pub(super) handlers: BTreeMap<String, ComponentExportIndex>,
}

impl Compiled {
    /// Compiles a shop, or loads it from the folder `cache`, and links it to the platform.
    ///
    /// # Errors
    /// Fails if the shop is invalid, or if it imports an interface that this host does not offer. Fails if a
    /// subscriber in the manifest has no export.
    pub fn new(shop: &Shop, limits: &Limits, cache: Option<&Path>) -> wasmtime::Result<Self> {
        let engine = engine(shop.size, limits, cache)?;
        let component = Component::from_binary(&engine, &shop.wasm)?;
        let mut linker = Linker::<State>::new(&engine);
        wasmtime_wasi::p2::add_to_linker_async(&mut linker)?;
        wasmtime_wasi_http::p2::add_only_http_to_linker_async(&mut linker)?;
        World::add_to_linker::<_, HasSelf<_>>(&mut linker, |state| state)?;
        let instance_pre = linker.instantiate_pre(&component)?;
        let proxy = ProxyIndices::new(&instance_pre)?;
        let handlers = handlers(&component, &shop.manifest)?;
        advance_epoch(&engine);
        Ok(Self {
            instance_pre,
            proxy,
            handlers,
        })
    }
}

fn engine(size: Size, limits: &Limits, cache: Option<&Path>) -> wasmtime::Result<Engine> {
    let count = limits.instances.saturating_add(limits.event_instances());
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(count)
        .total_core_instances(count.saturating_mul(size.instances))
        .total_memories(count.saturating_mul(size.memories))
        .total_tables(count.saturating_mul(size.tables))
        .total_stacks(count)
        .max_core_instances_per_component(size.instances)
        .max_memories_per_component(size.memories)
        .max_tables_per_component(size.tables)
        .max_memory_size(limits.instance_memory)
        .max_component_instance_size(4 << 20)
        .table_elements(100_000);
    let mut config = Config::new();
    config
        .allocation_strategy(InstanceAllocationStrategy::Pooling(pool))
        .epoch_interruption(true)
        .wasm_backtrace_max_frames(std::num::NonZeroUsize::new(16));
    if let Some(folder) = cache {
        let mut settings = CacheConfig::new();
        settings.with_directory(folder);
        config.cache(Some(Cache::new(settings)?));
    }
    Engine::new(&config)
}

/// Finds the export `<service>-events` and its function `handle` for each subscribing service.
fn handlers(
    component: &Component,
    manifest: &ShopManifest,
) -> wasmtime::Result<BTreeMap<String, ComponentExportIndex>> {
    let subscribers = manifest
        .services
        .iter()
        .filter(|(_, service)| !service.handles.is_empty());
    subscribers
        .map(|(name, _)| {
            let export = format!("{name}-events");
            component
                .get_export_index(None, &export)
                .and_then(|instance| component.get_export_index(Some(&instance), "handle"))
                .map(|handle| (name.clone(), handle))
                .ok_or_else(|| {
                    wasmtime::format_err!(
                        "the service `{name}` subscribes to events, but the shop has no export `{export}`"
                    )
                })
        })
        .collect()
}

/// Advances the epoch on a thread that ends with the engine.
fn advance_epoch(engine: &Engine) {
    let engine = engine.weak();
    std::thread::spawn(move || {
        while let Some(engine) = engine.upgrade() {
            engine.increment_epoch();
            drop(engine);
            std::thread::sleep(TICK);
        }
    });
}
