//! Reads, each on the newest committed state.

use mercato_ports::documents::Document;

use crate::Collection;
use crate::connection::{Connection, Row};
use crate::plan::{NARROW, Plan, Select};

/// The documents of these ids, in the order of the ids, all of one moment.
///
/// # Errors
/// As SQLite fails.
pub fn get_many<C: Connection>(
    connection: &C,
    collection: &Collection,
    ids: &[String],
) -> Result<Vec<Option<Document>>, C::Error> {
    let get = |id: &String| connection.first(&collection.get, &[id.as_str().into()], document);
    // One statement is a moment by itself.
    if ids.len() < 2 {
        return ids.iter().map(get).collect();
    }
    connection.execute("BEGIN", &[])?;
    let documents = ids.iter().map(get).collect();
    connection.execute("ROLLBACK", &[])?;
    documents
}

/// The documents that a plan selects, by the driver that matches few of them, where there is one.
///
/// # Errors
/// As SQLite fails.
pub fn find<C: Connection>(connection: &C, plan: &Plan<'_>) -> Result<Vec<Document>, C::Error> {
    let mut narrow = None;
    for driver in plan.drivers() {
        let probe = plan.probe(&driver);
        let count = connection.first(&probe.sql, &probe.values, |row| Ok(row.cell(0)?.integer()))?;
        if let Some(count) = count
            && count < narrow.as_ref().map_or(NARROW, |(least, _)| *least)
        {
            narrow = Some((count, driver));
        }
    }
    let Select { sql, values } = plan.select(narrow.as_ref().map(|(_, driver)| driver));
    connection.all(&sql, &values, document)
}

fn document<E>(row: &dyn Row<E>) -> Result<Document, E> {
    Ok(Document {
        id: row.cell(0)?.text(),
        version: row.cell(1)?.integer().cast_unsigned(),
        body: row.cell(2)?.text(),
    })
}
