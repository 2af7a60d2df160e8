//! Runs the application of `spin.toml` for the black-box tests, where Spin itself is not available.
//!
//! It behaves like Spin 4.0.2 where the tests need it. It has the same interfaces, permissions and limits. It
//! creates a new instance for each request, and keeps the same files in the state folder.

mod app;
mod bindings;
mod chain;
mod engine;
mod hosts;
mod keyvalue;
mod serve;
mod sqlite;
mod state;
mod stores;
mod variables;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use clap::Parser;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

use crate::app::App;
use crate::serve::Server;

/// Runs an application of Spin. Sets a variable from the environment variable `SPIN_VARIABLE_<NAME>`.
#[derive(Parser)]
struct Cli {
    /// The manifest of the application
    #[arg(long, default_value = "spin.toml")]
    from: PathBuf,

    /// The address to listen on
    #[arg(long, default_value = "127.0.0.1:3000")]
    listen: SocketAddr,

    /// The folder of the databases [default: `.spin` beside the manifest]
    #[arg(long)]
    state_dir: Option<PathBuf>,

    /// The folder for compiled components
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
