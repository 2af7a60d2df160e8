//! `importProducts`: products are imported in batches, by their external ids.

use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use libtest_mimic::Trial;
use serde_json::{Value, json};

use crate::fixtures::unique;
use crate::graphql::GraphqlResponse;
use crate::shop::{As, Shop};
use crate::trials::trials;
use crate::values::{set, text_at};

/// The tests of this area.
pub fn tests(shop: &Arc<Shop>) -> Vec<Trial> {
    trials!(
        shop,
        "product_import",
        portable = [
            an_import_creates_updates_or_skips_a_row,
            an_import_may_have_500_rows,
            a_row_becomes_a_variant_of_an_earlier_row
        ],
        component = [
            an_import_does_not_undo_sales,
            an_import_may_set_the_stock_as_counted,
            a_bad_row_does_not_affect_the_others,
            a_known_product_keeps_what_its_row_leaves_out,
            an_empty_value_of_a_row_clears_the_field,
            a_new_product_needs_a_name_and_a_price,
            a_row_creates_the_categories_of_its_path,
            a_row_that_takes_another_products_value_names_that_product
        ]
    )
}

/// Returns the only product of a manufacturer.
fn imported(shop: &Shop, manufacturer: &str) -> Result<Value> {
    let mut products = shop.find_products(json!({ "manufacturer": manufacturer }))?;
    ensure!(products.len() == 1, "there should be one product: {products:?}");
    products.pop().context("there is one product")
}

/// Fails unless the rows of an import have these outcomes.
fn has_outcomes(answer: &GraphqlResponse, outcomes: &[&str]) -> Result<()> {
    answer.has_column("/importProducts/outcomes", "/outcome", outcomes)
}

fn an_import_creates_updates_or_skips_a_row(shop: &Shop) -> Result<()> {
    let maker = unique("maker");
    for (name, price, quantity, outcome, version) in [
        ("first name", 100, 10, "CREATED", 1),
        ("first name", 100, 10, "UNCHANGED", 1),
        ("first name", 100, 99, "UNCHANGED", 1),
        ("second name", 120, 99, "UPDATED", 2),
    ] {
        let row = json!({ "externalId": maker, "manufacturer": maker, "name": name, "price": price,
            "quantity": quantity });
        has_outcomes(&shop.import_products(&[row])?, &[outcome])?;
        let product = imported(shop, &maker)?;
        // An import sets the quantity of new products only.
        for (field, expected) in [
            ("name", json!(name)),
            ("price", json!(price)),
            ("quantity", json!(10)),
            ("version", json!(version)),
        ] {
            ensure!(
                product.get(field) == Some(&expected),
                "{field} should be {expected}: {product}"
            );
        }
    }
    Ok(())
}

fn a_bad_row_does_not_affect_the_others(shop: &Shop) -> Result<()> {
    let maker = unique("maker");
    let row = |number: usize, name: &str, price: i64, currency: &str| {
        json!({ "externalId": format!("{maker}-{number}"), "manufacturer": maker, "name": name, "price": price,
                "quantity": 1, "currency": currency })
    };
    let answer = shop.import_products(&[
        row(0, "good", 1, "USD"),
        row(1, " ", 1, "USD"),
        row(2, "bad price", -1, "USD"),
        row(3, "bad currency", 1, "DOLLAR"),
        row(4, "good", 1, "USD"),
    ])?;
    has_outcomes(&answer, &["CREATED", "REFUSED", "REFUSED", "REFUSED", "CREATED"])?;
    let fields = [None, Some("name"), Some("price"), Some("currency"), None];
    answer.has_column("/importProducts/outcomes", "/field", fields)?;
    for row in 1..=3 {
        let outcome = format!("/importProducts/outcomes/{row}");
        answer.has(&format!("{outcome}/code"), "BAD_USER_INPUT")?;
        answer.expect(
            answer.text(&format!("{outcome}/message"))?.len() > 10,
            format!("row {row} should have a message"),
        )?;
    }
    Ok(())
}

