//! `cargo xtask lattice status`.

use std::path::{Path, PathBuf};

use anyhow::Result;

use super::layout::DATA;
use super::parts::Tool;
use super::running::check_answer;
use super::state::State;
use crate::project::Project;
use mercato_wasm_toolchain::process::output;

/// Show the state of a lattice
///
/// Prints its processes, the hosts with their components and providers, the links, and whether the shop
/// answers.
#[derive(Debug, clap::Args)]
pub struct Status {
    /// The lattice's data folder [default: .mercato/lattice]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
}

impl Status {
    /// Prints the tables.
    ///
    /// # Errors
    /// No lattice runs on the data folder, or its NATS can't be reached.
    pub fn run(self, project: &Project) -> Result<()> {
        let state = State::read(&self.data.unwrap_or_else(|| project.root.join(DATA)))?;
        let health = match check_answer(&state.url) {
            Ok(()) => "answers".to_owned(),
            Err(error) => format!("does not answer: {error:#}"),
        };
        println!("{} {health}\n", state.url);
        println!("{:<18} {:>8} {:>6}  {:<6} LOG", "PROCESS", "PID", "PORT", "STATE");
        for process in &state.processes {
            let name = &process.name;
            let pid = process.pid.to_string();
            let port = process
                .port
                .map_or_else(|| "-".to_owned(), |port| port.to_string());
            let is_up = Path::new("/proc").join(&pid).exists();
            let up = if is_up { "up" } else { "down" };
            println!("{name:<18} {pid:>8} {port:>6}  {up:<6} {}", process.log.display());
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
