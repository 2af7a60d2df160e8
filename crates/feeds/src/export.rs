//! The lines of an export. Each is a product.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A product in an export, as `exportProducts` writes it.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ExportedProduct {
    /// The id in the source shop.
    #[serde(rename = "_id")]
    pub id: String,
    /// The id in the feed that the product was imported from.
    pub external_id: Option<String>,
    /// The stock keeping unit, which is unique.
    pub sku: Option<String>,
    /// The name in URLs, which is unique.
    slug: Option<String>,
    name: String,
    description: Option<String>,
    manufacturer: Option<String>,
    /// The price in minor units.
    price: i64,
    /// The price before a sale, in minor units.
    compare_at_price: Option<i64>,
    currency: String,
    quantity: i64,
    /// The id of the category in the source shop.
    pub category_id: Option<String>,
    /// The category and its ancestors, from the root.
    #[serde(default)]
    pub category: Vec<Category>,
    #[serde(default)]
    images: Vec<Value>,
    #[serde(default)]
    attributes: Vec<Value>,
    /// In grams.
    weight: Option<u32>,
    /// The id of the parent in the source shop, if the product is a variant.
    pub parent_id: Option<String>,
    /// The external id of the parent, if it has one.
    pub parent_external_id: Option<String>,
    /// The options that distinguish a variant.
    #[serde(default)]
    options: Vec<Value>,
    /// The version, by which an export is recognised: a feed has no version.
    #[serde(rename = "version")]
    _version: u64,
}

/// A category in an export.
#[derive(Debug, Deserialize)]
pub struct Category {
    /// The slug, which is unique.
    pub slug: String,
    /// The name.
    pub name: String,
    /// The position among the siblings.
    #[serde(default)]
    pub position: u32,
}

/// A product as input of the mutation `importProducts`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Input<'a> {
    external_id: &'a str,
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    manufacturer: Option<&'a str>,
    price_amount: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    compare_at_price: Option<i64>,
    currency: &'a str,
    quantity: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    sku: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    slug: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    category_id: Option<&'a str>,
    #[serde(skip_serializing_if = "<[Value]>::is_empty")]
    images: &'a [Value],
    #[serde(skip_serializing_if = "<[Value]>::is_empty")]
    attributes: &'a [Value],
    #[serde(skip_serializing_if = "Option::is_none")]
    weight: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    parent_external_id: Option<&'a str>,
    #[serde(skip_serializing_if = "<[Value]>::is_empty")]
    options: &'a [Value],
}

impl ExportedProduct {
    /// Parses a line of an export.
    ///
    /// # Errors
    /// If the line is not a product of an export.
    pub fn parse(line: &[u8]) -> Result<Self, String> {
        let line = line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line);
        serde_json::from_slice(line).map_err(|error| format!("not a product of an export: {error}"))
    }

    /// Returns the external id in the target shop: the external id, or else the id in the source shop.
    pub fn target_external_id(&self) -> &str {
        self.external_id.as_deref().unwrap_or(&self.id)
    }

    /// Returns the input of `importProducts`, with the id of the category and the external id of the parent in
    /// the target shop.
    pub fn input<'a>(&'a self, category: Option<&'a str>, parent: Option<&'a str>) -> Input<'a> {
        Input {
            external_id: self.target_external_id(),
            name: &self.name,
            description: self.description.as_deref(),
            manufacturer: self.manufacturer.as_deref(),
            price_amount: self.price,
            compare_at_price: self.compare_at_price,
            currency: &self.currency,
            quantity: self.quantity,
            sku: self.sku.as_deref(),
            slug: self.slug.as_deref(),
            category_id: category,
            images: &self.images,
            attributes: &self.attributes,
            weight: self.weight,
            parent_external_id: parent,
            options: if parent.is_some() { &self.options } else { &[] },
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn line(members: Value) -> Value {
        let mut line = json!({
            "_id": "1", "name": "sock", "price": 1250, "currency": "KWD", "quantity": 3, "version": 2,
        });
        let members = members.as_object().unwrap().clone();
        line.as_object_mut().unwrap().extend(members);
        line
    }

    fn parse(line: &Value) -> Result<ExportedProduct, String> {
        ExportedProduct::parse(line.to_string().as_bytes())
    }

    #[test]
    fn converts_an_exported_product_without_loss() {
        let image = json!({ "url": "https://shop.example/a.jpg" });
        let option = json!({ "name": "size", "value": "M" });
        let full = line(json!({
            "externalId": "feed/1", "sku": "S-1", "slug": "sock", "compareAtPrice": 1500, "weight": 250,
            "images": [image], "parentId": "0", "options": [option],
        }));
        let full = parse(&full).unwrap();
        let new = json!({
            "externalId": "feed/1", "name": "sock", "priceAmount": 1250, "compareAtPrice": 1500,
            "currency": "KWD", "quantity": 3, "sku": "S-1", "slug": "sock", "categoryId": "c",
            "images": [image], "weight": 250, "parentExternalId": "p", "options": [option],
        });
        assert_eq!(
            serde_json::to_value(full.input(Some("c"), Some("p"))).unwrap(),
            new
        );
        let row = serde_json::to_value(full.input(None, None)).unwrap();
        assert_eq!((row.get("options"), row.get("categoryId")), (None, None));
    }

    #[test]
    fn uses_the_source_id_of_a_product_without_an_external_id() {
        let plain = parse(&line(json!({}))).unwrap();
        assert_eq!(plain.target_external_id(), "1");
        let new = serde_json::to_value(plain.input(None, None)).unwrap();
        assert_eq!(new["externalId"], "1");
        assert_eq!(new.get("images"), None);
    }

    #[test]
    fn rejects_a_line_of_a_feed() {
        for (name, value) in [
            ("price", json!("12.50")),
            ("price", json!(12.5)),
            ("version", Value::Null),
            ("_id", Value::Null),
        ] {
            assert!(parse(&line(json!({ name: value }))).is_err(), "{name}");
        }
        assert!(ExportedProduct::parse(b"id,name,price\n").is_err());
    }
}
