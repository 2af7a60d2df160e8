//! Archives products.
//!
//! An archived product moves to another collection, so that no list, search or reservation can find it.

use mercato_shop::accounts::AuditAction;
use mercato_shop::catalog::{Product, ProductPage};
use mercato_shop::id;
use mercato_shop::ports::Ports;
use mercato_shop::query::{self, descending};
use mercato_shop::retry::retry_on_conflict;
use mercato_shop::types::{Caller, Error, Page};

use super::{index, variant};
use crate::events;
use crate::platform::Platform;
use crate::repository::{
    ARCHIVED_PRODUCTS, PRODUCTS, ProductBody, busy, commit, get_many_including_archived, product_not_found,
    to_page, to_product,
};

/// Archives a product that still has this version. A repetition returns the archived product again.
///
/// # Errors
/// [`Error::StaleVersion`] if the product was edited since. [`Error::Conflict`] if it has variants.
pub fn archive(ports: &impl Platform, caller: &Caller, id: &str, version: u64) -> Result<Product, Error> {
    retry_on_conflict(busy, || {
        let found = get_many_including_archived(ports, &[id.to_owned()])?
            .pop()
            .flatten();
        let product = found.ok_or_else(|| product_not_found(id))?;
        let revision = product.body.revision;
        if product.body.archived_at.is_some() {
            return if revision == version.saturating_add(1) {
                Ok(to_product(product))
            } else {
                Err(product_not_found(id).into())
            };
        }
        if revision != version {
            return Err(Error::StaleVersion(revision).into());
        }
        if !product.body.variant_ids.is_empty() {
            let message = "This product has variants. Delete those first.";
            return Err(Error::Conflict(message.into()).into());
        }
        let mut archived = product.clone();
        let now = id::now();
        archived.body.archived_at = Some(now);
        archived.body.category_path = None;
        index::clear(&mut archived.body);
        archived.body.updated_at = now;
        archived.body.revision += 1;
        let mut writes = vec![
            PRODUCTS.delete(&product),
            ARCHIVED_PRODUCTS.insert(id, &archived.body)?,
        ];
        writes.extend(variant::detach(ports, &product)?);
        let events = [
            events::product_changed(events::PRODUCT_ARCHIVED, id, &archived.body)?,
            events::audited(caller, AuditAction::ProductDelete, id, None)?,
        ];
        commit(ports, &writes, &events)?;
        Ok(to_product(archived))
    })
}

/// Returns one page of the archived products, the last archived first.
pub fn list_archived(ports: &impl Ports, page: &Page) -> Result<ProductPage, Error> {
    let mut query = ARCHIVED_PRODUCTS.query(0);
    query.sort = Some(descending("archivedAt"));
    let time = |body: &ProductBody| body.archived_at.map(query::time);
    query::page(ports, &ARCHIVED_PRODUCTS, query, page, "-archived", time).map(to_page)
}
