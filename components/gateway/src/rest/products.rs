//! Products and their stock.

use http::{Method, StatusCode};
use mercato_common::catalog::{
    NewProduct as New, Product as Found, ProductFilter, ProductPatch, ProductQuery, ProductSort, SortKey,
};
use mercato_common::types::Error;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::rest::answer::Answer;
use crate::rest::call::Call;
use crate::rest::operation::{Access, Operation, Refusal};
use crate::rest::page::{self, Page};
use crate::rest::precondition::{self, tag_with};
use crate::schema::datetime::DateTime;

const PRODUCTS: &[&str] = &["/api/products", "/products"];
const PRODUCT: &[&str] = &["/api/products/{id}"];

/// What there is to do with products.
pub fn operations() -> Vec<Operation> {
    use Access::{Public, Staff};
    vec![
        Operation::new(
            Method::GET,
            PRODUCTS,
            "listProducts",
            "Products, page by page",
            Public,
            list,
        )
        .asks::<ProductsWanted>()
        .answers::<Page<Product>>(StatusCode::OK),
        Operation::new(
            Method::POST,
            PRODUCTS,
            "createProduct",
            "Add a product",
            Staff,
            create,
        )
        .takes::<NewProduct>()
        .answers::<Product>(StatusCode::CREATED),
        Operation::new(Method::GET, PRODUCT, "getProduct", "One product", Public, get)
            .answers::<Product>(StatusCode::OK),
        Operation::new(
            Method::PUT,
            PRODUCT,
            "updateProduct",
            "Edit a product",
            Staff,
            update,
        )
        .versioned()
        .takes::<ProductChanges>()
        .answers::<Product>(StatusCode::OK),
        Operation::new(
            Method::PATCH,
            &["/api/products/{id}/stock"],
            "receiveStock",
            "Add newly received pieces to a product's stock",
            Staff,
            receive,
        )
        .versioned()
        .repeatable()
        .takes::<Pieces>()
        .answers::<Product>(StatusCode::OK),
        Operation::new(
            Method::PUT,
            &["/api/products/{id}/deduct"],
            "deductStock",
            "Take pieces out of a product's stock that went another way than by an order",
            Staff,
            deduct,
        )
        .versioned()
        .repeatable()
        .takes::<Pieces>()
        .answers::<Product>(StatusCode::OK),
    ]
}

/// Something that the shop sells.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Product {
    #[serde(rename = "_id")]
    id: String,
    name: String,
    /// In minor units (cents) of `currency`.
    price: i64,
    /// ISO 4217.
    currency: String,
    /// How many can be bought now.
    quantity: u32,
    description: Option<String>,
    manufacturer: Option<String>,
    /// The id by which the feed that the product was imported from knows it.
    external_id: Option<String>,
    /// Counts the edits of the product.
    version: u64,
    created_at: DateTime,
    updated_at: DateTime,
}

impl From<Found> for Product {
    fn from(product: Found) -> Self {
        Self {
            id: product.id,
            name: product.name,
            price: product.price.amount,
            currency: product.price.currency,
            quantity: product.quantity,
            description: product.description,
            manufacturer: product.manufacturer,
            external_id: product.external_id,
            version: product.version,
            created_at: DateTime(product.created_at),
            updated_at: DateTime(product.updated_at),
        }
    }
}

/// A product to be added.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct NewProduct {
    name: String,
    /// In minor units (cents).
    price: i64,
    quantity: i64,
    description: Option<String>,
    manufacturer: Option<String>,
    external_id: Option<String>,
    /// ISO 4217; the shop's own where there is none.
    currency: Option<String>,
}

/// What to change of a product; what is left out stays as it is, and an empty text takes away what was there.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct ProductChanges {
    name: Option<String>,
    /// In minor units (cents).
    price: Option<i64>,
    description: Option<String>,
    manufacturer: Option<String>,
    currency: Option<String>,
    /// The version that the edit was made of, where `If-Match` does not tell it.
    version: Option<u64>,
}

/// So many pieces.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Pieces {
    /// At least 1.
    quantity: i64,
}

/// Which products, and in which order.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct ProductsWanted {
    /// How many, 1 to 100; 20 where it is left out.
    first: Option<u32>,
    /// The `endCursor` of the page before.
    after: Option<String>,
    /// Words to be found in name, description or manufacturer; the last may be a beginning.
    search: Option<String>,
    manufacturer: Option<String>,
    /// In minor units, inclusive.
    min_price: Option<i64>,
    /// In minor units, inclusive.
    max_price: Option<i64>,
    in_stock: Option<bool>,
    /// `created` where it is left out; `-` goes downwards.
    sort: Option<ProductOrder>,
}

