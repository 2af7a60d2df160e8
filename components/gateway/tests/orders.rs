//! Orders in GraphQL and REST: ids of lines, large amounts, and products that have changed since.
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

const NONE: Value = Value::Null;
/// The largest amount that JSON clients read exactly.
const LARGEST: i64 = 9_007_199_254_740_991;

/// Creates a product with this price, and returns its id.
fn product(shop: &Shop, price: i64) -> String {
    let body = json!({ "name": "a", "price": price, "quantity": 9 });
    let (status, _, created) = shop.rest(KEY, "POST", "/api/products", &body);
    assert_eq!((status, &created["price"]), (201, &json!(price)), "{created}");
    created["_id"].as_str().unwrap().to_owned()
}

fn lines(lines: &[(&str, i64)]) -> Value {
    let line = |(id, quantity): &(&str, i64)| json!({ "_id": id, "quantity": quantity });
    json!({ "products": lines.iter().map(line).collect::<Vec<_>>() })
}

#[test]
fn two_orders_of_a_product_have_lines_of_their_own() {
    let shop = Shop::new();
    let (ada, first, second) = (shop.user("ada"), shop.product("a"), shop.product("b"));
    let query = "mutation ($products: [OrderProductInput]) { placeOrder(products: $products) {
        _id id lines { id productId quantity unitPrice total currency product { id name } } products { _id } } }";
    let mut ids = Vec::new();
    for quantity in [3, 1] {
        let variables = lines(&[(&first, quantity), (&second, 1)]);
        let answer = shop.answer(ada.header(), &json!({ "query": query, "variables": variables }));
        let order = &answer["data"]["placeOrder"];
        let id = order["_id"].as_str().unwrap();
        assert_eq!(order["id"], id);
        assert_eq!(order["products"][0]["_id"], first);
        let line = json!({
            "id": format!("{id}.1"), "productId": first, "quantity": quantity, "unitPrice": 5,
            "total": 5 * quantity, "currency": "USD", "product": { "id": first, "name": "a" },
        });
        assert_eq!(order["lines"][0], line);
        assert_eq!(order["lines"][1]["id"], format!("{id}.2"));
        ids.push(id.to_owned());
    }
    assert_ne!(ids[0], ids[1]);
}

#[test]
fn an_old_order_shows_an_archived_product() {
    let shop = Shop::new();
    let (ada, id) = (shop.user("ada"), shop.product("a"));
    let (status, _, order) = shop.rest(ada.header(), "POST", "/api/orders", &lines(&[(&id, 1)]));
    assert_eq!(status, 201, "{order}");
    shop.ask(KEY, &format!("mutation {{ updateProduct(id: \"{id}\", version: 1, input: {{name: \"b\", price: 7}}) {{ _id }} }}"));
    shop.ask(
        KEY,
        &format!("mutation {{ deleteProduct(id: \"{id}\", version: 2) {{ _id }} }}"),
    );
    let query = "{ orders { lines { name unitPrice product { name price archivedAt } }
        products { name unitPrice product { name } } } }";
    let orders = shop.ask(ada.header(), query);
    let line = &orders["orders"][0]["lines"][0];
    assert_eq!((&line["name"], &line["unitPrice"]), (&json!("a"), &json!(5)));
    assert_eq!(
        (&line["product"]["name"], &line["product"]["price"]),
        (&json!("b"), &json!(7))
    );
    assert!(line["product"]["archivedAt"].is_string());
    assert_eq!(orders["orders"][0]["products"][0]["product"]["name"], "b");
    let one = shop.ask(NOBODY, &format!("{{ node(id: \"{id}\") {{ id }} }}"));
    assert_eq!(one["node"], NONE, "only through the order");
}

#[test]
fn an_amount_beyond_32_bits_is_exact_in_the_field_beside() {
    let shop = Shop::new();
    let ada = shop.user("ada");
    let largest = product(&shop, LARGEST);
    let order = lines(&[(&largest, 1)]);
    let (status, _, placed) = shop.rest(ada.header(), "POST", "/api/orders", &order);
    assert_eq!((status, &placed["total"]), (201, &json!(LARGEST)), "{placed}");
    let id = placed["_id"].as_str().unwrap();

    let amounts = format!(
        "{{ order(id: \"{id}\") {{ subtotalAmount discountAmount taxAmount totalAmount
        lines {{ unitPrice subtotal total }} products {{ unitPriceAmount totalAmount }} }} }}"
    );
    let read = &shop.ask(ada.header(), &amounts)["order"];
    assert_eq!(
        read,
        &json!({
            "subtotalAmount": LARGEST, "discountAmount": 0, "taxAmount": 0, "totalAmount": LARGEST,
            "lines": [{ "unitPrice": LARGEST, "subtotal": LARGEST, "total": LARGEST }],
            "products": [{ "unitPriceAmount": LARGEST, "totalAmount": LARGEST }],
        })
    );

    let answer = shop.answer(
        ada.header(),
        &json!({ "query": format!("{{ order(id: \"{id}\") {{ _id total totalAmount }} orders {{ _id }} }}") }),
    );
    let error = &answer["errors"][0];
    assert_eq!(error["path"], json!(["order", "total"]));
    assert_eq!(error["extensions"]["code"], "AMOUNT_TOO_LARGE");
    let message = error["message"].as_str().unwrap();
    assert!(
        message.contains(&LARGEST.to_string()) && message.contains("`totalAmount`"),
        "{message}"
    );
    assert_eq!(
        answer["data"]["order"], NONE,
        "a non-null field makes its object null"
    );
    assert_eq!(answer["data"]["orders"][0]["_id"], id);
}

