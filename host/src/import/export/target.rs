//! The products and categories that the target shop has already.

use std::collections::{HashMap, HashSet};

use mercato_feeds::RowError;
use mercato_feeds::export::{Category, ExportedProduct};

use serde::Deserialize;
use serde_json::json;

use super::super::client::{Client, Error};

const PRODUCTS: &str =
    "query($after: String) { exportProducts(first: 500, after: $after) { data endCursor } }";

const CATEGORY: &str = "mutation($input: CreateCategoryInput!) { createCategory(input: $input) { _id } }";

/// The products and categories of the target shop.
#[derive(Default)]
pub struct TargetShop {
    /// The ids of products without an external id.
    without_external_id: HashSet<String>,
    /// The ids of categories by slug.
    categories: HashMap<String, String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ExportData {
    export_products: Option<Page>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Page {
    data: String,
    end_cursor: Option<String>,
}

#[derive(Deserialize)]
struct Categories {
    items: Vec<ExistingCategory>,
}

#[derive(Deserialize)]
struct ExistingCategory {
    #[serde(rename = "_id")]
    id: String,
    slug: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct CategoryData {
    create_category: Option<CreatedCategory>,
}

#[derive(Deserialize)]
struct CreatedCategory {
    #[serde(rename = "_id")]
    id: String,
}

impl TargetShop {
    /// Reads the products and categories of the shop.
    ///
    /// # Errors
    /// If the shop cannot be reached.
    pub fn read(client: &Client) -> Result<Self, Error> {
        let categories: Categories = client.get("/api/categories")?;
        let categories = categories.items.into_iter();
        let mut target = Self {
            categories: categories.map(|category| (category.slug, category.id)).collect(),
            ..Self::default()
        };
        target.read_products(client)?;
        Ok(target)
    }

    /// Reads the products.
    ///
    /// # Errors
    /// If the shop cannot be reached.
    fn read_products(&mut self, client: &Client) -> Result<(), Error> {
        let mut after = None;
        loop {
            let data = client.graphql::<ExportData>(PRODUCTS, &json!({ "after": after }))?;
            let data = data.map_err(|error| Error::Permanent(error.message))?;
            let missing = || Error::Permanent("the response of the shop has no products".into());
            let page = data.export_products.ok_or_else(missing)?;
            for line in page.data.lines() {
                let product = ExportedProduct::parse(line.as_bytes()).map_err(Error::Permanent)?;
                if product.external_id.is_none() {
                    self.without_external_id.insert(product.id);
                }
            }
            match page.end_cursor {
                Some(cursor) => after = Some(cursor),
                None => return Ok(()),
            }
        }
    }

    /// Returns whether the shop has a product with this id and without an external id.
    pub fn has_without_external_id(&self, id: &str) -> bool {
        self.without_external_id.contains(id)
    }

    /// Returns the id of a product's category, if it has one. Creates the missing categories, from the root.
    ///
    /// # Errors
    /// If the shop cannot be reached. The inner error says why the shop refused a category.
    pub fn category(
        &mut self,
        client: &Client,
        product: &ExportedProduct,
    ) -> Result<Result<Option<String>, RowError>, Error> {
        let mut deepest = None;
        for category in &product.category {
            let id = match self.categories.get(&category.slug) {
                Some(id) => id.clone(),
                None => match create_category(client, category, deepest.as_deref())? {
                    Ok(id) => id,
                    Err(error) => return Ok(Err(error)),
                },
            };
            self.categories.insert(category.slug.clone(), id.clone());
            deepest = Some(id);
        }
        Ok(Ok(deepest.or_else(|| product.category_id.clone())))
    }
}

fn create_category(
    client: &Client,
    category: &Category,
    parent: Option<&str>,
) -> Result<Result<String, RowError>, Error> {
    let input = json!({
        "name": category.name, "slug": category.slug, "position": category.position, "parentId": parent,
    });
    let missing = || Error::Permanent("the response of the shop has no category".into());
    match client.graphql::<CategoryData>(CATEGORY, &json!({ "input": input }))? {
        Ok(data) => Ok(Ok(data.create_category.ok_or_else(missing)?.id)),
        Err(error) => Ok(Err(error)),
    }
}
