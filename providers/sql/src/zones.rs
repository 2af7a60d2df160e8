//! The zones of a searched collection: the least and the greatest id of each 256 consecutive rows.
//!
//! The full-text table yields its matches in the order of their rows, but pages are in the order of ids. Most
//! ids sort by time, so the two orders are nearly the same. The zones show where a page is complete: no later
//! zone has an id that belongs on it. So the first page of 100,000 matches reads some dozens of them.
//!
//! Triggers maintain the zones, so that an earlier version of this crate maintains them too.

use crate::Collection;
use crate::connection::Connection;
use crate::fragments::quoted;

/// The number of rows in a zone is 2 to this power.
pub const SHIFT: u32 = 8;

/// Creates the zones of a collection if they do not exist. Drops those of a collection without a search.
///
/// # Errors
/// If SQLite fails.
pub fn migrate<C: Connection>(
    connection: &C,
    collection: &Collection,
    report: &dyn Fn(&str),
) -> Result<(), C::Error> {
    let Collection {
        name, table, zones, ..
    } = collection;
    let (inserted, deleted) = (
        quoted(&format!("{name}/zones/insert")),
        quoted(&format!("{name}/zones/delete")),
    );
    let exists = connection.first(
        "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = ? || '/zones'",
        &[name.as_str().into()],
        |_| Ok(()),
    )?;
    let statements = match (exists, collection.search.is_empty()) {
        (None, true) | (Some(()), false) => return Ok(()),
        (Some(()), true) => vec![
            format!("DROP TRIGGER {inserted}"),
            format!("DROP TRIGGER {deleted}"),
            format!("DROP TABLE {zones}"),
        ],
        (None, false) => vec![
            format!(
                "CREATE TABLE {zones} (zone INTEGER PRIMARY KEY, low TEXT NOT NULL, high TEXT NOT NULL, \
                 documents INTEGER NOT NULL) STRICT"
            ),
            format!(
                "INSERT INTO {zones} SELECT n >> {SHIFT}, min(id), max(id), count(*) FROM {table} GROUP BY 1"
            ),
            format!(
                "CREATE INDEX {} ON {zones} (low, zone, high)",
                quoted(&format!("{name}/zones/low"))
            ),
            format!(
                "CREATE INDEX {} ON {zones} (high, zone, low)",
                quoted(&format!("{name}/zones/high"))
            ),
            format!(
                "CREATE TRIGGER {inserted} AFTER INSERT ON {table} BEGIN \
                 INSERT INTO {zones} VALUES (new.n >> {SHIFT}, new.id, new.id, 1) ON CONFLICT (zone) DO UPDATE SET \
                 low = min(low, new.id), high = max(high, new.id), documents = documents + 1; END"
            ),
            format!(
                "CREATE TRIGGER {deleted} AFTER DELETE ON {table} BEGIN \
                 UPDATE {zones} SET documents = documents - 1 WHERE zone = old.n >> {SHIFT}; END"
            ),
        ],
    };
    if exists.is_none() {
        report(&format!("building the zones of {name}"));
    }
    statements
        .iter()
        .try_for_each(|statement| connection.execute(statement, &[]))
}
