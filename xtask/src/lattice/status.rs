//! `cargo xtask lattice status`.

use std::path::{Path, PathBuf};

use anyhow::Result;

use super::DATA;
use super::parts::Tool;
use super::running::answers;
use super::state::State;
use crate::project::Project;
use mercato_wasm_toolchain::process::output;

/// Show what a lattice is doing
///
/// Its processes, the hosts with what runs on them, links, and whether the shop answers.
#[derive(Debug, clap::Args)]
pub struct Status {
    /// The lattice's data folder [default: .mercato/lattice]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
}

impl Status {
    /// Prints tables.
    ///
    /// # Errors
    /// No lattice runs on the data folder, or its NATS can't be reached.
    pub fn run(self, project: &Project) -> Result<()> {
        let state = State::read(&self.data.unwrap_or_else(|| project.root.join(DATA)))?;
        let health = match answers(&state.url) {
            Ok(()) => "answers".to_owned(),
            Err(error) => format!("does not answer: {error:#}"),
        };
        println!("{} {health}\n", state.url);
        println!("{:<18} {:>8} {:>6}  {:<6} LOG", "PROCESS", "PID", "PORT", "STATE");
        for process in &state.processes {
            let port = process
                .port
                .map_or_else(|| "-".to_owned(), |port| port.to_string());
            let there = match Path::new("/proc").join(process.pid.to_string()).exists() {
                true => "up",
                false => "down",
            };
            let log = process.log.display();
            println!(
                "{:<18} {:>8} {port:>6}  {there:<6} {log}",
                process.name, process.pid
            );
        }
        println!();
        let tool = Tool {
            program: state.program,
            nats: state.nats,
        };
        println!("{}", output(&mut tool.command(&["status"]))?);
        Ok(())
    }
}
