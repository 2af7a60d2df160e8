//! The port `documents` on a connection to a database that other instances use at the same time.

use mercato_ports::documents::{CommitFailure, Document, Failure, Query, Write};
use mercato_ports::events::Event;
use mercato_sql::change::{self, ApplyError};
use mercato_sql::connection::transaction;
use mercato_sql::schema::{self, FORMAT};
use mercato_sql::{Connection, Plan, outbox, read};

use crate::shop::Shop;

/// How long a connection waits for other writers, in milliseconds.
const BUSY_TIMEOUT: u32 = 15_000;

/// The tables that the instances share: the schema of the database, and the leases of the relays.
const SHARED_STATE: [&str; 3] = [
    "CREATE TABLE IF NOT EXISTS mercato (shop TEXT NOT NULL) STRICT",
    "CREATE TABLE IF NOT EXISTS relays (n INTEGER PRIMARY KEY, until INTEGER NOT NULL) STRICT",
    "INSERT OR IGNORE INTO relays VALUES (1, 0), (2, 0), (3, 0), (4, 0)",
];

/// Prepares a new connection. If the database does not have the schema that the shop declares, migrates it.
///
/// # Errors
/// The reason, as a sentence for the operator.
pub fn prepare<C: Connection<Error = String>>(connection: &C, shop: &Shop) -> Result<(), String> {
    connection.execute(&format!("PRAGMA busy_timeout = {BUSY_TIMEOUT}"), &[])?;
    let current = "SELECT 1 FROM mercato WHERE shop = ?";
    // Fails in a new database, which has no such table.
    if let Ok(Some(())) = connection.first(current, &[shop.fingerprint.as_str().into()], |_| Ok(())) {
        return Ok(());
    }
    let number = |sql: &str| connection.first(sql, &[], |row| Ok(row.cell(0)?.integer()));
    if number("PRAGMA user_version")?.is_some_and(|found| found > i64::from(FORMAT)) {
        return Err(
            "the database was written by a newer version of Mercato: use that version, or another database"
                .into(),
        );
    }
    // Lets reads run during a write. Fails while another instance does the same. A later instance tries
    // again.
    let _ = connection.execute("PRAGMA journal_mode = WAL", &[]);
    schema::migrate(connection, shop.collections(), &|progress| {
        eprintln!("{progress}")
    })?;
    let mode = connection.first("PRAGMA journal_mode", &[], |row| Ok(row.cell(0)?.text()))?;
    if mode.as_deref() != Some("wal") {
        return Ok(());
    }
    transaction(connection, || {
        for statement in SHARED_STATE {
            connection.execute(statement, &[])?;
        }
        connection.execute("DELETE FROM mercato", &[])?;
        connection.execute(
            "INSERT INTO mercato VALUES (?)",
            &[shop.fingerprint.as_str().into()],
        )
    })
}

/// Implements `mercato:platform/documents.get-many`.
///
/// # Errors
/// As the port documents.
pub fn get_many<C: Connection<Error = String>>(
    connection: &C,
    shop: &Shop,
    collection: &str,
    ids: &[String],
) -> Result<Vec<Option<Document>>, Failure> {
    read::get_many(connection, shop.collection(collection)?, ids).map_err(unavailable)
}

/// Implements `mercato:platform/documents.find`.
///
/// # Errors
/// As the port documents.
pub fn find<C: Connection<Error = String>>(
    connection: &C,
    shop: &Shop,
    query: &Query,
) -> Result<Vec<Document>, Failure> {
    let plan = Plan::new(shop.collection(&query.collection)?, query)?;
    read::find(connection, &plan).map_err(unavailable)
}

/// Implements `mercato:platform/documents.count`.
///
/// # Errors
/// As the port documents.
pub fn count<C: Connection<Error = String>>(
    connection: &C,
    shop: &Shop,
    query: &Query,
) -> Result<u64, Failure> {
    let plan = Plan::new(shop.collection(&query.collection)?, query)?;
    read::count(connection, &plan).map_err(unavailable)
}

/// Implements `mercato:platform/documents.commit`.
///
/// # Errors
/// As the port documents.
pub fn commit<C: Connection<Error = String>>(
    connection: &C,
    shop: &Shop,
    writes: &[Write],
    events: &[Event],
) -> Result<(), CommitFailure> {
    change::check(writes, events).map_err(CommitFailure::Failed)?;
    let writes = writes
        .iter()
        .map(|write| Ok((shop.collection(write.collection())?, write)))
        .collect::<Result<Vec<_>, Failure>>()
        .map_err(CommitFailure::Failed)?;
    let now = crate::now();
    let applied = transaction(connection, || {
        change::apply(connection, writes)?;
        events
            .iter()
            .try_for_each(|event| outbox::enqueue(connection, &shop.subscriptions, event, due(event, now)))
            .map_err(ApplyError::Store)
    });
    applied.map_err(|error| match error {
        ApplyError::Commit(failure) => failure,
        ApplyError::Store(reason) => CommitFailure::Failed(unavailable(reason)),
    })
}

/// Returns when an event is due.
fn due(event: &Event, now: i64) -> i64 {
    event.due.map_or(now, u64::cast_signed)
}

/// Converts an error of SQLite to a failure of the port, and logs it for the operator.
#[must_use]
pub fn unavailable(reason: String) -> Failure {
    let reason = format!("the store failed: {reason}");
    eprintln!("{reason}");
    Failure::Unavailable(reason)
}
