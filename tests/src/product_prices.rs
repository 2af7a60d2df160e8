//! Prices beyond 32 bits, the price before a sale, and the names of products in URLs, over both APIs.

use std::sync::Arc;

use anyhow::Result;
use libtest_mimic::Trial;
use serde_json::{Value, json};

use crate::configured::{Host, configured_trials};
use crate::fixtures::unique;
use crate::graphql::GraphqlResponse;
use crate::process::Home;
use crate::shop::{As, Shop};
use crate::trials::trials;
use crate::values::set;

/// The tests of this area.
pub fn tests(shop: &Arc<Shop>) -> Vec<Trial> {
    let mut trials = trials!(
        shop,
        "product_prices",
        portable = [a_slug_finds_its_product_and_is_unique],
        component = [
            a_price_is_sent_once,
            a_compare_at_price_is_above_the_price,
            a_counted_quantity_is_set_with_the_edit,
            flags_in_urls_are_words_or_digits
        ]
    );
    trials.extend(configured_trials!(
        "product_prices",
        portable = [prices_beyond_32_bits_are_exact]
    ));
    trials
}

/// A shop of its own, since clients that select `price` get an error for each of these products.
fn prices_beyond_32_bits_are_exact(host: &Host) -> Result<()> {
    let home = Home::new()?;
    let settings = [
        ("MERCATO_ENVIRONMENT", "development"),
        ("PAYMENT_GATEWAY", "test"),
    ];
    let running = host.start(&home, &settings)?;
    let shop = running.shop();
    a_price_beyond_32_bits_is_stored_filtered_and_sorted(&shop)?;
    an_int_that_does_not_fit_is_an_error_that_names_the_amount(&shop)?;
    prices_are_exact_to_the_largest_amount(&shop)?;
    facets_and_exports_have_large_prices(&shop)?;
    running.stop()
}

/// 25,000,000.00 IDR, in minor units.
const LARGE: i64 = 2_500_000_000;

/// The largest amount, 2^53 - 1.
const LARGEST: i64 = 9_007_199_254_740_991;

const FIELDS: &str = "_id id name slug priceAmount compareAtPrice currency quantity version";

/// Creates a product, without the field `price` of the answer.
fn create(shop: &Shop, input: &Value) -> Result<GraphqlResponse> {
    let query =
        format!("mutation ($input: CreateProductInput!) {{ createProduct(input: $input) {{ {FIELDS} }} }}");
    shop.graphql(As::Key, &query, json!({ "input": input }))
}

/// Creates a product of a manufacturer with this price, and returns its id.
fn priced(shop: &Shop, maker: &str, price: i64) -> Result<String> {
    let input = json!({ "name": unique("priced"), "priceAmount": price, "currency": "IDR", "quantity": 1,
        "manufacturer": maker, "externalId": unique("external") });
    let created = create(shop, &input)?;
    created.has("/createProduct/priceAmount", price)?;
    Ok(created.text("/createProduct/_id")?.to_owned())
}

/// Edits a product, without the field `price` of the answer.
fn update(shop: &Shop, id: &str, version: i64, input: Value) -> Result<GraphqlResponse> {
    let query = format!(
        "mutation ($id: ID!, $version: Int!, $input: UpdateProductInput!) {{
            updateProduct(id: $id, version: $version, input: $input) {{ {FIELDS} }} }}"
    );
    let variables = json!({ "id": id, "version": version, "input": input });
    shop.graphql(As::Key, &query, variables)
}

fn a_price_beyond_32_bits_is_stored_filtered_and_sorted(shop: &Shop) -> Result<()> {
    let maker = unique("maker");
    let ids: Vec<_> = [LARGE, 5, LARGE + 1]
        .iter()
        .map(|&price| priced(shop, &maker, price))
        .collect::<Result<_>>()?;
    let [large, small, larger] = ids.as_slice() else {
        anyhow::bail!("there are three products")
    };
    let query = "query ($filter: ProductFilter, $descending: Boolean!) {
        productConnection(filter: $filter, sort: { key: PRICE, descending: $descending }) {
            edges { node { _id } } } }";
    let rest = |conditions: &str| {
        shop.get(
            As::Anonymous,
            &format!("/api/products?manufacturer={maker}&{conditions}"),
        )
    };
    for (filter, conditions, found) in [
        (json!({}), "sort=price", vec![small, large, larger]),
        (
            json!({ "minPriceAmount": LARGE }),
            "sort=price&minPrice=2500000000",
            vec![large, larger],
        ),
        (
            json!({ "maxPriceAmount": LARGE }),
            "sort=price&maxPrice=2500000000",
            vec![small, large],
        ),
        (
            json!({ "minPrice": 6, "maxPriceAmount": LARGE }),
            "sort=price&minPrice=6&maxPrice=2500000000",
            vec![large],
        ),
    ] {
        let mut filter = filter;
        set(&mut filter, "manufacturer", json!(maker));
        let variables = json!({ "filter": filter, "descending": false });
        shop.graphql(As::Anonymous, query, variables)?.has_column(
            "/productConnection/edges",
            "/node/_id",
            &found,
        )?;
        let page = rest(conditions)?;
        page.expect_status(200)?;
        for (index, id) in found.iter().enumerate() {
            page.has(&format!("/items/{index}/_id"), id)?;
        }
        page.expect(
            page.value(&format!("/items/{}", found.len())).is_err(),
            format!("expected {} products", found.len()),
        )?;
    }
    let variables = json!({ "filter": { "manufacturer": maker }, "descending": true });
    shop.graphql(As::Anonymous, query, variables)?.has_column(
        "/productConnection/edges",
        "/node/_id",
        [larger, large, small],
    )?;
    rest("sort=-price&first=1")?.has("/items/0/price", LARGE + 1)
}

