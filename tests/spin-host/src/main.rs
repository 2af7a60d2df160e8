//! Spin as far as the black-box tests need it: it reads `spin.toml`, and runs what that names as Spin 4.0.2 does, with the same
//! interfaces, permissions and limits, a fresh instance for each request, and the same files in its state folder.

mod app;
mod bindings;
mod chain;
mod config;
mod engine;
mod hosts;
mod keyvalue;
mod serve;
mod sqlite;
mod state;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use clap::Parser;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

use crate::app::App;
use crate::serve::Server;

/// Runs an application of Spin. Variables come from the environment, as `SPIN_VARIABLE_NAME`.
#[derive(Parser)]
struct Cli {
    /// The application's manifest.
    #[arg(long, default_value = "spin.toml")]
    from: PathBuf,

    /// Where to listen.
    #[arg(long, default_value = "127.0.0.1:3000")]
    listen: SocketAddr,

    /// The folder of the databases [default: `.spin` beside the manifest]
    #[arg(long)]
    state_dir: Option<PathBuf>,

    /// Where to keep compiled components.
    #[arg(long)]
    cache: Option<PathBuf>,
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(Cli::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("mercato-spin-host: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(cli: Cli) -> wasmtime::Result<()> {
    let app = App::read(&cli.from, &std::env::vars().collect())?;
    let state = cli.state_dir.unwrap_or_else(|| app.folder.join(".spin"));
    let server = Arc::new(Server::new(app, &state, cli.cache.as_deref())?);
    let listener = TcpListener::bind(cli.listen).await?;
    let mut terminated = signal(SignalKind::terminate())?;
    println!("ready http://{}", listener.local_addr()?);
    tokio::select! {
        () = serve::serve(listener, server) => {}
        _ = terminated.recv() => {}
        _ = tokio::signal::ctrl_c() => {}
    }
    Ok(())
}
