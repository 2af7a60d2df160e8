//! Watches orders: returns what has changed since a cursor.

use mercato_ports::documents::{Comparison, Position};
use mercato_shop::changes::{self, Changes, Cursor, PAGE, Revision};
use mercato_shop::collection::Stored;
use mercato_shop::id;
use mercato_shop::orders::{Order, OrderChange, OrderChanges};
use mercato_shop::ports::Ports;
use mercato_shop::query::{ascending, compare, equal, time};
use mercato_shop::types::{Caller, Error};

use super::read;
use crate::repository::{ORDERS, Record, to_order};

/// The kinds of the cursors.
const ONE: &str = "order";
const ALL: &str = "orders";

/// Returns the changes of one order, or of all orders that the caller can see.
pub fn changes(
    ports: &impl Ports,
    caller: &Caller,
    id: Option<&str>,
    after: Option<&str>,
) -> Result<OrderChanges, Error> {
    caller.require_authenticated()?;
    match id {
        Some(id) => of_one(ports, caller, id, after),
        None => of_all(ports, caller, after),
    }
}

/// Reads one order, and compares it with the version that the cursor remembers.
fn of_one(ports: &impl Ports, caller: &Caller, id: &str, after: Option<&str>) -> Result<OrderChanges, Error> {
    let cursor = match after {
        Some(after) => Cursor::parse(after, ONE, 0)?,
        None => Cursor::start(ONE, 0),
    };
    let found = read::get_many(ports, caller, &[id.to_owned()])?.pop();
    let order = found.ok_or_else(|| Error::Internal("the store returned too few orders".into()))??;
    let change = Revision::new(id, [order.version, 0], 0);
    changes::unseen(cursor, vec![(change, order)], |cursor| cursor.set_seen([change])).map(to_changes)
}

/// Scans orders in the order of their changes.
fn of_all(ports: &impl Ports, caller: &Caller, after: Option<&str>) -> Result<OrderChanges, Error> {
    let cursor = match after {
        Some(after) => Cursor::parse(after, ALL, 1)?,
        None => Cursor::start(ALL, 1),
    };
    let began = id::now();
    let [scan] = cursor.scans() else {
        return Err(Error::Internal("a cursor of orders must have one scan".into()));
    };
    let mut query = ORDERS.query(PAGE);
    if let Some(user) = caller.user_id().filter(|_| !caller.is_admin()) {
        query.conditions.push(equal("userId", user));
    }
    let from = time(scan.from());
    query
        .conditions
        .push(compare("updatedAt", Comparison::AtLeast, from));
    query.sort = Some(ascending("updatedAt"));
    query.after = scan.after().map(|(at, id)| Position {
        value: Some(time(at)),
        id: id.into(),
    });
    let found = ORDERS.find(ports, &query)?;
    let is_full = found.len() >= PAGE as usize;
    let last = found.last().filter(|_| is_full);
    let last = last.map(|stored| (updated_at(stored), stored.id.clone()));
    let read = found.into_iter().filter_map(|stored| {
        let change = Revision::new(&stored.id, [stored.version, 0], updated_at(&stored));
        Some((change, to_order(stored)?))
    });
    let mut changes = changes::unseen(cursor, read.collect(), |cursor| {
        cursor.advance(0, began, last);
        cursor.prune();
    })?;
    if after.is_none() {
        // These orders changed before the watch began.
        changes.changes.clear();
    }
    Ok(to_changes(changes))
}

fn updated_at(stored: &Stored<Record>) -> u64 {
    match &stored.body {
        Record::Order(body) => body.updated_at.unwrap_or(0),
        Record::Abandoned(_) => 0,
    }
}

fn to_changes(changes: Changes<Order>) -> OrderChanges {
    let change = |(cursor, order)| OrderChange { cursor, order };
    OrderChanges {
        changes: changes.changes.into_iter().map(change).collect(),
        cursor: changes.cursor,
        more: changes.more,
    }
}
