//! What the catalog service does for shoppers and for those who keep the shop.

use mercato_ports::documents::{CommitFailure, RefusalReason, Write};
use mercato_ports::events::Event;
use mercato_shop::accounts::AuditAction;
use mercato_shop::audit::Act;
use mercato_shop::cache::{Cache, Generation};
use mercato_shop::catalog::{
    Attribute, Category, CategoryPatch, Facets, ImportOutcome, MovementKind, MovementPage, NewCategory,
    NewProduct, Product, ProductChanges, ProductFilter, ProductPage, ProductPatch, ProductQuery, Stock,
};
use mercato_shop::collection::{Stored, event};
use mercato_shop::id;
use mercato_shop::ports::Ports;
use mercato_shop::services::Catalog;
use mercato_shop::types::{Caller, Error, Page};
use serde::Serialize;

use crate::ledger::Entry;
use crate::movement::Movement;
use crate::product::{PRODUCTS, ProductBody, to_product};
use crate::{
    archive, categories, changes, creation, edited, facets, import, input, ledger, listing, stock, variants,
};

/// How often an edit is made anew when orders move the product's stock meanwhile.
pub const TRIES: usize = 10;

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

/// Tells the audit log what somebody who keeps the shop does to what has this id.
pub fn act(caller: &Caller, action: AuditAction, id: &str, detail: Option<String>) -> Result<Event, Error> {
    let act = Act::by(caller.actor(), action).on(id);
    Act { detail, ..act }.event("catalog")
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
        let body = input::to_body(&self.ports, input)?;
        creation::create(&self.ports, caller, &id::new(), body, None)
    }

    fn import_many(
        &self,
        caller: &Caller,
        rows: Vec<NewProduct>,
    ) -> Result<Vec<Result<ImportOutcome, Error>>, Error> {
        caller.require_admin()?;
        import::import(&self.ports, caller, rows)
    }

    fn update(&self, caller: &Caller, id: &str, version: u64, patch: ProductPatch) -> Result<Product, Error> {
        caller.require_admin()?;
        for _ in 0..TRIES {
            let mut product = self.existing(id)?;
            if product.body.revision != version {
                return Err(Error::StaleVersion(product.body.revision));
            }
            let before = product.body.clone();
            if !input::apply(patch.clone(), &mut product.body)? {
                return Ok(to_product(product));
            }
            let mut writes = Vec::new();
            if patch.details.category_id.is_some() {
                writes.extend(categories::locate(&self.ports, &mut product.body)?);
            }
            writes.extend(variants::claim(
                id,
                before.sku.as_deref(),
                product.body.sku.as_deref(),
            )?);
            writes.push(PRODUCTS.replace(&product)?);
            let event = event(
                "mercato.catalog.product-updated",
                subject(id),
                &happened(id, &product.body),
            )?;
            let told = edited::told(&before, &product.body);
            let act = act(caller, AuditAction::ProductUpdate, id, Some(told))?;
            match commit(&self.ports, &writes, &[event, act]) {
                Ok(()) => return Ok(to_product(product)),
                Err(CommitFailure::Refused(refusals))
                    if refusals
                        .iter()
                        .any(|refusal| refusal.reason == RefusalReason::Exists) =>
                {
                    return Err(Error::Conflict(
                        "Another product, maybe an archived one, has this sku. Choose another one.".into(),
                    ));
                }
                // Its stock or its category has moved, or another edit was faster: the next look tells which.
                Err(CommitFailure::Refused(_)) => {}
                Err(failure) => return Err(failure.into()),
            }
        }
        Err(Error::Unavailable(
            "This product sells too fast to be edited right now. Try again in a moment.".into(),
        ))
    }

    fn archive(&self, caller: &Caller, id: &str, version: u64) -> Result<Product, Error> {
        caller.require_admin()?;
        archive::archive(&self.ports, caller, id, version)
    }

    fn receive(&self, caller: &Caller, id: &str, quantity: i64) -> Result<Product, Error> {
        caller.require_admin()?;
        stock::receive(&self.ports, caller, id, quantity)
    }

    fn adjust_stock(&self, caller: &Caller, id: &str, delta: i64, reason: &str) -> Result<Product, Error> {
        caller.require_admin()?;
        stock::adjust(&self.ports, caller, id, delta, reason)
    }

    fn set_stock(
        &self,
        caller: &Caller,
        id: &str,
        quantity: i64,
        reason: Option<&str>,
    ) -> Result<Product, Error> {
        caller.require_admin()?;
        stock::set(&self.ports, caller, id, quantity, reason)
    }

    fn stock_movements(&self, caller: &Caller, id: &str, page: &Page) -> Result<MovementPage, Error> {
        caller.require_admin()?;
        ledger::list(&self.ports, id, page)
    }

    fn categories(&self) -> Result<Vec<Category>, Error> {
        Ok(categories::read(&self.ports)?.list())
    }

    fn create_category(&self, caller: &Caller, input: NewCategory) -> Result<Category, Error> {
        caller.require_admin()?;
        categories::create(&self.ports, caller, input)
    }

    fn update_category(&self, caller: &Caller, id: &str, patch: &CategoryPatch) -> Result<Category, Error> {
        caller.require_admin()?;
        categories::update(&self.ports, caller, id, patch)
    }

    fn move_category(&self, caller: &Caller, id: &str, parent_id: Option<&str>) -> Result<Category, Error> {
        caller.require_admin()?;
        categories::relocate(&self.ports, caller, id, parent_id)
    }

    fn delete_category(&self, caller: &Caller, id: &str) -> Result<Category, Error> {
        caller.require_admin()?;
        categories::delete(&self.ports, caller, id)
    }

    fn create_variant(
        &self,
        caller: &Caller,
        parent_id: &str,
        options: Vec<Attribute>,
        input: NewProduct,
    ) -> Result<Product, Error> {
        caller.require_admin()?;
        variants::create(&self.ports, caller, parent_id, options, input)
    }

    fn list(&self, query: &ProductQuery) -> Result<ProductPage, Error> {
        listing::list(&self.ports, query)
    }

    fn count_facets(&self, filter: &ProductFilter) -> Result<Facets, Error> {
        facets::count(&self.ports, filter)
    }

    fn get_many(&self, ids: &[String]) -> Result<Vec<Option<Product>>, Error> {
        let products = PRODUCTS.get_many(&self.ports, ids)?;
        Ok(products
            .into_iter()
            .map(|product| product.map(to_product))
            .collect())
    }

    fn get_ever_many(&self, ids: &[String]) -> Result<Vec<Option<Product>>, Error> {
        let products = archive::get_ever(&self.ports, ids)?;
        Ok(products
            .into_iter()
            .map(|product| product.map(to_product))
            .collect())
    }

    fn archived(&self, caller: &Caller, page: &Page) -> Result<ProductPage, Error> {
        caller.require_admin()?;
        archive::list(&self.ports, page)
    }

    fn stock_many(&self, caller: &Caller, ids: &[String]) -> Result<Vec<Option<Stock>>, Error> {
        caller.require_admin()?;
        let products = archive::get_ever(&self.ports, ids)?;
        Ok(products
            .into_iter()
            .map(|product| product.map(|product| product.body.stock()))
            .collect())
    }

    fn changes(&self, ids: Option<&[String]>, after: Option<&str>) -> Result<ProductChanges, Error> {
        match ids {
            Some(ids) => changes::of_some(&self.ports, ids, after),
            None => changes::of_all(&self.ports, after),
        }
    }
}

/// What the ledger says of the pieces that a product is created with.
pub fn first_stock(caller: &Caller, id: &str, body: &ProductBody) -> Result<Option<Write>, Error> {
    if body.on_hand == 0 {
        return Ok(None);
    }
    let entry = Entry::by(
        caller,
        MovementKind::Received,
        Movement::Receive,
        body.on_hand,
        None,
    );
    entry.enter(id).map(Some)
}

/// The error for a product that is not sold here, or no longer.
pub fn missing(id: &str) -> Error {
    Error::NotFound(format!("There is no product {id}."))
}
