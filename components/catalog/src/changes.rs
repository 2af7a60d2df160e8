//! What has changed of products, for those who watch.
//!
//! An edit tells its time in the product. A movement of stock does not, so that a hot product is adjusted and never rewritten: it
//! is found in the ledger, whose ids sort by time, and the placement of orders writes nothing more for the sake of watchers.

use std::collections::HashSet;

use mercato_ports::documents::{Comparison, Condition, Direction, Position, Query, Scalar, Sort};
use mercato_shop::catalog::{ProductChange, ProductChanges};
use mercato_shop::changes::{self, Change, Changes, Cursor, PAGE, Scan};
use mercato_shop::collection::{Collection, Stored};
use mercato_shop::id;
use mercato_shop::ports::Ports;
use mercato_shop::types::Error;

use crate::archive;
use crate::ledger;
use crate::product::{ARCHIVED, PRODUCTS, ProductBody, to_product};
use crate::service::missing;

/// The most products that can be watched by their ids.
const MOST: usize = 100;

const SOME: &str = "products";
const ALL: &str = "catalog";

/// The scans of a watch of all products, in the order of their reading: what a product was before it was archived comes before.
const SCANS: usize = 3;

/// The changes of these products: they are looked at, and compared with what the cursor remembers.
pub fn of_some(ports: &impl Ports, ids: &[String], after: Option<&str>) -> Result<ProductChanges, Error> {
    let mut known = HashSet::new();
    let ids: Vec<_> = ids.iter().filter(|id| known.insert(*id)).cloned().collect();
    if !(1..=MOST).contains(&ids.len()) {
        return Err(Error::invalid(
            "ids",
            format!("Watch 1 to {MOST} products, or leave ids out to watch them all."),
        ));
    }
    let cursor = match after {
        Some(after) => Cursor::parse(after, SOME, 0)?,
        None => Cursor::start(SOME, 0),
    };
    let found = archive::get_ever(ports, &ids)?;
    let mut read = Vec::with_capacity(found.len());
    for (id, product) in ids.iter().zip(found) {
        let product = product.ok_or_else(|| missing(id))?;
        let numbers = [product.body.revision, product.version];
        read.push((Change::new(id, numbers, 0), product));
    }
    let present: Vec<_> = read.iter().map(|(change, _)| *change).collect();
    let told = changes::tell(cursor, read, |cursor| cursor.keep(present))?;
    Ok(to_changes(told))
}

/// The changes of all products: those edited, those archived, and those whose stock has moved.
pub fn of_all(ports: &impl Ports, after: Option<&str>) -> Result<ProductChanges, Error> {
    let cursor = match after {
        Some(after) => Cursor::parse(after, ALL, SCANS)?,
        None => Cursor::start(ALL, SCANS),
    };
    let began = id::now();
    let [edits, ends, movements] = cursor.scans() else {
        return Err(Error::Internal("a cursor has lost its scans".into()));
    };
    let mut products = by_time(ports, &PRODUCTS, "updatedAt", edits)?;
    let last_edit = last(&products, |body| Some(body.updated_at));
    let archived = by_time(ports, &ARCHIVED, "archivedAt", ends)?;
    let last_end = last(&archived, |body| body.archived_at);
    products.extend(archived);
    let (moved, last_movement) = ledger::moved(ports, movements)?;
    products.extend(archive::get_ever(ports, &moved)?.into_iter().flatten());
    let read = products
        .into_iter()
        .map(|product| {
            let numbers = [product.body.revision, product.version];
            (Change::read_now(&product.id, numbers), product)
        })
        .collect();
    let mut told = changes::tell(cursor, read, |cursor| {
        for (scan, last) in [last_edit, last_end, last_movement].into_iter().enumerate() {
            cursor.advance(scan, began, last);
        }
        cursor.forget();
    })?;
    if after.is_none() {
        // These were there before.
        told.changes.clear();
    }
    Ok(to_changes(told))
}

/// A page of a scan by a field that is a time.
fn by_time(
    ports: &impl Ports,
    collection: &Collection<ProductBody>,
    field: &str,
    scan: &Scan,
) -> Result<Vec<Stored<ProductBody>>, Error> {
    let find = Query {
        conditions: vec![Condition {
            field: field.into(),
            comparison: Comparison::AtLeast,
            value: time(scan.from()),
        }],
        sort: Some(Sort {
            field: field.into(),
            direction: Direction::Ascending,
        }),
        after: scan.after().map(|(at, id)| Position {
            value: Some(time(at)),
            id: id.into(),
        }),
        ..collection.query(PAGE)
    };
    collection.find(ports, &find)
}

/// The last product of a full page; none where there are no more.
fn last(products: &[Stored<ProductBody>], at: impl Fn(&ProductBody) -> Option<u64>) -> Option<(u64, String)> {
    let full = products.len() >= PAGE as usize;
    let last = products.last().filter(|_| full)?;
    Some((at(&last.body)?, last.id.clone()))
}

fn time(milliseconds: u64) -> Scalar {
    Scalar::Integer(i64::try_from(milliseconds).unwrap_or(i64::MAX))
}

fn to_changes(told: Changes<Stored<ProductBody>>) -> ProductChanges {
    let change = |(cursor, product)| ProductChange {
        cursor,
        product: to_product(product),
    };
    ProductChanges {
        changes: told.changes.into_iter().map(change).collect(),
        cursor: told.cursor,
        more: told.more,
    }
}
