//! Products as a table: CSV (RFC 4180). `mercato import` reads it, and ignores the ids and the version.
//!
//! Texts are exported unchanged, so that an import restores them. A spreadsheet may read a text that begins
//! with `=`, `+`, `-` or `@` as a formula.

use csv::{Terminator, WriterBuilder};
use mercato_shop::currency;
use mercato_shop::types::Error;
use serde::Serialize;

use crate::graphql::export_row::Row;

/// The columns.
const COLUMNS: [&str; 20] = [
    "externalId",
    "name",
    "description",
    "manufacturer",
    "price",
    "compareAtPrice",
    "currency",
    "quantity",
    "sku",
    "slug",
    "parentExternalId",
    "options",
    "categoryPath",
    "images",
    "attributes",
    "weight",
    "_id",
    "parentId",
    "categoryId",
    "version",
];

/// Writes the rows, after an optional header.
///
/// # Errors
/// [`Error::Internal`] if a row cannot be written.
pub fn write<'a>(rows: impl Iterator<Item = Row<'a>>, header: bool) -> Result<String, Error> {
    let mut writer = WriterBuilder::new()
        .terminator(Terminator::CRLF)
        .from_writer(Vec::new());
    if header {
        writer.write_record(COLUMNS).map_err(|error| failed(&error))?;
    }
    for row in rows {
        writer
            .write_record(cells(&row)?)
            .map_err(|error| failed(&error))?;
    }
    let bytes = writer.into_inner().map_err(|error| failed(&error))?;
    String::from_utf8(bytes).map_err(|error| failed(&error))
}

/// Returns the cells of a row. Lists are JSON. Missing values are empty.
fn cells(row: &Row<'_>) -> Result<[String; COLUMNS.len()], Error> {
    let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
    let decimal = |amount| currency::decimal(amount, row.currency);
    let path: Vec<_> = row.category.iter().map(|category| category.name).collect();
    Ok([
        text(row.external_id),
        row.name.into(),
        text(row.description),
        text(row.manufacturer),
        decimal(row.price),
        row.compare_at_price.map(decimal).unwrap_or_default(),
        row.currency.into(),
        row.quantity.to_string(),
        text(row.sku),
        row.slug.into(),
        text(row.parent_external_id),
        list(&row.options)?,
        list(&path)?,
        list(&row.images)?,
        list(&row.attributes)?,
        row.weight.map(|grams| grams.to_string()).unwrap_or_default(),
        row.id.into(),
        text(row.parent_id),
        text(row.category_id),
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

    use mercato_shop::catalog::{Attribute, Category, Image, Product};
    use mercato_shop::types::Money;
    use serde_json::{Value, json};

    use super::*;
    use crate::graphql::export_row::Related;

    fn table<'a>(products: impl IntoIterator<Item = &'a Product>, header: bool) -> String {
        let related = Related::default();
        write(
            products.into_iter().map(|product| Row::new(product, &related)),
            header,
        )
        .unwrap()
    }

    fn product(name: &str, amount: i64, currency: &str) -> Product {
        Product {
            id: "p".into(),
            name: name.into(),
            slug: "slug".into(),
            description: None,
            manufacturer: None,
            price: Money {
                amount,
                currency: currency.into(),
            },
            compare_at_price: None,
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
        let table = table(&products, true);
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
            product("e", 9_007_199_254_740_991, "USD"),
        ];
        let rows = read(&table(&products, true));
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
                ("1.250", "KWD"),
                ("90071992547409.91", "USD")
            ]
        );
    }

    #[test]
    fn writes_lists_as_json() {
        let variant = Product {
            sku: Some("S-1".into()),
            weight: Some(250),
            compare_at_price: Some(2),
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
        let parent = Product {
            id: "parent".into(),
            external_id: Some("feed/1".into()),
            ..product("parent", 1, "USD")
        };
        let socks = Category {
            id: "socks".into(),
            name: "Socks, warm".into(),
            slug: "socks".into(),
            parent_id: None,
            position: 0,
        };
        let related = Related::new([parent].into_iter(), vec![socks]);
        let products = [variant, product("b", 1, "USD")];
        let rows = products.iter().map(|product| Row::new(product, &related));
        let rows = read(&write(rows, true).unwrap());
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
        assert_eq!(json("categoryPath"), json!(["Socks, warm"]));
        let texts = [
            "sku",
            "slug",
            "parentId",
            "parentExternalId",
            "categoryId",
            "compareAtPrice",
            "weight",
            "version",
            "quantity",
        ]
        .map(|column| &rows[0][column]);
        assert_eq!(
            texts,
            [
                "S-1", "slug", "parent", "feed/1", "socks", "0.02", "250", "2", "3"
            ]
        );
        for column in [
            "images",
            "options",
            "attributes",
            "sku",
            "parentId",
            "parentExternalId",
            "categoryPath",
            "compareAtPrice",
            "externalId",
        ] {
            assert_eq!(rows[1][column], "", "{column}");
        }
    }

    #[test]
    fn writes_pages_that_form_one_table() {
        let (a, b) = (product("a", 1, "USD"), product("b", 1, "USD"));
        let whole = table([&a, &b], true);
        let pages = [table([&a], true), table([&b], false)];
        assert_eq!(pages.concat(), whole);
        assert_eq!(whole.matches("\r\n").count(), 3);
        assert_eq!(table([], false), "");
    }
}
