//! Feeds as other shop systems and spreadsheets write them: their encodings, separators and numbers, products
//! with variants, drafts and sales.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use libtest_mimic::Trial;
use serde_json::{Value, json};

use crate::binary::{Binary, binary_trials};
use crate::import_command::{REFUSED, import};
use crate::process::{Home, Running};
use crate::shop::{As, Shop};

/// The tests of this area.
pub fn tests() -> Vec<Trial> {
    binary_trials!(
        "feeds",
        [
            shopifys_export_becomes_a_product_with_variants,
            the_export_of_woocommerce_becomes_products_with_variations,
            googles_feed_sells_at_the_sale_price,
            a_quote_in_a_tab_separated_feed_swallows_no_rows,
            encodings_are_detected,
            separators_are_detected,
            numbers_are_read_by_the_form_of_the_feed,
            a_known_product_keeps_what_the_feed_does_not_name,
            nested_json_is_refused,
            a_feed_without_a_currency_has_the_one_of_the_shop,
        ]
    )
}

/// The imports into a shop with the currency EUR, which no other test uses.
struct Imports<'a> {
    binary: &'a Binary,
    home: &'a Home,
    shop: Shop,
    running: Running,
}

impl<'a> Imports<'a> {
    fn start(binary: &'a Binary, home: &'a Home) -> Result<Self> {
        let running = Running::start(home, binary.up(home).env("CURRENCY", "EUR"))?;
        let shop = running.shop();
        Ok(Self {
            binary,
            home,
            shop,
            running,
        })
    }

    /// Imports a feed of the folder of fixtures. Fails unless these lines are refused and no others. Returns the
    /// log.
    fn import(&self, name: &str, flags: &[&str], refused: &[u64]) -> Result<String> {
        let file = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("fixtures/feeds")
            .join(name);
        let report = self.home.path().join("report.csv");
        let report_name = report.to_string_lossy();
        let flags = [flags, &["--report", &report_name]].concat();
        let output = import(&self.shop, self.binary, self.home, &file, &flags)?;
        let log = String::from_utf8(output.stderr)?;
        let code = if refused.is_empty() { 0 } else { REFUSED };
        ensure!(
            output.status.code() == Some(code),
            "{name} should end with code {code}, not {}:\n{log}",
            output.status
        );
        let report = std::fs::read_to_string(report)?;
        // The messages may have line breaks, but begin no line with a number and a comma.
        let line = |line: &str| line.split_once(',')?.0.parse::<u64>().ok();
        let lines: Vec<u64> = report.lines().filter_map(line).collect();
        ensure!(
            lines == refused,
            "{name} should refuse the lines {refused:?}:\n{report}"
        );
        Ok(log)
    }

    /// Returns all products as an export has them, by their external ids.
    fn products(&self) -> Result<BTreeMap<String, Value>> {
        let answer = self.shop.query(As::Key, "{ exportProducts { data } }")?;
        let lines = answer.text("/exportProducts/data")?.lines();
        let product = |line: &str| {
            let product: Value = serde_json::from_str(line)?;
            let id = product.get("externalId").and_then(Value::as_str);
            Ok((id.context("the product has an external id")?.to_owned(), product))
        };
        lines.map(product).collect()
    }

    /// Fails unless the shop has these products, and no others. Each has at least these members. Null means that
    /// there is no such member.
    fn has(&self, expected: &[(&str, Value)]) -> Result<()> {
        let products = self.products()?;
        let ids: Vec<&str> = products.keys().map(String::as_str).collect();
        let mut expected_ids: Vec<&str> = expected.iter().map(|(id, _)| *id).collect();
        expected_ids.sort_unstable();
        ensure!(
            ids == expected_ids,
            "the shop should have the products {expected_ids:?}, not {ids:?}"
        );
        for (id, expected) in expected {
            let product = products.get(*id).context("the product exists")?;
            for (name, value) in expected.as_object().context("members are expected")? {
                let found = product.get(name).unwrap_or(&Value::Null);
                ensure!(found == value, "`{name}` of {id} should be {value}: {product}");
            }
        }
        Ok(())
    }

