//! The engine with the limits of Spin, and the compiled components.

use std::path::Path;
use std::sync::Arc;

use wasmtime::component::{Component as Compiled, HasSelf, InstancePre, Linker};
use wasmtime::error::Context as _;
use wasmtime::{
    Cache, CacheConfig, Config, Engine, InstanceAllocationStrategy, PoolingAllocationConfig, Result,
};
use wasmtime_wasi_http::p2::bindings::ProxyIndices;

use crate::app::Component;
use crate::bindings::Spin;
use crate::state::State;

/// The default of `SPIN_MAX_INSTANCE_COUNT`, the maximum number of instances. Spin derives its other limits
/// from it.
const INSTANCES: u32 = 1_000;

/// A compiled and linked component.
pub struct CompiledComponent {
    /// The component and its permissions.
    pub component: Arc<Component>,
    /// Creates instances.
    pub instance_pre: InstancePre<State>,
    /// The exported handler of requests.
    pub proxy: ProxyIndices,
}

/// Creates an engine with Spin's configuration.
///
/// # Errors
/// Fails if this machine does not support the configuration.
pub fn engine(cache: Option<&Path>) -> Result<Engine> {
    let count = match std::env::var("SPIN_MAX_INSTANCE_COUNT") {
        Ok(count) => count
            .parse::<u32>()
            .context("SPIN_MAX_INSTANCE_COUNT must be a number")?,
        Err(_) => INSTANCES,
    };
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(count)
        .total_core_instances(count.saturating_mul(4))
        .total_memories(count)
        .total_tables(count.saturating_mul(2))
        .total_stacks(count)
        .table_elements(100_000)
        .max_component_instance_size(10 << 20)
        .max_core_instance_size(10 << 20)
        .max_core_instances_per_component(200)
        .max_tables_per_component(64)
        .max_memories_per_component(32)
        .max_tables_per_module(2)
        .max_memories_per_module(2);
    let mut config = Config::new();
    config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool));
    if let Some(folder) = cache {
        let mut settings = CacheConfig::new();
        settings.with_directory(folder);
        config.cache(Some(Cache::new(settings)?));
    }
    Engine::new(&config)
}

/// Compiles a component and links it to Spin's interfaces.
///
/// # Errors
/// Fails if the file can't be read, if it imports another interface, or if it does not handle requests.
pub fn compile(engine: &Engine, component: Component) -> Result<CompiledComponent> {
    let source = component.source.display().to_string();
    let compiled = Compiled::from_file(engine, &component.source)
        .with_context(|| format!("{source} can't be compiled: build it with `cargo xtask spin build`"))?;
    let mut linker = Linker::<State>::new(engine);
    wasmtime_wasi::p2::add_to_linker_async(&mut linker)?;
    wasmtime_wasi_http::p2::add_only_http_to_linker_async(&mut linker)?;
    Spin::add_to_linker::<_, HasSelf<_>>(&mut linker, |state| state)?;
    let instance_pre = linker
        .instantiate_pre(&compiled)
        .with_context(|| format!("{source} can't be linked"))?;
    let proxy = ProxyIndices::new(&instance_pre)?;
    Ok(CompiledComponent {
        component: Arc::new(component),
        instance_pre,
        proxy,
    })
}