fn an_import_does_not_undo_sales(shop: &Shop) -> Result<()> {
    let maker = unique("maker");
    let row =
        json!({ "externalId": maker, "manufacturer": maker, "name": "sold", "price": 1, "quantity": 10 });
    shop.import_products(std::slice::from_ref(&row))?
        .list("/importProducts/outcomes")?;
    let id = text_at(&imported(shop, &maker)?, "/_id")?.to_owned();
    shop.order(shop.ada()?.caller(), &[(&id, 4)])?;
    has_outcomes(&shop.import_products(&[row])?, &["UNCHANGED"])?;
    let product = imported(shop, &maker)?;
    ensure!(
        product.get("quantity") == Some(&json!(6)),
        "6 units should be left: {product}"
    );
    Ok(())
}

fn an_import_may_have_500_rows(shop: &Shop) -> Result<()> {
    let maker = unique("maker");
    let rows = |count: usize| -> Vec<Value> {
        let row = |number| {
            json!({ "externalId": format!("{maker}-{number}"), "manufacturer": maker, "name": format!("row {number}"),
                    "price": 1, "quantity": 1 })
        };
        (0..count).map(row).collect()
    };
    shop.import_products(&rows(501))?.bad_input("products")?;
    // The refused import has created none of the products.
    has_outcomes(&shop.import_products(&rows(500))?, &["CREATED"; 500])
}

/// Imports rows, and sets the stock of known products.
fn import_with_stock(shop: &Shop, rows: &[Value], stock: &str) -> Result<GraphqlResponse> {
    let query = "mutation ($rows: [ImportProductInput!]!, $stock: ImportStock!) {
        importProducts(products: $rows, stock: $stock) { outcomes { outcome code field message } } }";
    shop.graphql(As::Key, query, json!({ "rows": rows, "stock": stock }))
}

/// Returns the only product of a manufacturer, with all that an import can set.
fn details(shop: &Shop, manufacturer: &str) -> Result<Value> {
    let query = "query ($maker: String!) { productConnection(filter: { manufacturer: $maker }) { edges { node {
        _id name slug description manufacturer priceAmount compareAtPrice currency quantity sku weight parentId
        images { url alt } attributes { name value } category { name ancestors { name } } } } } }";
    let answer = shop.graphql(As::Key, query, json!({ "maker": manufacturer }))?;
    let mut products = answer.column("/productConnection/edges", "/node")?;
    ensure!(products.len() == 1, "there should be one product: {products:?}");
    products.pop().context("there is one product")
}

/// Returns a row with all fields of a product.
fn full_row(maker: &str) -> Value {
    json!({
        "externalId": maker, "manufacturer": maker, "name": "Zokks", "description": "warm", "price": 990,
        "compareAtPrice": 1_250, "currency": "EUR", "quantity": 4, "sku": unique("sku"), "weight": 80,
        "images": [{ "url": "https://cdn.example/z.jpg", "alt": "A sock" }],
        "attributes": [{ "name": "material", "value": "wool" }],
    })
}

fn an_import_may_set_the_stock_as_counted(shop: &Shop) -> Result<()> {
    let maker = unique("maker");
    let row =
        json!({ "externalId": maker, "manufacturer": maker, "name": "counted", "price": 1, "quantity": 10 });
    has_outcomes(
        &import_with_stock(shop, std::slice::from_ref(&row), "SET")?,
        &["CREATED"],
    )?;
    let id = text_at(&imported(shop, &maker)?, "/_id")?.to_owned();
    shop.order(shop.ada()?.caller(), &[(&id, 4)])?;
    has_outcomes(
        &import_with_stock(shop, std::slice::from_ref(&row), "KEEP")?,
        &["UNCHANGED"],
    )?;
    has_outcomes(
        &import_with_stock(shop, std::slice::from_ref(&row), "SET")?,
        &["UPDATED"],
    )?;
    let product = imported(shop, &maker)?;
    ensure!(
        product.get("quantity") == Some(&json!(10)),
        "10 units were counted: {product}"
    );
    has_outcomes(&import_with_stock(shop, &[row], "SET")?, &["UNCHANGED"])?;
    let uncounted = json!({ "externalId": maker, "description": "new" });
    has_outcomes(&import_with_stock(shop, &[uncounted], "SET")?, &["UPDATED"])?;
    let product = imported(shop, &maker)?;
    ensure!(
        product.get("quantity") == Some(&json!(10)),
        "a row without a count keeps it: {product}"
    );
    let query = "query ($id: ID!) { stockMovements(productId: $id) { edges { node { kind delta } } } }";
    let ledger = shop.graphql(As::Key, query, json!({ "id": id }))?;
    ledger.column_contains(
        "/stockMovements/edges",
        "/node",
        json!({ "kind": "SET", "delta": 4 }),
    )
}

