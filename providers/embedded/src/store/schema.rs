//! The schema: a table for each collection, its indexes as declared now, and the outbox.

use std::collections::{BTreeMap, HashSet};

use rusqlite::{Connection, Transaction, TransactionBehavior};

use super::Collection;
use super::sql::quoted;

/// Marks a SQLite file as Mercato's (`PRAGMA application_id`): "Mrct" in ASCII.
pub(crate) const APPLICATION: u32 = 0x4D72_6374;

/// The version of the layout of the file (`PRAGMA user_version`).
pub(crate) const FORMAT: u32 = 1;

/// Deliveries are events on their way to one subscriber each. `state` is 0 for the first of its subscriber and subject,
/// which alone may be delivered, 1 for those that wait behind it, 2 for dead letters.
const OUTBOX: &str = "
    CREATE TABLE deliveries (
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
    ) STRICT;
    CREATE INDEX deliveries_first ON deliveries (not_before, seq) WHERE state = 0;
    CREATE INDEX deliveries_queue ON deliveries (subscriber, subject, seq) WHERE state < 2;
    CREATE INDEX deliveries_dead ON deliveries (seq) WHERE state = 2;
";

/// Brings the file to this format and to the declared collections, in one transaction.
pub(crate) fn migrate<'a>(
    connection: &mut Connection,
    collections: impl Iterator<Item = &'a Collection>,
) -> rusqlite::Result<()> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let format = transaction.query_row("PRAGMA user_version", (), |row| row.get::<_, u32>(0))?;
    if format == 0 {
        transaction.execute_batch(OUTBOX)?;
        transaction.pragma_update(None, "application_id", APPLICATION)?;
        transaction.pragma_update(None, "user_version", FORMAT)?;
    }
    for collection in collections {
        transaction.execute(&collection.create_table(), ())?;
        columns(&transaction, collection)?;
        indexes(&transaction, collection)?;
        search(&transaction, collection)?;
    }
    transaction.commit()
}

/// Adds the columns of the declared fields that there are none of yet. Those of other fields stay: they cost nothing.
fn columns(transaction: &Transaction, collection: &Collection) -> rusqlite::Result<()> {
    let existing = transaction
        .prepare_cached("SELECT name FROM pragma_table_xinfo(?)")?
        .query_map([&collection.name], |row| row.get(0))?
        .collect::<rusqlite::Result<HashSet<String>>>()?;
    for field in collection
        .fields
        .iter()
        .filter(|field| !existing.contains(&format!("${field}")))
    {
        transaction.execute(&collection.create_column(field), ())?;
    }
    Ok(())
}

/// Makes the indexes of a collection those that it declares.
fn indexes(transaction: &Transaction, collection: &Collection) -> rusqlite::Result<()> {
    let mut existing = transaction
        .prepare_cached(
            "SELECT name, sql FROM sqlite_schema WHERE type = 'index' AND tbl_name = ? AND sql IS NOT NULL",
        )?
        .query_map([&collection.name], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<rusqlite::Result<BTreeMap<String, String>>>()?;
    let mut missing = Vec::new();
    for field in &collection.fields {
        let wanted = collection.create_index(field);
        if existing.get(&collection.index_name(field)) == Some(&wanted) {
            existing.remove(&collection.index_name(field));
        } else {
            missing.push(wanted);
        }
    }
    for name in existing.keys() {
        tracing::info!(
            collection = collection.name,
            index = name,
            "dropping an index that is no longer declared"
        );
        transaction.execute(&format!("DROP INDEX {}", quoted(name)), ())?;
    }
    for index in missing {
        transaction.execute(&index, ())?;
    }
    Ok(())
}

/// Makes the full-text table of a collection what it declares, filled with the documents that there are.
fn search(transaction: &Transaction, collection: &Collection) -> rusqlite::Result<()> {
    let existing = transaction
        .prepare_cached("SELECT sql FROM sqlite_schema WHERE type = 'table' AND name = ? || '/search'")?
        .query_map([&collection.name], |row| row.get::<_, String>(0))?
        .next()
        .transpose()?;
    let wanted = (!collection.search.is_empty()).then(|| collection.create_search());
    if existing == wanted {
        return Ok(());
    }
    if existing.is_some() {
        transaction.execute(&format!("DROP TABLE {}", collection.search_table), ())?;
    }
    if let Some(create) = wanted {
        tracing::info!(collection = collection.name, "building the full-text index");
        transaction.execute(&create, ())?;
        transaction.execute(&collection.index_text("true"), ())?;
    }
    Ok(())
}
