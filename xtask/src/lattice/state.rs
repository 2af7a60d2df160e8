//! The file by which other processes find a running lattice.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use crate::servers::Server;

/// The processes of a lattice, and their addresses.
#[derive(Debug, Serialize, Deserialize)]
pub struct State {
    /// The address of the shop.
    pub url: String,
    /// The address of NATS.
    pub nats: String,
    /// The program `mercato-lattice`.
    pub program: PathBuf,
    /// The folder of the components and of the providers' archives.
    pub images: PathBuf,
    /// The manifest that was deployed.
    pub manifest: PathBuf,
    /// Settings of all services, which override the manifest, as `KEY=VALUE`.
    pub settings: Vec<String>,
    /// The processes.
    pub processes: Vec<Process>,
}

/// One process of a lattice.
#[derive(Debug, Serialize, Deserialize)]
pub struct Process {
    /// The name.
    pub name: String,
    /// The process id.
    pub pid: u32,
    /// The port that it listens on, if any.
    pub port: Option<u16>,
    /// The address for clients.
    pub address: String,
    /// The log file.
    pub log: PathBuf,
}

impl Process {
    /// Describes a server.
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
    /// Reads the state of the lattice with this data folder.
    ///
    /// # Errors
    /// No lattice runs on the folder.
    pub fn read(data: &Path) -> Result<Self> {
        let file = file(data);
        let text = fs::read(&file).with_context(|| {
            format!(
                "no lattice runs on {}: start one with `cargo xtask lattice up`",
                data.display()
            )
        })?;
        serde_json::from_slice(&text).with_context(|| format!("{} has another format", file.display()))
    }

    /// Replaces the file atomically.
    ///
    /// # Errors
    /// The file can't be written.
    pub fn write(&self, data: &Path) -> Result<()> {
        let unfinished = data.join("lattice.json.unfinished");
        fs::write(&unfinished, serde_json::to_vec_pretty(self)?)?;
        fs::rename(unfinished, file(data)).context("can't write the state of the lattice")
    }

    /// Removes the file of a lattice that has ended.
    pub fn remove(data: &Path) {
        // A lattice that failed to start has no file.
        let _ = fs::remove_file(file(data));
    }
}

fn file(data: &Path) -> PathBuf {
    data.join("lattice.json")
}
