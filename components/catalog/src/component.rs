//! Exports the service as the world `mercato:shop/catalog-service`.

use mercato_shop::catalog::{
    Attribute, Category, CategoryPatch, Facets, ImportOutcome, ImportRow, MovementPage, NewCategory,
    NewProduct, Offer, Product, ProductChanges, ProductFilter, ProductPage, ProductPatch, ProductQuery,
    Stock, StockPolicy,
};
use mercato_shop::ports::Imports;
use mercato_shop::services::{Catalog, Inventory};
use mercato_shop::types::{Caller, Error, Line, Page, PricedLine};

use crate::CatalogService;

static SERVICE: CatalogService<Imports> = CatalogService::new(Imports);

mercato_shop::export! {
    world: "mercato:shop/catalog-service",
    with: {
        "mercato:shop/product-types@0.1.0": mercato_shop::catalog,
        "mercato:shop/types@0.1.0": mercato_shop::types,
    },
}

struct Component;

impl bindings::exports::mercato::shop::catalog::Guest for Component {
    fn create(caller: Caller, input: NewProduct) -> Result<Product, Error> {
        SERVICE.create(&caller, &input)
    }

    fn import_many(
        caller: Caller,
        rows: Vec<ImportRow>,
        stock: StockPolicy,
    ) -> Result<Vec<Result<ImportOutcome, Error>>, Error> {
        SERVICE.import_many(&caller, &rows, stock)
    }

    fn update(caller: Caller, id: String, version: u64, patch: ProductPatch) -> Result<Product, Error> {
        SERVICE.update(&caller, &id, version, &patch)
    }

    fn archive(caller: Caller, id: String, version: u64) -> Result<Product, Error> {
        SERVICE.archive(&caller, &id, version)
    }

    fn receive_stock(caller: Caller, id: String, quantity: i64) -> Result<Product, Error> {
        SERVICE.receive_stock(&caller, &id, quantity)
    }

    fn adjust_stock(caller: Caller, id: String, delta: i64, reason: String) -> Result<Product, Error> {
        SERVICE.adjust_stock(&caller, &id, delta, &reason)
    }

    fn set_stock(
        caller: Caller,
        id: String,
        quantity: i64,
        reason: Option<String>,
    ) -> Result<Product, Error> {
        SERVICE.set_stock(&caller, &id, quantity, reason.as_deref())
    }

    fn stock_movements(caller: Caller, id: String, page: Page) -> Result<MovementPage, Error> {
        SERVICE.stock_movements(&caller, &id, &page)
    }

    fn categories() -> Result<Vec<Category>, Error> {
        SERVICE.categories()
    }

    fn create_category(caller: Caller, input: NewCategory) -> Result<Category, Error> {
        SERVICE.create_category(&caller, &input)
    }

    fn update_category(caller: Caller, id: String, patch: CategoryPatch) -> Result<Category, Error> {
        SERVICE.update_category(&caller, &id, &patch)
    }

    fn move_category(caller: Caller, id: String, parent_id: Option<String>) -> Result<Category, Error> {
        SERVICE.move_category(&caller, &id, parent_id.as_deref())
    }

    fn delete_category(caller: Caller, id: String) -> Result<Category, Error> {
        SERVICE.delete_category(&caller, &id)
    }

    fn create_variant(
        caller: Caller,
        parent_id: String,
        options: Vec<Attribute>,
        input: NewProduct,
    ) -> Result<Product, Error> {
        SERVICE.create_variant(&caller, &parent_id, &options, &input)
    }

    fn list(query: ProductQuery) -> Result<ProductPage, Error> {
        SERVICE.list(&query)
    }

    fn count_facets(filter: ProductFilter) -> Result<Facets, Error> {
        SERVICE.count_facets(&filter)
    }

    fn get_many(ids: Vec<String>) -> Result<Vec<Option<Product>>, Error> {
        SERVICE.get_many(&ids)
    }

    fn get_offers(ids: Vec<String>) -> Result<Vec<Option<Offer>>, Error> {
        SERVICE.get_offers(&ids)
    }

    fn get_many_including_archived(ids: Vec<String>) -> Result<Vec<Option<Product>>, Error> {
        SERVICE.get_many_including_archived(&ids)
    }

    fn list_archived(caller: Caller, page: Page) -> Result<ProductPage, Error> {
        SERVICE.list_archived(&caller, &page)
    }

    fn get_stock_many(caller: Caller, ids: Vec<String>) -> Result<Vec<Option<Stock>>, Error> {
        SERVICE.get_stock_many(&caller, &ids)
    }

    fn changes(ids: Option<Vec<String>>, after: Option<String>) -> Result<ProductChanges, Error> {
        SERVICE.changes(ids.as_deref(), after.as_deref())
    }
}

impl bindings::exports::mercato::shop::inventory::Guest for Component {
    fn reserve(order_id: String, lines: Vec<Line>, due: u64) -> Result<Vec<PricedLine>, Error> {
        SERVICE.reserve(&order_id, &lines, due)
    }

    fn settle_many(order_ids: Vec<String>) -> Result<Vec<Result<(), Error>>, Error> {
        SERVICE.settle_many(&order_ids)
    }

    fn release(order_id: String) -> Result<(), Error> {
        SERVICE.release(&order_id)
    }

    fn restock(order_id: String) -> Result<(), Error> {
        SERVICE.restock(&order_id)
    }
}
