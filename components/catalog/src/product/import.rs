//! Imports the rows of a feed: creates products, or updates them by their external ids.

use std::collections::{HashMap, HashSet};

use mercato_ports::documents::Write;
use mercato_ports::events::Event;
use mercato_shop::catalog::{ImportOutcome, NewProduct};
use mercato_shop::collection::Stored;
use mercato_shop::id;
use mercato_shop::ports::Ports;
use mercato_shop::retry::{AttemptError, retry_on_conflict};
use mercato_shop::types::{Caller, Error};

use super::{create, input};
use crate::category::placement;
use crate::events;
use crate::platform::Platform;
use crate::repository::{
    ARCHIVED_PRODUCTS, Claim, EXTERNAL_IDS, PRODUCTS, ProductBody, Tree, category_tree, commit,
    get_many_including_archived,
};

const MAX_ROWS: usize = 500;

/// A valid row.
struct Row {
    external_id: String,
    body: ProductBody,
}

/// The outcome of each row.
type Outcomes = Vec<Result<ImportOutcome, Error>>;

/// What one attempt commits.
#[derive(Default)]
struct Batch {
    writes: Vec<Write>,
    events: Vec<Event>,
}

/// Imports rows. Returns one outcome for each row, in their order.
///
/// # Errors
/// [`Error::Invalid`] for too many rows. [`Error::Conflict`] if the products keep changing concurrently.
pub fn import_many(ports: &impl Platform, caller: &Caller, rows: &[NewProduct]) -> Result<Outcomes, Error> {
    if rows.len() > MAX_ROWS {
        return Err(Error::invalid(
            "products",
            format!("`products` must have at most {MAX_ROWS} entries."),
        ));
    }
    let mut seen = HashSet::new();
    let rows: Vec<_> = rows.iter().map(|row| parse(ports, row, &mut seen)).collect();
    let busy =
        || Error::Conflict("Other requests keep changing these products. Import them again later.".into());
    retry_on_conflict(busy, || attempt(ports, caller, &rows))
}

fn parse(ports: &impl Ports, row: &NewProduct, seen: &mut HashSet<String>) -> Result<Row, Error> {
    let body = input::to_body(ports, row)?;
    if body.sku.is_some() {
        return Err(Error::invalid(
            "sku",
            "An import cannot set `sku`. Update the product instead.",
        ));
    }
    let Some(external_id) = body.external_id.clone() else {
        return Err(Error::invalid(
            "externalId",
            "`externalId` is required in an import: the id of the product in the feed.",
        ));
    };
    if !seen.insert(external_id.clone()) {
        return Err(Error::invalid(
            "externalId",
            "Another row of this batch has the same `externalId`.",
        ));
    }
    Ok(Row { external_id, body })
}

fn attempt(
    ports: &impl Platform,
    caller: &Caller,
    rows: &[Result<Row, Error>],
) -> Result<Outcomes, AttemptError> {
    let mut known = known_products(ports, rows)?;
    let needs_tree = rows.iter().flatten().any(|row| row.body.category_id.is_some())
        || known
            .values()
            .any(|product| product.body.archived_at.is_some() && product.body.category_id.is_some());
    let tree = if needs_tree {
        category_tree(ports)?
    } else {
        Tree::default()
    };
    let mut batch = Batch::default();
    let mut outcomes = Vec::with_capacity(rows.len());
    for row in rows {
        let parsed = row.as_ref().map_err(Clone::clone).and_then(|row| {
            let mut body = row.body.clone();
            placement::set_path(&tree, &mut body)?;
            Ok((&row.external_id, body))
        });
        outcomes.push(match parsed {
            Err(error) => Err(error),
            Ok((external_id, body)) => Ok(match known.remove(external_id) {
                None => batch.create(caller, external_id, body)?,
                Some(product) => batch.update(&tree, product, &body)?,
            }),
        });
    }
    if batch.writes.is_empty() {
        return Ok(outcomes);
    }
    if needs_tree {
        batch.writes.push(tree.guard());
    }
    batch
        .events
        .push(events::import_audited(caller, summary(&outcomes))?);
    commit(ports, &batch.writes, &batch.events)?;
    Ok(outcomes)
}

