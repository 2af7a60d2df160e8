//! The engine with the limits for the shop, and the shop that it compiles.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use mercato_ports::World;
use mercato_ports::manifest::ShopManifest;
use wasmtime::component::{Component, ComponentExportIndex, HasSelf, InstancePre, Linker};
use wasmtime::{Cache, CacheConfig, Config, Engine, InstanceAllocationStrategy, PoolingAllocationConfig};

use super::limits::Limits;
use super::state::State;
use crate::shop::{Shop, Size};

/// The interval of the epoch. A computing guest yields its thread after this time.
const TICK: Duration = Duration::from_millis(2);

/// The interface of the gateway.
const HTTP_HANDLER: &str = "mercato:platform/http-handler@0.1.0";

/// The shop, compiled and linked. Instances are created from it.
pub struct Compiled {
    pub(super) instance_pre: InstancePre<State>,
    /// The function that handles requests.
    pub(super) http_handler: ComponentExportIndex,
    /// The function of each service that handles events, by the service's name.
    pub(super) event_handlers: BTreeMap<String, ComponentExportIndex>,
}

impl Compiled {
    /// Compiles a shop, or loads it from the folder `cache`, and links it to the platform.
    ///
    /// # Errors
    /// Fails if the shop is invalid, or if it imports an interface that this host does not offer. Fails if it
    /// has no gateway, or if a subscriber in the manifest has no export.
    pub fn new(shop: Shop, limits: &Limits, cache: Option<&Path>) -> wasmtime::Result<Self> {
        let engine = engine(shop.size, limits, cache)?;
        let component = Component::from_binary(&engine, &shop.wasm)?;
        let mut linker = Linker::<State>::new(&engine);
        wasmtime_wasi::p2::add_to_linker_async(&mut linker)?;
        World::add_to_linker::<_, HasSelf<_>>(&mut linker, |state| state)?;
        let instance_pre = linker.instantiate_pre(&component)?;
        let http_handler = handler(&component, HTTP_HANDLER).ok_or_else(|| {
            wasmtime::format_err!("the shop has no export `{HTTP_HANDLER}`, so it can answer no request")
        })?;
        let event_handlers = event_handlers(&component, &shop.manifest)?;
        advance_epoch(&engine);
        Ok(Self {
            instance_pre,
            http_handler,
            event_handlers,
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
    // Debuggers and profilers alone need the two tables. Without them, the shop takes less memory and starts
    // sooner.
    config
        .generate_address_map(false)
        .native_unwind_info(false)
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

/// Finds the export `<service>-events` of each subscribing service.
fn event_handlers(
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
            let handler = handler(component, &export).ok_or_else(|| {
                wasmtime::format_err!(
                    "the service `{name}` subscribes to events, but the shop has no export `{export}`"
                )
            })?;
            Ok((name.clone(), handler))
        })
        .collect()
}

/// Finds the function `handle` of an exported interface.
fn handler(component: &Component, interface: &str) -> Option<ComponentExportIndex> {
    let interface = component.get_export_index(None, interface)?;
    component.get_export_index(Some(&interface), "handle")
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
