//! Creates a product with all ids that it claims, in one commit.

use mercato_ports::documents::{CommitFailure, Write};
use mercato_shop::accounts::AuditAction;
use mercato_shop::catalog::{MovementKind, NewProduct, Product};
use mercato_shop::collection::Stored;
use mercato_shop::id;
use mercato_shop::retry::{AttemptError, retry_on_conflict};
use mercato_shop::types::{Caller, Error};

use super::slugs::Slugs;
use super::{index, input};
use crate::category::placement;
use crate::events;
use crate::platform::Platform;
use crate::repository::{
    ClaimedField, PRODUCTS, ProductBody, busy, claim_writes, commit, find_taken, to_product,
};
use crate::stock::ledger;
use crate::stock::movement::Movement;

/// Creates a product.
///
/// # Errors
/// [`Error::Invalid`] for the first invalid field. [`Error::Conflict`] if another product has the external
/// id, the SKU or the slug.
pub fn create(ports: &impl Platform, caller: &Caller, input: &NewProduct) -> Result<Product, Error> {
    let body = input::to_body(ports, input)?;
    retry_on_conflict(busy, || insert(ports, caller, id::new(), body.clone(), None))
}

/// Inserts a product. A variant is inserted together with its parent, which lists it already.
///
/// # Errors
/// [`AttemptError::Conflict`] if the parent or the category tree changes concurrently. [`Error::Conflict`] if
/// an id is claimed already.
pub fn insert(
    ports: &impl Platform,
    caller: &Caller,
    id: String,
    mut body: ProductBody,
    parent: Option<&Stored<ProductBody>>,
) -> Result<Product, AttemptError> {
    let now = id::now();
    body.created_at = now;
    body.updated_at = now;
    let tree_guard = placement::set_guarded_path(ports, &mut body)?;
    let is_slug_made = Slugs::default().assign(ports, &id, &mut body)?;
    index::refresh(&mut body);
    let mut writes = vec![PRODUCTS.insert(&id, &body)?];
    writes.extend(claim_writes(&id, None, &body)?);
    writes.extend(initial_movement(caller, &id, &body)?);
    if let Some(parent) = parent {
        writes.push(PRODUCTS.replace(parent)?);
    }
    writes.extend(tree_guard);
    let detail = parent.map(|parent| format!("variant of {}", parent.id));
    let events = [
        events::product_changed(events::PRODUCT_CREATED, &id, &body)?,
        events::audited(caller, AuditAction::ProductCreate, &id, detail)?,
    ];
    match commit(ports, &writes, &events) {
        Ok(()) => Ok(to_product(Stored { id, version: 1, body })),
        Err(CommitFailure::Refused(refusals)) => {
            Err(refused(find_taken(ports, &writes, &refusals)?, is_slug_made))
        }
        Err(failure) => Err(failure.into()),
    }
}

/// Returns why a refused commit failed. Another attempt makes another slug.
pub fn refused(taken: Option<(ClaimedField, Error)>, is_slug_made: bool) -> AttemptError {
    match taken {
        Some((field, error)) if field != ClaimedField::Slug || !is_slug_made => error.into(),
        _ => AttemptError::Conflict,
    }
}

/// Returns the ledger's entry for the stock that a product is created with.
pub fn initial_movement(caller: &Caller, id: &str, body: &ProductBody) -> Result<Option<Write>, Error> {
    if body.on_hand == 0 {
        return Ok(None);
    }
    let kind = MovementKind::Received;
    ledger::staff_entry(id, caller, kind, Movement::Receive, body.on_hand, None).map(Some)
}
