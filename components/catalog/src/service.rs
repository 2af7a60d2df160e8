//! The catalog service: one function for each function of `mercato:shop/catalog` and
//! `mercato:shop/inventory`.

use mercato_shop::cache::Cache;
use mercato_shop::catalog::{
    Attribute, Category, CategoryPatch, Facets, ImportOutcome, ImportRow, MovementPage, NewCategory,
    NewProduct, Offer, Product, ProductChanges, ProductFilter, ProductPage, ProductPatch, ProductQuery,
    Stock, StockPolicy,
};
use mercato_shop::collection::Stored;
use mercato_shop::ports::Ports;
use mercato_shop::services::{Catalog, Inventory};
use mercato_shop::types::{Caller, Error, Line, Page, PricedLine};

use crate::product::index::Upgrade;
use crate::product::{archive, changes, create, facets, import, list, offer, update, variant};
use crate::repository::{PRODUCTS, ProductBody, get_many_including_archived, to_product};
use crate::stock::ledger;
use crate::{category, reservation, stock};

/// The catalog service over its ports.
#[derive(Clone, Debug)]
pub struct CatalogService<P> {
    ports: P,
    /// Remembers that products of older versions are upgraded.
    upgrade: Upgrade,
}

impl<P: Ports + Cache> CatalogService<P> {
    /// Returns a service over these ports.
    pub const fn new(ports: P) -> Self {
        Self {
            ports,
            upgrade: Upgrade::new(),
        }
    }
}

impl<P: Ports + Cache> Catalog for CatalogService<P> {
    fn create(&self, caller: &Caller, input: &NewProduct) -> Result<Product, Error> {
        caller.require_admin()?;
        self.upgrade.advance(&self.ports)?;
        create::create(&self.ports, caller, input)
    }

    fn import_many(
        &self,
        caller: &Caller,
        rows: &[ImportRow],
        stock: StockPolicy,
    ) -> Result<Vec<Result<ImportOutcome, Error>>, Error> {
        caller.require_admin()?;
        self.upgrade.advance(&self.ports)?;
        import::import_many(&self.ports, caller, rows, stock)
    }

    fn update(
        &self,
        caller: &Caller,
        id: &str,
        version: u64,
        patch: &ProductPatch,
    ) -> Result<Product, Error> {
        caller.require_admin()?;
        update::update(&self.ports, caller, id, version, patch)
    }

    fn archive(&self, caller: &Caller, id: &str, version: u64) -> Result<Product, Error> {
        caller.require_admin()?;
        archive::archive(&self.ports, caller, id, version)
    }

    fn receive_stock(&self, caller: &Caller, id: &str, quantity: i64) -> Result<Product, Error> {
        caller.require_admin()?;
        stock::receive_stock(&self.ports, caller, id, quantity)
    }

    fn adjust_stock(&self, caller: &Caller, id: &str, delta: i64, reason: &str) -> Result<Product, Error> {
        caller.require_admin()?;
        stock::adjust_stock(&self.ports, caller, id, delta, reason)
    }

    fn set_stock(
        &self,
        caller: &Caller,
        id: &str,
        quantity: i64,
        reason: Option<&str>,
    ) -> Result<Product, Error> {
        caller.require_admin()?;
        stock::set_stock(&self.ports, caller, id, quantity, reason)
    }

    fn stock_movements(&self, caller: &Caller, id: &str, page: &Page) -> Result<MovementPage, Error> {
        caller.require_admin()?;
        ledger::stock_movements(&self.ports, id, page)
    }

    fn categories(&self) -> Result<Vec<Category>, Error> {
        category::categories(&self.ports)
    }

    fn create_category(&self, caller: &Caller, input: &NewCategory) -> Result<Category, Error> {
        caller.require_admin()?;
        category::create_category(&self.ports, caller, input)
    }

    fn update_category(&self, caller: &Caller, id: &str, patch: &CategoryPatch) -> Result<Category, Error> {
        caller.require_admin()?;
        category::update_category(&self.ports, caller, id, patch)
    }

    fn move_category(&self, caller: &Caller, id: &str, parent_id: Option<&str>) -> Result<Category, Error> {
        caller.require_admin()?;
        category::move_category(&self.ports, caller, id, parent_id)
    }

    fn delete_category(&self, caller: &Caller, id: &str) -> Result<Category, Error> {
        caller.require_admin()?;
        category::delete_category(&self.ports, caller, id)
    }

    fn create_variant(
        &self,
        caller: &Caller,
        parent_id: &str,
        options: &[Attribute],
        input: &NewProduct,
    ) -> Result<Product, Error> {
        caller.require_admin()?;
        variant::create_variant(&self.ports, caller, parent_id, options, input)
    }

    fn list(&self, query: &ProductQuery) -> Result<ProductPage, Error> {
        list::list(&self.ports, &self.upgrade, query)
    }

    fn count_facets(&self, filter: &ProductFilter) -> Result<Facets, Error> {
        facets::count_facets(&self.ports, &self.upgrade, filter)
    }

    fn get_many(&self, ids: &[String]) -> Result<Vec<Option<Product>>, Error> {
        PRODUCTS.get_many(&self.ports, ids).map(to_products)
    }

    fn get_offers(&self, ids: &[String]) -> Result<Vec<Option<Offer>>, Error> {
        offer::get_offers(&self.ports, ids)
    }

    fn get_many_including_archived(&self, ids: &[String]) -> Result<Vec<Option<Product>>, Error> {
        get_many_including_archived(&self.ports, ids).map(to_products)
    }

    fn list_archived(&self, caller: &Caller, page: &Page) -> Result<ProductPage, Error> {
        caller.require_admin()?;
        archive::list_archived(&self.ports, page)
    }

    fn get_stock_many(&self, caller: &Caller, ids: &[String]) -> Result<Vec<Option<Stock>>, Error> {
        caller.require_admin()?;
        stock::get_stock_many(&self.ports, ids)
    }

    fn changes(&self, ids: Option<&[String]>, after: Option<&str>) -> Result<ProductChanges, Error> {
        changes::changes(&self.ports, ids, after)
    }
}

impl<P: Ports + Cache> Inventory for CatalogService<P> {
    fn reserve(&self, order_id: &str, lines: &[Line], due: u64) -> Result<Vec<PricedLine>, Error> {
        reservation::reserve(&self.ports, order_id, lines, due)
    }

    fn settle_many(&self, order_ids: &[String]) -> Result<Vec<Result<(), Error>>, Error> {
        reservation::settlement::settle_many(&self.ports, order_ids)
    }

    fn release(&self, order_id: &str) -> Result<(), Error> {
        reservation::release(&self.ports, order_id)
    }

    fn restock(&self, order_id: &str) -> Result<(), Error> {
        reservation::restock(&self.ports, order_id)
    }
}

fn to_products(products: Vec<Option<Stored<ProductBody>>>) -> Vec<Option<Product>> {
    products
        .into_iter()
        .map(|product| product.map(to_product))
        .collect()
}
