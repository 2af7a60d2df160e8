//! Lists products: filters, sorts and pages.

use mercato_ports::documents::{Comparison, Query, Scalar, Search};
use mercato_shop::catalog::{ProductFilter, ProductPage, ProductQuery, ProductSort, SortKey};
use mercato_shop::ports::Ports;
use mercato_shop::query::{self, Edges, ascending, compare, descending, equal, path_prefix};
use mercato_shop::text;
use mercato_shop::types::{Error, Page};

use super::index::Upgrade;
use crate::platform::Platform;
use crate::repository::{PRODUCTS, ProductBody, category_tree, to_page};
use crate::text::search::Words;

/// A sort of the list.
struct Order {
    /// Names the sort in cursors.
    name: &'static str,
    /// The field to sort by. Without one, products are sorted by id.
    field: Option<&'static str>,
    value: fn(&ProductBody) -> Option<Scalar>,
}

/// The longest text of a search, in bytes.
const MAX_SEARCH: usize = 1_000;

/// The search of a filter.
enum Searched {
    /// The filter has no search.
    No,
    /// No product has the text of the search.
    Nothing,
    For(Words),
}

/// Returns one page of products.
///
/// # Errors
/// [`Error::Invalid`] if the filter names an unknown category, or for an invalid page.
pub fn list(ports: &impl Platform, upgrade: &Upgrade, input: &ProductQuery) -> Result<ProductPage, Error> {
    upgrade.advance(ports)?;
    let mut query = PRODUCTS.query(0);
    restrict(ports, &input.filter, &mut query)?;
    let sort = input.sort.unwrap_or(ProductSort {
        key: SortKey::Created,
        descending: false,
    });
    let order = order(sort);
    let with_search = |search: Search| Query {
        search: Some(search),
        ..query.clone()
    };
    let found = match (searched(&input.filter)?, input.sort) {
        (Searched::Nothing, _) => Edges {
            edges: Vec::new(),
            has_next: false,
            has_previous: false,
            total: input.page.count.then_some(0),
        },
        (Searched::For(words), None) => {
            let queries = words.by_relevance().map(with_search).into();
            let page = Page {
                count: false,
                ..input.page.clone()
            };
            let found = query::pages(ports, &PRODUCTS, queries, &page, "relevance", |_| None)?;
            // One search finds the products of all three, and is counted in a third of the time.
            let count = || PRODUCTS.count(ports, &with_search(words.anywhere()));
            let total = input.page.count.then(count).transpose()?;
            Edges { total, ..found }
        }
        (searched, _) => {
            let direction = if sort.descending { descending } else { ascending };
            let mut query = match searched {
                Searched::For(words) => with_search(words.anywhere()),
                Searched::No | Searched::Nothing => query,
            };
            query.sort = order.field.map(direction);
            query::page(ports, &PRODUCTS, query, &input.page, order.name, order.value)?
        }
    };
    Ok(to_page(found))
}

/// Returns the query for all products that a filter matches, by id, or nothing if it matches none.
///
/// # Errors
/// [`Error::Invalid`] if the filter names an unknown category.
pub fn query(ports: &impl Ports, filter: &ProductFilter, limit: u32) -> Result<Option<Query>, Error> {
    let mut query = PRODUCTS.query(limit);
    restrict(ports, filter, &mut query)?;
    match searched(filter)? {
        Searched::Nothing => return Ok(None),
        Searched::For(words) => query.search = Some(words.anywhere()),
        Searched::No => {}
    }
    Ok(Some(query))
}

/// Parses the search. A blank text is no search, since a search field without input sends it.
///
/// # Errors
/// [`Error::Invalid`] for a text over [`MAX_SEARCH`].
fn searched(filter: &ProductFilter) -> Result<Searched, Error> {
    match text::trimmed(filter.search.as_deref()) {
        None => Ok(Searched::No),
        Some(text) if text.len() > MAX_SEARCH => {
            let message = format!("A search must be at most {MAX_SEARCH} bytes.");
            Err(Error::invalid("search", message))
        }
        Some(text) => Ok(Words::parse(text).map_or(Searched::Nothing, Searched::For)),
    }
}

/// Restricts a query by all parts of a filter apart from the search.
fn restrict(ports: &impl Ports, filter: &ProductFilter, query: &mut Query) -> Result<(), Error> {
    if let Some(category) = &filter.category {
        let tree = category_tree(ports)?;
        let path = tree.path(&tree.require("category", category)?.id)?;
        query.conditions.extend(path_prefix("categoryPath", &path));
    }
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
        filter.sku.as_deref().map(|sku| equal("sku", &text::nfc(sku))),
        filter.slug.as_deref().map(|slug| equal("slug", &text::nfc(slug))),
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
        (SortKey::Name, false) => ("name", Some("nameKey"), by_name),
        (SortKey::Name, true) => ("-name", Some("nameKey"), by_name),
        (SortKey::Price, false) => ("price", Some("price"), by_price),
        (SortKey::Price, true) => ("-price", Some("price"), by_price),
    };
    Order { name, field, value }
}

fn by_name(body: &ProductBody) -> Option<Scalar> {
    body.name_key.clone().map(Scalar::Text)
}

fn by_price(body: &ProductBody) -> Option<Scalar> {
    Some(Scalar::Integer(body.price))
}
