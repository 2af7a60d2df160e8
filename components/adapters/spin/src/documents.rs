//! The port `documents` on one connection to a database that other instances use at the same time.

use mercato_ports::documents::{CommitFailure, Document, Failure, Query, Write};
use mercato_ports::events::Event;
use mercato_sql::change::{self, Stopped};
use mercato_sql::connection::transaction;
use mercato_sql::schema::{self, FORMAT};
use mercato_sql::{Connection, Plan, outbox, read};

use crate::shop::Shop;

/// How long a connection waits for the others that write, in milliseconds.
const BUSY: u32 = 15_000;

/// What the instances know of each other: the schema that the database has, and until when which relay is at work.
const STATE: [&str; 3] = [
    "CREATE TABLE IF NOT EXISTS mercato (shop TEXT NOT NULL) STRICT",
    "CREATE TABLE IF NOT EXISTS relays (n INTEGER PRIMARY KEY, until INTEGER NOT NULL) STRICT",
    "INSERT OR IGNORE INTO relays VALUES (1, 0), (2, 0), (3, 0), (4, 0)",
];

/// Makes a new connection fit for use: the database gets the schema that the shop declares, if it has another one.
///
/// # Errors
/// A sentence for the operator.
pub fn prepare<C: Connection<Error = String>>(connection: &C, shop: &Shop) -> Result<(), String> {
    connection.execute(&format!("PRAGMA busy_timeout = {BUSY}"), &[])?;
    let current = "SELECT 1 FROM mercato WHERE shop = ?";
    // It fails where there is no such table yet.
    if let Ok(Some(())) = connection.first(current, &[shop.fingerprint.as_str().into()], |_| Ok(())) {
        return Ok(());
    }
    let number = |sql: &str| connection.first(sql, &[], |row| Ok(row.cell(0)?.integer()));
    if number("PRAGMA user_version")?.is_some_and(|found| found > i64::from(FORMAT)) {
        return Err("the database was written by a newer version: use that one, or another database".into());
    }
    // Readers and a writer at the same time. It fails while another instance does the same, and is tried again by a later one.
    let _ = connection.execute("PRAGMA journal_mode = WAL", &[]);
    schema::migrate(connection, shop.collections(), &|news| eprintln!("{news}"))?;
    let mode = connection.first("PRAGMA journal_mode", &[], |row| Ok(row.cell(0)?.text()))?;
    if mode.as_deref() != Some("wal") {
        return Ok(());
    }
    transaction(connection, || {
        for statement in STATE {
            connection.execute(statement, &[])?;
        }
        connection.execute("DELETE FROM mercato", &[])?;
        connection.execute(
            "INSERT INTO mercato VALUES (?)",
            &[shop.fingerprint.as_str().into()],
        )
    })
}

/// As `mercato:platform/documents.get-many`.
///
/// # Errors
/// As the port says.
pub fn get_many<C: Connection<Error = String>>(
    connection: &C,
    shop: &Shop,
    collection: &str,
    ids: &[String],
) -> Result<Vec<Option<Document>>, Failure> {
    read::get_many(connection, shop.collection(collection)?, ids).map_err(unavailable)
}

/// As `mercato:platform/documents.find`.
///
/// # Errors
/// As the port says.
pub fn find<C: Connection<Error = String>>(
    connection: &C,
    shop: &Shop,
    query: &Query,
) -> Result<Vec<Document>, Failure> {
    let plan = Plan::new(shop.collection(&query.collection)?, query)?;
    read::find(connection, &plan).map_err(unavailable)
}

/// As `mercato:platform/documents.commit`.
///
/// # Errors
/// As the port says.
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
    let done = transaction(connection, || {
        change::apply(connection, writes)?;
        events
            .iter()
            .try_for_each(|event| outbox::enqueue(connection, &shop.subscriptions, event, now))
            .map_err(Stopped::Store)
    });
    done.map_err(|stopped| match stopped {
        Stopped::Commit(failure) => failure,
        Stopped::Store(error) => CommitFailure::Failed(unavailable(error)),
    })
}

/// What callers are told of an error of SQLite; the operator finds the same in the log.
#[must_use]
pub fn unavailable(error: String) -> Failure {
    eprintln!("the store failed: {error}");
    Failure::Unavailable(format!("the store failed: {error}"))
}
