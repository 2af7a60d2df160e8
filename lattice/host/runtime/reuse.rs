//! Instances that answer several calls, one after the other.

use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use futures::{Stream, TryStreamExt as _};
use tracing::info_span;
use tracing_opentelemetry::OpenTelemetrySpanExt as _;
use wasmtime::component::{types, Instance, InstancePre, ResourceType};
use wasmtime::Store;

use super::{new_store, Ctx, Handler, MinimalHandler};

/// How long an instance is used. Components read settings once, so a changed setting takes effect after this
/// time.
const LIFETIME: Duration = Duration::from_secs(1);

/// The instances of a component that wait for a call.
pub(super) struct Idle<H: MinimalHandler>(Mutex<Vec<Reusable<H>>>);

/// An instance with its store. If a call fails or is cancelled, its instance is dropped.
pub(super) struct Reusable<H: MinimalHandler> {
    pub(super) store: Store<Ctx<H>>,
    pub(super) instance: Instance,
    created: Instant,
}

impl<H: MinimalHandler> Default for Idle<H> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<H: Handler> Idle<H> {
    /// Returns an idle instance, or a new one.
    ///
    /// # Errors
    /// The component can't be instantiated.
    pub(super) async fn take(
        &self,
        pre: &InstancePre<Ctx<H>>,
        handler: H,
        max_execution_time: Duration,
    ) -> anyhow::Result<Reusable<H>> {
        if let Some(mut reusable) = self.pop() {
            let data = reusable.store.data_mut();
            data.wrpc.handler = handler.clone();
            data.handler = handler;
            reusable.store.set_epoch_deadline(max_execution_time.as_secs());
            return Ok(reusable);
        }
        let mut store = new_store(pre.engine(), handler, max_execution_time);
        let instance = pre.instantiate_async(&mut store).await?;
        Ok(Reusable {
            store,
            instance,
            created: Instant::now(),
        })
    }

    /// Keeps an instance for the next call.
    pub(super) fn put(&self, reusable: Reusable<H>) {
        if reusable.created.elapsed() < LIFETIME {
            self.lock().push(reusable);
        }
    }

    fn pop(&self) -> Option<Reusable<H>> {
        let mut idle = self.lock();
        let (fresh, expired): (Vec<_>, _) = idle
            .drain(..)
            .partition(|reusable| reusable.created.elapsed() < LIFETIME);
        *idle = fresh;
        let found = idle.pop();
        drop(idle);
        drop(expired);
        found
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Reusable<H>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What all functions of a component are served with.
pub(super) struct Served<H: Handler> {
    pub(super) idle: Arc<Idle<H>>,
    pub(super) pre: InstancePre<Ctx<H>>,
    pub(super) handler: H,
    pub(super) max_execution_time: Duration,
    pub(super) host_resources: Arc<HashMap<Box<str>, HashMap<Box<str>, (ResourceType, ResourceType)>>>,
}

/// A call whose parameters are not read yet.
type Call = Pin<Box<dyn Future<Output = anyhow::Result<()>> + Send + 'static>>;

/// The calls of a function, with their contexts.
type Calls<C> = Pin<Box<dyn Stream<Item = anyhow::Result<(C, Call)>> + Send + 'static>>;

/// Serves a function of a component, as `wrpc_runtime_wasmtime::ServeExt::serve_function` does, but uses
/// instances again.
///
/// # Errors
/// The component does not export the function, or it can't be served.
pub(super) async fn serve_function<S: wrpc_transport::Serve, H: Handler>(
    server: &S,
    served: Served<H>,
    ty: types::ComponentFunc,
    instance_name: &str,
    name: &str,
) -> anyhow::Result<Calls<S::Context>> {
    let component = served.pre.component();
    let instance = match instance_name {
        "" => None,
        name => Some(
            component
                .get_export_index(None, name)
                .context("the instance is not exported")?,
        ),
    };
    let index = component
        .get_export_index(instance.as_ref(), name)
        .context("the function is not exported")?;
    let params: Arc<[_]> = ty.params().map(|(_, ty)| ty).collect();
    let results: Arc<[_]> = ty.results().collect();
    let served = Arc::new(served);
    let invocations = server.serve(instance_name, name, []).await?;
    let calls = invocations.map_ok(move |(context, outgoing, incoming)| {
        let (served, params, results) = (Arc::clone(&served), Arc::clone(&params), Arc::clone(&results));
        let call = async move {
            let handler = served.handler.clone();
            let mut reusable = served
                .idle
                .take(&served.pre, handler, served.max_execution_time)
                .await?;
            let span = info_span!("call_instance_function");
            reusable.store.data_mut().parent_context = Some(span.context());
            let function = reusable
                .instance
                .get_func(&mut reusable.store, index)
                .context("the function is not exported")?;
            wrpc_runtime_wasmtime::call(
                &mut reusable.store,
                incoming,
                outgoing,
                &[],
                &served.host_resources,
                params.iter(),
                &results,
                function,
            )
            .await?;
            served.idle.put(reusable);
            Ok(())
        };
        (context, Box::pin(call) as Call)
    });
    Ok(Box::pin(calls))
}
