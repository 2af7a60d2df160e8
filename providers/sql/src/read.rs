//! Reads of the newest committed state.

use mercato_ports::documents::Document;

use crate::Collection;
use crate::connection::{Connection, Row};
use crate::plan::{NARROW, Plan, Select};

/// Returns the documents with these ids, in the order of the ids, all from one snapshot.
///
/// # Errors
/// If SQLite fails.
pub fn get_many<C: Connection>(
    connection: &C,
    collection: &Collection,
    ids: &[String],
) -> Result<Vec<Option<Document>>, C::Error> {
    let get = |id: &String| connection.first(&collection.get, &[id.as_str().into()], document);
    // One statement is a snapshot by itself.
    if ids.len() < 2 {
        return ids.iter().map(get).collect();
    }
    connection.execute("BEGIN", &[])?;
    let documents = ids.iter().map(get).collect();
    connection.execute("ROLLBACK", &[])?;
    documents
}

/// Returns the documents that a plan selects. The narrowest driver is used, if any matches few documents.
///
/// # Errors
/// If SQLite fails.
pub fn find<C: Connection>(connection: &C, plan: &Plan<'_>) -> Result<Vec<Document>, C::Error> {
    let mut narrowest = None;
    for driver in plan.drivers() {
        let probe = plan.probe(&driver);
        let count = connection.first(&probe.sql, &probe.values, |row| Ok(row.cell(0)?.integer()))?;
        if let Some(count) = count
            && count < narrowest.as_ref().map_or(NARROW, |(least, _)| *least)
        {
            narrowest = Some((count, driver));
        }
    }
    let Select { sql, values } = plan.select(narrowest.as_ref().map(|(_, driver)| driver));
    connection.all(&sql, &values, document)
}

fn document<E>(row: &dyn Row<E>) -> Result<Document, E> {
    Ok(Document {
        id: row.cell(0)?.text(),
        version: row.cell(1)?.integer().cast_unsigned(),
        body: row.cell(2)?.text(),
    })
}