fn an_int_that_does_not_fit_is_an_error_that_names_the_amount(shop: &Shop) -> Result<()> {
    let maker = unique("maker");
    let large = priced(shop, &maker, LARGE)?;
    let small = shop.product(7, 1)?;
    let query = "query ($large: ID!, $small: ID!) {
        large: product(id: $large) { name price }
        exact: product(id: $large) { priceAmount }
        small: product(id: $small) { price priceAmount } }";
    let answer = shop.graphql(As::Anonymous, query, json!({ "large": large, "small": small }))?;
    let error = answer.refused("AMOUNT_TOO_LARGE")?;
    answer.expect(
        error.get("path") == Some(&json!(["large", "price"])),
        "the path should end with the field",
    )?;
    answer.expect(
        error
            .get("message")
            .and_then(Value::as_str)
            .is_some_and(|text| text.contains("priceAmount")),
        "the message should name the other field",
    )?;
    // `price` is not nullable, so its product is null. The other products are answered.
    answer.is_null("/large")?;
    for (pointer, expected) in [
        ("/exact/priceAmount", LARGE),
        ("/small/price", 7),
        ("/small/priceAmount", 7),
    ] {
        answer.expect(
            answer.partial(pointer)? == &json!(expected),
            format!("{pointer} should be {expected}"),
        )?;
    }
    let query = "query ($maker: String!) {
        productConnection(filter: { manufacturer: $maker }) { edges { node { price } } } }";
    let listed = shop.graphql(As::Anonymous, query, json!({ "maker": maker }))?;
    listed.refused("AMOUNT_TOO_LARGE")?;
    let exact = query.replace("{ price }", "{ priceAmount }");
    shop.graphql(As::Anonymous, &exact, json!({ "maker": maker }))?
        .has("/productConnection/edges/0/node/priceAmount", LARGE)
}

fn prices_are_exact_to_the_largest_amount(shop: &Shop) -> Result<()> {
    let id = priced(shop, &unique("maker"), LARGEST)?;
    let path = format!("/api/products/{id}");
    shop.get(As::Anonymous, &path)?.has("/price", LARGEST)?;
    update(shop, &id, 1, json!({ "priceAmount": LARGEST - 1 }))?
        .has("/updateProduct/priceAmount", LARGEST - 1)?;
    let edited = shop.rest(As::Key, "PUT", &path, json!({ "price": LARGEST, "version": 2 }))?;
    edited.expect_status(200)?;
    edited.has("/price", LARGEST)?;
    for price in [
        json!(LARGEST + 1),
        json!(-1),
        json!(12.5),
        json!("1250"),
        json!(1e300),
    ] {
        let refused = shop.rest(As::Key, "PUT", &path, json!({ "price": price }))?;
        refused.problem(400, "BAD_USER_INPUT")?;
        refused.has("/errors/0/field", "price")?;
        let new = json!({ "name": "x", "price": price, "quantity": 1 });
        let refused = shop.rest(As::Key, "POST", "/api/products", new)?;
        refused.problem(400, "BAD_USER_INPUT")?;
        refused.has("/errors/0/field", "price")?;
    }
    for price in [
        "9007199254740992",
        "12.5",
        "\"1250\"",
        "1e300",
        "true",
        "-9007199254740992",
    ] {
        let query = format!(
            "mutation {{ createProduct(input: {{ name: \"x\", priceAmount: {price}, quantity: 1 }}) {{ _id }} }}"
        );
        let refused = shop.query(As::Key, &query)?;
        refused.expect(!refused.codes().is_empty(), format!("{price} should be refused"))?;
    }
    create(shop, &json!({ "name": "x", "priceAmount": -1, "quantity": 1 }))?.bad_input("price")?;
    shop.get(As::Anonymous, &path)?.has("/version", 3)
}

