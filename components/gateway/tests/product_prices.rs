//! Prices beyond the 32 bits of GraphQL's `Int`, in both APIs.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs,
    reason = "tests"
)]

mod shop;

use serde_json::{Value, json};
use shop::{KEY, NOBODY, Shop};

/// 25,000,000.00 IDR, in minor units.
const LARGE: i64 = 2_500_000_000;

fn create(shop: &Shop, input: &Value) -> Value {
    let query =
        "mutation ($input: CreateProductInput!) { createProduct(input: $input) { _id id priceAmount } }";
    shop.answer(KEY, &json!({ "query": query, "variables": { "input": input } }))
}

fn priced(shop: &Shop, price: i64) -> String {
    let created = create(
        shop,
        &json!({ "name": "car", "priceAmount": price, "currency": "IDR", "quantity": 1 }),
    );
    let product = &created["data"]["createProduct"];
    assert_eq!(product["priceAmount"], price, "{created}");
    assert_eq!(product["_id"], product["id"]);
    product["_id"].as_str().unwrap().to_owned()
}

#[test]
fn an_int_that_does_not_fit_is_an_error_of_its_field() {
    let shop = Shop::new();
    let large = priced(&shop, LARGE);
    let small = priced(&shop, 7);
    let query = format!(
        "{{ large: product(id: \"{large}\") {{ name price }} exact: product(id: \"{large}\") {{ priceAmount }}
            small: product(id: \"{small}\") {{ price priceAmount }} }}"
    );
    let answer = shop.answer(NOBODY, &json!({ "query": query }));
    let errors = answer["errors"].as_array().unwrap();
    assert_eq!(errors.len(), 1, "{answer}");
    assert_eq!(errors[0]["extensions"]["code"], "AMOUNT_TOO_LARGE");
    assert_eq!(errors[0]["path"], json!(["large", "price"]));
    assert!(errors[0]["message"].as_str().unwrap().contains("priceAmount"));
    let expected = json!({
        "large": null, "exact": { "priceAmount": LARGE }, "small": { "price": 7, "priceAmount": 7 },
    });
    assert_eq!(answer["data"], expected);

    // The plain list has nullable items, so the other products are answered.
    let answer = shop.answer(NOBODY, &json!({ "query": "{ products { price } }" }));
    assert_eq!(answer["data"]["products"], json!([null, { "price": 7 }]));
}

#[test]
fn rest_has_plain_numbers() {
    let shop = Shop::new();
    let path = format!("/api/products/{}", priced(&shop, LARGE));
    let (_, _, read) = shop.rest(NOBODY, "GET", &path, &Value::Null);
    assert_eq!(
        (&read["price"], &read["priceAmount"]),
        (&json!(LARGE), &Value::Null)
    );
    let largest = 9_007_199_254_740_991_i64;
    let body = json!({ "price": largest, "quantity": 5, "version": 1 });
    let (status, _, edited) = shop.rest(KEY, "PUT", &path, &body);
    assert_eq!(
        (status, &edited["price"], &edited["quantity"]),
        (200, &json!(largest), &json!(5))
    );
    for (body, field) in [
        (json!({ "price": largest + 1 }), "price"),
        (json!({ "price": -1 }), "price"),
        (json!({ "priceAmount": 5 }), "priceAmount"),
        (json!({ "quantity": -1, "price": 1 }), "quantity"),
        (json!({ "compareAtPrice": largest }), "compareAtPrice"),
    ] {
        let (status, _, refused) = shop.rest(KEY, "PUT", &path, &body);
        assert_eq!(
            (status, &refused["errors"][0]["field"]),
            (400, &json!(field)),
            "{refused}"
        );
    }
    let list = format!("/products?minPrice={largest}&maxPrice={largest}&inStock=1&sort=-price");
    let (_, _, page) = shop.rest(NOBODY, "GET", &list, &Value::Null);
    assert_eq!(page["items"][0]["price"], largest, "{page}");
    let (status, headers, created) = shop.rest(
        KEY,
        "POST",
        "/api/products/create",
        &json!({ "name": "car", "price": LARGE, "quantity": 0 }),
    );
    assert_eq!((status, &created["id"]), (201, &created["_id"]));
    assert_eq!(
        headers["location"],
        format!("/api/products/{}", created["id"].as_str().unwrap())
    );
}

#[test]
fn a_price_is_sent_once() {
    let shop = Shop::new();
    for prices in [
        json!({}),
        json!({ "price": 5, "priceAmount": 5 }),
        json!({ "priceAmount": -1 }),
    ] {
        let mut input = json!({ "name": "x", "quantity": 1 });
        input
            .as_object_mut()
            .unwrap()
            .extend(prices.as_object().unwrap().clone());
        let refused = create(&shop, &input);
        assert_eq!(refused["errors"][0]["extensions"]["field"], "price", "{refused}");
    }
    let row = json!({ "externalId": "1", "name": "x", "price": 1, "priceAmount": 1 });
    let good = json!({ "externalId": "2", "name": "x", "priceAmount": LARGE });
    let query = "mutation ($rows: [ImportProductInput!]!) { importProducts(products: $rows) { outcomes { outcome field } } }";
    let answer = shop.answer(
        KEY,
        &json!({ "query": query, "variables": { "rows": [row, good] } }),
    );
    let expected =
        json!([{ "outcome": "REFUSED", "field": "price" }, { "outcome": "CREATED", "field": null }]);
    assert_eq!(answer["data"]["importProducts"]["outcomes"], expected, "{answer}");
}

#[test]
fn the_shop_tells_its_currency() {
    let query = "{ shop { currency } }";
    assert_eq!(
        Shop::new().ask(NOBODY, query),
        json!({ "shop": { "currency": "USD" } })
    );
    let euros = Shop::with(&[("CURRENCY", "EUR")]);
    assert_eq!(euros.ask(NOBODY, query), json!({ "shop": { "currency": "EUR" } }));
}
