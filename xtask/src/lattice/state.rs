//! What a running lattice tells about itself, in a file of its data folder.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use crate::servers::Server;

/// The processes of a lattice, and where they are reached.
#[derive(Debug, Serialize, Deserialize)]
pub struct State {
    /// Where the shop is served.
    pub url: String,
    /// The address of NATS.
    pub nats: String,
    /// The program `mercato-lattice` that it runs.
    pub program: PathBuf,
    /// The folder of components and providers' archives.
    pub images: PathBuf,
    /// The manifest that was deployed.
    pub manifest: PathBuf,
    /// What holds for all services, over what the manifest says, as `KEY=VALUE`.
    pub settings: Vec<String>,
    /// Its processes.
    pub processes: Vec<Process>,
}

/// One process of a lattice.
#[derive(Debug, Serialize, Deserialize)]
pub struct Process {
    /// Its name.
    pub name: String,
    /// The id of the process.
    pub pid: u32,
    /// The port that it listens on, if it does.
    pub port: Option<u16>,
    /// Where clients find it.
    pub address: String,
    /// The file that it logs to.
    pub log: PathBuf,
}

impl Process {
    /// What is to be told of a server.
    pub fn of(server: &Server) -> Self {
        Self {
            name: server.name().to_owned(),
            pid: server.id(),
            port: server.port(),
            address: server.address().to_owned(),
            log: server.home().log(),
        }
    }
}

impl State {
    /// Reads what the lattice with this data folder told last.
    ///
    /// # Errors
    /// No lattice was started on that folder.
    pub fn read(data: &Path) -> Result<Self> {
        let file = file(data);
        let text = fs::read(&file).with_context(|| {
            format!(
                "no lattice runs on {} (`cargo xtask lattice up` starts one)",
                data.display()
            )
        })?;
        serde_json::from_slice(&text).with_context(|| format!("{} is of another version", file.display()))
    }

    /// Writes it, in whole or not at all.
    ///
    /// # Errors
    /// It can't be written.
    pub fn write(&self, data: &Path) -> Result<()> {
        let unfinished = data.join("lattice.json.unfinished");
        fs::write(&unfinished, serde_json::to_vec_pretty(self)?)?;
        fs::rename(unfinished, file(data)).context("the lattice's state can't be written")
    }

    /// Removes it, as the lattice has ended.
    pub fn remove(data: &Path) {
        // Where it was never written, there is nothing to remove.
        let _ = fs::remove_file(file(data));
    }
}

fn file(data: &Path) -> PathBuf {
    data.join("lattice.json")
}