    fn stop(self) -> Result<()> {
        self.running.stop()
    }
}

/// Fails unless a log contains all words.
fn says(log: &str, words: &[&str]) -> Result<()> {
    for word in words {
        ensure!(log.contains(word), "the log should contain `{word}`:\n{log}");
    }
    Ok(())
}

fn shopifys_export_becomes_a_product_with_variants(binary: &Binary) -> Result<()> {
    let home = Home::new()?;
    let imports = Imports::start(binary, &home)?;
    let log = imports.import("01-shopify.csv", &[], &[])?;
    says(
        &log,
        &["Shopify's export", "1 product left out", "--include-drafts"],
    )?;
    let image = |number: u32| json!({ "url": format!("https://example.com/{number}.jpg") });
    let variant = |size: &str, quantity: u32, price: u32, before: Value| {
        json!({ "name": format!("Classic Tee - {size}"), "sku": format!("TEE-{size}"), "quantity": quantity,
            "price": price, "compareAtPrice": before, "currency": "EUR", "parentExternalId": "tee",
            "options": [{ "name": "Size", "value": size }] })
    };
    let tee = [
        (
            "tee",
            json!({ "name": "Classic Tee", "description": "<p>Soft</p>", "manufacturer": "Acme", "price": 1_999,
                "compareAtPrice": 2_500, "quantity": 0, "images": [image(1), image(2), image(3)],
                "attributes": [{ "name": "Tags", "value": "a, b" }] }),
        ),
        ("tee/S", variant("S", 5, 1_999, json!(2_500))),
        ("tee/M", variant("M", 7, 1_999, json!(2_500))),
        ("tee/L", variant("L", 9, 2_199, Value::Null)),
    ];
    imports.has(&tee)?;
    let log = imports.import("01-shopify.csv", &["--include-drafts"], &[])?;
    says(&log, &["1 created, 0 updated, 4 unchanged"])?;
    let mug = (
        "mug",
        json!({ "name": "Draft Mug", "price": 800, "quantity": 3, "sku": "MUG" }),
    );
    imports.has(&tee.into_iter().chain([mug]).collect::<Vec<_>>())?;
    imports.stop()
}

fn the_export_of_woocommerce_becomes_products_with_variations(binary: &Binary) -> Result<()> {
    let home = Home::new()?;
    let imports = Imports::start(binary, &home)?;
    let log = imports.import("02-woo.csv", &[], &[])?;
    says(&log, &["WooCommerce", "2 products left out"])?;
    let variation = |size: &str, quantity: u32| {
        json!({ "name": format!("Hoodie - {size}"), "price": 4_500, "quantity": quantity, "parentExternalId": "11",
            "sku": format!("WOO-11-{size}"), "options": [{ "name": "Variation", "value": size }] })
    };
    imports.has(&[
        (
            "10",
            json!({ "name": "Plain Pen", "description": "Writes\nwell", "price": 450, "compareAtPrice": 500,
                "quantity": 40, "sku": "WOO-10", "images": [{ "url": "https://example.com/p.jpg" }] }),
        ),
        (
            "11",
            json!({ "name": "Hoodie", "price": 4_500, "quantity": 0, "sku": "WOO-11" }),
        ),
        ("12", variation("S", 4)),
        ("13", variation("M", 6)),
    ])?;
    let categories = imports
        .shop
        .query(As::Anonymous, "{ categories { name children { name } } }")?;
    let expected = json!([{ "name": "Clothing", "children": [] }, { "name": "Office", "children": [{ "name": "Pens" }] }]);
    categories.has("/categories", expected)?;
    says(
        &imports.import("02-woo.csv", &[], &[])?,
        &["0 created, 0 updated, 4 unchanged"],
    )?;
    imports.stop()
}

