//! Lists products: filters, sorts and pages.

use mercato_ports::documents::{Comparison, Query, Scalar};
use mercato_shop::catalog::{ProductFilter, ProductPage, ProductQuery, ProductSort, SortKey};
use mercato_shop::ports::Ports;
use mercato_shop::query::{self, ascending, compare, descending, equal, path_prefix};
use mercato_shop::types::Error;

use crate::repository::{PRODUCTS, ProductBody, category_tree, to_page};

/// A sort of the list.
struct Order {
    /// Names the sort in cursors.
    name: &'static str,
    /// The field to sort by. Without one, products are sorted by id.
    field: Option<&'static str>,
    value: fn(&ProductBody) -> Option<Scalar>,
}

/// Returns one page of products.
pub fn list(ports: &impl Ports, input: &ProductQuery) -> Result<ProductPage, Error> {
    let order = order(input.sort);
    let direction = if input.sort.descending {
        descending
    } else {
        ascending
    };
    let mut query = PRODUCTS.query(0);
    restrict(ports, &input.filter, &mut query)?;
    query.sort = order.field.map(direction);
    query::page(ports, &PRODUCTS, query, &input.page, order.name, order.value).map(to_page)
}

/// Restricts a query to the products that a filter matches.
///
/// # Errors
/// [`Error::Invalid`] if the filter names an unknown category.
pub fn restrict(ports: &impl Ports, filter: &ProductFilter, query: &mut Query) -> Result<(), Error> {
    if let Some(category) = &filter.category {
        let tree = category_tree(ports)?;
        let path = tree.path(&tree.require("category", category)?.id)?;
        query.conditions.extend(path_prefix("categoryPath", &path));
    }
    query.search.clone_from(&filter.search);
    let stock = |in_stock| match in_stock {
        true => Comparison::Greater,
        false => Comparison::Equal,
    };
    let integer = |field, comparison, value| compare(field, comparison, Scalar::Integer(value));
    let conditions = [
        filter
            .manufacturer
            .as_deref()
            .map(|name| equal("manufacturer", name)),
        filter
            .min_price
            .map(|amount| integer("price", Comparison::AtLeast, amount)),
        filter
            .max_price
            .map(|amount| integer("price", Comparison::AtMost, amount)),
        filter.sku.as_deref().map(|sku| equal("sku", sku)),
        filter
            .standalone
            .then(|| integer("standalone", Comparison::Equal, 1)),
        filter
            .in_stock
            .map(|in_stock| integer("onHand", stock(in_stock), 0)),
    ];
    query.conditions.extend(conditions.into_iter().flatten());
    Ok(())
}

fn order(sort: ProductSort) -> Order {
    let (name, field, value): (_, _, fn(&ProductBody) -> Option<Scalar>) = match (sort.key, sort.descending) {
        // Ids sort by the time of their creation.
        (SortKey::Created, false) => ("created", None, |_| None),
        (SortKey::Created, true) => ("-created", Some("createdAt"), |body| {
            Some(query::time(body.created_at))
        }),
        (SortKey::Name, false) => ("name", Some("name"), by_name),
        (SortKey::Name, true) => ("-name", Some("name"), by_name),
        (SortKey::Price, false) => ("price", Some("price"), by_price),
        (SortKey::Price, true) => ("-price", Some("price"), by_price),
    };
    Order { name, field, value }
}

fn by_name(body: &ProductBody) -> Option<Scalar> {
    Some(Scalar::Text(body.name.clone()))
}

fn by_price(body: &ProductBody) -> Option<Scalar> {
    Some(Scalar::Integer(body.price))
}
