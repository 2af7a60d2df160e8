//! The audit log of the shop. Entries are added, and never changed or deleted.
//!
//! The entry of an action of this service is written in the commit of the action. Actions of other services
//! arrive as events.

use mercato_ports::documents::{CommitFailure, Comparison, Write};
use mercato_ports::events::{Event, HandlerFailure};
use mercato_shop::accounts::{AuditEdge, AuditEntry, AuditFilter, AuditPage};
use mercato_shop::audit::{self, AuditedAction, action_name};
use mercato_shop::ports::Ports;
use mercato_shop::query::{self, compare, descending, equal, time};
use mercato_shop::types::{Caller, Error, Page};
use mercato_shop::{handler, id};

use crate::repository::{AUDIT, AuditBody, to_entry};

/// The name of the log's only sort.
const NEWEST_FIRST: &str = "-time";

/// Returns the write that adds an action to the log.
pub fn entry(action: AuditedAction) -> Result<Write, Error> {
    entry_as(&id::new(), action)
}

/// Returns the write that adds an action to the log under an id, so that it is added once.
pub fn entry_as(id: &str, action: AuditedAction) -> Result<Write, Error> {
    insert(id, id::now(), true, action)
}

/// Returns the write that adds an action that failed to the log.
pub fn failed_entry(action: AuditedAction) -> Result<Write, Error> {
    insert(&id::new(), id::now(), false, action)
}

/// Adds a write of [`entry_as`] to the log, unless the log has the entry.
pub fn add_once(ports: &impl Ports, entry: Write) -> Result<(), Error> {
    match ports.commit(&[entry], &[]) {
        Ok(()) | Err(CommitFailure::Refused(_)) => Ok(()),
        Err(failure) => Err(failure.into()),
    }
}

/// Adds an entry to the log together with a write, unless another request makes the write first.
pub fn add_first(ports: &impl Ports, entry: Write, write: Write) -> Result<(), Error> {
    match ports.commit(&[write, entry], &[]) {
        Ok(()) | Err(CommitFailure::Refused(_)) => Ok(()),
        Err(failure) => Err(failure.into()),
    }
}

/// Reads a page of the log for an ADMIN or the API key.
pub fn audit_log(
    ports: &impl Ports,
    caller: &Caller,
    filter: &AuditFilter,
    page: &Page,
) -> Result<AuditPage, Error> {
    caller.require_admin()?;
    read_page(ports, filter, page)
}

/// Reads all entries that a user is the actor or the subject of, oldest first.
pub fn entries_about(ports: &impl Ports, user_id: &str) -> Result<Vec<AuditEntry>, Error> {
    let filter = |actor: Option<&str>, subject: Option<&str>| AuditFilter {
        action: None,
        actor: actor.map(Into::into),
        subject: subject.map(Into::into),
        since: None,
        until: None,
    };
    let mut entries = read_all(ports, &filter(None, Some(user_id)))?;
    let mut as_actor = read_all(ports, &filter(Some(user_id), None))?;
    as_actor.retain(|entry| entry.subject.as_deref() != Some(user_id));
    entries.extend(as_actor);
    entries.sort_by(|a, b| (a.time, &a.id).cmp(&(b.time, &b.id)));
    Ok(entries)
}

/// Adds an action of another service to the log. The entry has the id of the event, so repeated deliveries
/// add one entry.
///
/// # Errors
/// [`HandlerFailure::Reject`] if the event is not an action. [`HandlerFailure::Retry`] if its action is
/// unknown, because the next version of this service may know it.
pub fn record(ports: &impl Ports, event: &Event) -> Result<(), HandlerFailure> {
    if !event.kind.starts_with("mercato.") || !event.kind.ends_with(".audited") {
        return Err(handler::unknown_kind(event));
    }
    let action: AuditedAction = handler::data(event)?;
    if audit::parse_action(&action.action).is_none() {
        return Err(HandlerFailure::Retry(format!(
            "{} has an unknown action: {}",
            event.kind, action.action
        )));
    }
    Ok(add_once(ports, insert(&event.id, event.time, true, action)?)?)
}

fn insert(id: &str, time: u64, success: bool, action: AuditedAction) -> Result<Write, Error> {
    let body = AuditBody {
        time,
        success,
        action,
    };
    AUDIT.insert(id, &body)
}

fn read_page(ports: &impl Ports, filter: &AuditFilter, page: &Page) -> Result<AuditPage, Error> {
    let mut query = AUDIT.query(0);
    let conditions = [
        filter.action.map(|action| equal("action", action_name(action))),
        filter.actor.as_deref().map(|actor| equal("actor", actor)),
        filter.subject.as_deref().map(|subject| equal("subject", subject)),
        filter
            .since
            .map(|since| compare("time", Comparison::AtLeast, time(since))),
        filter
            .until
            .map(|until| compare("time", Comparison::Less, time(until))),
    ];
    query.conditions.extend(conditions.into_iter().flatten());
    query.sort = Some(descending("time"));
    let found = query::page(ports, &AUDIT, query, page, NEWEST_FIRST, |entry| time(entry.time))?;
    let (has_next, has_previous, total) = (found.has_next, found.has_previous, found.total);
    let edges = found.map(|cursor, stored| {
        let entry = to_entry(stored)?;
        Ok(AuditEdge { cursor, entry })
    });
    Ok(AuditPage {
        edges: edges.into_iter().collect::<Result<_, Error>>()?,
        has_next,
        has_previous,
        total,
    })
}

fn read_all(ports: &impl Ports, filter: &AuditFilter) -> Result<Vec<AuditEntry>, Error> {
    let mut entries = Vec::new();
    let mut page = Page::first(query::MAX_PAGE, None);
    loop {
        let part = read_page(ports, filter, &page)?;
        page.after = part.edges.last().map(|edge| edge.cursor.clone());
        entries.extend(part.edges.into_iter().map(|edge| edge.entry));
        if !part.has_next {
            return Ok(entries);
        }
    }
}