fn a_known_product_keeps_what_its_row_leaves_out(shop: &Shop) -> Result<()> {
    let maker = unique("maker");
    has_outcomes(&shop.import_products(&[full_row(&maker)])?, &["CREATED"])?;
    let before = details(shop, &maker)?;
    let mut nulls = json!({ "externalId": maker });
    for field in [
        "name",
        "description",
        "manufacturer",
        "price",
        "compareAtPrice",
        "currency",
        "quantity",
        "sku",
        "weight",
        "images",
        "attributes",
        "categoryId",
        "categoryPath",
        "slug",
        "parentExternalId",
        "options",
    ] {
        set(&mut nulls, field, Value::Null);
    }
    let rows = [json!({ "externalId": maker }), nulls];
    for row in rows {
        has_outcomes(&shop.import_products(&[row])?, &["UNCHANGED"])?;
        let after = details(shop, &maker)?;
        ensure!(before == after, "{before} became {after}");
    }
    let price = json!({ "externalId": maker, "priceAmount": 980 });
    has_outcomes(&shop.import_products(&[price])?, &["UPDATED"])?;
    let mut expected = before;
    set(&mut expected, "priceAmount", json!(980));
    let after = details(shop, &maker)?;
    ensure!(after == expected, "only the price should change: {after}");
    Ok(())
}

fn an_empty_value_of_a_row_clears_the_field(shop: &Shop) -> Result<()> {
    let maker = unique("maker");
    has_outcomes(&shop.import_products(&[full_row(&maker)])?, &["CREATED"])?;
    let cleared = json!({ "externalId": maker, "description": "", "compareAtPrice": 0, "sku": "", "weight": 0,
        "images": [], "attributes": [], "categoryPath": [] });
    has_outcomes(&shop.import_products(&[cleared])?, &["UPDATED"])?;
    let product = details(shop, &maker)?;
    for (field, expected) in [
        ("description", Value::Null),
        ("compareAtPrice", Value::Null),
        ("sku", Value::Null),
        ("weight", Value::Null),
        ("category", Value::Null),
        ("images", json!([])),
        ("attributes", json!([])),
        ("name", json!("Zokks")),
        ("priceAmount", json!(990)),
        ("currency", json!("EUR")),
    ] {
        ensure!(
            product.get(field) == Some(&expected),
            "{field} should be {expected}: {product}"
        );
    }
    Ok(())
}

fn a_new_product_needs_a_name_and_a_price(shop: &Shop) -> Result<()> {
    let id = || unique("external");
    let rows = [
        json!({ "externalId": id(), "price": 1 }),
        json!({ "externalId": id(), "name": "x" }),
        json!({ "externalId": id(), "name": "x", "price": 1, "priceAmount": 1 }),
        json!({ "name": "x", "price": 1 }),
        json!({ "externalId": id(), "name": "x", "price": 1, "compareAtPrice": 1 }),
        json!({ "externalId": id(), "name": "x", "priceAmount": 2_500_000_000_i64 }),
    ];
    let answer = shop.import_products(&rows)?;
    let outcomes = ["REFUSED", "REFUSED", "REFUSED", "REFUSED", "REFUSED", "CREATED"];
    has_outcomes(&answer, &outcomes)?;
    let fields = [
        Some("name"),
        Some("price"),
        Some("price"),
        Some("externalId"),
        Some("compareAtPrice"),
        None,
    ];
    answer.has_column("/importProducts/outcomes", "/field", fields)
}

