//! What the catalog service does for shoppers and for those who keep the shop.

use mercato_common::cache::{Cache, Generation};
use mercato_common::catalog::{
    ImportOutcome, NewProduct, Product, ProductPage, ProductPatch, ProductQuery, Stock,
};
use mercato_common::collection::{Stored, event};
use mercato_common::id;
use mercato_common::ports::Ports;
use mercato_common::services::Catalog;
use mercato_common::types::{Caller, Error, Shortage};
use mercato_ports::documents::{CommitFailure, RefusalReason, Write};
use mercato_ports::events::Event;
use serde::Serialize;

use crate::product::{EXTERNAL_IDS, ExternalIdClaim, Movement, PRODUCTS, ProductBody, to_product};
use crate::{import, input, listing};

/// How often an edit is made anew when orders move the product's stock meanwhile.
const TRIES: usize = 10;

/// The catalog service over its ports.
#[derive(Clone, Copy, Debug)]
pub struct CatalogService<P> {
    ports: P,
}

/// The data of the events that tell of a product.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ProductHappened<'a> {
    product_id: &'a str,
    name: &'a str,
    price: i64,
    currency: &'a str,
    version: u64,
}

/// What an event tells of a product.
pub fn happened<'a>(product_id: &'a str, body: &'a ProductBody) -> ProductHappened<'a> {
    ProductHappened {
        product_id,
        name: &body.name,
        price: body.price,
        currency: &body.currency,
        version: body.revision,
    }
}

/// The subject of a product's events.
pub fn subject(product_id: &str) -> String {
    format!("product/{product_id}")
}

/// Commits a change of products or of their stock, and lets everyone know who keeps what they were.
pub fn commit(ports: &(impl Ports + Cache), writes: &[Write], events: &[Event]) -> Result<(), CommitFailure> {
    let outcome = ports.commit(writes, events);
    // After a failure nobody knows whether there was a change.
    if !matches!(outcome, Err(CommitFailure::Refused(_))) {
        Generation::CATALOG.advance(ports);
    }
    outcome
}

impl<P: Ports + Cache> CatalogService<P> {
    /// The service over these ports.
    pub const fn new(ports: P) -> Self {
        Self { ports }
    }

    pub(crate) const fn ports(&self) -> &P {
        &self.ports
    }

    fn existing(&self, id: &str) -> Result<Stored<ProductBody>, Error> {
        PRODUCTS.get(&self.ports, id)?.ok_or_else(|| missing(id))
    }
}

impl<P: Ports + Cache> Catalog for CatalogService<P> {
    fn create(&self, caller: &Caller, input: NewProduct) -> Result<Product, Error> {
        caller.require_admin()?;
        let product = Stored {
            id: id::new(),
            version: 1,
            body: input::to_body(&self.ports, input)?,
        };
        let mut writes = vec![PRODUCTS.insert(&product.id, &product.body)?];
        if let Some(external_id) = &product.body.external_id {
            writes.push(EXTERNAL_IDS.insert(
                external_id,
                &ExternalIdClaim {
                    product_id: product.id.clone(),
                },
            )?);
        }
        let event = event(
            "mercato.catalog.product-created",
            subject(&product.id),
            &happened(&product.id, &product.body),
        )?;
        match commit(&self.ports, &writes, &[event]) {
            Ok(()) => Ok(to_product(product)),
            Err(CommitFailure::Refused(_)) => Err(Error::Conflict(
                "Another product has this externalId. Update that one, or import.".into(),
            )),
            Err(failure) => Err(failure.into()),
        }
    }

    fn import_many(
        &self,
        caller: &Caller,
        rows: Vec<NewProduct>,
    ) -> Result<Vec<Result<ImportOutcome, Error>>, Error> {
        caller.require_admin()?;
        import::import(&self.ports, rows)
    }

