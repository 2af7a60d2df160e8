//! The writes of a commit. [`check`] needs no database; [`apply`] runs inside the caller's transaction.

use std::collections::HashSet;

use mercato_ports::documents::{
    Adjustment, CommitFailure, Deletion, Failure, Insertion, Refusal, RefusalReason, Replacement, Write,
};
use mercato_ports::events::Event;
use serde_json::Map;

use crate::Collection;
use crate::connection::{Cell, Connection, Row, Value};

/// Why writes were not applied.
#[derive(Debug)]
pub enum ApplyError<E> {
    /// A write was refused or is invalid; the answer to the caller.
    Commit(CommitFailure),
    /// SQLite failed.
    Store(E),
}

impl<E> From<E> for ApplyError<E> {
    fn from(error: E) -> Self {
        Self::Store(error)
    }
}

/// Rejects writes and events that are invalid whatever the store holds.
///
/// # Errors
/// [`Failure::Invalid`], which names the document or the event.
pub fn check(writes: &[Write], events: &[Event]) -> Result<(), Failure> {
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
                    .map_err(|error| invalid(write, &format!("its body is not a JSON object: {error}")))?;
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
            .map_err(|error| invalid(&format!("its data is not a JSON object: {error}")))?;
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
            return Err("an adjustment must change each field at most once");
        }
        // A quoted label of a SQLite JSON path cannot contain these two characters.
        if change.field.is_empty() || change.field.contains(['"', '\\']) {
            return Err("the name of an adjusted field must be non-empty, without quotes and backslashes");
        }
    }
    if fields.is_empty() {
        Err("an adjustment must change at least one field")
    } else {
        Ok(())
    }
}

fn invalid(write: &Write, reason: &str) -> Failure {
    Failure::Invalid(format!("`{}` of `{}`: {reason}", write.id(), write.collection()))
}

/// Why one write was not applied.
enum WriteError<E> {
    Refused(RefusalReason),
    Invalid(Failure),
    Store(E),
}

impl<E> From<E> for WriteError<E> {
    fn from(error: E) -> Self {
        Self::Store(error)
    }
}

/// Applies all writes, each in its collection. If any write is refused, the caller must roll back the
/// transaction.
///
/// # Errors
/// [`ApplyError::Commit`] with every refused write, or with the first invalid one. [`ApplyError::Store`] if
/// SQLite fails.
pub fn apply<'a, C: Connection>(
    connection: &C,
    writes: impl IntoIterator<Item = (&'a Collection, &'a Write)>,
) -> Result<(), ApplyError<C::Error>> {
    let mut refusals = Vec::new();
    for (index, (collection, write)) in (0..).zip(writes) {
        let result = match write {
            Write::Insert(insertion) => insert(connection, collection, insertion),
            Write::Replace(replacement) => replace(connection, collection, replacement),
            Write::Delete(deletion) => delete(connection, collection, deletion),
            Write::Adjust(adjustment) => adjust(connection, collection, adjustment, write),
        };
        match result {
            Ok(()) => {}
            Err(WriteError::Refused(reason)) => refusals.push(Refusal { write: index, reason }),
            Err(WriteError::Invalid(failure)) => {
                return Err(ApplyError::Commit(CommitFailure::Failed(failure)));
            }
            Err(WriteError::Store(error)) => return Err(ApplyError::Store(error)),
        }
    }
    if refusals.is_empty() {
        Ok(())
    } else {
        Err(ApplyError::Commit(CommitFailure::Refused(refusals)))
    }
}

fn insert<C: Connection>(
    connection: &C,
    collection: &Collection,
    insertion: &Insertion,
) -> Result<(), WriteError<C::Error>> {
    let sql = format!(
        "INSERT INTO {} (id, version, body) VALUES (?, 1, ?) ON CONFLICT (id) DO NOTHING RETURNING n",
        collection.table
    );
    let values = [insertion.id.as_str().into(), insertion.body.as_str().into()];
    let number = connection
        .first(&sql, &values, number)?
        .ok_or(WriteError::Refused(RefusalReason::Exists))?;
    index_text(connection, collection, number)
}

fn replace<C: Connection>(
    connection: &C,
    collection: &Collection,
    replacement: &Replacement,
) -> Result<(), WriteError<C::Error>> {
    let sql = format!(
        "UPDATE {} SET version = version + 1, body = ? WHERE id = ? AND version = ? RETURNING n",
        collection.table
    );
    let values = [
        replacement.body.as_str().into(),
        replacement.id.as_str().into(),
        replacement.expected.cast_signed().into(),
    ];
    match connection.first(&sql, &values, number)? {
        Some(number) => index_text(connection, collection, number),
        None => Err(missing_or_stale(connection, collection, &replacement.id)),
    }
}

