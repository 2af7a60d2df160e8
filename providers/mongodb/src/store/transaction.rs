//! The transaction of a batch.

use std::collections::{BTreeMap, HashMap};
use std::time::{Duration, Instant};

use futures::TryStreamExt;
use mercato_ports::events::Event;
use mongodb::bson::{Bson, Document, RawDocumentBuf, doc};
use mongodb::error::{Error, Result, TRANSIENT_TRANSACTION_ERROR, UNKNOWN_TRANSACTION_COMMIT_RESULT};
use mongodb::options::{Acknowledgment, ReadConcern, WriteConcern};
use mongodb::{ClientSession, Database};

use super::backoff::Backoff;
use super::batch::{Batch, Found};
use super::outbox;
use super::service::Service;
use super::write::Statement;
use crate::error::DUPLICATE;

/// The error code of a write that conflicts with another transaction.
const WRITE_CONFLICT: i32 = 112;

/// An older transaction is not committed, because relays may have passed the place of its events.
const MAX_AGE: Duration = Duration::from_secs(5);

/// Why an attempt failed.
pub(crate) enum AttemptError {
    /// A statement did not match its document.
    Unmatched,
    /// The server aborted the transaction, which may be tried again.
    Transient(Error),
    Failed(Error),
}

impl From<Error> for AttemptError {
    fn from(error: Error) -> Self {
        if error.contains_label(TRANSIENT_TRANSACTION_ERROR) {
            Self::Transient(error)
        } else {
            Self::Failed(error)
        }
    }
}

/// Makes the commits of a batch in a new transaction. The primary acknowledges it; [`commit`] then waits for
/// the majority.
pub(crate) async fn run(session: &mut ClientSession, batch: &Batch) -> std::result::Result<(), AttemptError> {
    let begun = Instant::now();
    apply(session, commands(batch)).await?;
    if begun.elapsed() > MAX_AGE {
        let _ = session.abort_transaction().await;
        return Err(AttemptError::Transient(Error::custom(
            "the transaction took too long",
        )));
    }
    Ok(commit(session).await?)
}

/// A command, and the number of documents that it must match.
struct Command {
    database: Database,
    command: Document,
    expected: i64,
}

/// Groups the statements into one command for each collection and kind. Updates come first, in the order of
/// collections and ids. So transactions that contend for a hot document conflict before they do any other
/// work.
fn commands(batch: &Batch) -> Vec<Command> {
    let mut groups = BTreeMap::<(u8, &str), (mongodb::Collection<RawDocumentBuf>, Vec<Bson>)>::new();
    for (write, statement) in batch.statements() {
        let (rank, statement) = match statement {
            Statement::Update(filter, change) | Statement::Replace(filter, change) => {
                (0, doc! { "q": filter, "u": change })
            }
            Statement::Delete(filter) => (1, doc! { "q": filter, "limit": 1 }),
            Statement::Insert(new) => (2, new),
        };
        let collection = &write.collection;
        let group = groups.entry((rank, &collection.name));
        let group = group.or_insert_with(|| (collection.documents.clone(), Vec::new()));
        group.1.push(statement.into());
    }
    let mut events = BTreeMap::<&str, (&Service, Vec<&Event>)>::new();
    for (service, event) in batch.events() {
        let group = events.entry(&service.name);
        group.or_insert_with(|| (service, Vec::new())).1.push(event);
    }
    for (name, (service, events)) in events {
        let entries = outbox::encode(&service.store, events).into_iter().map(Bson::from);
        groups.insert((3, name), (service.outbox.clone(), entries.collect()));
    }
    let command =
        |((rank, _), (collection, statements)): ((u8, &str), (mongodb::Collection<_>, Vec<Bson>))| {
            let (verb, argument) = match rank {
                0 => ("update", "updates"),
                1 => ("delete", "deletes"),
                _ => ("insert", "documents"),
            };
            Command {
                database: collection.client().database(&collection.namespace().db),
                expected: i64::try_from(statements.len()).unwrap_or(i64::MAX),
                command: doc! { verb: collection.name(), argument: statements },
            }
        };
    groups.into_iter().map(command).collect()
}