fn googles_feed_sells_at_the_sale_price(binary: &Binary) -> Result<()> {
    let home = Home::new()?;
    let imports = Imports::start(binary, &home)?;
    let log = imports.import("03-google.tsv", &[], &[])?;
    says(
        &log,
        &[
            "Google's product feed",
            "2 products in stock without a number: new ones get 1",
            "--quantity",
        ],
    )?;
    imports.has(&[
        ("G1", json!({ "name": "Run Shoe", "price": 1_599, "compareAtPrice": 1_999, "currency": "USD", "quantity": 1 })),
        ("G2", json!({ "name": "\"24in\" Monitor", "price": 20_000, "compareAtPrice": null, "quantity": 0 })),
        ("G3", json!({ "name": "24\" Monitor", "price": 21_000, "quantity": 1 })),
    ])?;
    imports.stop()
}

fn a_quote_in_a_tab_separated_feed_swallows_no_rows(binary: &Binary) -> Result<()> {
    let home = Home::new()?;
    let imports = Imports::start(binary, &home)?;
    imports.import("03b-google-unbalanced-quote.tsv", &["--quantity", "7"], &[])?;
    imports.has(&[
        (
            "Q1",
            json!({ "name": "\"Best of jazz", "price": 1_000, "quantity": 7 }),
        ),
        ("Q2", json!({ "name": "Plain two", "price": 1_100 })),
        ("Q3", json!({ "name": "Plain three", "price": 1_200 })),
        ("Q4", json!({ "name": "Plain \"four\"", "price": 1_300 })),
        ("Q5", json!({ "name": "Plain five", "price": 1_400 })),
    ])?;
    imports.stop()
}

fn encodings_are_detected(binary: &Binary) -> Result<()> {
    let home = Home::new()?;
    let imports = Imports::start(binary, &home)?;
    says(&imports.import("04-cp1251.csv", &[], &[])?, &["windows-1251"])?;
    says(&imports.import("04-utf16le-bom.csv", &[], &[])?, &["UTF-16LE"])?;
    let log = imports.import("04-utf8-one-bad-byte.csv", &[], &[7])?;
    says(&log, &["UTF-8", "line 7, column 12", "--encoding"])?;
    let mug = |number: u32| json!({ "name": format!("Müller Käse {number}"), "price": 100 });
    imports.has(&[
        (
            "R1",
            json!({ "name": "Кружка белая", "price": 1_000, "currency": "EUR" }),
        ),
        (
            "E1",
            json!({ "name": "Müller Öl – 5 €", "price": 1_250, "quantity": 3 }),
        ),
        ("E2", json!({ "name": "Ünï", "price": 129_900, "quantity": 4 })),
        ("MX0", mug(0)),
        ("MX1", mug(1)),
        ("MX2", mug(2)),
        ("MX3", mug(3)),
        ("MX4", mug(4)),
    ])?;
    let log = imports.import("04-cp1251.csv", &["--encoding", "windows-1252"], &[])?;
    says(&log, &["windows-1252, as you chose"])?;
    imports.stop()
}

fn separators_are_detected(binary: &Binary) -> Result<()> {
    let home = Home::new()?;
    let imports = Imports::start(binary, &home)?;
    says(
        &imports.import("05-sep.csv", &[], &[])?,
        &["separator  semicolon, by the line `sep=`"],
    )?;
    says(
        &imports.import("05-quoted-header-commas.csv", &[], &[])?,
        &["separator  semicolon"],
    )?;
    let log = imports.import("06-decimal-comma-unquoted.csv", &["--separator", ","], &[2, 3])?;
    says(&log, &["the row has 5 values, and the header has 4 columns"])?;
    imports.import("06-too-many-fields.csv", &[], &[2, 3])?;
    imports.has(&[
        ("S1", json!({ "name": "Sep line", "price": 250 })),
        ("Z2", json!({ "name": "n", "price": 100, "currency": "EUR" })),
        ("Y3", json!({ "name": "Scarf", "price": 1_500, "quantity": 2 })),
    ])?;
    imports.stop()
}

