//! The products of a request. Each is read once.

use std::collections::HashMap;

use mercato_shop::catalog::Offer;
use mercato_shop::services::Catalog;
use mercato_shop::types::Error;

/// The part of the catalog that carts use.
pub trait ProductSource {
    /// Returns the products with these ids, in the order of the ids.
    ///
    /// # Errors
    /// As `mercato:shop/catalog.get-offers`.
    fn get_offers(&self, ids: &[String]) -> Result<Vec<Option<Offer>>, Error>;
}

impl<C: Catalog> ProductSource for C {
    fn get_offers(&self, ids: &[String]) -> Result<Vec<Option<Offer>>, Error> {
        Catalog::get_offers(self, ids)
    }
}

/// Products by id, with nothing for ids that are not sold.
#[derive(Debug, Default)]
pub struct Products(HashMap<String, Option<Offer>>);

impl Products {
    /// Reads those of the products that were not read before, in one call.
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
            let products = catalog.get_offers(&unknown)?;
            self.0.extend(unknown.into_iter().zip(products));
        }
        Ok(())
    }

    /// Returns the product with this id.
    pub fn get(&self, id: &str) -> Option<&Offer> {
        self.0.get(id)?.as_ref()
    }

    /// Returns the product with this id if it can be ordered. A product with variants cannot.
    pub fn orderable(&self, id: &str) -> Option<&Offer> {
        self.get(id).filter(|product| !product.has_variants)
    }
}