    fn update(&self, caller: &Caller, id: &str, version: u64, patch: ProductPatch) -> Result<Product, Error> {
        caller.require_admin()?;
        for _ in 0..TRIES {
            let mut product = self.existing(id)?;
            if product.body.revision != version {
                return Err(stale(version, product.body.revision));
            }
            if !input::apply(patch.clone(), &mut product.body)? {
                return Ok(to_product(product));
            }
            let event = event(
                "mercato.catalog.product-updated",
                subject(id),
                &happened(id, &product.body),
            )?;
            match commit(&self.ports, &[PRODUCTS.replace(&product)?], &[event]) {
                Ok(()) => return Ok(to_product(product)),
                // Its stock has moved, or another edit was faster: the next look tells which.
                Err(CommitFailure::Refused(refusals))
                    if refusals
                        .iter()
                        .all(|refusal| matches!(refusal.reason, RefusalReason::Stale(_))) => {}
                Err(failure) => return Err(failure.into()),
            }
        }
        Err(Error::Unavailable(
            "This product sells too fast to be edited right now. Try again in a moment.".into(),
        ))
    }

    fn receive(&self, caller: &Caller, id: &str, quantity: i64) -> Result<Product, Error> {
        caller.require_admin()?;
        let quantity = input::moved(quantity)?;
        if self.existing(id)?.body.received.saturating_add(quantity) > i64::from(i32::MAX) {
            return Err(Error::invalid(
                "quantity",
                "A product's stock counts at most 2147483647 pieces ever received.",
            ));
        }
        let write = PRODUCTS.adjust(id, Movement::Receive.changes(quantity));
        match commit(&self.ports, &[write], &[]) {
            Ok(()) => self.existing(id).map(to_product),
            Err(CommitFailure::Refused(_)) => Err(missing(id)),
            Err(failure) => Err(failure.into()),
        }
    }

    fn deduct(&self, caller: &Caller, id: &str, quantity: i64) -> Result<Product, Error> {
        caller.require_admin()?;
        let quantity = input::moved(quantity)?;
        let write = PRODUCTS.adjust(id, Movement::Deduct.changes(quantity));
        match commit(&self.ports, &[write], &[]) {
            Ok(()) => self.existing(id).map(to_product),
            Err(CommitFailure::Refused(refusals)) => {
                let left = refusals.iter().find_map(|refusal| match refusal.reason {
                    RefusalReason::UnderFloor(left) => Some(left),
                    _ => None,
                });
                Err(left.map_or_else(|| missing(id), |left| too_few(id, quantity, left)))
            }
            Err(failure) => Err(failure.into()),
        }
    }

    fn list(&self, query: &ProductQuery) -> Result<ProductPage, Error> {
        listing::list(&self.ports, query)
    }

    fn get_many(&self, ids: &[String]) -> Result<Vec<Option<Product>>, Error> {
        let products = PRODUCTS.get_many(&self.ports, ids)?;
        Ok(products
            .into_iter()
            .map(|product| product.map(to_product))
            .collect())
    }

    fn stock_many(&self, caller: &Caller, ids: &[String]) -> Result<Vec<Option<Stock>>, Error> {
        caller.require_admin()?;
        let products = PRODUCTS.get_many(&self.ports, ids)?;
        Ok(products
            .into_iter()
            .map(|product| product.map(|product| product.body.stock()))
            .collect())
    }
}

fn missing(id: &str) -> Error {
    Error::NotFound(format!("There is no product {id}."))
}

fn too_few(id: &str, requested: i64, available: i64) -> Error {
    let count = |pieces: i64| u32::try_from(pieces.max(0)).unwrap_or(u32::MAX);
    Error::OutOfStock(vec![Shortage {
        product_id: id.to_owned(),
        requested: count(requested),
        available: count(available),
    }])
}

fn stale(expected: u64, current: u64) -> Error {
    Error::Conflict(format!(
        "The product is at version {current}, and your edit is of version {expected}. Read it again, and repeat the edit."
    ))
}
