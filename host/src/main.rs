//! `mercato`: runs the shop in one process, and speaks to a running one.

mod cli;
mod data;
mod dead_letters;
mod events;
mod exit;
mod http;
mod import;
mod logs;
mod metrics;
mod providers;
mod runtime;
mod secret;
mod shop;
mod up;

use std::process::ExitCode;

use clap::Parser;

use crate::cli::{Cli, Command};
use crate::exit::{Code, Failure};

fn main() -> ExitCode {
    match load_env_file().and_then(|()| run(Cli::parse().command)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("mercato: {failure}");
            failure.code.into()
        }
    }
}

/// Reads `.env`, where there is one; what the environment has already wins.
fn load_env_file() -> Result<(), Failure> {
    match dotenvy::from_path(".env") {
        Ok(_) => Ok(()),
        Err(error) if error.not_found() => Ok(()),
        Err(dotenvy::Error::LineParse(..)) => {
            let advice = "each line is NAME=value, with quotes around values that have spaces";
            Err(Failure::new(
                Code::Config,
                format!("a line of the file .env can't be read: {advice}"),
            ))
        }
        Err(error) => Err(Failure::new(
            Code::Config,
            format!("the file .env can't be read: {error}"),
        )),
    }
}

fn run(command: Command) -> Result<(), Failure> {
    match command {
        Command::Up(options) => {
            let _logs = logs::start(&options.logs.log, options.logs.log_format)?;
            runtime()?.block_on(up::run(options))
        }
        Command::Import(options) => import::run(&options),
        Command::DeadLetters(command) => runtime()?.block_on(dead_letters::run(command)),
    }
}

fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    // Guests that compute give way every ten milliseconds. With tokio's own interval of 61 turns, connections would
    // wait more than half a second for theirs.
    const TURNS_BETWEEN_EVENTS: u32 = 8;
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .event_interval(TURNS_BETWEEN_EVENTS)
        .build()
        .map_err(|error| Failure::new(Code::Software, format!("can't start: {error}")))
}
