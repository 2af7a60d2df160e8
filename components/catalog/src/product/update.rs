//! Edits a product.

use mercato_ports::documents::CommitFailure;
use mercato_shop::accounts::AuditAction;
use mercato_shop::catalog::{Product, ProductPatch};
use mercato_shop::id;
use mercato_shop::retry::retry_on_conflict;
use mercato_shop::types::{Caller, Error};

use super::slugs::Slugs;
use super::{create, index, input};
use crate::category::placement;
use crate::events;
use crate::platform::Platform;
use crate::repository::{
    PRODUCTS, ProductBody, busy, claim_writes, commit, find_product, find_taken, to_product,
};
use crate::stock;
use crate::stock::alert::ShopThreshold;

/// Applies a patch to a product that still has this version.
///
/// # Errors
/// [`Error::StaleVersion`] if the product was edited since. [`Error::Conflict`] if another product has the SKU
/// or the slug.
pub fn update(
    ports: &impl Platform,
    caller: &Caller,
    id: &str,
    version: u64,
    patch: &ProductPatch,
) -> Result<Product, Error> {
    let quantity = patch.quantity.map(input::quantity).transpose()?;
    let threshold = ShopThreshold::read(ports)?;
    retry_on_conflict(busy, || {
        let mut product = find_product(ports, id)?;
        if product.body.revision != version {
            return Err(Error::StaleVersion(product.body.revision).into());
        }
        let before = product.body.clone();
        input::apply(patch, &mut product.body)?;
        let tree_guard = if patch.details.category_id.is_some() {
            placement::set_guarded_path(ports, &mut product.body)?
        } else {
            None
        };
        let is_slug_made = product.body != before && Slugs::default().assign(ports, id, &mut product.body)?;
        let is_edited = product.body != before;
        let mut events = Vec::new();
        if is_edited {
            let body = &mut product.body;
            body.revision += 1;
            body.updated_at = id::now();
            index::refresh(body);
            let detail = changed_fields(&before, body);
            events.push(events::product_changed(events::PRODUCT_UPDATED, id, body)?);
            events.push(events::audited(
                caller,
                AuditAction::ProductUpdate,
                id,
                Some(detail),
            )?);
        }
        let set = |quantity| stock::set_units_on_hand(caller, &mut product, quantity, threshold, None);
        let counted = quantity.map(set).transpose()?.flatten();
        if !is_edited && counted.is_none() {
            return Ok(to_product(product));
        }
        let mut writes = vec![PRODUCTS.replace(&product)?];
        writes.extend(tree_guard);
        writes.extend(claim_writes(id, Some(&before), &product.body)?);
        if let Some(counted) = counted {
            let detail = format!("{} -> {}", before.on_hand, product.body.on_hand);
            events.push(events::audited(caller, AuditAction::StockSet, id, Some(detail))?);
            writes.extend(counted.writes);
            events.extend(counted.events);
        }
        match commit(ports, &writes, &events) {
            Err(CommitFailure::Refused(refusals)) => Err(create::refused(
                find_taken(ports, &writes, &refusals)?,
                is_slug_made,
            )),
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
        ("slug", before.slug != after.slug),
        (
            "compareAtPrice",
            before.compare_at_price != after.compare_at_price,
        ),
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
