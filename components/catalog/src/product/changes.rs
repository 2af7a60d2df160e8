//! Watches products: what has changed since a cursor.
//!
//! An edit writes its time into the product. A stock movement does not, so that a popular product is only
//! adjusted and never rewritten. Movements are found in the ledger, whose ids sort by time.

use std::collections::HashSet;

use mercato_ports::documents::{Comparison, Position};
use mercato_shop::catalog::{ProductChange, ProductChanges};
use mercato_shop::changes::{self, Changes, Cursor, PAGE, Revision, Scan};
use mercato_shop::collection::{Collection, Stored};
use mercato_shop::id;
use mercato_shop::ports::Ports;
use mercato_shop::query::{ascending, compare, time};
use mercato_shop::types::Error;

use crate::repository::{
    ARCHIVED_PRODUCTS, PRODUCTS, ProductBody, get_many_including_archived, product_not_found, to_product,
};
use crate::stock::ledger;

const MAX_WATCHED: usize = 100;

/// The kinds of cursors.
const SOME: &str = "products";
const ALL: &str = "catalog";

/// How many scans a watch of all products makes. They run in a fixed order, so that a product's last edit
/// comes before its end.
const SCANS: usize = 3;

/// Returns the changes of these products, or of all products, since the cursor.
///
/// # Errors
/// [`Error::Invalid`] for an invalid cursor or number of ids. [`Error::NotFound`] if a product does not
/// exist.
pub fn changes(
    ports: &impl Ports,
    ids: Option<&[String]>,
    after: Option<&str>,
) -> Result<ProductChanges, Error> {
    let changes = match ids {
        Some(ids) => changes_of_some(ports, ids, after)?,
        None => changes_of_all(ports, after)?,
    };
    let to_change = |(cursor, product)| ProductChange {
        cursor,
        product: to_product(product),
    };
    Ok(ProductChanges {
        changes: changes.changes.into_iter().map(to_change).collect(),
        cursor: changes.cursor,
        more: changes.more,
    })
}

/// Reads these products, and compares them with the states that the cursor remembers.
fn changes_of_some(
    ports: &impl Ports,
    ids: &[String],
    after: Option<&str>,
) -> Result<Changes<Stored<ProductBody>>, Error> {
    let mut seen = HashSet::new();
    let ids: Vec<_> = ids.iter().filter(|id| seen.insert(*id)).cloned().collect();
    if !(1..=MAX_WATCHED).contains(&ids.len()) {
        return Err(Error::invalid(
            "ids",
            format!("`ids` must have 1 to {MAX_WATCHED} entries. Leave it out to watch all products."),
        ));
    }
    let cursor = match after {
        Some(after) => Cursor::parse(after, SOME, 0)?,
        None => Cursor::start(SOME, 0),
    };
    let found = get_many_including_archived(ports, &ids)?;
    let mut read = Vec::with_capacity(found.len());
    for (id, product) in ids.iter().zip(found) {
        let product = product.ok_or_else(|| product_not_found(id))?;
        let numbers = [product.body.revision, product.version];
        read.push((Revision::new(id, numbers, 0), product));
    }
    let present: Vec<_> = read.iter().map(|(change, _)| *change).collect();
    changes::unseen(cursor, read, |cursor| cursor.set_seen(present))
}

/// Scans the edited products, the archived ones and the ledger.
fn changes_of_all(ports: &impl Ports, after: Option<&str>) -> Result<Changes<Stored<ProductBody>>, Error> {
    let cursor = match after {
        Some(after) => Cursor::parse(after, ALL, SCANS)?,
        None => Cursor::start(ALL, SCANS),
    };
    let began = id::now();
    let [edits, ends, movements] = cursor.scans() else {
        return Err(Error::Internal("a cursor has lost its scans".into()));
    };
    let mut products = scan_by_time(ports, &PRODUCTS, "updatedAt", edits)?;
    let last_edit = last_of_full_page(&products, |body| Some(body.updated_at));
    let archived = scan_by_time(ports, &ARCHIVED_PRODUCTS, "archivedAt", ends)?;
    let last_end = last_of_full_page(&archived, |body| body.archived_at);
    products.extend(archived);
    let moved = ledger::moved_products(ports, movements)?;
    let in_ledger = get_many_including_archived(ports, &moved.product_ids)?;
    products.extend(in_ledger.into_iter().flatten());
    let read = products
        .into_iter()
        .map(|product| {
            let numbers = [product.body.revision, product.version];
            (Revision::read_now(&product.id, numbers), product)
        })
        .collect();
    let mut changes = changes::unseen(cursor, read, |cursor| {
        for (scan, last) in [last_edit, last_end, moved.last].into_iter().enumerate() {
            cursor.advance(scan, began, last);
        }
        cursor.prune();
    })?;
    if after.is_none() {
        // A watch of all products begins now, so the present states are no changes.
        changes.changes.clear();
    }
    Ok(changes)
}

fn scan_by_time(
    ports: &impl Ports,
    collection: &Collection<ProductBody>,
    field: &str,
    scan: &Scan,
) -> Result<Vec<Stored<ProductBody>>, Error> {
    let mut query = collection.query(PAGE);
    query.conditions = vec![compare(field, Comparison::AtLeast, time(scan.from()))];
    query.sort = Some(ascending(field));
    query.after = scan.after().map(|(at, id)| Position {
        value: Some(time(at)),
        id: id.into(),
    });
    collection.find(ports, &query)
}

/// Returns the time and the id of the last product of a full page, after which the scan continues.
fn last_of_full_page(
    products: &[Stored<ProductBody>],
    at: impl Fn(&ProductBody) -> Option<u64>,
) -> Option<(u64, String)> {
    let is_full = products.len() >= PAGE as usize;
    let last = products.last().filter(|_| is_full)?;
    Some((at(&last.body)?, last.id.clone()))
}
