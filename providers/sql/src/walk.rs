//! A search that matches many documents, in the order of their ids. It reads the matches zone by zone until
//! no other zone can have an id that belongs on the page. See [`zones`](crate::zones).

use mercato_ports::documents::Document;

use crate::collection::document;
use crate::connection::{Connection, Value};
use crate::plan::{Driver, Plan, Select};
use crate::zones::SHIFT;

/// The number of zones of the first step.
const FIRST_STEP: usize = 2;

/// How many times as many zones each further step has.
const GROWTH: usize = 4;

/// A zone, with its least id, or with its greatest id if the ids descend.
#[derive(Clone, Debug)]
struct Zone {
    number: i64,
    edge: String,
}

/// Returns the documents that a plan selects, all from the snapshot of the caller's transaction.
///
/// # Errors
/// If SQLite fails.
pub fn find<C: Connection>(
    connection: &C,
    plan: &Plan<'_>,
    filters: &[Driver],
) -> Result<Vec<Document>, C::Error> {
    let limit = usize::try_from(plan.limit()).unwrap_or(usize::MAX);
    let mut ids = Vec::new();
    let mut step = FIRST_STEP;
    let mut zones = next_zones(connection, plan, None, step)?;
    while !zones.is_empty() {
        // The last zone belongs to the next step.
        let following = if zones.len() > step { zones.pop() } else { None };
        for rows in runs(&zones) {
            let Select { sql, values } = plan.matches(rows, filters);
            ids.extend(connection.all(&sql, &values, |row| Ok(row.cell(0)?.text()))?);
        }
        ids.sort_unstable();
        if plan.descending() {
            ids.reverse();
        }
        ids.truncate(limit);
        let (Some(following), Some(last)) = (following, zones.last()) else {
            break;
        };
        let precedes = |id: &String| {
            if plan.descending() {
                *id > following.edge
            } else {
                *id < following.edge
            }
        };
        if ids.len() == limit && ids.last().is_none_or(precedes) {
            break;
        }
        step = step.saturating_mul(GROWTH);
        zones = next_zones(connection, plan, Some(last), step)?;
    }
    let get = |id: &String| connection.first(&plan.collection().get, &[id.as_str().into()], document);
    let found = ids.iter().map(get).collect::<Result<Vec<_>, _>>()?;
    Ok(found.into_iter().flatten().collect())
}

/// Returns the next zones that can have ids of the page, and one more.
fn next_zones<C: Connection>(
    connection: &C,
    plan: &Plan<'_>,
    last: Option<&Zone>,
    step: usize,
) -> Result<Vec<Zone>, C::Error> {
    let ((edge, other), operator, direction) = if plan.descending() {
        (("high", "low"), '<', "DESC")
    } else {
        (("low", "high"), '>', "ASC")
    };
    let mut sql = format!("SELECT zone, {edge} FROM {} WHERE true", plan.collection().zones);
    let mut values = Vec::<Value<'_>>::new();
    if let Some(last) = last {
        sql.push_str(&format!(" AND ({edge}, zone) {operator} (?, ?)"));
        values.extend([Value::Text(&last.edge), Value::Integer(last.number)]);
    }
    if let Some(after) = plan.after() {
        sql.push_str(&format!(" AND {other} {operator} ?"));
        values.push(Value::Text(after));
    }
    sql.push_str(&format!(" ORDER BY {edge} {direction}, zone {direction} LIMIT ?"));
    values.push(i64::try_from(step).unwrap_or(i64::MAX).saturating_add(1).into());
    connection.all(&sql, &values, |row| {
        Ok(Zone {
            number: row.cell(0)?.integer(),
            edge: row.cell(1)?.text(),
        })
    })
}

/// Returns the first and the last row of each run of neighbouring zones.
fn runs(zones: &[Zone]) -> Vec<(i64, i64)> {
    let mut numbers: Vec<_> = zones.iter().map(|zone| zone.number).collect();
    numbers.sort_unstable();
    let mut runs = Vec::<(i64, i64)>::new();
    for number in numbers {
        let (first, end) = (number << SHIFT, (number + 1) << SHIFT);
        match runs.last_mut() {
            Some((_, last)) if *last + 1 == first => *last = end - 1,
            _ => runs.push((first, end - 1)),
        }
    }
    runs
}

#[cfg(test)]
mod tests;