fn a_row_becomes_a_variant_of_an_earlier_row(shop: &Shop) -> Result<()> {
    let maker = unique("maker");
    let variant = |size: &str| {
        json!({ "externalId": format!("{maker}/{size}"), "name": format!("Sock {size}"), "price": 5, "quantity": 2,
            "parentExternalId": maker, "options": [{ "name": "size", "value": size }], "sku": unique("sku") })
    };
    let parent = json!({ "externalId": maker, "manufacturer": maker, "name": "Sock", "price": 5 });
    let rows = [parent, variant("S"), variant("M")];
    has_outcomes(&shop.import_products(&rows)?, &["CREATED"; 3])?;
    has_outcomes(&shop.import_products(&rows)?, &["UNCHANGED"; 3])?;
    has_outcomes(&shop.import_products(&[variant("L")])?, &["CREATED"])?;
    let query =
        "query ($maker: String!) { productConnection(filter: { manufacturer: $maker }) { edges { node {
        _id variants { parentId parent { _id } options { name value } quantity } } } } }";
    let answer = shop.graphql(As::Anonymous, query, json!({ "maker": maker }))?;
    let id = answer.data("/productConnection/edges/0/node/_id")?;
    let expected: Vec<_> = ["S", "M", "L"]
        .iter()
        .map(|size| {
            let options = [json!({ "name": "size", "value": size })];
            json!({ "parentId": id, "parent": { "_id": id }, "options": options, "quantity": 2 })
        })
        .collect();
    answer.has("/productConnection/edges/0/node/variants", expected)?;
    let lost = json!({ "externalId": unique("x"), "name": "x", "price": 1, "parentExternalId": unique("unknown"),
        "options": [{ "name": "size", "value": "S" }] });
    let refused = shop.import_products(&[lost])?;
    has_outcomes(&refused, &["REFUSED"])
}

fn a_row_creates_the_categories_of_its_path(shop: &Shop) -> Result<()> {
    let (maker, top) = (unique("maker"), unique("Clothes"));
    let row = |path: Value| json!({ "externalId": maker, "manufacturer": maker, "name": "Sock", "price": 5, "categoryPath": path });
    has_outcomes(
        &shop.import_products(&[row(json!([top, "Warm socks"]))])?,
        &["CREATED"],
    )?;
    let expected = json!({ "name": "Warm socks", "ancestors": [{ "name": top }] });
    let product = details(shop, &maker)?;
    ensure!(product.get("category") == Some(&expected), "{product}");
    let same = json!([top.to_uppercase(), "warm SOCKS"]);
    has_outcomes(&shop.import_products(&[row(same)])?, &["UNCHANGED"])?;
    has_outcomes(&shop.import_products(&[row(json!([]))])?, &["UPDATED"])?;
    let categories = shop.query(As::Anonymous, "{ categories { _id name children { _id name } } }")?;
    let root = categories
        .list("/categories")?
        .iter()
        .find(|root| root.get("name") == Some(&json!(top)));
    let root = root.context("the category should exist")?;
    for pointer in ["/children/0/_id", "/_id"] {
        let query = "mutation ($id: ID!) { deleteCategory(id: $id) { _id } }";
        let id = text_at(root, pointer)?;
        shop.graphql(As::Key, query, json!({ "id": id }))?
            .text("/deleteCategory/_id")?;
    }
    ensure!(
        root.pointer("/children/1").is_none(),
        "the second import should find the category: {root}"
    );
    Ok(())
}

fn a_row_that_takes_another_products_value_names_that_product(shop: &Shop) -> Result<()> {
    let (sku, slug) = (unique("sku"), unique("slug"));
    let owner =
        shop.product_from(json!({ "name": "owner", "price": 1, "quantity": 1, "sku": sku, "slug": slug }))?;
    for (field, value) in [("sku", sku), ("slug", slug)] {
        let mut row = json!({ "externalId": unique("external"), "name": "x", "price": 1 });
        set(&mut row, field, json!(value));
        let answer = shop.import_products(&[row])?;
        has_outcomes(&answer, &["REFUSED"])?;
        let message = answer.text("/importProducts/outcomes/0/message")?;
        answer.expect(
            message.contains(field) && message.contains(&owner),
            "the message should name the field and the other product",
        )?;
    }
    Ok(())
}
