//! The program `mercato`: runs the shop in one process, imports products into a running shop, and makes and
//! restores backups.

mod admin;
mod backup;
mod broker;
mod cli;
mod command_error;
mod data;
mod dead_letters;
mod demo;
mod events;
mod http;
mod import;
mod log_writer;
mod logs;
mod metrics;
mod providers;
mod runtime;
mod secret;
mod shop;
mod tokio_runtimes;
mod up;

use std::process::ExitCode;

use clap::Parser;
use mimalloc::MiMalloc;

use crate::cli::{Cli, Command};
use crate::command_error::{Code, CommandError};

/// The allocator. It returns the memory of a peak to the system.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    match load_env_file().and_then(|()| run(Cli::parse().command)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("mercato: {error}");
            error.code.into()
        }
    }
}

/// Reads the file `.env`, if it exists. Variables that the environment has already are not changed.
fn load_env_file() -> Result<(), CommandError> {
    match dotenvy::from_path(".env") {
        Ok(_) => Ok(()),
        Err(error) if error.not_found() => Ok(()),
        Err(dotenvy::Error::LineParse(..)) => {
            let advice = "write NAME=value, with quotes around a value that has spaces";
            Err(CommandError::new(
                Code::Config,
                format!("a line of the file .env is malformed: {advice}"),
            ))
        }
        Err(error) => Err(CommandError::new(
            Code::Config,
            format!("cannot read the file .env: {error}"),
        )),
    }
}

fn run(command: Command) -> Result<(), CommandError> {
    match command {
        Command::Up(options) => {
            let _logs = logs::start(&options.logs.log, options.logs.log_format)?;
            let events = tokio_runtimes::for_events().map_err(cannot_start)?;
            let main = tokio_runtimes::main().map_err(cannot_start)?;
            main.block_on(up::run(options, events.handle()))
        }
        Command::Import(options) => import::run(&options),
        Command::Admin(command) => admin::run(&command),
        Command::Backup(options) => backup::backup(&options),
        Command::Restore(options) => backup::restore(&options),
        Command::Check(options) => backup::check(&options),
        Command::DeadLetters(command) => {
            let main = tokio_runtimes::main().map_err(cannot_start)?;
            main.block_on(dead_letters::run(command))
        }
    }
}

fn cannot_start(error: std::io::Error) -> CommandError {
    CommandError::new(Code::Software, format!("cannot start: {error}"))
}
