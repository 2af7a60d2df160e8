//! What has changed of orders, for those who watch.

use mercato_ports::documents::{Comparison, Condition, Direction, Position, Scalar, Sort};
use mercato_shop::changes::{self, Change, Changes, Cursor, PAGE};
use mercato_shop::collection::Stored;
use mercato_shop::id;
use mercato_shop::orders::{Order, OrderChange, OrderChanges};
use mercato_shop::ports::Ports;
use mercato_shop::services::{Inventory, Orders};
use mercato_shop::types::{Caller, Error};

use crate::order::{ORDERS, Record, to_order};
use crate::service::OrdersService;

const ONE: &str = "order";
const ALL: &str = "orders";

/// The changes of one order: it is looked at, and compared with what the cursor remembers.
pub fn of_one<P: Ports, I: Inventory>(
    service: &OrdersService<P, I>,
    caller: &Caller,
    id: &str,
    after: Option<&str>,
) -> Result<OrderChanges, Error> {
    caller.require_known()?;
    let cursor = match after {
        Some(after) => Cursor::parse(after, ONE, 0)?,
        None => Cursor::start(ONE, 0),
    };
    let found = Orders::get_many(service, caller, &[id.to_owned()])?.pop();
    let order =
        found.ok_or_else(|| Error::Internal("the store answered fewer orders than asked for".into()))??;
    let change = Change::new(id, [order.version, 0], 0);
    let told = changes::tell(cursor, vec![(change, order)], |cursor| cursor.keep([change]))?;
    Ok(to_changes(told))
}

/// The changes of all orders that a caller may see.
pub fn of_all(ports: &impl Ports, caller: &Caller, after: Option<&str>) -> Result<OrderChanges, Error> {
    caller.require_known()?;
    let cursor = match after {
        Some(after) => Cursor::parse(after, ALL, 1)?,
        None => Cursor::start(ALL, 1),
    };
    let began = id::now();
    let [scan] = cursor.scans() else {
        return Err(Error::Internal("a cursor has lost its scan".into()));
    };
    let mut find = ORDERS.query(PAGE);
    let mut condition = |field: &str, comparison, value| {
        find.conditions.push(Condition {
            field: field.into(),
            comparison,
            value,
        });
    };
    if let Some(user) = caller.user_id().filter(|_| !caller.is_admin()) {
        condition("userId", Comparison::Equal, Scalar::Text(user.into()));
    }
    condition("updatedAt", Comparison::AtLeast, time(scan.from()));
    find.sort = Some(Sort {
        field: "updatedAt".into(),
        direction: Direction::Ascending,
    });
    find.after = scan.after().map(|(at, id)| Position {
        value: Some(time(at)),
        id: id.into(),
    });
    let found = ORDERS.find(ports, &find)?;
    let full = found.len() >= PAGE as usize;
    let last = found.last().filter(|_| full);
    let last = last.map(|stored| (updated_at(stored), stored.id.clone()));
    let read = found.into_iter().filter_map(|stored| {
        let change = Change::new(&stored.id, [stored.version, 0], updated_at(&stored));
        Some((change, to_order(stored)?))
    });
    let mut told = changes::tell(cursor, read.collect(), |cursor| {
        cursor.advance(0, began, last);
        cursor.forget();
    })?;
    if after.is_none() {
        // These were there before.
        told.changes.clear();
    }
    Ok(to_changes(told))
}

fn updated_at(stored: &Stored<Record>) -> u64 {
    match &stored.body {
        Record::Order(body) => body.updated_at.unwrap_or(0),
        Record::Abandoned(_) => 0,
    }
}

fn time(milliseconds: u64) -> Scalar {
    Scalar::Integer(i64::try_from(milliseconds).unwrap_or(i64::MAX))
}

fn to_changes(told: Changes<Order>) -> OrderChanges {
    let change = |(cursor, order)| OrderChange { cursor, order };
    OrderChanges {
        changes: told.changes.into_iter().map(change).collect(),
        cursor: told.cursor,
        more: told.more,
    }
}
