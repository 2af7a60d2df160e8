//! The list of products: filters, sorts and pages.

use mercato_ports::documents::{Comparison, Condition, Direction, Query, Scalar, Sort};
use mercato_shop::catalog::{ProductEdge, ProductFilter, ProductPage, ProductQuery, ProductSort, SortKey};
use mercato_shop::collection::Stored;
use mercato_shop::cursor;
use mercato_shop::ports::Ports;
use mercato_shop::types::Error;

use crate::categories;
use crate::product::{PRODUCTS, ProductBody, to_product};

/// One page of products.
pub fn list(ports: &impl Ports, query: &ProductQuery) -> Result<ProductPage, Error> {
    let sort_name = sort_name(query.sort);
    let mut find = PRODUCTS.query(0);
    restrict(ports, &query.filter, &mut find)?;
    find.sort = sort(query.sort);
    cursor::apply(&query.page, sort_name, &mut find)?;
    let mut products = PRODUCTS.find(ports, &find)?;
    let has_next = cursor::split(&query.page, &mut products);
    let edge = |stored: Stored<ProductBody>| {
        let cursor = cursor::encode(sort_name, sort_value(query.sort, &stored.body), &stored.id)?;
        Ok(ProductEdge {
            cursor,
            product: to_product(stored),
        })
    };
    Ok(ProductPage {
        edges: products.into_iter().map(edge).collect::<Result<_, Error>>()?,
        has_next,
    })
}

/// Restricts a query to what a filter wants.
pub fn restrict(ports: &impl Ports, filter: &ProductFilter, find: &mut Query) -> Result<(), Error> {
    if let Some(category) = &filter.category {
        let tree = categories::read(ports)?;
        let node = tree.find(category).ok_or_else(|| {
            Error::invalid(
                "category",
                "There is no such category. Take its _id or slug from categories.",
            )
        })?;
        categories::below(&tree.path(&node.id)?, find);
    }
    find.search.clone_from(&filter.search);
    let mut condition = |field: &str, comparison, value| {
        find.conditions.push(Condition {
            field: field.into(),
            comparison,
            value,
        });
    };
    if let Some(manufacturer) = &filter.manufacturer {
        condition(
            "manufacturer",
            Comparison::Equal,
            Scalar::Text(manufacturer.clone()),
        );
    }
    if let Some(amount) = filter.min_price {
        condition("price", Comparison::AtLeast, Scalar::Integer(amount));
    }
    if let Some(amount) = filter.max_price {
        condition("price", Comparison::AtMost, Scalar::Integer(amount));
    }
    if let Some(sku) = &filter.sku {
        condition("sku", Comparison::Equal, Scalar::Text(sku.clone()));
    }
    if filter.standalone {
        condition("standalone", Comparison::Equal, Scalar::Integer(1));
    }
    if let Some(any) = filter.in_stock {
        let comparison = if any {
            Comparison::Greater
        } else {
            Comparison::Equal
        };
        condition("onHand", comparison, Scalar::Integer(0));
    }
    Ok(())
}

/// What the store is to sort by. Ids sort by the time of their making, so the oldest come first by themselves.
fn sort(sort: ProductSort) -> Option<Sort> {
    let field = match sort.key {
        SortKey::Created if sort.descending => "createdAt",
        SortKey::Created => return None,
        SortKey::Name => "name",
        SortKey::Price => "price",
    };
    let direction = if sort.descending {
        Direction::Descending
    } else {
        Direction::Ascending
    };
    Some(Sort {
        field: field.into(),
        direction,
    })
}

const fn sort_name(sort: ProductSort) -> &'static str {
    match (sort.key, sort.descending) {
        (SortKey::Created, false) => "created",
        (SortKey::Created, true) => "-created",
        (SortKey::Name, false) => "name",
        (SortKey::Name, true) => "-name",
        (SortKey::Price, false) => "price",
        (SortKey::Price, true) => "-price",
    }
}

fn sort_value(sort: ProductSort, body: &ProductBody) -> Option<Scalar> {
    match sort.key {
        SortKey::Created if sort.descending => Some(Scalar::Integer(
            i64::try_from(body.created_at).unwrap_or(i64::MAX),
        )),
        SortKey::Created => None,
        SortKey::Name => Some(Scalar::Text(body.name.clone())),
        SortKey::Price => Some(Scalar::Integer(body.price)),
    }
}
