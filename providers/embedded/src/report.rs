//! The report of a data folder or of a backup.

use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::Connection;

use crate::database;
use crate::error::OpenError;
use crate::folder::identity::Identity;
use crate::folder::{self, beside};
use crate::inspection::inspect;

/// What a database holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// The file.
    pub file: PathBuf,
    /// The format of the file.
    pub format: u32,
    /// The identity of the shop. A database of format 1 has none.
    pub identity: Option<Identity>,
    /// The size of the file with its write-ahead log, in bytes.
    pub size: u64,
    /// The free bytes in the file. New data use them first.
    pub free: u64,
    /// The number of documents in each collection.
    pub documents: Vec<(String, u64)>,
    /// The number of deliveries of events that wait, timers included.
    pub waiting: u64,
    /// The time of the oldest event that could be delivered now, in milliseconds since the Unix epoch.
    pub oldest: Option<u64>,
    /// The number of dead letters.
    pub dead_letters: u64,
}

impl Report {
    /// Returns the number of documents in all collections.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.documents.iter().map(|(_, count)| count).sum()
    }

    /// Reads the report of an open database.
    pub(crate) fn read(
        connection: &Connection,
        file: &Path,
        format: u32,
        identity: Option<Identity>,
    ) -> Result<Self, OpenError> {
        let failed = |error| database::explain(file, error);
        let number = |sql: &str| {
            let number = connection.query_row(sql, (), |row| row.get::<_, Option<i64>>(0));
            let number = number.map_err(failed)?.unwrap_or_default();
            Ok::<_, OpenError>(number.cast_unsigned())
        };
        let collections = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name LIKE '%.%' \
                           AND name NOT LIKE '%/%' ORDER BY name";
        let collections = connection
            .prepare(collections)
            .and_then(|mut statement| statement.query_map((), |row| row.get(0))?.collect())
            .map_err(failed)?;
        let documents = Vec::into_iter(collections)
            .map(|name: String| {
                let count = number(&format!("SELECT count(*) FROM \"{}\"", name.replace('"', "\"\"")))?;
                Ok((name, count))
            })
            .collect::<Result<_, OpenError>>()?;
        let page = number("PRAGMA page_size")?;
        let oldest = format!(
            "SELECT min(time) FROM deliveries WHERE state = 0 AND not_before <= {}",
            crate::store::now()
        );
        let sizes = [file.to_owned(), beside(file, "-wal")];
        Ok(Self {
            file: file.to_owned(),
            format,
            identity,
            size: sizes
                .iter()
                .filter_map(|file| Some(file.metadata().ok()?.len()))
                .sum(),
            free: number("PRAGMA freelist_count")?.saturating_mul(page),
            documents,
            waiting: number("SELECT count(*) FROM deliveries WHERE state < 2")?,
            oldest: Some(number(&oldest)?).filter(|time| *time > 0),
            dead_letters: number("SELECT count(*) FROM deliveries WHERE state = 2")?,
        })
    }
}

/// Checks all of a data folder, or of a backup, and reports what it holds. It changes nothing, and the shop may
/// run meanwhile. Returns `None` for a folder that never had a database.
///
/// # Errors
/// If the database is missing, is damaged, lacks confirmed changes, or does not belong to its folder.
pub fn report(path: &Path) -> Result<Option<Report>, OpenError> {
    if path.is_dir() {
        let Some(inspection) = inspect(path, Duration::MAX)? else {
            return Ok(None);
        };
        if let Some(lost) = inspection.lost {
            return Err(lost);
        }
        let file = folder::database(path);
        let identity = inspection.record.map(|record| record.identity);
        Report::read(&inspection.connection, &file, inspection.format, identity).map(Some)
    } else {
        file(path).map(Some)
    }
}

/// Checks all of a database file, and reports what it holds.
pub(crate) fn file(path: &Path) -> Result<Report, OpenError> {
    let connection = database::reader(path).map_err(|error| database::explain(path, error))?;
    let format = database::format(&connection, path)?;
    if format == 0 {
        return Err(OpenError::NotADatabase {
            file: path.to_owned(),
            reason: "it is empty".to_owned(),
        });
    }
    database::verify(&connection, path, Duration::MAX)?;
    let record = database::record(&connection, path, format)?;
    Report::read(&connection, path, format, record.map(|record| record.identity))
}
