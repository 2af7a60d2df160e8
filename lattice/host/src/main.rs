//! The program `mercato-lattice`: a wasmCloud host, wadm, and the commands to operate a lattice. It is for
//! machines that have neither the official host nor `wash`.

mod archive;
mod calls;
mod cli;
mod config;
mod deploy;
mod host;
mod images;
mod lattice;
mod links;
mod status;
mod table;
mod wadm;

use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::Parser;

use crate::cli::{Cli, Command};

fn main() -> ExitCode {
    match run(Cli::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("mercato-lattice: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(cli: Cli) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("cannot start")?;
    let result = runtime.block_on(async {
        let lattice = cli.lattice;
        match cli.command {
            Command::Host(options) => host::run(&lattice, options).await,
            Command::Wadm(options) => wadm::run(&lattice, &options).await,
            Command::Config(command) => config::run(&lattice, command).await,
            Command::Deploy(options) => deploy::deploy(&lattice, &options).await,
            Command::Undeploy { name } => deploy::undeploy(&lattice, &name).await,
            Command::Status { json } => status::run(&lattice, json).await,
            Command::Calls { json } => calls::run(&lattice, json).await,
            Command::Archive(options) => archive::run(&options).await,
        }
    });
    // The runtime is not dropped: dropping the tasks of a host would kill its providers. They stop by
    // themselves after their running calls.
    std::mem::forget(runtime);
    result
}
