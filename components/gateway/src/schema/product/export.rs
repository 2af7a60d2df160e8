//! The export of products, as lines that a script can keep, change and import again.

mod table;

use async_graphql::{Context, Enum, Object, SimpleObject};
use mercato_shop::catalog::{Attribute, Category, Image, Product, ProductQuery};
use mercato_shop::types::{Error, Page};
use serde::Serialize;

use crate::schema::nullable::{Nullable, read};
use crate::schema::product::{ProductFilter, ProductSort};

/// How many products one page of an export has where its size is null, and at the most.
const PAGE: i32 = 500;

/// The form of an export.
#[derive(Clone, Copy, PartialEq, Eq, Enum)]
pub enum ExportFormat {
    /// A JSON object a line, a product each, for `mercato import`, and for `importProducts`, which makes no variants of them: the fields of
    /// `ImportProductInput`, with the price in minor units (cents), and besides these `_id`, `sku`, `parentId`, `options`, `version`, and
    /// `category`: its category below those above it, from the root. What a product does not have is left out.
    Ndjson,
    /// A table for `mercato import`, with the same fields as columns, and their names above the first page: the price as a decimal number,
    /// lists as JSON, empty where a product has none. Texts are as they are, those that a spreadsheet takes for formulas, too.
    Csv,
}

/// One page of an export.
#[derive(SimpleObject)]
pub struct ProductExport {
    /// What the pages' data are, one behind the other, is the whole export.
    data: String,
    /// Where the next page begins; null where there is none.
    end_cursor: Option<String>,
    has_next_page: bool,
}

/// A product as it is exported.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Row<'a> {
    #[serde(rename = "_id")]
    id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    external_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sku: Option<&'a str>,
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    manufacturer: Option<&'a str>,
    price: i64,
    currency: &'a str,
    quantity: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    category_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    category: Vec<CategoryRow<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    images: Vec<ImageRow<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    attributes: Vec<AttributeRow<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    parent_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    options: Vec<AttributeRow<'a>>,
    version: u64,
}

/// A category, as another shop can make it.
#[derive(Serialize)]
struct CategoryRow<'a> {
    slug: &'a str,
    name: &'a str,
    position: u32,
}

impl<'a> CategoryRow<'a> {
    /// A category and those above it, from the root. Each stands before those below it in `all`.
    fn path(all: &'a [Category], id: Option<&str>) -> Vec<Self> {
        let (mut wanted, mut path) = (id, Vec::new());
        for category in all.iter().rev() {
            if wanted == Some(category.id.as_str()) {
                wanted = category.parent_id.as_deref();
                path.push(Self {
                    slug: &category.slug,
                    name: &category.name,
                    position: category.position,
                });
            }
        }
        path.reverse();
        path
    }
}

#[derive(Serialize)]
struct ImageRow<'a> {
    url: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    alt: Option<&'a str>,
}

#[derive(Serialize)]
struct AttributeRow<'a> {
    name: &'a str,
    value: &'a str,
}

impl<'a> From<&'a Image> for ImageRow<'a> {
    fn from(image: &'a Image) -> Self {
        Self {
            url: &image.url,
            alt: image.alt.as_deref(),
        }
    }
}

impl<'a> From<&'a Attribute> for AttributeRow<'a> {
    fn from(attribute: &'a Attribute) -> Self {
        Self {
            name: &attribute.name,
            value: &attribute.value,
        }
    }
}

impl<'a> From<&'a Product> for Row<'a> {
    fn from(product: &'a Product) -> Self {
        Self {
            id: &product.id,
            external_id: product.external_id.as_deref(),
            sku: product.sku.as_deref(),
            name: &product.name,
            description: product.description.as_deref(),
            manufacturer: product.manufacturer.as_deref(),
            price: product.price.amount,
            currency: &product.price.currency,
            quantity: product.quantity,
            category_id: product.category_id.as_deref(),
            category: Vec::new(),
            images: product.images.iter().map(Into::into).collect(),
            attributes: product.attributes.iter().map(Into::into).collect(),
            parent_id: product.parent_id.as_deref(),
            options: product.options.iter().map(Into::into).collect(),
            version: product.version,
        }
    }
}

/// What can be exported.
#[derive(Default)]
pub struct ExportQuery;

#[Object]
impl ExportQuery {
    /// The products that are sold, oldest first, by large pages. For an ADMIN or the API key.
    #[graphql(complexity = "100 + child_complexity")]
    async fn export_products(
        &self,
        context: &Context<'_>,
        #[graphql(default = 500, desc = "1 to 500")] first: Option<i32>,
        #[graphql(desc = "The endCursor of the page before")] after: Option<String>,
        filter: Option<ProductFilter>,
        #[graphql(default_with = "ExportFormat::Ndjson")] format: ExportFormat,
    ) -> Nullable<ProductExport> {
        read(context, |session| {
            session.caller().require_admin()?;
            let first = first.unwrap_or(PAGE);
            if !(1..=PAGE).contains(&first) {
                let message = format!("A page of an export has 1 to {PAGE} products.");
                return Err(Error::invalid("first", message));
            }
            let begins = after.is_none();
            let query = ProductQuery {
                filter: filter.unwrap_or_default().into(),
                sort: ProductSort::default().into(),
                page: Page {
                    first: first.unsigned_abs(),
                    after,
                },
            };
            let list = session.services.catalog.list(&query)?;
            let products = list.edges.iter().map(|edge| &edge.product);
            let data = match format {
                ExportFormat::Ndjson => {
                    let placed = list.edges.iter().any(|edge| edge.product.category_id.is_some());
                    let tree = if placed {
                        session.services.catalog.categories()?
                    } else {
                        Vec::new()
                    };
                    lines(products, &tree)
                }
                ExportFormat::Csv => table::written(products, begins),
            }?;
            let last = list.edges.into_iter().next_back().map(|edge| edge.cursor);
            Ok(ProductExport {
                data,
                end_cursor: last.filter(|_| list.has_next),
                has_next_page: list.has_next,
            })
        })
    }
}

fn lines<'a>(products: impl Iterator<Item = &'a Product>, tree: &'a [Category]) -> Result<String, Error> {
    let mut data = String::new();
    for product in products {
        let mut row = Row::from(product);
        row.category = CategoryRow::path(tree, row.category_id);
        let line = serde_json::to_string(&row)
            .map_err(|error| Error::Internal(format!("a product can't be exported: {error}")))?;
        data.push_str(&line);
        data.push('\n');
    }
    Ok(data)
}
