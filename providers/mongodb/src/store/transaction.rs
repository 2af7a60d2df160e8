//! Commits of several writes, or of writes and events, in one transaction.
//!
//! Each transaction is committed twice:
//!
//! 1. The primary acknowledges the first commit. Then the next transaction may change the same documents.
//! 2. The second commit waits for the majority, because the driver repeats a commit with that write concern.
//!    Only its own caller waits for it, so every caller is answered when its change is durable.
//!
//! So an order of a hot product does not wait for the disk and the network of the previous order.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use futures::TryStreamExt;
use mercato_ports::documents::{CommitFailure, Refusal, Write};
use mercato_ports::events::Event;
use mongodb::bson::{Bson, Document, RawDocumentBuf, doc};
use mongodb::error::{Error, Result, TRANSIENT_TRANSACTION_ERROR, UNKNOWN_TRANSACTION_COMMIT_RESULT};
use mongodb::options::{Acknowledgment, ReadConcern, WriteConcern};
use mongodb::{Client, ClientSession, Database};

use super::backoff::Backoff;
use super::locks::{Key, Locks};
use super::outbox;

use super::service::Service;
use super::write::{Applicability, PendingWrite, Statement};
use crate::error::{DUPLICATE, failed};

/// The error code of a write that conflicts with another transaction.
const WRITE_CONFLICT: i32 = 112;

/// Why an attempt failed.
enum AttemptError {
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

/// Commits all writes and events.
pub(crate) async fn commit(
    client: &Client,
    locks: &Locks,
    mut writes: Vec<PendingWrite>,
    events: Vec<(Arc<Service>, Event)>,
) -> std::result::Result<(), CommitFailure> {
    let mut lock = Some(locks.lock(keys(&writes)).await);
    let mut session = client
        .start_session()
        .causal_consistency(false)
        .await
        .map_err(|error| failed(&error))?;
    let mut backoff = Backoff::default();
    loop {
        let commands = commands(&writes, &events)?;
        let on_primary = match apply(&mut session, commands).await {
            Ok(()) => commit_transaction(&mut session).await.map_err(AttemptError::from),
            Err(error) => Err(error),
        };
        let on_majority = match on_primary {
            Ok(()) => {
                lock = None;
                commit_transaction(&mut session).await.map_err(AttemptError::from)
            }
            error => error,
        };
        match on_majority {
            Ok(()) => return Ok(()),
            Err(AttemptError::Failed(error)) => return Err(failed(&error)),
            Err(AttemptError::Transient(error)) => tracing::debug!(%error, "a transaction is repeated"),
            Err(AttemptError::Unmatched) => match check_refusals(&mut session, &mut writes).await {
                Ok(answer) => answer?,
                Err(error) if error.contains_label(TRANSIENT_TRANSACTION_ERROR) => {}
                Err(error) => return Err(failed(&error)),
            },
        }
        backoff.wait().await;
        if lock.is_none() {
            lock = Some(locks.lock(keys(&writes)).await);
        }
    }
}

/// Returns the keys of the documents that another transaction could change too.
fn keys(writes: &[PendingWrite]) -> BTreeSet<Key> {
    writes
        .iter()
        .map(|pending| &pending.write)
        .filter(|write| !matches!(write, Write::Insert(_)))
        .map(|write| (write.collection().to_owned(), write.id().to_owned()))
        .collect()
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
fn commands(
    writes: &[PendingWrite],
    events: &[(Arc<Service>, Event)],
) -> std::result::Result<Vec<Command>, CommitFailure> {
    let mut sorted = writes.iter().collect::<Vec<_>>();
    sorted.sort_by_key(|pending| (pending.write.collection(), pending.write.id()));
    let mut batches = BTreeMap::<(u8, &str), (mongodb::Collection<RawDocumentBuf>, Vec<Bson>)>::new();
    for pending in sorted {
        let (rank, statement) = match pending.statement().map_err(CommitFailure::Failed)? {
            Statement::Update(filter, change) | Statement::Replace(filter, change) => {
                (0, doc! { "q": filter, "u": change })
            }
            Statement::Delete(filter) => (1, doc! { "q": filter, "limit": 1 }),
            Statement::Insert(new) => (2, new),
        };
        let collection = &pending.collection;
        let batch = batches.entry((rank, &collection.name));
        let batch = batch.or_insert_with(|| (collection.documents.clone(), Vec::new()));
        batch.1.push(statement.into());
    }
    for (service, event) in events {
        let batch = batches.entry((3, &service.name));
        let batch = batch.or_insert_with(|| (service.outbox.clone(), Vec::new()));
        batch.1.push(outbox::encode(event).into());
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
    Ok(batches.into_iter().map(command).collect())
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

/// Commits the transaction, and repeats the commit while its result is unknown.
async fn commit_transaction(session: &mut ClientSession) -> Result<()> {
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

type Found = HashMap<(String, String), RawDocumentBuf>;

/// Reads the documents of all writes, in the session's transaction.
async fn read_documents(session: &mut ClientSession, writes: &[PendingWrite]) -> Result<Found> {
    let mut ids = HashMap::<&str, (mongodb::Collection<RawDocumentBuf>, Vec<&str>)>::new();
    for pending in writes {
        let collection = &pending.collection;
        let entry = ids.entry(&collection.name);
        entry
            .or_insert_with(|| (collection.documents.clone(), Vec::new()))
            .1
            .push(pending.write.id());
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

/// Returns the refused writes. If there are none, sets the guards of the writes for the next attempt.
async fn check_refusals(
    session: &mut ClientSession,
    writes: &mut [PendingWrite],
) -> Result<std::result::Result<(), CommitFailure>> {
    start(session).await?;
    let found = read_documents(session, writes).await;
    let _ = session.abort_transaction().await;
    let found = found?;
    let mut refusals = Vec::new();
    for (index, pending) in (0..).zip(writes) {
        let key = (pending.collection.name.clone(), pending.write.id().to_owned());
        match pending.applicability(found.get(&key).map(AsRef::as_ref)) {
            Ok(Applicability::Refused(reason)) => refusals.push(Refusal { write: index, reason }),
            Ok(Applicability::Possible(guard)) => pending.guard = guard,
            Err(failure) => return Ok(Err(CommitFailure::Failed(failure))),
        }
    }
    if refusals.is_empty() {
        Ok(Ok(()))
    } else {
        Ok(Err(CommitFailure::Refused(refusals)))
    }
}