/// The order of products.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema)]
enum ProductOrder {
    #[default]
    #[serde(rename = "created")]
    Created,
    #[serde(rename = "-created")]
    CreatedDown,
    #[serde(rename = "name")]
    Name,
    #[serde(rename = "-name")]
    NameDown,
    #[serde(rename = "price")]
    Price,
    #[serde(rename = "-price")]
    PriceDown,
}

impl From<ProductOrder> for ProductSort {
    fn from(order: ProductOrder) -> Self {
        let (key, descending) = match order {
            ProductOrder::Created => (SortKey::Created, false),
            ProductOrder::CreatedDown => (SortKey::Created, true),
            ProductOrder::Name => (SortKey::Name, false),
            ProductOrder::NameDown => (SortKey::Name, true),
            ProductOrder::Price => (SortKey::Price, false),
            ProductOrder::PriceDown => (SortKey::Price, true),
        };
        Self { key, descending }
    }
}

fn list(call: &Call<'_>) -> Result<Answer, Refusal> {
    let wanted: ProductsWanted = call.query()?;
    let query = ProductQuery {
        filter: ProductFilter {
            search: wanted.search,
            manufacturer: wanted.manufacturer,
            min_price: wanted.min_price,
            max_price: wanted.max_price,
            in_stock: wanted.in_stock.unwrap_or(false),
        },
        sort: wanted.sort.unwrap_or_default().into(),
        page: page::wanted(wanted.first, wanted.after)?,
    };
    let found = call.services().catalog.list(&query)?;
    let edges = found
        .edges
        .into_iter()
        .map(|edge| (edge.cursor, Product::from(edge.product)));
    Ok(Answer::public(&page::page(edges, found.has_next))?)
}

fn get(call: &Call<'_>) -> Result<Answer, Refusal> {
    let product = found(call, call.id()?)?;
    let tag = tag_with(product.version, product.quantity);
    Ok(Answer::public(&Product::from(product))?.tagged(tag))
}

fn create(call: &Call<'_>) -> Result<Answer, Refusal> {
    let input: NewProduct = call.body()?;
    let input = New {
        name: input.name,
        description: input.description,
        manufacturer: input.manufacturer,
        external_id: input.external_id,
        price: input.price,
        currency: input.currency,
        quantity: input.quantity,
    };
    let product = call.services().catalog.create(call.caller(), input)?;
    let tag = tag_with(product.version, product.quantity);
    let location = format!("/api/products/{}", product.id);
    Ok(Answer::created(location, &Product::from(product))?.tagged(tag))
}

fn update(call: &Call<'_>) -> Result<Answer, Refusal> {
    let id = call.id()?;
    let changes: ProductChanges = call.body()?;
    let current = || Ok(found(call, id.clone())?.version);
    let version = precondition::expected(call, changes.version)?.version(current)?;
    let patch = ProductPatch {
        name: changes.name,
        description: changes.description,
        manufacturer: changes.manufacturer,
        price: changes.price,
        currency: changes.currency,
    };
    let catalog = &call.services().catalog;
    let product = catalog
        .update(call.caller(), &id, version, patch)
        .map_err(|error| precondition::conflict(error, version, current))?;
    changed(product)
}

fn receive(call: &Call<'_>) -> Result<Answer, Refusal> {
    let id = call.id()?;
    let pieces: Pieces = call.body()?;
    check_version(call, &id)?;
    changed(
        call.services()
            .catalog
            .receive(call.caller(), &id, pieces.quantity)?,
    )
}

fn deduct(call: &Call<'_>) -> Result<Answer, Refusal> {
    let id = call.id()?;
    let pieces: Pieces = call.body()?;
    check_version(call, &id)?;
    changed(
        call.services()
            .catalog
            .deduct(call.caller(), &id, pieces.quantity)?,
    )
}

/// Movements of stock are no edits: a version that somebody names is only looked at before.
fn check_version(call: &Call<'_>, id: &str) -> Result<(), Refusal> {
    match precondition::expected(call, None)? {
        precondition::Expected::Any => Ok(()),
        expected => expected.check(found(call, id.to_owned())?.version),
    }
}

fn changed(product: Found) -> Result<Answer, Refusal> {
    let tag = tag_with(product.version, product.quantity);
    Ok(Answer::changed(&Product::from(product))?.tagged(tag))
}

fn found(call: &Call<'_>, id: String) -> Result<Found, Refusal> {
    let ids = [id];
    let found = call.services().catalog.get_many(&ids)?.pop().flatten();
    let [id] = ids;
    found.ok_or_else(|| Error::NotFound(format!("There is no product {id}.")).into())
}