fn facets_and_exports_have_large_prices(shop: &Shop) -> Result<()> {
    let maker = unique("maker");
    for price in [LARGE, LARGEST] {
        priced(shop, &maker, price)?;
    }
    let query = "query ($filter: ProductFilter) {
        productFacets(filter: $filter) { total prices { fromAmount toAmount count } } }";
    let variables = json!({ "filter": { "manufacturer": maker } });
    let answer = shop.graphql(As::Anonymous, query, variables.clone())?;
    answer.has("/productFacets/total", 2)?;
    let ranges = answer.list("/productFacets/prices")?;
    for price in [LARGE, LARGEST] {
        let contains = |range: &Value| {
            let bound = |name: &str| range.get(name).and_then(Value::as_i64).unwrap_or_default();
            bound("fromAmount") <= price && (price < bound("toAmount") || price == LARGEST)
        };
        answer.expect(
            ranges.iter().any(contains),
            format!("a range should contain {price}"),
        )?;
    }
    let export = "query ($filter: ProductFilter, $format: ExportFormat!) {
        exportProducts(filter: $filter, format: $format) { data } }";
    let data = |format: &str| -> Result<String> {
        let mut variables = variables.clone();
        set(&mut variables, "format", json!(format));
        let answer = shop.graphql(As::Key, export, variables)?;
        Ok(answer.text("/exportProducts/data")?.to_owned())
    };
    let lines = data("NDJSON")?;
    let rows: Vec<Value> = lines
        .lines()
        .map(serde_json::from_str)
        .collect::<Result<_, _>>()?;
    let prices: Vec<_> = rows.iter().filter_map(|row| row.get("price")).collect();
    anyhow::ensure!(prices == [&json!(LARGE), &json!(LARGEST)], "{lines}");
    let table = data("CSV")?;
    anyhow::ensure!(
        table.contains(",25000000.00,") && table.contains(",90071992547409.91,"),
        "{table}"
    );
    Ok(())
}

fn a_price_is_sent_once(shop: &Shop) -> Result<()> {
    let new = |prices: Value| {
        let mut input = json!({ "name": unique("once"), "quantity": 1 });
        for (field, value) in prices.as_object().into_iter().flatten() {
            set(&mut input, field, value.clone());
        }
        create(shop, &input)
    };
    new(json!({}))?.bad_input("price")?;
    new(json!({ "price": 5, "priceAmount": 5 }))?.bad_input("price")?;
    new(json!({ "price": 5, "priceAmount": null }))?.has("/createProduct/priceAmount", 5)?;
    let id = shop.product(5, 1)?;
    update(shop, &id, 1, json!({ "price": 6, "priceAmount": 6 }))?.bad_input("price")?;
    update(shop, &id, 1, json!({ "price": null, "priceAmount": 6 }))?.has("/updateProduct/priceAmount", 6)?;
    let query =
        "{ productConnection(filter: { minPrice: 1, minPriceAmount: 1 }) { edges { node { _id } } } }";
    shop.query(As::Anonymous, query)?.bad_input("minPrice")?;
    Ok(())
}

fn a_compare_at_price_is_above_the_price(shop: &Shop) -> Result<()> {
    let new = json!({ "name": unique("sale"), "price": 990, "compareAtPrice": 1_250, "quantity": 1 });
    let created = shop.rest(As::Key, "POST", "/api/products/create", new.clone())?;
    created.expect_status(201)?;
    created.has("/compareAtPrice", 1_250)?;
    created.has("/id", created.value("/_id")?)?;
    let id = created.text("/_id")?;
    let path = format!("/api/products/{id}");
    created.has_header("location", &path)?;
    create(shop, &new)?.has("/createProduct/compareAtPrice", 1_250)?;
    for compare_at in [990, 989, 1] {
        let mut input = new.clone();
        set(&mut input, "compareAtPrice", json!(compare_at));
        let refused = create(shop, &input)?;
        let error = refused.bad_input("compareAtPrice")?;
        let message = error.get("message").and_then(Value::as_str).unwrap_or_default();
        refused.expect(
            message.contains("compareAtPrice") && message.contains("`price`"),
            "the message should name both prices",
        )?;
        let refused = shop.rest(As::Key, "POST", "/api/products", input)?;
        refused.problem(400, "BAD_USER_INPUT")?;
        refused.has("/errors/0/field", "compareAtPrice")?;
    }
    let edited = shop.rest(As::Key, "PUT", &path, json!({ "compareAtPrice": 0 }))?;
    edited.expect_status(200)?;
    edited.has("/compareAtPrice", Value::Null)?;
    update(shop, &id, 2, json!({ "compareAtPrice": LARGE }))?.has("/updateProduct/compareAtPrice", LARGE)?;
    shop.get(As::Anonymous, &path)?.has("/compareAtPrice", LARGE)
}

