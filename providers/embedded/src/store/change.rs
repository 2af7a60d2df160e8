//! What a commit does to documents: checked where the caller is, applied on the writing thread.

use std::collections::HashSet;
use std::sync::Arc;

use mercato_ports::documents::{
    Adjustment, CommitFailure, Deletion, Failure, Insertion, Refusal, RefusalReason, Replacement, Write,
};
use mercato_ports::events::Event;
use rusqlite::types::{Value, ValueRef};
use rusqlite::{Connection, OptionalExtension, params, params_from_iter};
use serde_json::Map;

use super::{Collection, unavailable};

/// Writes that are well-formed, each with its collection.
pub(crate) type Writes = Vec<(Arc<Collection>, Write)>;

/// Refuses what could never be written, whatever the store holds.
pub(crate) fn check(writes: &[Write], events: &[Event]) -> Result<(), Failure> {
    let mut named = HashSet::new();
    for write in writes {
        if !named.insert((write.collection(), write.id())) {
            let (collection, id) = (write.collection(), write.id());
            return Err(Failure::Invalid(format!(
                "two writes name the document `{id}` of `{collection}`"
            )));
        }
        match write {
            Write::Insert(Insertion { body, .. }) | Write::Replace(Replacement { body, .. }) => {
                check_object(body)
                    .map_err(|error| invalid(write, &format!("its body is no JSON object: {error}")))?;
            }
            Write::Adjust(adjustment) => {
                check_adjustment(adjustment).map_err(|reason| invalid(write, reason))?
            }
            Write::Delete(_) => {}
        }
    }
    for event in events {
        let invalid = |reason: &str| {
            Failure::Invalid(format!(
                "the event `{}` of kind `{}`: {reason}",
                event.id, event.kind
            ))
        };
        check_object(&event.data)
            .map_err(|error| invalid(&format!("its data is no JSON object: {error}")))?;
        if [Some(event.time), event.due]
            .into_iter()
            .flatten()
            .any(|time| i64::try_from(time).is_err())
        {
            return Err(invalid("its time is out of range"));
        }
    }
    Ok(())
}

fn check_object(json: &str) -> Result<(), serde_json::Error> {
    serde_json::from_str::<Map<String, serde_json::Value>>(json).map(drop)
}

fn check_adjustment(adjustment: &Adjustment) -> Result<(), &'static str> {
    let mut fields = HashSet::new();
    for change in &adjustment.changes {
        if !fields.insert(&change.field) {
            return Err("an adjustment changes a field at most once");
        }
        // The two characters that a quoted label of a SQLite JSON path can't hold.
        if change.field.is_empty() || change.field.contains(['"', '\\']) {
            return Err("an adjusted field has a name without quotes and backslashes");
        }
    }
    if fields.is_empty() {
        Err("an adjustment changes at least one field")
    } else {
        Ok(())
    }
}

fn invalid(write: &Write, reason: &str) -> Failure {
    Failure::Invalid(format!("`{}` of `{}`: {reason}", write.id(), write.collection()))
}

/// Why one write is not made.
enum Stop {
    Refused(RefusalReason),
    Failed(Failure),
}

impl From<rusqlite::Error> for Stop {
    fn from(error: rusqlite::Error) -> Self {
        Self::Failed(unavailable(error))
    }
}

impl From<RefusalReason> for Stop {
    fn from(reason: RefusalReason) -> Self {
        Self::Refused(reason)
    }
}

/// Makes all writes, or tells every one that can't be made; then the caller undoes the others.
pub(crate) fn apply(connection: &Connection, writes: &Writes) -> Result<(), CommitFailure> {
    let mut refusals = Vec::new();
    for (index, (collection, write)) in (0..).zip(writes) {
        let done = match write {
            Write::Insert(insertion) => insert(connection, collection, insertion),
            Write::Replace(replacement) => replace(connection, collection, replacement),
            Write::Delete(deletion) => delete(connection, collection, deletion),
            Write::Adjust(adjustment) => adjust(connection, collection, adjustment, write),
        };
        match done {
            Ok(()) => {}
            Err(Stop::Refused(reason)) => refusals.push(Refusal { write: index, reason }),
            Err(Stop::Failed(failure)) => return Err(CommitFailure::Failed(failure)),
        }
    }
    if refusals.is_empty() {
        Ok(())
    } else {
        Err(CommitFailure::Refused(refusals))
    }
}

fn insert(connection: &Connection, collection: &Collection, insertion: &Insertion) -> Result<(), Stop> {
    let sql = format!(
        "INSERT INTO {} (id, version, body) VALUES (?, 1, ?) ON CONFLICT (id) DO NOTHING RETURNING n",
        collection.table
    );
    let number = connection
        .prepare_cached(&sql)?
        .query_row(params![insertion.id, insertion.body], |row| row.get(0))
        .optional()?
        .ok_or(RefusalReason::Exists)?;
    index_text(connection, collection, number)
}

