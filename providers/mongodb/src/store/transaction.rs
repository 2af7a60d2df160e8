//! Commits of several writes, or of writes and events: one transaction.
//!
//! It is committed twice: first on the primary, whereupon the next transaction may change the same documents, and then
//! on the majority, for which this commit alone waits. (MongoDB's drivers repeat a commit in the same way.) So a hot product
//! waits for no disk and no network between two of its orders, and still nobody is answered before the change is durable.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use futures::TryStreamExt;
use mercato_ports::documents::{CommitFailure, Refusal, Write};
use mercato_ports::events::Event;
use mongodb::bson::{Bson, Document, RawDocumentBuf, doc};
use mongodb::error::{Error, Result, TRANSIENT_TRANSACTION_ERROR, UNKNOWN_TRANSACTION_COMMIT_RESULT};
use mongodb::options::{Acknowledgment, ReadConcern, WriteConcern};
use mongodb::{Client, ClientSession, Database};

use super::locks::{Key, Locks};
use super::outbox;
use super::patience::Patience;
use super::service::Service;
use super::write::{Statement, Target, Verdict};
use crate::error::{DUPLICATE, failed};

/// The code of a write that met another transaction's.
const WRITE_CONFLICT: i32 = 112;

/// Why an attempt did not succeed.
enum Stop {
    /// A document is not as it must be.
    Refused,
    /// The server gave up, having changed nothing.
    Transient(Error),
    Failed(Error),
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        if error.contains_label(TRANSIENT_TRANSACTION_ERROR) {
            Self::Transient(error)
        } else {
            Self::Failed(error)
        }
    }
}

/// Makes all writes and publishes all events.
pub(crate) async fn commit(
    client: &Client,
    locks: &Locks,
    mut targets: Vec<Target>,
    events: Vec<(Arc<Service>, Event)>,
) -> std::result::Result<(), CommitFailure> {
    let mut turn = Some(locks.turn(keys(&targets)).await);
    let mut session = client
        .start_session()
        .causal_consistency(false)
        .await
        .map_err(|error| failed(&error))?;
    let mut patience = Patience::default();
    loop {
        let commands = commands(&targets, &events)?;
        let done = match apply(&mut session, commands).await {
            Ok(()) => committed(&mut session).await.map_err(Stop::from),
            Err(stop) => Err(stop),
        };
        let done = match done {
            Ok(()) => {
                turn = None;
                committed(&mut session).await.map_err(Stop::from)
            }
            failed => failed,
        };
        match done {
            Ok(()) => return Ok(()),
            Err(Stop::Failed(error)) => return Err(failed(&error)),
            Err(Stop::Transient(error)) => tracing::debug!(%error, "a transaction is repeated"),
            Err(Stop::Refused) => match judge(&mut session, &mut targets).await {
                Ok(answer) => answer?,
                Err(error) if error.contains_label(TRANSIENT_TRANSACTION_ERROR) => {}
                Err(error) => return Err(failed(&error)),
            },
        }
        patience.pause().await;
        if turn.is_none() {
            turn = Some(locks.turn(keys(&targets)).await);
        }
    }
}

/// The documents that another transaction could change too.
fn keys(targets: &[Target]) -> BTreeSet<Key> {
    targets
        .iter()
        .map(|target| &target.write)
        .filter(|write| !matches!(write, Write::Insert(_)))
        .map(|write| (write.collection().to_owned(), write.id().to_owned()))
        .collect()
}

/// A command, and how many documents it must match.
struct Command {
    database: Database,
    command: Document,
    expected: i64,
}

