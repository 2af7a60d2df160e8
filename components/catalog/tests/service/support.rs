//! What the tests share.

use mercato_catalog::CatalogService;
use mercato_shop::catalog::{
    Attribute, Category, ImportOutcome, ImportRow, NewCategory, NewProduct, Product, ProductDetails,
    ProductFilter, ProductPatch, ProductQuery, ProductSort, SortKey, Stock, StockPolicy,
};
use mercato_shop::services::{Catalog, Inventory};
use mercato_shop::testing::{TestPorts, admin};
use mercato_shop::types::{Error, Line, Page};

pub type Service = CatalogService<TestPorts>;

/// A catalog over an empty store.
pub fn catalog() -> (TestPorts, Service) {
    catalog_with(&[])
}

/// A catalog with these settings.
pub fn catalog_with(config: &[(&'static str, &str)]) -> (TestPorts, Service) {
    let ports = TestPorts::new(&[("catalog", include_str!("../../service.toml"))], config);
    (ports.clone(), CatalogService::new(ports))
}

/// The input for a product that costs 100 and has 9 units.
pub fn new_product(name: &str) -> NewProduct {
    NewProduct {
        name: name.into(),
        description: None,
        manufacturer: None,
        external_id: None,
        price: 100,
        currency: None,
        quantity: 9,
        details: ProductDetails::default(),
    }
}

/// A row of a feed, whose external id is made from the name.
pub fn row(name: &str) -> NewProduct {
    NewProduct {
        external_id: Some(format!("feed/{name}")),
        ..new_product(name)
    }
}

/// The row of a feed with all fields of a product.
pub fn import_row(product: NewProduct) -> ImportRow {
    ImportRow {
        external_id: product.external_id,
        fields: ProductPatch {
            name: Some(product.name),
            description: product.description,
            manufacturer: product.manufacturer,
            price: Some(product.price),
            currency: product.currency,
            quantity: Some(product.quantity),
            details: product.details,
        },
        category_path: None,
        parent_external_id: None,
        options: None,
    }
}

/// Imports rows, and keeps the stock of known products.
pub fn import(
    catalog: &impl Catalog,
    rows: &[NewProduct],
) -> Result<Vec<Result<ImportOutcome, Error>>, Error> {
    let rows: Vec<_> = rows.iter().cloned().map(import_row).collect();
    catalog.import_many(&admin(), &rows, StockPolicy::Keep)
}

/// Settles the reservation of an order.
pub fn settle(catalog: &Service, order: &str) -> Result<(), Error> {
    catalog.settle_many(&[order.into()]).unwrap().remove(0)
}

/// Creates a product with this stock, and returns its id.
pub fn product_with_stock(catalog: &Service, quantity: i64) -> String {
    let input = NewProduct {
        quantity,
        ..new_product("Sock")
    };
    catalog.create(&admin(), &input).unwrap().id
}

pub fn price(price: i64) -> ProductPatch {
    ProductPatch {
        price: Some(price),
        ..ProductPatch::default()
    }
}

pub fn patch(details: ProductDetails) -> ProductPatch {
    ProductPatch {
        details,
        ..ProductPatch::default()
    }
}

pub fn attributes(pairs: &[(&str, &str)]) -> Vec<Attribute> {
    let attribute = |(name, value): &(&str, &str)| Attribute {
        name: (*name).into(),
        value: (*value).into(),
    };
    pairs.iter().map(attribute).collect()
}

pub fn new_category(name: &str, parent: Option<&Category>) -> NewCategory {
    NewCategory {
        name: name.into(),
        slug: None,
        parent_id: parent.map(|parent| parent.id.clone()),
        position: 0,
    }
}

pub fn create_category(catalog: &Service, name: &str, parent: Option<&Category>) -> Category {
    catalog
        .create_category(&admin(), &new_category(name, parent))
        .unwrap()
}

pub fn line(id: &str, quantity: u32) -> Line {
    Line {
        product_id: id.into(),
        quantity,
    }
}

pub fn first(first: u32) -> Page {
    Page::first(first, None)
}

pub fn sorted(filter: ProductFilter, key: SortKey, page: Page) -> ProductQuery {
    ProductQuery {
        filter,
        sort: Some(ProductSort {
            key,
            descending: false,
        }),
        page,
    }
}

/// Lists the products that a filter matches, by name.
pub fn list(catalog: &Service, filter: ProductFilter) -> Vec<Product> {
    let page = catalog.list(&sorted(filter, SortKey::Name, first(100))).unwrap();
    page.edges.into_iter().map(|edge| edge.product).collect()
}

pub fn names(products: Vec<Product>) -> Vec<String> {
    products.into_iter().map(|product| product.name).collect()
}

/// The product with this id, if it is sold.
pub fn find(catalog: &Service, id: &str) -> Option<Product> {
    catalog.get_many(&[id.to_owned()]).unwrap().remove(0)
}

pub fn get_stock(catalog: &Service, id: &str) -> Stock {
    catalog.get_stock_many(&admin(), &[id.to_owned()]).unwrap()[0].unwrap()
}