fn a_slug_finds_its_product_and_is_unique(shop: &Shop) -> Result<()> {
    let maker = unique("maker");
    let name = format!("Äpfel & Birnen {maker}");
    let input = json!({ "name": name, "price": 1, "quantity": 1, "manufacturer": maker });
    let (first, second) = (create(shop, &input)?, create(shop, &input)?);
    let slug = first.text("/createProduct/slug")?;
    first.expect(
        slug.starts_with("apfel-birnen-") || slug.starts_with("aepfel-birnen-"),
        "the slug should be transliterated",
    )?;
    second.expect(
        second.text("/createProduct/slug")? != slug,
        "the second slug should have a suffix",
    )?;
    let query = "query ($slug: String!) { productBySlug(slug: $slug) { _id id slug } }";
    let find = |slug: &str| shop.graphql(As::Anonymous, query, json!({ "slug": slug }));
    let id = first.text("/createProduct/_id")?;
    let expected = json!({ "_id": id, "id": id, "slug": slug });
    find(slug)?.has("/productBySlug", expected)?;
    find("no-such-slug")?.has("/productBySlug", Value::Null)?;
    let page = shop.get(As::Anonymous, &format!("/api/products?slug={slug}"))?;
    page.has("/items/0/id", id)?;
    page.expect(page.value("/items/1").is_err(), "one product has the slug")?;

    let other = second.text("/createProduct/_id")?;
    let taken = update(shop, other, 1, json!({ "slug": slug }))?;
    let error = taken.refused("CONFLICT")?;
    let message = error.get("message").and_then(Value::as_str).unwrap_or_default();
    taken.expect(
        message.contains("slug") && message.contains(id),
        "the message should name the field and the other product",
    )?;
    let own = unique("own-slug");
    update(shop, other, 1, json!({ "slug": own }))?.has("/updateProduct/slug", &own)?;
    find(&own)?.has("/productBySlug/_id", other)
}

fn a_counted_quantity_is_set_with_the_edit(shop: &Shop) -> Result<()> {
    let id = shop.product(100, 10)?;
    let path = format!("/api/products/{id}");
    shop.order(shop.ada()?.caller(), &[(&id, 2)])?;
    let put = |body: Value| shop.rest(As::Key, "PUT", &path, body);
    let edited = put(json!({ "price": 90, "quantity": 5, "version": 1 }))?;
    edited.expect_status(200)?;
    edited.has("/price", 90)?;
    edited.has("/quantity", 5)?;
    edited.has("/version", 2)?;
    put(json!({ "price": 80, "quantity": 50, "version": 1 }))?.problem(409, "CONFLICT")?;
    for quantity in [json!(-1), json!(1.5), json!("5"), json!(2_147_483_648_i64)] {
        let refused = put(json!({ "price": 80, "quantity": quantity }))?;
        refused.problem(400, "BAD_USER_INPUT")?;
        refused.has("/errors/0/field", "quantity")?;
    }
    let read = shop.get(As::Anonymous, &path)?;
    read.has("/price", 90)?;
    read.has("/quantity", 5)?;
    put(json!({ "quantity": 0 }))?.has("/quantity", 0)?;
    let ledger =
        "query ($id: ID!) { stockMovements(productId: $id, first: 10) { edges { node { kind delta } } } }";
    let answer = shop.graphql(As::Key, ledger, json!({ "id": id }))?;
    for delta in [-3, -5] {
        let movement = json!({ "kind": "SET", "delta": delta });
        answer.column_contains("/stockMovements/edges", "/node", movement)?;
    }
    Ok(())
}

fn flags_in_urls_are_words_or_digits(shop: &Shop) -> Result<()> {
    let maker = unique("maker");
    let product = |quantity: i64| {
        shop.product_from(json!({ "name": "x", "price": 1, "quantity": quantity, "manufacturer": maker }))
    };
    let (stocked, empty) = (product(1)?, product(0)?);
    for (flag, found) in [
        ("1", &stocked),
        ("true", &stocked),
        ("0", &empty),
        ("false", &empty),
    ] {
        for path in ["/api/products", "/api/products/", "/products"] {
            let page = shop.get(
                As::Anonymous,
                &format!("{path}?manufacturer={maker}&inStock={flag}"),
            )?;
            page.expect_status(200)?;
            page.has("/items/0/_id", found)?;
            page.expect(page.value("/items/1").is_err(), "one product should be found")?;
        }
    }
    for flag in ["2", "yes", "", "01"] {
        let refused = shop.get(As::Anonymous, &format!("/api/products?inStock={flag}"))?;
        refused.problem(400, "BAD_USER_INPUT")?;
        refused.has("/errors/0/field", "inStock")?;
    }
    Ok(())
}
