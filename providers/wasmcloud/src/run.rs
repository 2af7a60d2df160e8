//! The life of a provider's process.

use std::os::unix::process::parent_id;
use std::path::Path;
use std::pin::{Pin, pin};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, Result};
use futures::{Stream, StreamExt as _, stream};
use tokio::task::JoinSet;
use tokio::time::{interval, timeout};
use wasmcloud_provider_sdk::provider::InvocationStreams;
use wasmcloud_provider_sdk::wasmcloud_tracing::configure_observability;
use wasmcloud_provider_sdk::{Provider, ProviderConnection, get_connection, load_host_data, run_provider};

use crate::settings::Settings;

/// The time that running calls have to finish.
const GRACE: Duration = Duration::from_secs(8);

/// The interval of the checks that the host still runs.
const CHECK_INTERVAL: Duration = Duration::from_millis(500);

/// An accepted call.
type Call = Pin<Box<dyn Future<Output = Result<()>> + Send>>;

/// Runs a provider: configures logs and traces as the host does, then runs `body` with the settings.
pub fn main<F: Future<Output = Result<()>>>(name: &str, body: impl FnOnce(Settings) -> F) -> ExitCode {
    let result = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("the runtime can't start")
        .and_then(|runtime| {
            runtime.block_on(async {
                let settings = Settings::load()?;
                let _logs = observe(name)?;
                body(settings).await
            })
        });
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{name}: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn observe(name: &str) -> Result<impl Sized + use<>> {
    let host = load_host_data()?;
    let (dispatch, guard) = configure_observability(
        name,
        &host.otel_config,
        host.structured_logging,
        None::<&Path>,
        host.log_level.as_ref(),
        Some(&host.otel_config.trace_level),
    )?;
    tracing::dispatcher::set_global_default(dispatch).context("logs can't be written")?;
    Ok(guard)
}

/// Runs a provider until its host stops it, exits, or changes its configuration. Then waits for the running
/// calls. `serve` subscribes to the calls of a port.
///
/// # Errors
/// Fails if the host's data can't be read, if NATS can't be reached, or if the provider can't be initialised.
pub async fn run<P, S, F>(provider: P, name: &str, settings: &Settings, serve: S) -> Result<()>
where
    P: Provider + Clone,
    S: FnOnce(&'static ProviderConnection) -> F,
    F: Future<Output = Result<InvocationStreams>>,
{
    let parent = parent_id();
    let stopped = run_provider(provider.clone(), name).await?;
    let connection = get_connection();
    let calls = serve(connection)
        .await
        .context("the provider can't subscribe to calls")?;
    let calls = stream::select_all(calls.into_iter().map(|(_, _, calls)| calls));
    let mut tasks = JoinSet::new();
    let reason = tokio::select! {
        () = stopped => None,
        () = orphaned(parent) => Some("the host has exited"),
        () = settings.changed() => Some("the configuration has changed"),
        () = accept(calls, &mut tasks) => None,
    };
    if let Some(reason) = reason {
        tracing::warn!(reason, "the provider stops");
        provider
            .shutdown()
            .await
            .context("the provider failed to shut down")?;
    }
    let finished = async { while tasks.join_next().await.is_some() {} };
    if timeout(GRACE, finished).await.is_err() {
        tracing::warn!("the remaining calls are cancelled");
    }
    connection
        .nats
        .flush()
        .await
        .context("the last responses could not be sent")
}

async fn accept(calls: impl Stream<Item = Result<Call>>, tasks: &mut JoinSet<()>) {
    let mut calls = pin!(calls);
    loop {
        tokio::select! {
            call = calls.next() => match call {
                Some(Ok(call)) => {
                    tasks.spawn(async move {
                        if let Err(error) = call.await {
                            tracing::warn!(error = format!("{error:#}"), "a call failed");
                        }
                    });
                }
                Some(Err(error)) => tracing::warn!(error = format!("{error:#}"), "a call could not be read"),
                None => std::future::pending().await,
            },
            Some(_) = tasks.join_next() => {}
        }
    }
}

/// Completes when the host has exited, because this process then has another parent. A killed host can't stop
/// its providers.
async fn orphaned(parent: u32) {
    let mut ticks = interval(CHECK_INTERVAL);
    while parent_id() == parent {
        ticks.tick().await;
    }
}
