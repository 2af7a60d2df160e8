//! Reads: a pool of connections that can only read, each statement on the newest committed state.

use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use mercato_ports::documents::Failure;
use rusqlite::Connection;

use super::{open, unavailable};

/// As many connections are kept as are ever used at once, up to this; each holds up to 2 MiB of pages.
const KEPT: usize = 16;

/// Connections for reading. A read takes one, or opens one where all are taken.
pub(crate) struct Readers {
    file: PathBuf,
    idle: Mutex<Vec<Connection>>,
}

impl Readers {
    pub fn new(file: PathBuf) -> Self {
        Self {
            file,
            idle: Mutex::new(Vec::new()),
        }
    }

    /// Reads with one connection.
    pub fn read<T>(&self, read: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T, Failure> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let connection = idle
            .map_or_else(|| open::reader(&self.file), Ok)
            .map_err(unavailable)?;
        let result = read(&connection);
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < KEPT {
            idle.push(connection);
        }
        result.map_err(unavailable)
    }
}