/// Runs the commands in a new transaction, without its commit.
async fn apply(session: &mut ClientSession, commands: Vec<Command>) -> std::result::Result<(), AttemptError> {
    start(session).await?;
    for Command {
        database,
        command,
        expected,
    } in commands
    {
        let answer = database.run_command(command).session(&mut *session).await;
        let checked = match answer {
            Ok(answer) => check_answer(&answer, expected),
            Err(error) => Err(error.into()),
        };
        if let Err(error) = checked {
            // If this fails, the server has aborted the transaction already, or aborts it after its timeout.
            let _ = session.abort_transaction().await;
            return Err(error);
        }
    }
    Ok(())
}

async fn start(session: &mut ClientSession) -> Result<()> {
    let primary = WriteConcern::builder().w(Acknowledgment::Nodes(1)).build();
    session
        .start_transaction()
        .read_concern(ReadConcern::snapshot())
        .write_concern(primary)
        .await
}

/// Checks the answer to a command for errors and the number of matched documents.
fn check_answer(answer: &Document, expected: i64) -> std::result::Result<(), AttemptError> {
    if let Some(error) = answer
        .get_array("writeErrors")
        .ok()
        .and_then(|errors| errors.first())
    {
        let error = error.as_document().cloned().unwrap_or_default();
        return Err(match error.get_i32("code") {
            Ok(DUPLICATE) => AttemptError::Unmatched,
            Ok(WRITE_CONFLICT) => AttemptError::Transient(Error::custom("a write conflict")),
            code => AttemptError::Failed(Error::custom(format!(
                "a write failed with code {}: {}",
                code.unwrap_or_default(),
                error.get_str("errmsg").unwrap_or_default()
            ))),
        });
    }
    let count = answer
        .get("n")
        .and_then(|n| n.as_i64().or_else(|| n.as_i32().map(i64::from)));
    if count == Some(expected) {
        Ok(())
    } else {
        Err(AttemptError::Unmatched)
    }
}

/// Commits the transaction, and repeats the commit while its result is unknown. The second call waits for the
/// majority.
pub(crate) async fn commit(session: &mut ClientSession) -> Result<()> {
    let mut backoff = Backoff::default();
    loop {
        match session.commit_transaction().await {
            Err(error) if error.contains_label(UNKNOWN_TRANSACTION_COMMIT_RESULT) => {
                tracing::warn!(%error, "a commit is repeated");
                backoff.wait().await;
            }
            answer => return answer,
        }
    }
}

/// Reads the documents of all writes of a batch, as they are at one moment.
pub(crate) async fn read(session: &mut ClientSession, batch: &Batch) -> Result<Found> {
    start(session).await?;
    let found = read_documents(session, batch).await;
    let _ = session.abort_transaction().await;
    found
}

async fn read_documents(session: &mut ClientSession, batch: &Batch) -> Result<Found> {
    let mut ids = HashMap::<&str, (mongodb::Collection<RawDocumentBuf>, Vec<&str>)>::new();
    for write in batch.writes() {
        let collection = &write.collection;
        let entry = ids.entry(&collection.name);
        entry
            .or_insert_with(|| (collection.documents.clone(), Vec::new()))
            .1
            .push(write.write.id());
    }
    let mut found = HashMap::new();
    for (name, (documents, ids)) in ids {
        let find = documents
            .find(doc! { "_id": { "$in": ids } })
            .projection(doc! { "t": 0 });
        let mut cursor = find.session(&mut *session).await?;
        for document in cursor.stream(&mut *session).try_collect::<Vec<_>>().await? {
            let id = document.get_str("_id").unwrap_or_default().to_owned();
            found.insert((name.to_owned(), id), document);
        }
    }
    Ok(found)
}