#[test]
fn a_failed_amount_in_a_list_leaves_the_other_items() {
    let shop = Shop::new();
    let ada = shop.user("ada");
    for price in [5, LARGEST] {
        let order = lines(&[(&product(&shop, price), 1)]);
        assert_eq!(shop.rest(ada.header(), "POST", "/api/orders", &order).0, 201);
    }
    let answer = shop.answer(ada.header(), &json!({ "query": "{ orders { total } }" }));
    assert_eq!(answer["data"]["orders"], json!([null, { "total": 5 }]));
    assert_eq!(answer["errors"][0]["path"], json!(["orders", 0, "total"]));
}

#[test]
fn takes_a_status_in_any_case() {
    let shop = Shop::new();
    let (ada, id) = (shop.user("ada"), shop.product("a"));
    let (_, _, order) = shop.rest(ada.header(), "POST", "/api/orders", &lines(&[(&id, 1)]));
    let path = format!("/api/orders/{}/status", order["_id"].as_str().unwrap());
    let set = |method: &str, status: &str| shop.rest(KEY, method, &path, &json!({ "status": status }));
    for (method, status, answered) in [
        ("PUT", "Paid", "paid"),
        ("PATCH", "PROCESSING", "processing"),
        ("PUT", "Shipped", "shipped"),
        ("PUT", "dElIvErEd", "delivered"),
    ] {
        let (code, _, changed) = set(method, status);
        assert_eq!((code, &changed["status"]), (200, &json!(answered)), "{changed}");
    }
    for other in ["sent", "", "shipped ", "0"] {
        let (code, _, problem) = set("PUT", other);
        assert_eq!(
            (code, &problem["errors"][0]["field"]),
            (400, &json!("status")),
            "{problem}"
        );
        assert!(problem.to_string().contains("delivered"), "{problem}");
    }
    let (code, _, listed) = shop.rest(KEY, "GET", "/api/orders?status=Delivered", &NONE);
    assert_eq!(
        (code, listed["items"].as_array().unwrap().len()),
        (200, 1),
        "{listed}"
    );
}

#[test]
fn a_failed_amount_makes_the_innermost_nullable_value_null() {
    let shop = Shop::new();
    let (ada, dear) = (shop.user("ada"), product(&shop, LARGEST));
    let (_, _, order) = shop.rest(ada.header(), "POST", "/api/orders", &lines(&[(&dear, 1)]));
    let id = order["_id"].as_str().unwrap();
    let a = "fragment A on Order { products { unitPrice } }";
    let b = "fragment B on Node { id ... on Order { t: total } }";
    for (query, data) in [
        ("{ orders { _id } orders { total } }", json!({ "orders": [null] })),
        (
            &format!("{{ order(id: $id) {{ _id ...A }} }} {a}"),
            json!({ "order": { "_id": id, "products": [null] } }),
        ),
        (
            "{ order(id: $id) { _id ... { total } } }",
            json!({ "order": null }),
        ),
        (
            &format!("{{ node(id: $id) {{ ...B }} orders {{ _id }} }} {b}"),
            json!({ "node": null, "orders": [{ "_id": id }] }),
        ),
        (
            &format!("{{ nodes(ids: [$id]) {{ ...B }} }} {b}"),
            json!({ "nodes": [null] }),
        ),
        (
            "{ orderConnection { edges { node { total } } } }",
            json!({ "orderConnection": null }),
        ),
        (
            "{ orderConnection { nodes { products { total } totalAmount } } }",
            json!({ "orderConnection": { "nodes": [{ "products": [null], "totalAmount": LARGEST }] } }),
        ),
        (
            "{ a: order(id: $id) { lines { product { price } } } }",
            json!({ "a": { "lines": [{ "product": null }] } }),
        ),
    ] {
        let query = query.replace("$id", &format!("\"{id}\""));
        let answer = shop.answer(ada.header(), &json!({ "query": query }));
        assert_eq!(answer["data"], data, "{query}: {answer}");
        assert_eq!(
            answer["errors"][0]["extensions"]["code"], "AMOUNT_TOO_LARGE",
            "{query}"
        );
    }
}
