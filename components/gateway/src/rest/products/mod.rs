//! Products, their stock and their categories.

mod categories;
mod details;
mod listing;
mod shapes;

use http::{Method, StatusCode};
use mercato_shop::catalog::Product as Found;
use mercato_shop::types::Error;

use crate::rest::answer::Answer;
use crate::rest::call::Call;
use crate::rest::operation::{Access, Operation, Refusal};
use crate::rest::page::{self, Page};
use crate::rest::precondition::{self, Deletion, tag_with};
use listing::ProductsWanted;
use shapes::{NewProduct, Pieces, Product, ProductChanges};

const PRODUCTS: &[&str] = &["/api/products", "/products"];
const PRODUCT: &[&str] = &["/api/products/{id}"];

/// What there is to do with products.
pub fn operations() -> Vec<Operation> {
    use Access::{Guests, Public, Staff};
    vec![
        Operation::new(
            Method::GET,
            PRODUCTS,
            "listProducts",
            "Products, page by page",
            Public,
            list,
        )
        .shared()
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
        Operation::new(
            Method::GET,
            PRODUCT,
            "getProduct",
            "One product; one that is no longer sold for an ADMIN or the API key only",
            Guests,
            get,
        )
        .shared()
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
            Method::DELETE,
            PRODUCT,
            "deleteProduct",
            "End the sale of a product; orders of it keep it",
            Staff,
            delete,
        )
        .versioned()
        .may_take::<Deletion>()
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
        categories::operation(),
    ]
}

fn list(call: &Call<'_>) -> Result<Answer, Refusal> {
    let wanted: ProductsWanted = call.query()?;
    let found = call.services().catalog.list(&wanted.query()?)?;
    let edges = found
        .edges
        .into_iter()
        .map(|edge| (edge.cursor, Product::from(edge.product)));
    Ok(Answer::public(&page::page(edges, found.has_next))?)
}

/// One that is archived is there for those who keep the shop only, as by GraphQL, and so is no answer for everybody.
fn get(call: &Call<'_>) -> Result<Answer, Refusal> {
    let ids = [call.id()?];
    let catalog = &call.services().catalog;
    let sold = catalog.get_many(&ids)?.pop().flatten();
    let is_sold = sold.is_some();
    let product = match sold {
        None if call.caller().is_admin() => catalog.get_ever_many(&ids)?.pop().flatten(),
        sold => sold,
    };
    let [id] = ids;
    let product = product.ok_or_else(|| missing(&id))?;
    let tag = tag_with(product.version, product.quantity);
    let shape = Product::from(product);
    let answer = if is_sold {
        Answer::public(&shape)
    } else {
        Answer::own(&shape)
    };
    Ok(answer?.tagged(tag))
}

fn create(call: &Call<'_>) -> Result<Answer, Refusal> {
    let input: NewProduct = call.body()?;
    let product = call.services().catalog.create(call.caller(), input.into())?;
    let tag = tag_with(product.version, product.quantity);
    let location = format!("/api/products/{}", product.id);
    Ok(Answer::created(location, &Product::from(product))?.tagged(tag))
}

fn update(call: &Call<'_>) -> Result<Answer, Refusal> {
    let id = call.id()?;
    let changes: ProductChanges = call.body()?;
    let current = || Ok(found(call, id.clone())?.version);
    let version = precondition::expected(call, changes.version)?.version(current)?;
    let catalog = &call.services().catalog;
    let product = catalog
        .update(call.caller(), &id, version, changes.into())
        .map_err(|error| precondition::conflict(error, version, current))?;
    changed(product)
}

fn delete(call: &Call<'_>) -> Result<Answer, Refusal> {
    let id = call.id()?;
    let deletion: Deletion = call.body_or_default()?;
    let current = || Ok(found(call, id.clone())?.version);
    let version = precondition::expected(call, deletion.version)?.version(current)?;
    let catalog = &call.services().catalog;
    let product = catalog
        .archive(call.caller(), &id, version)
        .map_err(|error| precondition::conflict(error, version, current))?;
    changed(product)
}

fn receive(call: &Call<'_>) -> Result<Answer, Refusal> {
    let id = call.id()?;
    let pieces: Pieces = call.body()?;
    check_version(call, &id, pieces.version)?;
    changed(
        call.services()
            .catalog
            .receive(call.caller(), &id, pieces.quantity)?,
    )
}

fn deduct(call: &Call<'_>) -> Result<Answer, Refusal> {
    let id = call.id()?;
    let pieces: Pieces = call.body()?;
    if pieces.quantity < 1 {
        return Err(Error::invalid("quantity", "Say how many pieces, 1 at the least.").into());
    }
    check_version(call, &id, pieces.version)?;
    changed(
        call.services()
            .catalog
            .adjust_stock(call.caller(), &id, -pieces.quantity, "deducted")?,
    )
}

/// Movements of stock are no edits: a version that somebody names is only looked at before.
fn check_version(call: &Call<'_>, id: &str, in_body: Option<u64>) -> Result<(), Refusal> {
    match precondition::expected(call, in_body)? {
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
    found.ok_or_else(|| missing(&id).into())
}

fn missing(id: &str) -> Error {
    Error::NotFound(format!("There is no product {id}."))
}
