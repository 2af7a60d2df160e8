//! Commits of one write or one event: one statement, without a transaction.

use mercato_ports::documents::CommitFailure;
use mercato_ports::events::Event;
use mongodb::bson::{Document, doc};
use mongodb::error::Result;

use super::adjust::{self, Guard};
use super::backoff::Backoff;
use super::batch;
use super::outbox;
use super::service::Service;
use super::write::{PendingWrite, Statement};
use crate::error::{failed, is_duplicate};

/// Commits one write.
pub(crate) async fn write(pending: PendingWrite) -> std::result::Result<(), CommitFailure> {
    let mut backoff = Backoff::default();
    let id = doc! { "_id": pending.write.id() };
    let mut guard = Guard::Range;
    loop {
        let statement = match pending.adjustment() {
            Some(adjustment) => Some(adjust::statement(&[adjustment], &guard)),
            None => pending.statement.clone(),
        };
        let Some(statement) = statement else { return Ok(()) };
        let applied = apply(&pending, statement).await.map_err(|error| failed(&error))?;
        if applied {
            return Ok(());
        }
        let documents = &pending.collection.documents;
        let found = documents.find_one(id.clone()).projection(doc! { "t": 0 }).await;
        let found = found.map_err(|error| failed(&error))?;
        guard = batch::judge(&pending, found)?;
        // Another write changed the document in between.
        backoff.wait().await;
    }
}

/// Runs a statement. Returns whether it matched its document.
async fn apply(pending: &PendingWrite, statement: Statement) -> Result<bool> {
    let documents = pending.collection.documents.clone_with_type::<Document>();
    match statement {
        Statement::Insert(new) => match documents.insert_one(new).await {
            Ok(_) => Ok(true),
            Err(error) if is_duplicate(&error) => Ok(false),
            Err(error) => Err(error),
        },
        Statement::Replace(filter, new) => Ok(documents.replace_one(filter, new).await?.matched_count == 1),
        Statement::Update(filter, update) => {
            Ok(documents.update_one(filter, update).await?.matched_count == 1)
        }
        Statement::Delete(filter) => Ok(documents.delete_one(filter).await?.deleted_count == 1),
    }
}

/// Commits one event.
pub(crate) async fn event(service: &Service, event: &Event) -> std::result::Result<(), CommitFailure> {
    let outbox = service.outbox.clone_with_type::<Document>();
    outbox
        .insert_many(outbox::encode(&service.store, [event]))
        .await
        .map(drop)
        .map_err(|error| failed(&error))
}