fn numbers_are_read_by_the_form_of_the_feed(binary: &Binary) -> Result<()> {
    let home = Home::new()?;
    let imports = Imports::start(binary, &home)?;
    let bad = [8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 27];
    let log = imports.import("06-excel-de.csv", &[], &bad)?;
    says(&log, &["decimals   comma", "`1.234,56` on line 2"])?;
    let log = imports.import("07-zero-decimal.csv", &[], &[10, 12])?;
    says(&log, &["both point", "ambiguous", "--decimal"])?;
    let product =
        |price: u32, quantity: u32| json!({ "price": price, "quantity": quantity, "currency": "EUR" });
    let other = |price: u32, currency: &str| json!({ "price": price, "currency": currency });
    imports.has(&[
        ("X01", product(123_456, 3)),
        ("X02", product(250_000, 3)),
        ("X03", product(250_000, 3)),
        ("X04", product(1_000, 1_000)),
        ("X05", product(1_000, 5)),
        ("X06", product(1_000, 12)),
        ("X16", product(1_250, 1)),
        ("00123", product(1_000, 1)),
        ("X17", product(1_000, 1)),
        ("X18", product(1_000, 1)),
        ("X19", product(1_000, 1)),
        ("X20", product(1_000, 1)),
        ("X21", product(123_456, 2_000)),
        ("X22", product(123_456, 3)),
        ("C01", other(1_500, "JPY")),
        ("C02", other(2_000, "JPY")),
        ("C03", other(12_000, "JPY")),
        ("C04", other(150_000, "VND")),
        ("C05", other(1_250_000, "VND")),
        ("C06", other(20_000, "CLP")),
        ("C07", other(25_000, "KRW")),
        ("C08", other(12_000, "ISK")),
        ("C10", other(500, "JPY")),
        ("C12", other(75_000, "PYG")),
    ])?;
    imports.import("07-zero-decimal.csv", &["--decimal", "comma"], &[11, 12])?;
    let idr = imports.products()?;
    let price = idr.get("C09").and_then(|product| product.get("price"));
    ensure!(
        price == Some(&json!(15_000_000)),
        "150.000 IDR should be 150,000 rupiah: {price:?}"
    );
    imports.stop()
}

fn a_known_product_keeps_what_the_feed_does_not_name(binary: &Binary) -> Result<()> {
    let home = Home::new()?;
    let imports = Imports::start(binary, &home)?;
    imports.import("11-a.csv", &[], &[])?;
    imports.import("11-b.csv", &[], &[])?;
    let named = |quantity: u32| json!({ "name": "Restock Thing", "price": 1_200, "quantity": quantity, "description": "Nice", "manufacturer": "Acme" });
    imports.has(&[("RS1", named(5))])?;
    let log = imports.import("11-c.csv", &[], &[])?;
    says(
        &log,
        &["1 known product kept its stock: set it from the feed with --stock set"],
    )?;
    imports.has(&[("RS1", named(5))])?;
    imports.import("11-c.csv", &["--stock", "set"], &[])?;
    imports.has(&[("RS1", named(20))])?;
    imports.import("11-d.csv", &[], &[])?;
    imports.has(&[(
        "RS1",
        json!({ "quantity": 20, "description": null, "manufacturer": null }),
    )])?;
    imports.stop()
}

fn nested_json_is_refused(binary: &Binary) -> Result<()> {
    let home = Home::new()?;
    let imports = Imports::start(binary, &home)?;
    let log = imports.import("11-e.jsonl", &[], &[1, 2, 3, 4, 5])?;
    says(&log, &["name: it is an object", "5 rows are refused"])?;
    imports.has(&[])?;
    imports.stop()
}

fn a_feed_without_a_currency_has_the_one_of_the_shop(binary: &Binary) -> Result<()> {
    let home = Home::new()?;
    let imports = Imports::start(binary, &home)?;
    says(
        &imports.import("12-currency.csv", &[], &[])?,
        &["EUR of the shop"],
    )?;
    let product = |currency: &str| {
        [(
            "CUR1",
            json!({ "price": 1_000, "currency": currency, "quantity": 5 }),
        )]
    };
    imports.has(&product("EUR"))?;
    imports.import("12-currency.csv", &["--currency", "USD"], &[])?;
    imports.has(&product("USD"))?;
    imports.import("12-currency.csv", &[], &[])?;
    imports.has(&product("USD"))?;
    imports.import("12-b.csv", &[], &[])?;
    imports.has(&product("EUR"))?;
    imports.stop()
}
