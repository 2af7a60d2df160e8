//! The export of products, as lines or a table that can be imported again.

use async_graphql::{Context, Object};
use mercato_shop::catalog::{self, ProductQuery};
use mercato_shop::types::{Error, Page};

use crate::graphql::csv_table;
use crate::graphql::export_row::Row;
use crate::graphql::resolve::{Nullable, read};
use crate::model::convert::{Convert, convert};
use crate::model::product::{ExportFormat, ProductExport, ProductFilter, ProductSort};

/// The default and the largest page of an export, in products.
const PAGE: u32 = 500;

convert!(ProductExport => ProductExport);

/// The query of the export.
#[derive(Default)]
pub struct ExportQuery;

#[Object]
impl ExportQuery {
    /// The products that are for sale, oldest first, in large pages. Requires the role ADMIN or the API key.
    #[graphql(complexity = "100 + child_complexity")]
    async fn export_products(
        &self,
        context: &Context<'_>,
        #[graphql(default = 500, desc = "1 to 500.")] first: Option<i32>,
        #[graphql(desc = "The endCursor of the previous page.")] after: Option<String>,
        filter: Option<ProductFilter>,
        #[graphql(default_with = "ExportFormat::Ndjson")] format: ExportFormat,
    ) -> Nullable<ProductExport> {
        read(context, |session| {
            session.caller().require_admin()?;
            let first = first.map_or(PAGE, |first| u32::try_from(first).unwrap_or(0));
            if !(1..=PAGE).contains(&first) {
                return Err(Error::invalid("first", format!("`first` must be 1 to {PAGE}.")));
            }
            let is_first_page = after.is_none();
            let query = ProductQuery {
                filter: filter.unwrap_or_default().convert(),
                sort: ProductSort::default().convert(),
                page: Page { first, after },
            };
            let catalog = &session.services.catalog;
            let list = catalog.list(&query)?;
            let products = list.edges.iter().map(|edge| &edge.product);
            let data = match format {
                ExportFormat::Ndjson => {
                    let needs_categories = products.clone().any(|product| product.category_id.is_some());
                    let categories = if needs_categories {
                        catalog.categories()?
                    } else {
                        Vec::new()
                    };
                    lines(products, &categories)?
                }
                ExportFormat::Csv => csv_table::write(products, is_first_page)?,
            };
            let last = list.edges.into_iter().next_back().map(|edge| edge.cursor);
            Ok(ProductExport {
                data,
                end_cursor: last.filter(|_| list.has_next),
                has_next_page: list.has_next,
            })
        })
    }
}

fn lines<'a>(
    products: impl Iterator<Item = &'a catalog::Product>,
    categories: &'a [catalog::Category],
) -> Result<String, Error> {
    let mut data = String::new();
    for product in products {
        let line = serde_json::to_string(&Row::new(product, categories))
            .map_err(|error| Error::Internal(format!("a product cannot be exported: {error}")))?;
        data.push_str(&line);
        data.push('\n');
    }
    Ok(data)
}
