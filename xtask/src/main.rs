//! The tasks of Mercato, run as `cargo xtask <task>`.

mod api;
mod bench;
mod compose;
mod daemon;
mod dependencies;
mod generate;
mod groups;
mod guests;
mod lattice;
mod lint;
mod modules;
mod mutants;
mod project;
mod secret;
mod servers;
mod service;
mod services;
mod settings;
mod shop;
mod spin;
mod test;
mod tool;
mod up;
mod wit;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

use mercato_wasm_toolchain as toolchain;

use crate::compose::Composition;
use crate::project::Project;
use crate::services::Services;

/// The tasks of Mercato. Each task first builds and installs what it needs, and reports that on stderr.
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
    Attacks(bench::Attacks),
    Scale(bench::Scale),
    Mutants(mutants::Mutants),
    #[command(subcommand)]
    Lattice(lattice::Lattice),
    #[command(subcommand)]
    Spin(spin::Spin),
    Generate(generate::Generate),
    /// Compose services to one component
    ///
    /// Builds the parts that FILE names and joins them: an import of one part is connected to the part that
    /// exports the same interface. Checks the remaining imports against the runtime that FILE names. Prints
    /// the path of the component. Each part alone is in target/shop/parts.
    Compose {
        /// A list of parts [default: deploy/compositions/shop.toml]
        file: Option<PathBuf>,
        /// The file of the component [default: target/shop/<name of FILE>.wasm]
        #[arg(short, long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
    /// Find or build a compiler for components
    ///
    /// Tries in this order: the active toolchain; the toolchain mercato-wasm, if it exists; `rustup target
    /// add`; building the toolchain mercato-wasm from Debian's packages. The last needs Debian, and root to
    /// install packages.
    Toolchain,
    /// Check the interfaces in wit/
    Wit,
    /// Run clippy on all code
    ///
    /// Lints both workspaces, and the components for their own target. Warnings are errors.
    Lint,
    /// Check that no modules of a crate import each other
    Modules,
    /// Check the licenses and sources of the dependencies, and advisories against them
    Dependencies,
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

/// Runs a task. Returns whether the tests passed, if the task has any.
fn run(task: Task, project: &Project) -> Result<bool> {
    match task {
        Task::Up(up) => up.run(project)?,
        Task::Test(test) => return Ok(test.run(project)),
        Task::Bench(bench) => bench.run(project)?,
        Task::Attacks(attacks) => attacks.run(project)?,
        Task::Scale(scale) => scale.run(project)?,
        Task::Mutants(mutants) => return mutants.run(project),
        Task::Lattice(lattice) => lattice.run(project)?,
        Task::Spin(spin) => spin.run(project)?,
        Task::Generate(generate) => generate.run(project)?,
        Task::Compose { file, out } => println!("{}", compose(project, file, out)?.display()),
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
        Task::Lint => lint::all(project)?,
        Task::Modules => modules::check(project)?,
        Task::Dependencies => dependencies::check(project)?,
    }
    Ok(true)
}

fn compose(project: &Project, file: Option<PathBuf>, out: Option<PathBuf>) -> Result<PathBuf> {
    let file = file.unwrap_or_else(|| project.root.join("deploy/compositions/shop.toml"));
    let composition = Composition::read(&file, &Services::read(project)?)?;
    let name = file.file_stem().unwrap_or_default();
    let out = out.unwrap_or_else(|| project.target.join("shop").join(name).with_extension("wasm"));
    shop::composed(project, &composition, &out)?;
    Ok(out)
}
