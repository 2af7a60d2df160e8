//! The import of a feed: products are created, or brought up to date by their external ids.

use std::collections::HashSet;

use mercato_ports::documents::{CommitFailure, Write};
use mercato_ports::events::Event;
use mercato_shop::accounts::AuditAction;
use mercato_shop::audit::Act;
use mercato_shop::cache::Cache;
use mercato_shop::catalog::{ImportOutcome, NewProduct};
use mercato_shop::collection::{Stored, event};
use mercato_shop::id;
use mercato_shop::ports::Ports;
use mercato_shop::types::{Caller, Error};

use crate::category::Tree;
use crate::product::{EXTERNAL_IDS, ExternalIdClaim, PRODUCTS, ProductBody};
use crate::{archive, categories, input, service};

/// The most rows of one call.
pub const MOST_ROWS: usize = 500;

/// How often a batch is looked at anew when orders or other imports change its products meanwhile.
const TRIES: usize = 5;

type Row = Result<(String, ProductBody), Error>;

/// Takes in rows; one outcome a row, in their order.
pub fn import(
    ports: &(impl Ports + Cache),
    caller: &Caller,
    rows: Vec<NewProduct>,
) -> Result<Vec<Result<ImportOutcome, Error>>, Error> {
    if rows.len() > MOST_ROWS {
        return Err(Error::invalid(
            "products",
            format!("At most {MOST_ROWS} products can be imported at once."),
        ));
    }
    let mut seen = HashSet::new();
    let rows: Vec<Row> = rows.into_iter().map(|row| check(ports, row, &mut seen)).collect();
    for _ in 1..TRIES {
        match attempt(ports, caller, &rows) {
            Err(Attempt::Raced) => {}
            Err(Attempt::Failed(error)) => return Err(error),
            Ok(outcomes) => return Ok(outcomes),
        }
    }
    attempt(ports, caller, &rows).map_err(|attempt| match attempt {
        Attempt::Raced => {
            Error::Conflict("These products are being changed all the time. Import them again later.".into())
        }
        Attempt::Failed(error) => error,
    })
}

enum Attempt {
    Raced,
    Failed(Error),
}

