//! A pool of read-only connections. Each statement reads the newest committed state.

use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use mercato_ports::documents::Failure;
use rusqlite::Connection;

use super::failure::unavailable;
use crate::database;

/// The maximum number of idle connections. Each caches up to 2 MiB of pages.
const MAX_IDLE: usize = 16;

/// Connections for reading. A read takes an idle connection, or opens one if none is idle.
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

    /// Runs `read` with one connection.
    pub fn read<T>(&self, read: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T, Failure> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let connection = idle
            .map_or_else(|| database::reader(&self.file), Ok)
            .map_err(unavailable)?;
        let result = read(&connection);
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < MAX_IDLE {
            idle.push(connection);
        }
        result.map_err(unavailable)
    }
}
