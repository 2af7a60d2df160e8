//! The tasks of Mercato, run as `cargo xtask <task>`.

mod bench;
mod compose;
mod daemon;
mod guests;
mod lattice;
mod project;
mod secret;
mod servers;
mod service;
mod shop;
mod spin;
mod test;
mod up;
mod wit;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

use mercato_wasm_toolchain as toolchain;

use crate::project::Project;

/// The tasks of Mercato. Whatever a task needs is built or got first; that is told on stderr.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Cli {
    #[command(subcommand)]
    task: Task,
}

#[derive(Debug, Subcommand)]
enum Task {
    Up(up::Up),
    Test(test::Test),
    Bench(bench::Bench),
    #[command(subcommand)]
    Lattice(lattice::Lattice),
    #[command(subcommand)]
    Spin(spin::Spin),
    /// Compose services to one component
    ///
    /// Builds the services that FILE names and joins them: an import of one is filled by the one that exports the same
    /// interface. Prints where the composed component is. Its imports are checked against what the runtime that FILE
    /// names offers. Each service alone is in target/shop/parts then.
    Compose {
        /// Names the parts; its form is that of the default [default: deploy/compositions/shop.toml]
        file: Option<PathBuf>,
        /// Where to put the composed component [default: target/shop/<name of FILE>.wasm]
        #[arg(short, long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
    /// Make sure that there is a compiler for components
    ///
    /// Tries in this order: the active toolchain; toolchain mercato-wasm, if it was made before; `rustup target add`;
    /// making toolchain mercato-wasm from Debian's packages (needs Debian, and root unless they are installed).
    Toolchain,
    /// Check the interfaces in wit/
    Wit,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    match Project::find().and_then(|project| run(cli.task, &project)) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Runs a task; tells whether what it checks is all right.
fn run(task: Task, project: &Project) -> Result<bool> {
    match task {
        Task::Up(up) => up.run(project)?,
        Task::Test(test) => return Ok(test.run(project)),
        Task::Bench(bench) => bench.run(project)?,
        Task::Lattice(lattice) => lattice.run(project)?,
        Task::Spin(spin) => spin.run(project)?,
        Task::Compose { file, out } => {
            println!(
                "{}",
                shop::composed(project, file.as_deref(), out.as_deref())?.display()
            );
        }
        Task::Toolchain => println!(
            "{}: {}",
            toolchain::TARGET,
            toolchain::ensure(&project.cache)?.description()
        ),
        Task::Wit => {
            for package in wit::validate(&project.root.join("wit"))? {
                println!("{package} is valid");
            }
        }
    }
    Ok(true)
}