impl From<Error> for Attempt {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

fn check(ports: &impl Ports, row: NewProduct, seen: &mut HashSet<String>) -> Row {
    let body = input::to_body(ports, row)?;
    if body.sku.is_some() {
        return Err(Error::invalid(
            "sku",
            "An import gives no SKU. Update the product.",
        ));
    }
    let Some(external_id) = body.external_id.clone() else {
        return Err(Error::invalid(
            "externalId",
            "A row needs the id by which its feed knows the product.",
        ));
    };
    if !seen.insert(external_id.clone()) {
        return Err(Error::invalid(
            "externalId",
            "Another row of this batch has the same id.",
        ));
    }
    Ok((external_id, body))
}

fn attempt(
    ports: &(impl Ports + Cache),
    caller: &Caller,
    rows: &[Row],
) -> Result<Vec<Result<ImportOutcome, Error>>, Attempt> {
    let external_ids: Vec<_> = rows
        .iter()
        .flatten()
        .map(|(external_id, _)| external_id.clone())
        .collect();
    let claims = EXTERNAL_IDS.get_many(ports, &external_ids)?;
    let known: Vec<_> = claims
        .iter()
        .flatten()
        .map(|claim| claim.body.product_id.clone())
        .collect();
    let products = archive::get_ever(ports, &known)?;
    let placed = rows.iter().flatten().any(|(_, body)| body.category_id.is_some());
    let restored = products
        .iter()
        .flatten()
        .any(|product| product.body.archived_at.is_some() && product.body.category_id.is_some());
    let tree = if placed || restored {
        categories::read(ports)?
    } else {
        Tree::default()
    };
    let mut products = products.into_iter();
    let mut claims = claims.into_iter();
    let (mut writes, mut events) = (Vec::new(), Vec::new());
    let mut outcomes = Vec::with_capacity(rows.len());
    for row in rows {
        let (external_id, body) = match row {
            Ok(row) => row,
            Err(error) => {
                outcomes.push(Err(error.clone()));
                continue;
            }
        };
        let known = match claims.next().flatten() {
            None => None,
            Some(claim) => Some(products.next().flatten().ok_or_else(|| {
                Error::Internal(format!(
                    "the product {} of an external id is gone",
                    claim.body.product_id
                ))
            })?),
        };
        let mut body = body.clone();
        if let Err(error) = categories::place(&tree, &mut body) {
            outcomes.push(Err(error));
            continue;
        }
        outcomes.push(Ok(match known {
            None => create(caller, external_id, &body, &mut writes, &mut events)?,
            Some(stored) => update(&tree, stored, &body, &mut writes, &mut events)?,
        }));
    }
    if writes.is_empty() {
        return Ok(outcomes);
    }
    if placed || restored {
        writes.push(tree.guard());
    }
    let act = Act::by(caller.actor(), AuditAction::ProductImport).detail(counted(&outcomes));
    events.push(act.event("catalog")?);
    match service::commit(ports, &writes, &events) {
        Ok(()) => Ok(outcomes),
        Err(CommitFailure::Refused(_)) => Err(Attempt::Raced),
        Err(CommitFailure::Failed(failure)) => Err(Attempt::Failed(failure.into())),
    }
}

fn create(
    caller: &Caller,
    external_id: &str,
    body: &ProductBody,
    writes: &mut Vec<Write>,
    events: &mut Vec<Event>,
) -> Result<ImportOutcome, Error> {
    let product_id = id::new();
    // The time of this attempt: those who watch look for changes by it, and not far back.
    let now = id::now();
    let body = &ProductBody {
        created_at: now,
        updated_at: now,
        ..body.clone()
    };
    writes.push(PRODUCTS.insert(&product_id, body)?);
    writes.extend(service::first_stock(caller, &product_id, body)?);
    events.push(event(
        "mercato.catalog.product-created",
        service::subject(&product_id),
        &service::happened(&product_id, body),
    )?);
    writes.push(EXTERNAL_IDS.insert(external_id, &ExternalIdClaim { product_id })?);
    Ok(ImportOutcome::Created)
}

/// How many rows became what: the audit log has one entry for all of them.
fn counted(outcomes: &[Result<ImportOutcome, Error>]) -> String {
    let count = |wanted| {
        outcomes
            .iter()
            .filter(|outcome| outcome.as_ref().ok() == Some(&wanted))
            .count()
    };
    format!(
        "{} created, {} updated, {} unchanged, {} refused",
        count(ImportOutcome::Created),
        count(ImportOutcome::Updated),
        count(ImportOutcome::Unchanged),
        outcomes.iter().filter(|outcome| outcome.is_err()).count()
    )
}

/// Gives a product what the feed says of it now. One that was archived is sold again.
fn update(
    tree: &Tree,
    mut stored: Stored<ProductBody>,
    row: &ProductBody,
    writes: &mut Vec<Write>,
    events: &mut Vec<Event>,
) -> Result<ImportOutcome, Error> {
    let kept = stored.clone();
    stored.body = merged(&kept.body, row);
    if stored.body == kept.body {
        return Ok(ImportOutcome::Unchanged);
    }
    stored.body.revision += 1;
    stored.body.updated_at = id::now();
    if kept.body.archived_at.is_some() {
        // A variant comes back as a product of its own: its parent may be another by now.
        stored.body.parent_id = None;
        stored.body.standalone = Some(1);
        // Its category may have moved or gone meanwhile.
        if categories::place(tree, &mut stored.body).is_err() {
            stored.body.category_id = None;
            stored.body.category_path = None;
        }
        let (moves, event) = archive::restore(&kept, &stored.body)?;
        writes.extend(moves);
        events.push(event);
        return Ok(ImportOutcome::Updated);
    }
    writes.push(PRODUCTS.replace(&stored)?);
    events.push(event(
        "mercato.catalog.product-updated",
        service::subject(&stored.id),
        &service::happened(&stored.id, &stored.body),
    )?);
    Ok(ImportOutcome::Updated)
}

/// What the feed says, with the stock and the history that the shop keeps.
fn merged(kept: &ProductBody, row: &ProductBody) -> ProductBody {
    let placed = if row.category_id.is_some() { row } else { kept };
    ProductBody {
        images: said(&row.images, &kept.images),
        attributes: said(&row.attributes, &kept.attributes),
        category_id: placed.category_id.clone(),
        category_path: placed.category_path.clone(),
        name: row.name.clone(),
        description: row.description.clone(),
        manufacturer: row.manufacturer.clone(),
        external_id: row.external_id.clone(),
        price: row.price,
        currency: row.currency.clone(),
        low_stock_at: row.low_stock_at.or(kept.low_stock_at),
        archived_at: None,
        ..kept.clone()
    }
}

/// What the feed says, or else what the shop has.
fn said<T: Clone>(row: &[T], kept: &[T]) -> Vec<T> {
    if row.is_empty() { kept } else { row }.to_vec()
}
