//! The export of products, as lines or a table that can be imported again.

use std::collections::BTreeSet;

use async_graphql::{Context, Object};
use mercato_shop::catalog::{self, ProductQuery, SortKey};
use mercato_shop::types::{Error, Page};

use crate::graphql::csv_table;
use crate::graphql::export_row::{Related, Row};
use crate::graphql::resolve::{Nullable, read};
use crate::model::convert::convert;
use crate::model::product::{ExportFormat, ProductExport, ProductFilter};
use crate::request_session::RequestSession;

/// The default and the largest page of an export, in products.
const PAGE: u32 = 500;

convert!(ProductExport => ProductExport);

/// The query of the export.
#[derive(Default)]
pub struct ExportQuery;

#[Object]
impl ExportQuery {
    /// The products that are for sale, oldest first, in large pages. Requires the role ADMIN or the API key.
    async fn export_products(
        &self,
        context: &Context<'_>,
        #[graphql(default = 500, desc = "1 to 500.")] first: Option<i32>,
        #[graphql(desc = "The endCursor of the previous page.")] after: Option<String>,
        #[graphql(desc = "Which products to export. By default, all.")] filter: Option<ProductFilter>,
        #[graphql(default_with = "ExportFormat::Ndjson", desc = "The format of `data`.")]
        format: ExportFormat,
    ) -> Nullable<ProductExport> {
        read(context, |session| {
            session.caller().require_admin()?;
            let first = first.map_or(PAGE, |first| u32::try_from(first).unwrap_or(0));
            if !(1..=PAGE).contains(&first) {
                return Err(Error::invalid("first", format!("`first` must be 1 to {PAGE}.")));
            }
            let is_first_page = after.is_none();
            let query = ProductQuery {
                filter: filter.unwrap_or_default().try_into()?,
                sort: Some(catalog::ProductSort {
                    key: SortKey::Created,
                    descending: false,
                }),
                page: Page::first(first, after),
            };
            let list = session.services.catalog.list(&query)?;
            let products: Vec<_> = list.edges.iter().map(|edge| &edge.product).collect();
            let related = related(session, &products)?;
            let rows = products.iter().map(|product| Row::new(product, &related));
            let data = match format {
                ExportFormat::Ndjson => lines(rows)?,
                ExportFormat::Csv => csv_table::write(rows, is_first_page)?,
            };
            let last = list.edges.into_iter().next_back().map(|edge| edge.cursor);
            Ok(ProductExport {
                data: data.into(),
                end_cursor: last.filter(|_| list.has_next),
                has_next_page: list.has_next,
            })
        })
    }
}

/// Returns the parents and the categories of products.
fn related(session: &RequestSession, products: &[&catalog::Product]) -> Result<Related, Error> {
    let catalog = &session.services.catalog;
    let categories = if products.iter().any(|product| product.category_id.is_some()) {
        catalog.categories()?
    } else {
        Vec::new()
    };
    let parents: BTreeSet<_> = products
        .iter()
        .filter_map(|product| product.parent_id.clone())
        .collect();
    let parents: Vec<_> = parents.into_iter().collect();
    let parents = if parents.is_empty() {
        Vec::new()
    } else {
        catalog.get_many(&parents)?
    };
    Ok(Related::new(parents.into_iter().flatten(), categories))
}

fn lines<'a>(rows: impl Iterator<Item = Row<'a>>) -> Result<String, Error> {
    let mut data = String::new();
    for row in rows {
        let line = serde_json::to_string(&row)
            .map_err(|error| Error::Internal(format!("a product cannot be exported: {error}")))?;
        data.push_str(&line);
        data.push('\n');
    }
    Ok(data)
}