fn replace(connection: &Connection, collection: &Collection, replacement: &Replacement) -> Result<(), Stop> {
    let sql = format!(
        "UPDATE {} SET version = version + 1, body = ? WHERE id = ? AND version = ? RETURNING n",
        collection.table
    );
    let expected = replacement.expected.cast_signed();
    let number = connection
        .prepare_cached(&sql)?
        .query_row(params![replacement.body, replacement.id, expected], |row| {
            row.get(0)
        })
        .optional()?;
    match number {
        Some(number) => index_text(connection, collection, number),
        None => Err(missing_or_stale(connection, collection, &replacement.id)),
    }
}

fn delete(connection: &Connection, collection: &Collection, deletion: &Deletion) -> Result<(), Stop> {
    let sql = format!(
        "DELETE FROM {} WHERE id = ? AND version = ? RETURNING n",
        collection.table
    );
    let number = connection
        .prepare_cached(&sql)?
        .query_row(params![deletion.id, deletion.expected.cast_signed()], |row| {
            row.get::<_, i64>(0)
        })
        .optional()?;
    let Some(number) = number else {
        return Err(missing_or_stale(connection, collection, &deletion.id));
    };
    if !collection.search.is_empty() {
        let sql = format!("DELETE FROM {} WHERE rowid = ?", collection.search_table);
        connection.prepare_cached(&sql)?.execute([number])?;
    }
    Ok(())
}

/// Adds to fields inside the text of the body, so that nothing else in it changes.
fn adjust(
    connection: &Connection,
    collection: &Collection,
    adjustment: &Adjustment,
    write: &Write,
) -> Result<(), Stop> {
    let paths = adjustment
        .changes
        .iter()
        .map(|change| format!("$.\"{}\"", change.field))
        .collect::<Vec<_>>();
    let sums = sums(connection, collection, adjustment, write, &paths)?;
    let sql = format!(
        "UPDATE {} SET version = version + 1, body = json_set(body{}) WHERE id = ?",
        collection.table,
        ", ?, ?".repeat(paths.len())
    );
    let pairs = paths
        .into_iter()
        .zip(sums)
        .flat_map(|(path, sum)| [Value::Text(path), Value::Integer(sum)]);
    let values = pairs.chain([Value::Text(adjustment.id.clone())]);
    connection
        .prepare_cached(&sql)?
        .execute(params_from_iter(values))?;
    Ok(())
}

/// What the adjusted fields would be.
fn sums(
    connection: &Connection,
    collection: &Collection,
    adjustment: &Adjustment,
    write: &Write,
    paths: &[String],
) -> Result<Vec<i64>, Stop> {
    // A JSON null is text here, so that it is no missing field; so is all else that is no integer.
    let columns = (1..=paths.len())
        .map(|n| format!("CASE json_type(body, ?{n}) WHEN 'integer' THEN json_extract(body, ?{n}) ELSE json_type(body, ?{n}) END"))
        .collect::<Vec<_>>()
        .join(", ");
    let sql = format!(
        "SELECT {columns} FROM {} WHERE id = ?{}",
        collection.table,
        paths.len() + 1
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let mut rows = statement.query(params_from_iter(paths.iter().chain([&adjustment.id])))?;
    let row = rows.next()?.ok_or(RefusalReason::Missing)?;
    let mut sums = Vec::with_capacity(paths.len());
    for (column, change) in adjustment.changes.iter().enumerate() {
        let stop =
            |reason: &str| Stop::Failed(invalid(write, &format!("its field `{}` {reason}", change.field)));
        let current = match row.get_ref(column)? {
            ValueRef::Null => 0,
            ValueRef::Integer(current) => current,
            _ => return Err(stop("is no integer of 64 bits")),
        };
        let sum = current
            .checked_add(change.by)
            .ok_or_else(|| stop("would be over the range of 64 bits"))?;
        if change.floor.is_some_and(|floor| sum < floor) {
            return Err(RefusalReason::UnderFloor(current).into());
        }
        sums.push(sum);
    }
    Ok(sums)
}

fn index_text(connection: &Connection, collection: &Collection, number: i64) -> Result<(), Stop> {
    if !collection.search.is_empty() {
        connection
            .prepare_cached(&collection.index_text("n = ?"))?
            .execute([number])?;
    }
    Ok(())
}

fn missing_or_stale(connection: &Connection, collection: &Collection, id: &str) -> Stop {
    let sql = format!("SELECT version FROM {} WHERE id = ?", collection.table);
    let version = connection
        .prepare_cached(&sql)
        .and_then(|mut statement| statement.query_row([id], |row| row.get::<_, i64>(0)).optional());
    match version {
        Ok(Some(version)) => RefusalReason::Stale(version.cast_unsigned()).into(),
        Ok(None) => RefusalReason::Missing.into(),
        Err(error) => error.into(),
    }
}
