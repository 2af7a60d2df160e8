//! One line of an export: a product with all that is told of it.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A product as `exportProducts` tells it.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Line {
    /// Its id in the shop that it comes from.
    #[serde(rename = "_id")]
    pub id: String,
    /// By what the feed knows it that it was imported from there.
    pub external_id: Option<String>,
    /// No two products have the same.
    pub sku: Option<String>,
    name: String,
    description: Option<String>,
    manufacturer: Option<String>,
    /// In minor units.
    price: i64,
    currency: String,
    quantity: i64,
    /// The id of its category in the shop that it comes from.
    pub category_id: Option<String>,
    /// Its category and those above it, from the root.
    #[serde(default)]
    pub category: Vec<Category>,
    #[serde(default)]
    images: Vec<Value>,
    #[serde(default)]
    attributes: Vec<Value>,
    /// The id of its parent in the shop that it comes from, where it is a variant.
    pub parent_id: Option<String>,
    /// What makes it this variant.
    #[serde(default)]
    pub options: Vec<Value>,
    /// Which no feed has.
    #[serde(rename = "version")]
    _version: u64,
}

/// A category, as it can be made.
#[derive(Debug, Deserialize)]
pub struct Category {
    /// No two categories have the same.
    pub slug: String,
    /// What it is called.
    pub name: String,
    /// Where it stands among its siblings.
    #[serde(default)]
    pub position: u32,
}

/// A product as the shop takes it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Input<'a> {
    external_id: &'a str,
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    manufacturer: Option<&'a str>,
    price: i64,
    currency: &'a str,
    quantity: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    category_id: Option<&'a str>,
    #[serde(skip_serializing_if = "<[Value]>::is_empty")]
    images: &'a [Value],
    #[serde(skip_serializing_if = "<[Value]>::is_empty")]
    attributes: &'a [Value],
    #[serde(skip_serializing_if = "Option::is_none")]
    sku: Option<&'a str>,
}

impl Line {
    /// Reads a line.
    ///
    /// # Errors
    /// Why it is none of an export.
    pub fn read(text: &[u8]) -> Result<Self, String> {
        let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
        serde_json::from_slice(text).map_err(|error| format!("no product of an export: {error}"))
    }

    /// The external id that it has in the shop it comes to.
    pub fn known_as(&self) -> &str {
        self.external_id.as_deref().unwrap_or(&self.id)
    }

    /// As a row of an import, in this category: such a row has no SKU.
    pub fn as_row<'a>(&'a self, category: Option<&'a str>) -> Input<'a> {
        Input {
            sku: None,
            ..self.as_new(category)
        }
    }

    /// As a new product in this category.
    pub fn as_new<'a>(&'a self, category: Option<&'a str>) -> Input<'a> {
        Input {
            external_id: self.known_as(),
            name: &self.name,
            description: self.description.as_deref(),
            manufacturer: self.manufacturer.as_deref(),
            price: self.price,
            currency: &self.currency,
            quantity: self.quantity,
            category_id: category,
            images: &self.images,
            attributes: &self.attributes,
            sku: self.sku.as_deref(),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn line(more: Value) -> Value {
        let mut line = json!({ "_id": "1", "name": "sock", "price": 1250, "currency": "KWD", "quantity": 3, "version": 2 });
        let members = more.as_object().unwrap().clone();
        line.as_object_mut().unwrap().extend(members);
        line
    }

    fn read(line: &Value) -> Result<Line, String> {
        Line::read(line.to_string().as_bytes())
    }

    #[test]
    fn what_is_exported_is_taken_as_it_is() {
        let image = json!({ "url": "https://shop.example/a.jpg" });
        let full = line(json!({ "externalId": "feed/1", "sku": "S-1", "images": [image], "options": [] }));
        let full = read(&full).unwrap();
        let new = json!({
            "externalId": "feed/1", "name": "sock", "price": 1250, "currency": "KWD", "quantity": 3, "categoryId": "c",
            "images": [image], "sku": "S-1",
        });
        assert_eq!(serde_json::to_value(full.as_new(Some("c"))).unwrap(), new);
        let row = serde_json::to_value(full.as_row(None)).unwrap();
        assert_eq!((row.get("sku"), row.get("categoryId")), (None, None));
    }

    #[test]
    fn without_an_external_id_it_is_known_by_its_own() {
        let plain = read(&line(json!({}))).unwrap();
        assert_eq!(plain.known_as(), "1");
        let new = serde_json::to_value(plain.as_new(None)).unwrap();
        assert_eq!(new["externalId"], "1");
        assert_eq!(new.get("images"), None);
    }

    #[test]
    fn a_line_of_a_feed_is_none_of_an_export() {
        for (name, value) in [
            ("price", json!("12.50")),
            ("price", json!(12.5)),
            ("version", Value::Null),
            ("_id", Value::Null),
        ] {
            assert!(read(&line(json!({ name: value }))).is_err(), "{name}");
        }
        assert!(Line::read(b"id,name,price\n").is_err());
    }
}
