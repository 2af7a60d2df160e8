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

/// How long calls that are running have to end.
const GRACE: Duration = Duration::from_secs(8);

/// How often a provider looks whether its host is still there.
const LOOK: Duration = Duration::from_millis(500);

/// A call that was accepted.
type Call = Pin<Box<dyn Future<Output = Result<()>> + Send>>;

/// The main function of a provider: logs and traces as its host has them, then `body` with its settings.
pub fn main<F: Future<Output = Result<()>>>(name: &str, body: impl FnOnce(Settings) -> F) -> ExitCode {
    let ended = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("can't start")
        .and_then(|runtime| {
            runtime.block_on(async {
                let settings = Settings::load()?;
                let _logs = observe(name)?;
                body(settings).await
            })
        });
    match ended {
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

/// Runs a provider until its host says so, is gone, or has another configuration for it, and then waits for the calls that are running.
/// `serve` subscribes to the calls of a port.
///
/// # Errors
/// The host's data can't be read, NATS can't be reached, or the provider can't be initialised.
pub async fn run<P, S, F>(provider: P, name: &str, settings: &Settings, serve: S) -> Result<()>
where
    P: Provider + Clone,
    S: FnOnce(&'static ProviderConnection) -> F,
    F: Future<Output = Result<InvocationStreams>>,
{
    let parent = parent_id();
    let quit = run_provider(provider.clone(), name).await?;
    let connection = get_connection();
    let calls = serve(connection)
        .await
        .context("the lattice can't be listened to")?;
    let calls = stream::select_all(calls.into_iter().map(|(_, _, calls)| calls));
    let mut tasks = JoinSet::new();
    let reason = tokio::select! {
        () = quit => None,
        () = orphaned(parent) => Some("the host is gone"),
        () = settings.changed() => Some("the configuration has changed"),
        () = accept(calls, &mut tasks) => None,
    };
    if let Some(reason) = reason {
        tracing::warn!(reason, "ending");
        provider
            .shutdown()
            .await
            .context("the provider did not stop as it should")?;
    }
    let ended = async { while tasks.join_next().await.is_some() {} };
    if timeout(GRACE, ended).await.is_err() {
        tracing::warn!("calls that take too long are broken off");
    }
    connection
        .nats
        .flush()
        .await
        .context("the last answers could not be sent")
}

async fn accept(calls: impl Stream<Item = Result<Call>>, tasks: &mut JoinSet<()>) {
    let mut calls = pin!(calls);
    loop {
        tokio::select! {
            call = calls.next() => match call {
                Some(Ok(call)) => {
                    tasks.spawn(async move {
                        if let Err(error) = call.await {
                            tracing::warn!(error = format!("{error:#}"), "a call could not be answered");
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

/// Completes when another process has become this one's parent: a host that was killed can't tell its providers to end.
async fn orphaned(parent: u32) {
    let mut look = interval(LOOK);
    while parent_id() == parent {
        look.tick().await;
    }
}
