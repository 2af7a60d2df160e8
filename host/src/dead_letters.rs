//! `mercato dead-letters`: lists and replays the dead letters of a data folder or of Kafka.

use std::io::Write;
use std::path::Path;
use std::sync::Arc;

use mercato_embedded::Options;
use mercato_ports::events::DeadLetters as DeadLettersPort;
use serde_json::json;

use crate::broker;
use crate::cli::DeadLetters;
use crate::command_error::{Code, CommandError};
use crate::data::require_folder;
use crate::providers;
use crate::shop::Shop;

/// Lists dead letters, or replays one.
///
/// # Errors
/// If the shop is running, or if the dead letters cannot be read.
pub async fn run(command: DeadLetters) -> Result<(), CommandError> {
    match command {
        DeadLetters::List {
            data,
            shop,
            events,
            limit,
        } => list(&*open(&data.data, &shop, events.as_deref())?, limit).await,
        DeadLetters::Replay {
            id,
            data,
            shop,
            events,
        } => replay(&*open(&data.data, &shop, events.as_deref())?, id).await,
    }
}

fn open(data: &Path, shop: &Path, events: Option<&str>) -> Result<Arc<dyn DeadLettersPort>, CommandError> {
    if let Some(events) = events {
        return Ok(broker::connect(events)?);
    }
    require_folder(data)?;
    let shop = Shop::read(shop)?;
    Ok(providers::embedded(data, &shop.manifest, Options::default())?)
}

async fn list(port: &dyn DeadLettersPort, limit: u32) -> Result<(), CommandError> {
    let dead_letters = port.list(limit).await.map_err(unreadable)?;
    let mut out = std::io::stdout().lock();
    for dead_letter in dead_letters {
        let event = dead_letter.event;
        let line = json!({
            "id": dead_letter.id,
            "subscriber": dead_letter.subscriber,
            "attempts": dead_letter.attempts,
            "reason": dead_letter.reason,
            "event": {
                "id": event.id,
                "kind": event.kind,
                "subject": event.subject,
                "time": event.time,
                "due": event.due,
                "data": event.data,
            },
        });
        writeln!(out, "{line}").map_err(|error| {
            CommandError::new(
                Code::Software,
                format!("cannot write to standard output: {error}"),
            )
        })?;
    }
    Ok(())
}

async fn replay(port: &dyn DeadLettersPort, id: u64) -> Result<(), CommandError> {
    if port.replay(id).await.map_err(unreadable)? {
        return Ok(());
    }
    let message = format!("there is no dead letter {id}: list all with `mercato dead-letters list`");
    Err(CommandError::new(Code::NoInput, message))
}

fn unreadable(reason: String) -> CommandError {
    CommandError::new(Code::Data, format!("cannot read the dead letters: {reason}"))
}
