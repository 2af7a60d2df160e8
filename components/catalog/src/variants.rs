//! Variants: products of their own under a parent, which names them; and the SKUs that all products share.
//!
//! A parent isn't sold itself, so its document is a quiet one, and each change of its variants replaces it: two changes
//! at once meet at its version.

use mercato_ports::documents::Write;
use mercato_shop::cache::Cache;
use mercato_shop::catalog::{Attribute, NewProduct, Product};
use mercato_shop::collection::Stored;
use mercato_shop::id;
use mercato_shop::ports::Ports;
use mercato_shop::types::{Caller, Error};

use crate::creation;
use crate::details;
use crate::input;
use crate::product::{PRODUCTS, ProductBody, SKUS, SkuClaim};
use crate::service::missing;

/// The most variants of a product.
const MOST: usize = 100;

/// Adds a variant to a product.
pub fn create(
    ports: &(impl Ports + Cache),
    caller: &Caller,
    parent_id: &str,
    options: Vec<Attribute>,
    input: NewProduct,
) -> Result<Product, Error> {
    let options = details::named("options", options)?;
    if options.is_empty() {
        return Err(Error::invalid(
            "options",
            "Say what makes it this variant, such as size: M.",
        ));
    }
    let mut body = input::to_body(ports, input)?;
    body.parent_id = Some(parent_id.into());
    body.options = options;
    body.standalone = None;
    let mut parent = PRODUCTS
        .get(ports, parent_id)?
        .ok_or_else(|| missing(parent_id))?;
    if parent.body.parent_id.is_some() {
        return Err(Error::invalid(
            "parentId",
            "This product is a variant itself. Take its parent.",
        ));
    }
    if parent.body.variant_ids.len() >= MOST {
        return Err(Error::Conflict(format!("A product has at most {MOST} variants.")));
    }
    let siblings = PRODUCTS.get_many(ports, &parent.body.variant_ids)?;
    let same = |sibling: &Stored<ProductBody>| {
        sibling.body.options.len() == body.options.len()
            && body
                .options
                .iter()
                .all(|option| sibling.body.options.contains(option))
    };
    if siblings.iter().flatten().any(same) {
        return Err(Error::Conflict("Another variant has the same options.".into()));
    }
    let id = id::new();
    parent.body.variant_ids.push(id.clone());
    parent.body.updated_at = id::now();
    creation::create(ports, caller, &id, body, Some(&parent))
}

/// The write that takes a variant from its parent; none for what is no variant.
pub fn leave(ports: &impl Ports, variant: &Stored<ProductBody>) -> Result<Option<Write>, Error> {
    let Some(parent_id) = &variant.body.parent_id else {
        return Ok(None);
    };
    let Some(mut parent) = PRODUCTS.get(ports, parent_id)? else {
        return Ok(None);
    };
    parent.body.variant_ids.retain(|id| *id != variant.id);
    parent.body.updated_at = id::now();
    PRODUCTS.replace(&parent).map(Some)
}

/// The writes that give a product another SKU.
pub fn claim(product_id: &str, before: Option<&str>, after: Option<&str>) -> Result<Vec<Write>, Error> {
    let claim = SkuClaim {
        product_id: product_id.into(),
    };
    let mut writes = Vec::new();
    if before == after {
        return Ok(writes);
    }
    if let Some(sku) = after {
        writes.push(SKUS.insert(sku, &claim)?);
    }
    if let Some(sku) = before {
        // Claims are never changed.
        writes.push(SKUS.delete(&Stored {
            id: sku.into(),
            version: 1,
            body: claim,
        }));
    }
    Ok(writes)
}
