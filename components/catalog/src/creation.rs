//! How a product comes to be: one commit with all that it claims.

use mercato_ports::documents::{CommitFailure, RefusalReason};
use mercato_shop::accounts::AuditAction;
use mercato_shop::cache::Cache;
use mercato_shop::catalog::Product;
use mercato_shop::collection::{Stored, event};
use mercato_shop::ports::Ports;
use mercato_shop::types::{Caller, Error};

use crate::product::{EXTERNAL_IDS, ExternalIdClaim, PRODUCTS, ProductBody, to_product};
use crate::service::{act, commit, first_stock, happened, subject};
use crate::{categories, variants};

/// Creates a product; a variant together with its parent, which names it already.
pub fn create(
    ports: &(impl Ports + Cache),
    caller: &Caller,
    id: &str,
    mut body: ProductBody,
    parent: Option<&Stored<ProductBody>>,
) -> Result<Product, Error> {
    let guard = categories::locate(ports, &mut body)?;
    let mut writes = vec![PRODUCTS.insert(id, &body)?];
    if let Some(external_id) = &body.external_id {
        let claim = ExternalIdClaim {
            product_id: id.into(),
        };
        writes.push(EXTERNAL_IDS.insert(external_id, &claim)?);
    }
    writes.extend(variants::claim(id, None, body.sku.as_deref())?);
    writes.extend(first_stock(caller, id, &body)?);
    if let Some(parent) = parent {
        writes.push(PRODUCTS.replace(parent)?);
    }
    writes.extend(guard);
    let event = event(
        "mercato.catalog.product-created",
        subject(id),
        &happened(id, &body),
    )?;
    let of = parent.map(|parent| format!("variant of {}", parent.id));
    let act = act(caller, AuditAction::ProductCreate, id, of)?;
    match commit(ports, &writes, &[event, act]) {
        Ok(()) => Ok(to_product(Stored {
            id: id.into(),
            version: 1,
            body,
        })),
        Err(CommitFailure::Refused(refusals))
            if refusals.iter().any(|refusal| refusal.reason == RefusalReason::Exists) =>
        {
            Err(Error::Conflict(
                "Another product, maybe an archived one, has this externalId or this sku. Update that one, or import."
                    .into(),
            ))
        }
        // Its parent or the categories were changed at the same time.
        Err(failure) => Err(failure.into()),
    }
}
