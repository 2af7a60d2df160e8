//! The products that a request speaks of, each asked for once.

use std::collections::HashMap;

use mercato_shop::catalog::Product;
use mercato_shop::services::Catalog;
use mercato_shop::types::Error;

/// What carts ask the catalog for, and nothing else of it.
pub trait ProductSource {
    /// The products of these ids, in the order of the ids; none for an id that is not there.
    ///
    /// # Errors
    /// As `mercato:shop/catalog.get-many`.
    fn products(&self, ids: &[String]) -> Result<Vec<Option<Product>>, Error>;
}

impl<C: Catalog> ProductSource for C {
    fn products(&self, ids: &[String]) -> Result<Vec<Option<Product>>, Error> {
        self.get_many(ids)
    }
}

/// Products as they are now, by id; none for those that are not there.
#[derive(Debug, Default)]
pub struct Products(HashMap<String, Option<Product>>);

impl Products {
    /// Asks, in one call, for those of these products that nobody has asked for yet.
    pub fn fetch<'a>(
        &mut self,
        catalog: &impl ProductSource,
        ids: impl Iterator<Item = &'a str>,
    ) -> Result<(), Error> {
        let mut unknown: Vec<String> = Vec::new();
        for id in ids {
            if !self.0.contains_key(id) && !unknown.iter().any(|known| known == id) {
                unknown.push(id.to_owned());
            }
        }
        if !unknown.is_empty() {
            let products = catalog.products(&unknown)?;
            self.0.extend(unknown.into_iter().zip(products));
        }
        Ok(())
    }

    /// The product of this id, if there is one.
    pub fn get(&self, id: &str) -> Option<&Product> {
        self.0.get(id)?.as_ref()
    }

    /// The product of this id, if it can be bought: one that comes in variants is sold by them alone.
    pub fn sold(&self, id: &str) -> Option<&Product> {
        self.get(id).filter(|product| product.variant_ids.is_empty())
    }
}