/// One command for all statements of a kind in a collection. Updates come first, in the order of the collections and ids, so
/// that those who contend for a hot document meet before they have done anything else.
fn commands(
    targets: &[Target],
    events: &[(Arc<Service>, Event)],
) -> std::result::Result<Vec<Command>, CommitFailure> {
    let mut sorted = targets.iter().collect::<Vec<_>>();
    sorted.sort_by_key(|target| (target.write.collection(), target.write.id()));
    let mut batches = BTreeMap::<(u8, &str), (mongodb::Collection<RawDocumentBuf>, Vec<Bson>)>::new();
    for target in sorted {
        let (place, statement) = match target.statement().map_err(CommitFailure::Failed)? {
            Statement::Update(filter, change) | Statement::Replace(filter, change) => {
                (0, doc! { "q": filter, "u": change })
            }
            Statement::Delete(filter) => (1, doc! { "q": filter, "limit": 1 }),
            Statement::Insert(new) => (2, new),
        };
        let collection = &target.collection;
        let batch = batches.entry((place, &collection.name));
        let batch = batch.or_insert_with(|| (collection.documents.clone(), Vec::new()));
        batch.1.push(statement.into());
    }
    let now = outbox::now();
    for (service, event) in events {
        let batch = batches.entry((3, &service.name));
        let batch = batch.or_insert_with(|| (service.outbox.clone(), Vec::new()));
        batch.1.push(outbox::encode(event, now).into());
    }
    let command =
        |((place, _), (collection, statements)): ((u8, &str), (mongodb::Collection<_>, Vec<Bson>))| {
            let (verb, what) = match place {
                0 => ("update", "updates"),
                1 => ("delete", "deletes"),
                _ => ("insert", "documents"),
            };
            Command {
                database: collection.client().database(&collection.namespace().db),
                expected: i64::try_from(statements.len()).unwrap_or(i64::MAX),
                command: doc! { verb: collection.name(), what: statements },
            }
        };
    Ok(batches.into_iter().map(command).collect())
}

/// Runs the commands in a new transaction, up to its commit.
async fn apply(session: &mut ClientSession, commands: Vec<Command>) -> std::result::Result<(), Stop> {
    start(session).await?;
    for Command {
        database,
        command,
        expected,
    } in commands
    {
        let answer = database.run_command(command).session(&mut *session).await;
        let stop = match answer {
            Ok(answer) => match problem(&answer, expected) {
                None => continue,
                Some(stop) => stop,
            },
            Err(error) => Stop::from(error),
        };
        // What fails here has ended with the transaction, or ends by its timeout.
        let _ = session.abort_transaction().await;
        return Err(stop);
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

/// What the answer to a command says, unless all is well.
fn problem(answer: &Document, expected: i64) -> Option<Stop> {
    if let Some(error) = answer
        .get_array("writeErrors")
        .ok()
        .and_then(|errors| errors.first())
    {
        let error = error.as_document().cloned().unwrap_or_default();
        return Some(match error.get_i32("code") {
            Ok(DUPLICATE) => Stop::Refused,
            Ok(WRITE_CONFLICT) => Stop::Transient(Error::custom("a write conflict")),
            code => Stop::Failed(Error::custom(format!(
                "a write failed with code {}: {}",
                code.unwrap_or_default(),
                error.get_str("errmsg").unwrap_or_default()
            ))),
        });
    }
    let count = answer
        .get("n")
        .and_then(|n| n.as_i64().or_else(|| n.as_i32().map(i64::from)));
    (count != Some(expected)).then_some(Stop::Refused)
}

/// Commits, or commits again, until the server has said what became of it.
async fn committed(session: &mut ClientSession) -> Result<()> {
    let mut patience = Patience::default();
    loop {
        match session.commit_transaction().await {
            Err(error) if error.contains_label(UNKNOWN_TRANSACTION_COMMIT_RESULT) => {
                tracing::warn!(%error, "a commit is repeated");
                patience.pause().await;
            }
            answer => return answer,
        }
    }
}

type Found = HashMap<(String, String), RawDocumentBuf>;

/// The documents of all writes, as they are at one moment.
async fn look(session: &mut ClientSession, targets: &[Target]) -> Result<Found> {
    let mut ids = HashMap::<&str, (mongodb::Collection<RawDocumentBuf>, Vec<&str>)>::new();
    for target in targets {
        let collection = &target.collection;
        let entry = ids.entry(&collection.name);
        entry
            .or_insert_with(|| (collection.documents.clone(), Vec::new()))
            .1
            .push(target.write.id());
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

/// Lists what is refused, or prepares the writes for the next attempt.
async fn judge(
    session: &mut ClientSession,
    targets: &mut [Target],
) -> Result<std::result::Result<(), CommitFailure>> {
    start(session).await?;
    let found = look(session, targets).await;
    let _ = session.abort_transaction().await;
    let found = found?;
    let mut refusals = Vec::new();
    for (index, target) in (0..).zip(targets) {
        let key = (target.collection.name.clone(), target.write.id().to_owned());
        match target.judge(found.get(&key).map(AsRef::as_ref)) {
            Ok(Verdict::Refused(reason)) => refusals.push(Refusal { write: index, reason }),
            Ok(Verdict::Possible(guard)) => target.guard = guard,
            Err(failure) => return Ok(Err(CommitFailure::Failed(failure))),
        }
    }
    if refusals.is_empty() {
        Ok(Ok(()))
    } else {
        Ok(Err(CommitFailure::Refused(refusals)))
    }
}
