//! What the shop has already that an export is put into.

use std::collections::{HashMap, HashSet};

use mercato_feeds::export::{Category, Line};
use mercato_feeds::product::Refusal;
use serde::Deserialize;
use serde_json::json;

use super::super::client::{Client, Error};

const PRODUCTS: &str =
    "query($after: String) { exportProducts(first: 500, after: $after) { data endCursor } }";

const CATEGORY: &str = "mutation($input: CreateCategoryInput!) { createCategory(input: $input) { _id } }";

/// The products and categories of a shop.
#[derive(Default)]
pub struct Target {
    /// The ids of products by their external ids.
    products: HashMap<String, String>,
    /// The ids of products without.
    nameless: HashSet<String>,
    /// The ids of categories by their slugs.
    categories: HashMap<String, String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Exported {
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
    items: Vec<Found>,
}

#[derive(Deserialize)]
struct Found {
    #[serde(rename = "_id")]
    id: String,
    slug: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Data {
    create_category: Option<Made>,
}

#[derive(Deserialize)]
struct Made {
    #[serde(rename = "_id")]
    id: String,
}

impl Target {
    /// Asks the shop.
    ///
    /// # Errors
    /// Where it can't be asked.
    pub fn read(client: &Client) -> Result<Self, Error> {
        let categories: Categories = client.read("/api/categories")?;
        let categories = categories.items.into_iter();
        let mut target = Self {
            categories: categories.map(|found| (found.slug, found.id)).collect(),
            ..Self::default()
        };
        target.read_products(client)?;
        Ok(target)
    }

    /// Asks for the products anew.
    ///
    /// # Errors
    /// Where the shop can't be asked.
    pub fn read_products(&mut self, client: &Client) -> Result<(), Error> {
        let mut after = None;
        loop {
            let exported = client.ask::<Exported>(PRODUCTS, &json!({ "after": after }))?;
            let page = exported.map_err(|refusal| Error::Permanent(refusal.message))?;
            let nothing = || Error::Permanent("the shop does not tell its products".into());
            let page = page.export_products.ok_or_else(nothing)?;
            for line in page.data.lines() {
                let line = Line::read(line.as_bytes()).map_err(Error::Permanent)?;
                match line.external_id {
                    Some(external_id) => {
                        self.products.insert(external_id, line.id);
                    }
                    None => {
                        self.nameless.insert(line.id);
                    }
                }
            }
            match page.end_cursor {
                Some(cursor) => after = Some(cursor),
                None => return Ok(()),
            }
        }
    }

    /// The id of a product by its external id, if it is sold.
    pub fn id_of(&self, external_id: &str) -> Option<&str> {
        self.products.get(external_id).map(String::as_str)
    }

    /// Whether there is a product of this id without an external id.
    pub fn is_nameless(&self, id: &str) -> bool {
        self.nameless.contains(id)
    }

    /// Remembers a product that was made.
    pub fn know(&mut self, external_id: &str, id: String) {
        self.products.insert(external_id.to_owned(), id);
    }

    /// The id of a line's category, which is made where it is not there, with those above it; none where the line names none.
    ///
    /// # Errors
    /// Where the shop can't be asked; or, inside, why it refuses to make one.
    pub fn category(
        &mut self,
        client: &Client,
        line: &Line,
    ) -> Result<Result<Option<String>, Refusal>, Error> {
        let mut lowest = None;
        for category in &line.category {
            let id = match self.categories.get(&category.slug) {
                Some(id) => id.clone(),
                None => match make(client, category, lowest.as_deref())? {
                    Ok(id) => id,
                    Err(refusal) => return Ok(Err(refusal)),
                },
            };
            self.categories.insert(category.slug.clone(), id.clone());
            lowest = Some(id);
        }
        Ok(Ok(lowest.or_else(|| line.category_id.clone())))
    }
}

fn make(
    client: &Client,
    category: &Category,
    parent: Option<&str>,
) -> Result<Result<String, Refusal>, Error> {
    let input = json!({
        "name": category.name, "slug": category.slug, "position": category.position, "parentId": parent,
    });
    let made = client.ask::<Data>(CATEGORY, &json!({ "input": input }))?;
    let nothing = || Error::Permanent("the shop does not tell the category that it has made".into());
    match made {
        Ok(data) => Ok(Ok(data.create_category.ok_or_else(nothing)?.id)),
        Err(refusal) => Ok(Err(refusal)),
    }
}
