//! Edits a product.

use mercato_ports::documents::CommitFailure;
use mercato_shop::accounts::AuditAction;
use mercato_shop::catalog::{Product, ProductPatch};
use mercato_shop::retry::retry_on_conflict;
use mercato_shop::types::{Caller, Error};

use super::input;
use crate::category::placement;
use crate::events;
use crate::platform::Platform;
use crate::repository::{
    PRODUCTS, ProductBody, busy, commit, find_product, is_claimed, sku_writes, to_product,
};

/// Applies a patch to a product that still has this version.
///
/// # Errors
/// [`Error::StaleVersion`] if the product was edited since. [`Error::Conflict`] if another product has the
/// SKU.
pub fn update(
    ports: &impl Platform,
    caller: &Caller,
    id: &str,
    version: u64,
    patch: &ProductPatch,
) -> Result<Product, Error> {
    retry_on_conflict(busy, || {
        let mut product = find_product(ports, id)?;
        if product.body.revision != version {
            return Err(Error::StaleVersion(product.body.revision).into());
        }
        let before = product.body.clone();
        if !input::apply(patch, &mut product.body)? {
            return Ok(to_product(product));
        }
        let mut writes = Vec::new();
        if patch.details.category_id.is_some() {
            writes.extend(placement::set_guarded_path(ports, &mut product.body)?);
        }
        let after = &product.body;
        writes.extend(sku_writes(id, before.sku.as_deref(), after.sku.as_deref())?);
        writes.push(PRODUCTS.replace(&product)?);
        let detail = changed_fields(&before, after);
        let events = [
            events::product_changed(events::PRODUCT_UPDATED, id, after)?,
            events::audited(caller, AuditAction::ProductUpdate, id, Some(detail))?,
        ];
        match commit(ports, &writes, &events) {
            Err(CommitFailure::Refused(refusals)) if is_claimed(&refusals) => {
                let message = "Another product, which may be archived, has this `sku`. Choose another one.";
                Err(Error::Conflict(message.into()).into())
            }
            outcome => {
                outcome?;
                Ok(to_product(product))
            }
        }
    })
}

/// Lists the changed fields for the audit log. The price is given before and after.
fn changed_fields(before: &ProductBody, after: &ProductBody) -> String {
    let mut changed = Vec::new();
    if (before.price, &before.currency) != (after.price, &after.currency) {
        changed.push(format!(
            "price {} {} -> {} {}",
            before.price, before.currency, after.price, after.currency
        ));
    }
    let others = [
        ("name", before.name != after.name),
        ("description", before.description != after.description),
        ("manufacturer", before.manufacturer != after.manufacturer),
        ("category", before.category_id != after.category_id),
        ("images", before.images != after.images),
        ("attributes", before.attributes != after.attributes),
        ("sku", before.sku != after.sku),
        ("weight", before.weight != after.weight),
        ("lowStockAt", before.low_stock_at != after.low_stock_at),
    ];
    let others = others.into_iter().filter(|(_, is_changed)| *is_changed);
    changed.extend(others.map(|(name, _)| name.into()));
    changed.join(", ")
}
