//! The schema: one table for each collection, with its declared indexes, and the outbox.

use std::collections::{BTreeMap, HashSet};

use crate::Collection;
use crate::connection::{Connection, transaction};
use crate::fragments::quoted;
use crate::zones;

/// Marks a SQLite file as a database of Mercato (`PRAGMA application_id`): "Mrct" in ASCII.
pub const APPLICATION: u32 = 0x4D72_6374;

/// The version of the file's layout (`PRAGMA user_version`).
pub const FORMAT: u32 = 2;

/// The statements that migrate a database to each format from the one before.
const MIGRATIONS: [&[&str]; FORMAT as usize] = [&OUTBOX, &IDENTITY];

/// A delivery is one event for one subscriber. Its `state` is one of:
/// - 0, the first delivery of its subscriber and subject: the only one that may be delivered;
/// - 1, a delivery that waits behind that one;
/// - 2, a dead letter.
const OUTBOX: [&str; 4] = [
    "CREATE TABLE deliveries (
        seq INTEGER PRIMARY KEY AUTOINCREMENT,
        subscriber TEXT NOT NULL,
        subject TEXT NOT NULL,
        id TEXT NOT NULL,
        kind TEXT NOT NULL,
        time INTEGER NOT NULL,
        due INTEGER,
        data TEXT NOT NULL,
        state INTEGER NOT NULL,
        not_before INTEGER NOT NULL,
        attempts INTEGER NOT NULL DEFAULT 0,
        reason TEXT
    ) STRICT",
    "CREATE INDEX deliveries_first ON deliveries (not_before, seq) WHERE state = 0",
    "CREATE INDEX deliveries_queue ON deliveries (subscriber, subject, seq) WHERE state < 2",
    "CREATE INDEX deliveries_dead ON deliveries (seq) WHERE state = 2",
];

/// The identity of a shop, and the number of its last durable commit. At most one row.
const IDENTITY: [&str; 1] = ["CREATE TABLE identity (
        n INTEGER PRIMARY KEY CHECK (n = 1),
        id TEXT NOT NULL,
        created TEXT NOT NULL,
        generation INTEGER NOT NULL,
        commits INTEGER NOT NULL DEFAULT 0
    ) STRICT"];

/// Migrates the database to this format and to the declared collections, in one transaction. Calls `report`
/// before each slow step and before it drops an index.
///
/// # Errors
/// If SQLite fails.
pub fn migrate<'a, C: Connection>(
    connection: &C,
    collections: impl Iterator<Item = &'a Collection>,
    report: &dyn Fn(&str),
) -> Result<(), C::Error> {
    transaction(connection, || {
        format(connection, report)?;
        for collection in collections {
            connection.execute(&collection.create_table(), &[])?;
            columns(connection, collection)?;
            indexes(connection, collection, report)?;
            search(connection, collection, report)?;
            zones::migrate(connection, collection, report)?;
        }
        Ok(())
    })
}

/// Migrates the tables that belong to no collection to this format.
fn format<C: Connection>(connection: &C, report: &dyn Fn(&str)) -> Result<(), C::Error> {
    let found = connection.first("PRAGMA user_version", &[], |row| Ok(row.cell(0)?.integer()))?;
    let found = found.unwrap_or(0);
    if found >= i64::from(FORMAT) {
        return Ok(());
    }
    if found > 0 {
        report(&format!("migrating the database from format {found} to {FORMAT}"));
    }
    for (format, statements) in (1..).zip(MIGRATIONS) {
        if format > found {
            for statement in statements {
                connection.execute(statement, &[])?;
            }
        }
    }
    connection.execute(&format!("PRAGMA application_id = {APPLICATION}"), &[])?;
    connection.execute(&format!("PRAGMA user_version = {FORMAT}"), &[])
}

/// Adds the missing columns of declared fields. Columns of other fields stay, because they cost nothing.
fn columns<C: Connection>(connection: &C, collection: &Collection) -> Result<(), C::Error> {
    let name = collection.name.as_str().into();
    let existing = connection.all("SELECT name FROM pragma_table_xinfo(?)", &[name], |row| {
        Ok(row.cell(0)?.text())
    })?;
    let existing = existing.into_iter().collect::<HashSet<_>>();
    for field in collection
        .fields
        .iter()
        .filter(|field| !existing.contains(&format!("${field}")))
    {
        connection.execute(&collection.create_column(field), &[])?;
    }
    Ok(())
}

/// Creates the missing indexes of a collection, and drops the indexes that it no longer declares.
fn indexes<C: Connection>(
    connection: &C,
    collection: &Collection,
    report: &dyn Fn(&str),
) -> Result<(), C::Error> {
    let existing = connection.all(
        "SELECT name, sql FROM sqlite_schema WHERE type = 'index' AND tbl_name = ? AND sql IS NOT NULL",
        &[collection.name.as_str().into()],
        |row| Ok((row.cell(0)?.text(), row.cell(1)?.text())),
    )?;
    let mut existing = existing.into_iter().collect::<BTreeMap<_, _>>();
    let mut missing = Vec::new();
    for field in &collection.fields {
        let declared = collection.create_index(field);
        if existing.get(&collection.index_name(field)) == Some(&declared) {
            existing.remove(&collection.index_name(field));
        } else {
            missing.push(declared);
        }
    }
    for name in existing.keys() {
        report(&format!("dropping the index {name}, which is no longer declared"));
        connection.execute(&format!("DROP INDEX {}", quoted(name)), &[])?;
    }
    for index in missing {
        connection.execute(&index, &[])?;
    }
    Ok(())
}

/// Rebuilds the full-text tables of a collection if their declaration has changed.
fn search<C: Connection>(
    connection: &C,
    collection: &Collection,
    report: &dyn Fn(&str),
) -> Result<(), C::Error> {
    let existing = connection.all(
        "SELECT name, sql FROM sqlite_schema WHERE type = 'table' AND name IN (?1 || '/search', ?1 || '/search/first') \
         ORDER BY name",
        &[collection.name.as_str().into()],
        |row| Ok((row.cell(0)?.text(), row.cell(1)?.text())),
    )?;
    let tables = &collection.full_text;
    let declared = tables.iter().map(|table| (table.name.clone(), table.create()));
    if declared.eq(existing.iter().cloned()) {
        return Ok(());
    }
    connection.execute(&format!("DROP TABLE IF EXISTS {}", collection.tokens), &[])?;
    for (name, _) in existing {
        connection.execute(&format!("DROP TABLE {}", quoted(&name)), &[])?;
    }
    let Some(first) = tables.first() else {
        return Ok(());
    };
    report(&format!("building the full-text index of {}", collection.name));
    for table in tables {
        connection.execute(&table.create(), &[])?;
        connection.execute(&table.index(&collection.table, "true"), &[])?;
    }
    let tokens = format!(
        "CREATE VIRTUAL TABLE {} USING fts5vocab({}, 'instance')",
        collection.tokens, first.table
    );
    connection.execute(&tokens, &[])
}
