//! Products as a table: CSV (RFC 4180). `mercato import` reads the first columns and ignores the others.
//!
//! Texts are exported unchanged, so that an import restores them. A spreadsheet may read a text that begins
//! with `=`, `+`, `-` or `@` as a formula.

use csv::{Terminator, WriterBuilder};
use mercato_shop::catalog::Product;
use mercato_shop::currency;
use mercato_shop::types::Error;
use serde::Serialize;

use crate::graphql::export_row::Row;

/// The columns.
const COLUMNS: [&str; 16] = [
    "externalId",
    "name",
    "description",
    "manufacturer",
    "price",
    "currency",
    "quantity",
    "_id",
    "sku",
    "parentId",
    "options",
    "categoryId",
    "images",
    "attributes",
    "weight",
    "version",
];

/// Writes one line for each product, after an optional header.
///
/// # Errors
/// [`Error::Internal`] if a product cannot be written.
pub fn write<'a>(products: impl Iterator<Item = &'a Product>, header: bool) -> Result<String, Error> {
    let mut writer = WriterBuilder::new()
        .terminator(Terminator::CRLF)
        .from_writer(Vec::new());
    if header {
        writer.write_record(COLUMNS).map_err(|error| failed(&error))?;
    }
    for product in products {
        writer
            .write_record(cells(&Row::new(product, &[]))?)
            .map_err(|error| failed(&error))?;
    }
    let bytes = writer.into_inner().map_err(|error| failed(&error))?;
    String::from_utf8(bytes).map_err(|error| failed(&error))
}

/// Returns the cells of a row. Lists are JSON. Missing values are empty.
fn cells(row: &Row<'_>) -> Result<[String; COLUMNS.len()], Error> {
    let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
    Ok([
        text(row.external_id),
        row.name.into(),
        text(row.description),
        text(row.manufacturer),
        currency::decimal(row.price, row.currency),
        row.currency.into(),
        row.quantity.to_string(),
        row.id.into(),
        text(row.sku),
        text(row.parent_id),
        list(&row.options)?,
        text(row.category_id),
        list(&row.images)?,
        list(&row.attributes)?,
        row.weight.map(|grams| grams.to_string()).unwrap_or_default(),
        row.version.to_string(),
    ])
}

fn list<T: Serialize>(items: &[T]) -> Result<String, Error> {
    if items.is_empty() {
        return Ok(String::new());
    }
    serde_json::to_string(items).map_err(|error| failed(&error))
}

fn failed(error: &impl std::fmt::Display) -> Error {
    Error::Internal(format!("products cannot be exported: {error}"))
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use mercato_shop::catalog::{Attribute, Image};
    use mercato_shop::types::Money;
    use serde_json::{Value, json};

    use super::*;

    fn product(name: &str, amount: i64, currency: &str) -> Product {
        Product {
            id: "p".into(),
            name: name.into(),
            description: None,
            manufacturer: None,
            price: Money {
                amount,
                currency: currency.into(),
            },
            quantity: 3,
            external_id: None,
            version: 2,
            created_at: 1,
            updated_at: 1,
            archived_at: None,
            category_id: None,
            images: Vec::new(),
            attributes: Vec::new(),
            sku: None,
            weight: None,
            parent_id: None,
            options: Vec::new(),
            variant_ids: Vec::new(),
        }
    }

    fn read(text: &str) -> Vec<HashMap<String, String>> {
        let mut reader = csv::Reader::from_reader(text.as_bytes());
        reader.deserialize().map(Result::unwrap).collect()
    }

    #[test]
    fn keeps_any_text() {
        let texts = [
            "a sock, grey",
            "12\" \"vinyl\"",
            "two\r\nlines\nor\rthree",
            "=HYPERLINK(\"https://evil.example\")",
            "+1",
            "-1",
            "@SUM(A1)",
            "\tindented",
            " spaced ",
            "Ünïcode 🧦",
            "semi;colon",
        ];
        let products = texts.map(|text| Product {
            description: Some(text.into()),
            external_id: Some(text.into()),
            ..product(text, 100, "USD")
        });
        let table = write(products.iter(), true).unwrap();
        let rows = read(&table);
        assert_eq!(rows.len(), texts.len());
        for (row, text) in rows.iter().zip(texts) {
            for column in ["name", "description", "externalId"] {
                assert_eq!(row[column], text);
            }
        }
    }

    #[test]
    fn writes_prices_with_the_digits_of_their_currency() {
        let products = [
            product("a", 1_250, "USD"),
            product("b", 5, "EUR"),
            product("c", 1_250, "JPY"),
            product("d", 1_250, "KWD"),
        ];
        let rows = read(&write(products.iter(), true).unwrap());
        let prices: Vec<_> = rows
            .iter()
            .map(|row| (row["price"].as_str(), row["currency"].as_str()))
            .collect();
        assert_eq!(
            prices,
            [
                ("12.50", "USD"),
                ("0.05", "EUR"),
                ("1250", "JPY"),
                ("1.250", "KWD")
            ]
        );
    }

    #[test]
    fn writes_lists_as_json() {
        let variant = Product {
            sku: Some("S-1".into()),
            weight: Some(250),
            parent_id: Some("parent".into()),
            category_id: Some("socks".into()),
            options: vec![Attribute {
                name: "size".into(),
                value: "M, \"wide\"".into(),
            }],
            images: vec![
                Image {
                    url: "https://shop.example/a,b.jpg".into(),
                    alt: Some("A\nsock".into()),
                },
                Image {
                    url: "https://shop.example/c.jpg".into(),
                    alt: None,
                },
            ],
            attributes: vec![Attribute {
                name: "material".into(),
                value: "wool".into(),
            }],
            ..product("a", 1, "USD")
        };
        let rows = read(&write([&variant, &product("b", 1, "USD")].into_iter(), true).unwrap());
        let json = |column: &str| serde_json::from_str::<Value>(&rows[0][column]).unwrap();
        assert_eq!(
            json("images"),
            json!([{ "url": "https://shop.example/a,b.jpg", "alt": "A\nsock" }, { "url": "https://shop.example/c.jpg" }])
        );
        assert_eq!(
            json("options"),
            json!([{ "name": "size", "value": "M, \"wide\"" }])
        );
        assert_eq!(
            json("attributes"),
            json!([{ "name": "material", "value": "wool" }])
        );
        let texts =
            ["sku", "parentId", "categoryId", "weight", "version", "quantity"].map(|column| &rows[0][column]);
        assert_eq!(texts, ["S-1", "parent", "socks", "250", "2", "3"]);
        for column in ["images", "options", "attributes", "sku", "parentId", "externalId"] {
            assert_eq!(rows[1][column], "", "{column}");
        }
    }

    #[test]
    fn writes_pages_that_form_one_table() {
        let (a, b) = (product("a", 1, "USD"), product("b", 1, "USD"));
        let whole = write([&a, &b].into_iter(), true).unwrap();
        let pages = [
            write([&a].into_iter(), true).unwrap(),
            write([&b].into_iter(), false).unwrap(),
        ];
        assert_eq!(pages.concat(), whole);
        assert_eq!(whole.matches("\r\n").count(), 3);
        assert_eq!(write([].into_iter(), false).unwrap(), "");
    }
}
