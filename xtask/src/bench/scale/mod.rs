//! `cargo xtask scale`: what the shop needs at any rate of requests, from measured inputs.

mod costs;
mod inputs;
mod measure;
mod page;
mod plan;
mod queueing;
mod simulation;

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result};

use self::inputs::Inputs;
use crate::project::Project;

/// Compute what the shop needs at any rate of requests
///
/// Reads the measured inputs in bench/scale/inputs.json. Derives the cost of each request, simulates orders on one, two
/// and four processes, and plans hosts for three rates. Writes the tables of docs/scale.md, and prints them.
#[derive(Debug, clap::Args)]
pub struct Scale {
    /// Measure the inputs on this machine first, which takes eight minutes
    #[arg(long)]
    measure: bool,
}

impl Scale {
    /// Computes the tables.
    ///
    /// # Errors
    /// The inputs can't be measured or read, or the page lacks the place of a table.
    pub fn run(&self, project: &Project) -> Result<()> {
        let file = project.root.join(inputs::FILE);
        if self.measure {
            let measured = measure::all(project)?;
            fs::write(&file, serde_json::to_string_pretty(&measured)? + "\n")?;
        }
        let read = |path: PathBuf| {
            fs::read_to_string(&path).with_context(|| format!("can't read {}", path.display()))
        };
        let tables = page::tables(&Inputs::parse(&read(file)?)?)?;
        let page = project.root.join(page::FILE);
        fs::write(&page, page::fill(&read(page.clone())?, &tables)?)?;
        for (name, table) in &tables {
            println!("{name}\n{table}\n");
        }
        Ok(())
    }
}
