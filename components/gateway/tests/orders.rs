//! Orders and discount codes over GraphQL.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs,
    reason = "tests"
)]

mod shop;

use serde_json::{Value, json};
use shop::{KEY, Shop};

fn signed_in(shop: &Shop) -> String {
    let query =
        "mutation { registerUser(input: {username: \"ada\", password: \"a password\"}) { access_token } }";
    let token = &shop.ask(KEY, query)["registerUser"]["access_token"];
    format!("Bearer {}", token.as_str().unwrap())
}

fn code(answer: &Value) -> (&Value, &Value) {
    let extensions = &answer["errors"][0]["extensions"];
    (&extensions["code"], &extensions["field"])
}

#[test]
fn an_order_is_placed_with_a_code_moved_on_cancelled_and_found() {
    let shop = Shop::new();
    let product = shop.product("a");
    let token = signed_in(&shop);
    let user = ("authorization", token.as_str());
    let discount = "mutation { createDiscount(input: {code: \"half\", percent: 50, limit: 1}) { code percent amount enabled used endsAt } }";
    assert_eq!(
        shop.ask(KEY, discount)["createDiscount"],
        json!({ "code": "HALF", "percent": 50, "amount": null, "enabled": true, "used": 0, "endsAt": null })
    );
    let place = format!(
        "mutation {{ placeOrder(products: [{{_id: \"{product}\", quantity: 3}}], discountCode: \"half\", region: \"de\") {{
            _id version subtotal discount tax total discountCode region products {{ subtotal discount tax total }} }} }}"
    );
    let mut placed = shop.ask(user, &place)["placeOrder"].take();
    let id = placed["_id"].take();
    assert_eq!(
        placed,
        json!({
            "_id": null, "version": 1, "subtotal": 15, "discount": 7, "tax": 0, "total": 8, "discountCode": "HALF", "region": "DE",
            "products": [{ "subtotal": 15, "discount": 7, "tax": 0, "total": 8 }],
        })
    );
    let again = shop.answer(user, &json!({ "query": place }));
    assert_eq!(code(&again), (&json!("BAD_USER_INPUT"), &json!("discountCode")));

    let update = |status: &str, version: i32| {
        let query = format!(
            "mutation {{ updateOrderStatus(id: {id}, status: {status}, version: {version}, note: \"n\") {{ status version }} }}"
        );
        shop.answer(KEY, &json!({ "query": query }))
    };
    assert_eq!(code(&update("SHIPPED", 1)).0, "INVALID_TRANSITION");
    assert_eq!(
        update("PAID", 1)["data"]["updateOrderStatus"],
        json!({ "status": "PAID", "version": 2 })
    );
    assert_eq!(code(&update("PROCESSING", 1)).0, "CONFLICT");
    assert_eq!(
        code(&update("PROCESSING", -1)),
        (&json!("BAD_USER_INPUT"), &json!("version"))
    );

    let cancel = format!("mutation {{ cancelOrder(id: {id}, reason: \"Too large\") {{ status }} }}");
    assert_eq!(shop.ask(user, &cancel)["cancelOrder"]["status"], "CANCELLED");
    let read = format!("{{ order(id: {id}) {{ timeline {{ actor actorId from to note }} }} }}");
    let timeline = &shop.ask(user, &read)["order"]["timeline"];
    assert_eq!(
        timeline[1],
        json!({ "actor": "API_KEY", "actorId": null, "from": "PENDING", "to": "PAID", "note": "n" })
    );
    assert_eq!(
        (&timeline[0]["from"], &timeline[2]["note"]),
        (&Value::Null, &json!("Too large"))
    );

    let list = |filter: &str| {
        let query = format!("{{ orderConnection(filter: {{ {filter} }}) {{ edges {{ node {{ _id }} }} }} }}");
        shop.ask(user, &query)["orderConnection"]["edges"]
            .as_array()
            .unwrap()
            .len()
    };
    assert_eq!(
        list("status: CANCELLED, createdFrom: \"2026-01-01T00:00:00Z\""),
        1
    );
    assert_eq!(list("status: PAID"), 0);
    assert_eq!(list("createdBefore: \"2026-01-01T00:00:00Z\""), 0);
}

#[test]
fn a_code_takes_off_either_a_percentage_or_an_amount() {
    let shop = Shop::new();
    let create = |input: &str| {
        let query = format!("mutation {{ createDiscount(input: {{ code: \"CODE\", {input} }}) {{ code }} }}");
        shop.answer(KEY, &json!({ "query": query }))
    };
    for (input, field) in [
        ("limit: 1", "percent"),
        ("percent: 1, amount: 1", "percent"),
        ("percent: -1", "percent"),
        ("amount: 0", "amount"),
        ("amount: 1, limit: -1", "limit"),
    ] {
        assert_eq!(
            code(&create(input)),
            (&json!("BAD_USER_INPUT"), &json!(field)),
            "{input}"
        );
    }
    assert_eq!(create("amount: 1")["data"]["createDiscount"]["code"], "CODE");
    let disabled = shop.ask(KEY, "mutation { disableDiscount(code: \"code\") { enabled } }");
    assert_eq!(disabled["disableDiscount"]["enabled"], false);
    let listed = shop.ask(
        KEY,
        "{ discounts(first: 1) { edges { node { code amount currency enabled } } } }",
    );
    assert_eq!(
        listed["discounts"]["edges"][0]["node"],
        json!({ "code": "CODE", "amount": 1, "currency": "USD", "enabled": false })
    );
}
