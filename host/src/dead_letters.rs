//! `mercato dead-letters`: over the data folder of a shop that is stopped.

use std::io::Write;
use std::path::Path;
use std::sync::Arc;

use mercato_embedded::Durability;
use mercato_ports::events::DeadLetters as Letters;
use serde_json::json;

use crate::cli::DeadLetters;
use crate::exit::{Code, Failure};
use crate::providers;
use crate::shop::Shop;

/// Lists dead letters, or replays one.
///
/// # Errors
/// Where the shop still runs, or its data can't be read.
pub async fn run(command: DeadLetters) -> Result<(), Failure> {
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

fn open(data: &Path, shop: &Path, events: Option<&str>) -> Result<Arc<dyn Letters>, Failure> {
    if let Some(events) = events {
        return Ok(providers::kafka(events)?);
    }
    if !data.is_dir() {
        let message = format!(
            "there is no data folder {}: name the shop's with --data",
            data.display()
        );
        return Err(Failure::new(Code::NoInput, message));
    }
    let shop = Shop::read(shop)?;
    Ok(providers::embedded(data, &shop.manifest, Durability::Full)?)
}

async fn list(letters: &dyn Letters, limit: u32) -> Result<(), Failure> {
    let letters = letters.list(limit).await.map_err(unreadable)?;
    let mut out = std::io::stdout().lock();
    for letter in letters {
        let event = letter.event;
        let line = json!({
            "id": letter.id,
            "subscriber": letter.subscriber,
            "attempts": letter.attempts,
            "reason": letter.reason,
            "event": {
                "id": event.id, "kind": event.kind, "subject": event.subject, "time": event.time, "due": event.due,
                "data": event.data,
            },
        });
        writeln!(out, "{line}")
            .map_err(|error| Failure::new(Code::Software, format!("can't write: {error}")))?;
    }
    Ok(())
}

async fn replay(letters: &dyn Letters, id: u64) -> Result<(), Failure> {
    if letters.replay(id).await.map_err(unreadable)? {
        return Ok(());
    }
    let message = format!("there is no dead letter {id}: `mercato dead-letters list` shows those there are");
    Err(Failure::new(Code::NoInput, message))
}

fn unreadable(reason: String) -> Failure {
    Failure::new(Code::Data, format!("the dead letters can't be read: {reason}"))
}
