//! Products, their stock and their categories.

use std::sync::Arc;

use http::{Method, StatusCode};
use mercato_shop::catalog::{self, ProductQuery};
use mercato_shop::types::Error;

use crate::model::category::{Categories, Category};
use crate::model::convert::Convert;
use crate::model::page::Page;
use crate::model::product::{NewProduct, Product, ProductChanges, ProductFilter, Units};
use crate::rest::answer::Answer;
use crate::rest::body::BodyKind;
use crate::rest::call::{Call, page};
use crate::rest::operation::{Access, Operation, Outcome};
use crate::rest::precondition::{self, Deletion};
use crate::rest::versioned::Versioned;

const PRODUCTS: &[&str] = &["/api/products", "/products"];
const PRODUCT: &[&str] = &["/api/products/{id}", "/products/{id}"];

/// Returns the operations of products and categories.
pub fn operations() -> Vec<Operation> {
    use Access::{Guests, Public, Staff};
    use BodyKind::{Optional, Required};
    let new = Operation::new;
    vec![
        new(
            Method::GET,
            PRODUCTS,
            "listProducts",
            "List products page by page",
            Public,
            list,
        )
        .cached()
        .query::<ProductFilter>()
        .answers::<Page<Product>>(StatusCode::OK),
        new(
            Method::POST,
            &["/api/products", "/products", "/api/products/create"],
            "createProduct",
            "Create a product",
            Staff,
            create,
        )
        .body::<NewProduct>(Required)
        .answers::<Product>(StatusCode::CREATED),
        new(
            Method::GET,
            PRODUCT,
            "getProduct",
            "Read a product. An archived product requires the role ADMIN or the API key",
            Guests,
            get,
        )
        .cached()
        .answers::<Product>(StatusCode::OK),
        new(
            Method::PUT,
            PRODUCT,
            "updateProduct",
            "Edit a product. With `quantity`, also set its stock to the counted units, in the same change",
            Staff,
            update,
        )
        .versioned()
        .body::<ProductChanges>(Required)
        .answers::<Product>(StatusCode::OK),
        new(
            Method::DELETE,
            PRODUCT,
            "deleteProduct",
            "Archive a product, which ends its sale. Orders keep it",
            Staff,
            delete,
        )
        .versioned()
        .body::<Deletion>(Optional)
        .answers::<Product>(StatusCode::OK),
        new(
            Method::PATCH,
            &["/api/products/{id}/stock"],
            "receiveStock",
            "Add newly received units to a product's stock",
            Staff,
            receive,
        )
        .versioned()
        .replayable()
        .body::<Units>(Required)
        .answers::<Product>(StatusCode::OK),
        new(
            Method::PUT,
            &["/api/products/{id}/deduct"],
            "deductStock",
            "Remove units from a product's stock, other than by an order",
            Staff,
            deduct,
        )
        .versioned()
        .replayable()
        .body::<Units>(Required)
        .answers::<Product>(StatusCode::OK),
        new(
            Method::GET,
            &["/api/categories"],
            "listCategories",
            "List all categories, each before those below it",
            Public,
            list_categories,
        )
        .answers::<Categories>(StatusCode::OK),
    ]
}

fn list(call: &Call<'_>) -> Outcome {
    let mut filter: ProductFilter = call.query()?;
    let query = ProductQuery {
        sort: filter.sort.convert(),
        page: page(filter.first, filter.after.take())?,
        filter: filter.try_into()?,
    };
    let found = call.services().catalog.list(&query)?;
    let shown = &call.session.shown_units;
    if query.filter.in_stock.is_some() {
        shown.add_all();
    }
    for edge in &found.edges {
        shown.add(&edge.product.id);
    }
    let found: Page<Product> = found.convert();
    Ok(Answer::public(&found)?)
}

/// Returns a product. The answer with an archived product is not public, since only staff may see it.
fn get(call: &Call<'_>) -> Outcome {
    let ids = [call.id()?];
    let catalog = &call.services().catalog;
    if let Some(product) = catalog.get_many(&ids)?.pop().flatten() {
        call.session.shown_units.add(&product.id);
        let product: Product = product.convert();
        return Ok(Answer::public(&product)?.tagged(product.tag()));
    }
    let archived = if call.caller().is_admin() {
        catalog.get_many_including_archived(&ids)?.pop().flatten()
    } else {
        None
    };
    let [id] = ids;
    let product: Product = archived.ok_or_else(|| missing(&id))?.convert();
    Ok(Answer::private(&product)?.tagged(product.tag()))
}

fn create(call: &Call<'_>) -> Outcome {
    let input: NewProduct = call.body()?;
    let catalog = &call.services().catalog;
    let product: Product = catalog.create(call.caller(), &input.try_into()?)?.convert();
    Ok(Answer::created(&product)?)
}

fn update(call: &Call<'_>) -> Outcome {
    let id = call.id()?;
    let changes: ProductChanges = call.body()?;
    let current = || current_version(call, &id);
    let version = precondition::expected(call.request.headers(), changes.version)?.version(current)?;
    let patch = changes.try_into()?;
    let product = call
        .services()
        .catalog
        .update(call.caller(), &id, version, &patch)
        .map_err(|error| precondition::conflict(error, version, current))?;
    changed(product)
}

fn delete(call: &Call<'_>) -> Outcome {
    let id = call.id()?;
    let deletion: Deletion = call.body_or_default()?;
    let current = || current_version(call, &id);
    let version = precondition::expected(call.request.headers(), deletion.version)?.version(current)?;
    let catalog = &call.services().catalog;
    let product = catalog
        .archive(call.caller(), &id, version)
        .map_err(|error| precondition::conflict(error, version, current))?;
    changed(product)
}

/// Receives units. Stock movements do not change the version, so it is only checked before.
fn receive(call: &Call<'_>) -> Outcome {
    let id = call.id()?;
    let units: Units = call.body()?;
    precondition::expected(call.request.headers(), units.version)?.check(|| current_version(call, &id))?;
    let catalog = &call.services().catalog;
    changed(catalog.receive_stock(call.caller(), &id, units.quantity)?)
}

/// Removes units. Stock movements do not change the version, so it is only checked before.
fn deduct(call: &Call<'_>) -> Outcome {
    let id = call.id()?;
    let units: Units = call.body()?;
    if units.quantity < 1 {
        return Err(Error::invalid("quantity", "`quantity` must be 1 or more.").into());
    }
    precondition::expected(call.request.headers(), units.version)?.check(|| current_version(call, &id))?;
    let catalog = &call.services().catalog;
    changed(catalog.adjust_stock(call.caller(), &id, -units.quantity, "deducted")?)
}

fn list_categories(call: &Call<'_>) -> Outcome {
    let all = Arc::new(call.services().catalog.categories()?);
    let items = Category::filter(&all, |_| true);
    Ok(Answer::public(&Categories { items })?)
}

fn changed(product: catalog::Product) -> Outcome {
    let product: Product = product.convert();
    Ok(Answer::changed(&product)?)
}

fn current_version(call: &Call<'_>, id: &str) -> Result<u64, Error> {
    let found = call
        .services()
        .catalog
        .get_many(&[id.to_owned()])?
        .pop()
        .flatten();
    found.map(|product| product.version).ok_or_else(|| missing(id))
}

fn missing(id: &str) -> Error {
    Error::NotFound(format!("There is no product {id}."))
}