fn delete<C: Connection>(
    connection: &C,
    collection: &Collection,
    deletion: &Deletion,
) -> Result<(), WriteError<C::Error>> {
    let sql = format!(
        "DELETE FROM {} WHERE id = ? AND version = ? RETURNING n",
        collection.table
    );
    let values = [
        deletion.id.as_str().into(),
        deletion.expected.cast_signed().into(),
    ];
    let Some(number) = connection.first(&sql, &values, number)? else {
        return Err(missing_or_stale(connection, collection, &deletion.id));
    };
    for full_text in &collection.full_text {
        let sql = format!("DELETE FROM {} WHERE rowid = ?", full_text.table);
        connection.execute(&sql, &[number.into()])?;
    }
    Ok(())
}

/// Adds to fields inside the text of the body. The rest of the body keeps its text.
fn adjust<C: Connection>(
    connection: &C,
    collection: &Collection,
    adjustment: &Adjustment,
    write: &Write,
) -> Result<(), WriteError<C::Error>> {
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
        .iter()
        .zip(sums)
        .flat_map(|(path, sum)| [Value::Text(path), Value::Integer(sum)]);
    let values = pairs.chain([Value::Text(&adjustment.id)]).collect::<Vec<_>>();
    Ok(connection.execute(&sql, &values)?)
}

/// Computes the new values of the adjusted fields.
fn sums<C: Connection>(
    connection: &C,
    collection: &Collection,
    adjustment: &Adjustment,
    write: &Write,
    paths: &[String],
) -> Result<Vec<i64>, WriteError<C::Error>> {
    // An integer is returned as its value, any other JSON value as the name of its type. So JSON's null is a
    // text here, and only a missing field is NULL.
    let columns = (1..=paths.len())
        .map(|n| {
            format!(
                "CASE json_type(body, ?{n}) WHEN 'integer' THEN json_extract(body, ?{n}) \
                 ELSE json_type(body, ?{n}) END"
            )
        })
        .collect::<Vec<_>>()
        .join(", ");
    let sql = format!(
        "SELECT {columns} FROM {} WHERE id = ?{}",
        collection.table,
        paths.len() + 1
    );
    let values = paths
        .iter()
        .chain([&adjustment.id])
        .map(|text| Value::Text(text))
        .collect::<Vec<_>>();
    let current = connection
        .first(&sql, &values, |row| {
            (0..paths.len())
                .map(|column| row.cell(column))
                .collect::<Result<Vec<_>, _>>()
        })?
        .ok_or(WriteError::Refused(RefusalReason::Missing))?;
    let mut sums = Vec::with_capacity(paths.len());
    for (current, change) in current.into_iter().zip(&adjustment.changes) {
        let error = |reason: &str| {
            WriteError::Invalid(invalid(write, &format!("its field `{}` {reason}", change.field)))
        };
        let current = match current {
            Cell::Null => 0,
            Cell::Integer(current) => current,
            Cell::Text(_) | Cell::Other => return Err(error("is not a 64-bit integer")),
        };
        let sum = current
            .checked_add(change.by)
            .ok_or_else(|| error("would exceed the range of a 64-bit integer"))?;
        if change.floor.is_some_and(|floor| sum < floor) {
            return Err(WriteError::Refused(RefusalReason::UnderFloor(current)));
        }
        sums.push(sum);
    }
    Ok(sums)
}

fn index_text<C: Connection>(
    connection: &C,
    collection: &Collection,
    number: i64,
) -> Result<(), WriteError<C::Error>> {
    for full_text in &collection.full_text {
        connection.execute(&full_text.index(&collection.table, "n = ?"), &[number.into()])?;
    }
    Ok(())
}

fn missing_or_stale<C: Connection>(
    connection: &C,
    collection: &Collection,
    id: &str,
) -> WriteError<C::Error> {
    let sql = format!("SELECT version FROM {} WHERE id = ?", collection.table);
    match connection.first(&sql, &[id.into()], number) {
        Ok(Some(version)) => WriteError::Refused(RefusalReason::Stale(version.cast_unsigned())),
        Ok(None) => WriteError::Refused(RefusalReason::Missing),
        Err(error) => WriteError::Store(error),
    }
}

fn number<E>(row: &dyn Row<E>) -> Result<i64, E> {
    Ok(row.cell(0)?.integer())
}