/// Returns the products that the rows' external ids belong to, by external id.
fn known_products(
    ports: &impl Ports,
    rows: &[Result<Row, Error>],
) -> Result<HashMap<String, Stored<ProductBody>>, Error> {
    let external_ids: Vec<_> = rows.iter().flatten().map(|row| row.external_id.clone()).collect();
    let claims: Vec<_> = EXTERNAL_IDS
        .get_many(ports, &external_ids)?
        .into_iter()
        .flatten()
        .collect();
    let ids: Vec<_> = claims.iter().map(|claim| claim.body.product_id.clone()).collect();
    let products = get_many_including_archived(ports, &ids)?;
    let known = claims.into_iter().zip(products).map(|(claim, product)| {
        let product = product.ok_or_else(|| {
            Error::Internal(format!(
                "the external id {} belongs to a product that does not exist",
                claim.id
            ))
        })?;
        Ok((claim.id, product))
    });
    known.collect()
}

impl Batch {
    fn create(
        &mut self,
        caller: &Caller,
        external_id: &str,
        body: ProductBody,
    ) -> Result<ImportOutcome, Error> {
        let product_id = id::new();
        // The time of this attempt. Watches scan by this time and look back only a few seconds.
        let now = id::now();
        let body = ProductBody {
            created_at: now,
            updated_at: now,
            ..body
        };
        self.writes.push(PRODUCTS.insert(&product_id, &body)?);
        self.writes
            .extend(create::initial_movement(caller, &product_id, &body)?);
        self.events.push(events::product_changed(
            events::PRODUCT_CREATED,
            &product_id,
            &body,
        )?);
        self.writes
            .push(EXTERNAL_IDS.insert(external_id, &Claim { product_id })?);
        Ok(ImportOutcome::Created)
    }

    /// Updates a product to the row. Restores it if it is archived.
    fn update(
        &mut self,
        tree: &Tree,
        product: Stored<ProductBody>,
        row: &ProductBody,
    ) -> Result<ImportOutcome, Error> {
        let mut updated = product.clone();
        updated.body = merged(&product.body, row);
        if updated.body == product.body {
            return Ok(ImportOutcome::Unchanged);
        }
        updated.body.revision += 1;
        updated.body.updated_at = id::now();
        if product.body.archived_at.is_none() {
            self.writes.push(PRODUCTS.replace(&updated)?);
            self.events.push(events::product_changed(
                events::PRODUCT_UPDATED,
                &updated.id,
                &updated.body,
            )?);
            return Ok(ImportOutcome::Updated);
        }
        // A restored variant becomes a standalone product, since its parent may have changed.
        updated.body.parent_id = None;
        updated.body.standalone = Some(1);
        // The category may have been moved or deleted while the product was archived.
        if placement::set_path(tree, &mut updated.body).is_err() {
            updated.body.category_id = None;
            updated.body.category_path = None;
        }
        self.writes.extend([
            ARCHIVED_PRODUCTS.delete(&product),
            PRODUCTS.insert(&updated.id, &updated.body)?,
        ]);
        self.events.push(events::product_changed(
            events::PRODUCT_RESTORED,
            &updated.id,
            &updated.body,
        )?);
        Ok(ImportOutcome::Updated)
    }
}

/// Returns the product with the fields of the row. The stock and the history are kept.
fn merged(product: &ProductBody, row: &ProductBody) -> ProductBody {
    let placed = if row.category_id.is_some() { row } else { product };
    ProductBody {
        images: non_empty(&row.images, &product.images),
        attributes: non_empty(&row.attributes, &product.attributes),
        category_id: placed.category_id.clone(),
        category_path: placed.category_path.clone(),
        name: row.name.clone(),
        description: row.description.clone(),
        manufacturer: row.manufacturer.clone(),
        external_id: row.external_id.clone(),
        price: row.price,
        currency: row.currency.clone(),
        weight: row.weight.or(product.weight),
        low_stock_at: row.low_stock_at.or(product.low_stock_at),
        archived_at: None,
        ..product.clone()
    }
}

fn non_empty<T: Clone>(row: &[T], product: &[T]) -> Vec<T> {
    if row.is_empty() { product } else { row }.to_vec()
}

/// Counts the outcomes for the audit log, which has one entry for the whole batch.
fn summary(outcomes: &[Result<ImportOutcome, Error>]) -> String {
    let count = |outcome| {
        let same = |other: &&Result<ImportOutcome, Error>| other.as_ref().ok() == Some(&outcome);
        outcomes.iter().filter(same).count()
    };
    format!(
        "{} created, {} updated, {} unchanged, {} refused",
        count(ImportOutcome::Created),
        count(ImportOutcome::Updated),
        count(ImportOutcome::Unchanged),
        outcomes.iter().filter(|outcome| outcome.is_err()).count()
    )
}
