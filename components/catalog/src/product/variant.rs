//! Variants: products that belong to a parent product, which lists them.
//!
//! A parent cannot be ordered, so its document rarely changes. Each change of its variants replaces the
//! document, and its version detects concurrent changes.

use mercato_ports::documents::Write;
use mercato_shop::catalog::{Attribute, NewProduct, Product};
use mercato_shop::collection::Stored;
use mercato_shop::id;
use mercato_shop::ports::Ports;
use mercato_shop::retry::{AttemptError, retry_on_conflict};
use mercato_shop::types::{Caller, Error};

use super::{create, input};
use crate::platform::Platform;
use crate::repository::{NameValue, PRODUCTS, ProductBody, busy, find_product};

const MAX_VARIANTS: usize = 100;

/// Adds a variant to a product.
///
/// # Errors
/// [`Error::Invalid`] for invalid input, or if the parent is a variant. [`Error::Conflict`] if another
/// variant has the same options.
pub fn create_variant(
    ports: &impl Platform,
    caller: &Caller,
    parent_id: &str,
    options: &[Attribute],
    input: &NewProduct,
) -> Result<Product, Error> {
    let options = input::attributes("options", options)?;
    if options.is_empty() {
        return Err(Error::invalid(
            "options",
            "`options` must have at least one entry, such as size: M.",
        ));
    }
    let mut body = input::to_body(ports, input)?;
    body.parent_id = Some(parent_id.into());
    body.options = options;
    body.standalone = None;
    retry_on_conflict(busy, || add(ports, caller, parent_id, body.clone()))
}

/// Adds a variant to its parent as the parent is now.
fn add(
    ports: &impl Platform,
    caller: &Caller,
    parent_id: &str,
    body: ProductBody,
) -> Result<Product, AttemptError> {
    let mut parent = find_product(ports, parent_id)?;
    if parent.body.parent_id.is_some() {
        return Err(Error::invalid("parentId", "This product is a variant itself. Use its parent.").into());
    }
    require_room(&parent.body)?;
    let siblings = PRODUCTS.get_many(ports, &parent.body.variant_ids)?;
    require_unique_options(&body.options, siblings.iter().flatten())?;
    let id = id::new();
    parent.body.variant_ids.push(id.clone());
    parent.body.updated_at = id::now();
    create::insert(ports, caller, id, body, Some(&parent))
}

/// Rejects a parent that has as many variants as a product can have.
///
/// # Errors
/// [`Error::Conflict`] if it is full.
pub fn require_room(parent: &ProductBody) -> Result<(), Error> {
    if parent.variant_ids.len() >= MAX_VARIANTS {
        return Err(Error::Conflict(format!(
            "A product can have at most {MAX_VARIANTS} variants. Delete one first."
        )));
    }
    Ok(())
}

/// Rejects options that another variant of the product has, in any order.
///
/// # Errors
/// [`Error::Conflict`] names the other variant.
pub fn require_unique_options<'a>(
    options: &[NameValue],
    siblings: impl IntoIterator<Item = &'a Stored<ProductBody>>,
) -> Result<(), Error> {
    let has_same_options = |sibling: &&Stored<ProductBody>| {
        let others = &sibling.body.options;
        others.len() == options.len() && options.iter().all(|option| others.contains(option))
    };
    match siblings.into_iter().find(has_same_options) {
        None => Ok(()),
        Some(sibling) => Err(Error::Conflict(format!(
            "The variant {} ({}) has the same `options`. Choose other options.",
            sibling.id, sibling.body.name
        ))),
    }
}

/// Returns the write that removes a variant from its parent, or nothing for a product that is not a variant.
pub fn detach(ports: &impl Ports, variant: &Stored<ProductBody>) -> Result<Option<Write>, Error> {
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
