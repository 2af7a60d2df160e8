//! The inspection of a data folder, which changes nothing.

use std::path::Path;
use std::time::Duration;

use rusqlite::Connection;

use crate::database::{self, Checked, Record};
use crate::error::OpenError;
use crate::folder::identity::Identity;
use crate::folder::{self, beside, commit_marker, has_content, identity};

/// A database that belongs to its folder and is not damaged.
pub(crate) struct Inspection {
    /// A read-only connection to it.
    pub connection: Connection,
    /// Its format.
    pub format: u32,
    /// What it says of itself.
    pub record: Option<Record>,
    /// How thoroughly it was checked.
    pub checked: Checked,
    /// Why the database lacks confirmed changes, if it does.
    pub lost: Option<OpenError>,
}

/// Inspects the database of a folder, and searches it for damage within a time limit. Returns `None` if the
/// folder never had a database.
///
/// # Errors
/// If the database is missing, is damaged, or does not belong to this folder.
pub(crate) fn inspect(folder: &Path, limit: Duration) -> Result<Option<Inspection>, OpenError> {
    // A shop that runs meanwhile commits first and then writes the marker, so the marker is read first.
    let marker = commit_marker::read(folder);
    let expected = identity::read(folder)?;
    let file = folder::database(folder);
    let missing = |evidence| OpenError::Missing {
        file: file.clone(),
        evidence,
    };
    if !has_content(&file) {
        let wal = beside(&file, "-wal");
        return match expected {
            Some(_) => Err(missing(identity::file(folder))),
            None if has_content(&wal) => Err(missing(wal)),
            None => Ok(None),
        };
    }
    let connection = database::reader(&file).map_err(|error| database::explain(&file, error))?;
    let format = database::format(&connection, &file)?;
    if format == 0 {
        return match expected {
            Some(_) => Err(missing(identity::file(folder))),
            None => Ok(None),
        };
    }
    let record = database::record(&connection, &file, format)?;
    compare(folder, expected.as_ref(), record.as_ref())?;
    let checked = database::verify(&connection, &file, limit)?;
    let lost = record
        .as_ref()
        .filter(|record| record.commits < marker)
        .map(|record| OpenError::Lost {
            file: file.clone(),
            found: record.commits,
            recorded: marker,
        });
    Ok(Some(Inspection {
        connection,
        format,
        record,
        checked,
        lost,
    }))
}

/// Checks that a database belongs to its folder.
fn compare(folder: &Path, expected: Option<&Identity>, record: Option<&Record>) -> Result<(), OpenError> {
    let found = record.map(|record| &record.identity);
    match expected {
        Some(expected) if found != Some(expected) => Err(OpenError::Foreign {
            file: folder::database(folder),
            found: found.map_or_else(|| "no identity".to_owned(), ToString::to_string),
            expected: expected.to_string(),
            identity: identity::file(folder),
        }),
        _ => Ok(()),
    }
}
