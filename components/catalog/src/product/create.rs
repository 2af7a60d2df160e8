//! Creates a product with all ids that it claims, in one commit.

use mercato_ports::documents::{CommitFailure, Write};
use mercato_shop::accounts::AuditAction;
use mercato_shop::catalog::{MovementKind, NewProduct, Product};
use mercato_shop::collection::Stored;
use mercato_shop::id;
use mercato_shop::retry::{AttemptError, retry_on_conflict};
use mercato_shop::types::{Caller, Error};

use super::input;
use crate::category::placement;
use crate::events;
use crate::platform::Platform;
use crate::repository::{
    Claim, EXTERNAL_IDS, PRODUCTS, ProductBody, busy, commit, is_claimed, sku_writes, to_product,
};
use crate::stock::ledger;
use crate::stock::movement::Movement;

/// Creates a product.
///
/// # Errors
/// [`Error::Invalid`] for the first invalid field. [`Error::Conflict`] if another product has the external id
/// or the SKU.
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
    let tree_guard = placement::set_guarded_path(ports, &mut body)?;
    let mut writes = vec![PRODUCTS.insert(&id, &body)?];
    if let Some(external_id) = &body.external_id {
        let claim = Claim {
            product_id: id.clone(),
        };
        writes.push(EXTERNAL_IDS.insert(external_id, &claim)?);
    }
    writes.extend(sku_writes(&id, None, body.sku.as_deref())?);
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
        Ok(()) => Ok(to_product(Stored {
            id,
            version: 1,
            body,
        })),
        Err(CommitFailure::Refused(refusals)) if is_claimed(&refusals) => Err(Error::Conflict(
            "Another product, which may be archived, has this `externalId` or `sku`. Update that product, or import it."
                .into(),
        )
        .into()),
        Err(failure) => Err(failure.into()),
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
