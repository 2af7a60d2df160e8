//! Answers that GraphQL and REST must give alike: lists of orders, failed fields and stale versions.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs,
    reason = "tests"
)]

mod shop;

use serde_json::{Value, json};
use shop::{KEY, NOBODY, Shop, User};

const NONE: Value = Value::Null;

/// Orders one unit of a product.
fn order(shop: &Shop, user: &User, product: &str) -> String {
    let lines = json!({ "products": [{ "_id": product, "quantity": 1 }] });
    let (status, _, order) = shop.rest(user.header(), "POST", "/api/orders", &lines);
    assert_eq!(status, 201, "{order}");
    order["_id"].as_str().unwrap().to_owned()
}

/// Returns the ids of a list, or the status and the code of an error.
fn listed(shop: &Shop, caller: (&str, &str), query: &str) -> Value {
    let (status, _, answer) = shop.rest(caller, "GET", &format!("/api/orders?{query}"), &NONE);
    match answer["items"].as_array() {
        Some(items) => items.iter().map(|item| item["_id"].clone()).collect(),
        None => json!([status, answer["code"], answer["errors"][0]["field"]]),
    }
}

#[test]
fn lists_orders_by_user_in_both_orders() {
    let shop = Shop::new();
    let (ada, bob, product) = (shop.user("ada"), shop.user("bob"), shop.product("a"));
    let [first, second] = [order(&shop, &ada, &product), order(&shop, &ada, &product)];
    let others = order(&shop, &bob, &product);
    let of_user = |id: &str| format!("userId={id}");
    assert_eq!(listed(&shop, ada.header(), "userId=me"), json!([second, first]));
    assert_eq!(
        listed(&shop, ada.header(), &of_user(&ada.id)),
        json!([second, first])
    );
    assert_eq!(
        listed(&shop, ada.header(), &of_user(&bob.id)),
        json!([403, "FORBIDDEN", null])
    );
    assert_eq!(listed(&shop, KEY, &of_user(&bob.id)), json!([others]));
    assert_eq!(
        listed(&shop, KEY, "userId=x"),
        json!([400, "BAD_USER_INPUT", "userId"])
    );
    assert_eq!(listed(&shop, KEY, "userId=me"), json!([403, "FORBIDDEN", null]));
    assert_eq!(
        listed(&shop, NOBODY, "userId=me"),
        json!([401, "UNAUTHENTICATED", null])
    );
    assert_eq!(listed(&shop, KEY, "sort=created"), json!([first, second, others]));
    assert_eq!(
        listed(&shop, KEY, "sort=-created"),
        json!([others, second, first])
    );
    assert_eq!(
        listed(&shop, KEY, "sort=total"),
        json!([400, "BAD_USER_INPUT", "sort"])
    );
    let (_, _, page) = shop.rest(KEY, "GET", "/api/orders?sort=created&first=2", &NONE);
    let cursor = page["pageInfo"]["endCursor"].as_str().unwrap();
    let rest = format!("sort=created&first=2&after={cursor}");
    assert_eq!(listed(&shop, KEY, &rest), json!([others]));
    assert_eq!(
        listed(&shop, KEY, &format!("after={cursor}"))[1],
        "BAD_USER_INPUT",
        "of the other order"
    );
    let from = "createdFrom=2020-01-01T01:00:00%2B01:00&createdBefore=2020-01-01t00:00:00z";
    assert_eq!(listed(&shop, KEY, from), json!([]));
    assert_eq!(
        listed(&shop, KEY, "createdFrom=yesterday"),
        json!([400, "BAD_USER_INPUT", "createdFrom"])
    );

    let connection = |arguments: &str| {
        let query = format!("{{ orderConnection({arguments}) {{ edges {{ node {{ _id }} }} }} }}");
        let answer = shop.answer(KEY, &json!({ "query": query }));
        let edges = answer
            .pointer("/data/orderConnection/edges")
            .and_then(Value::as_array);
        match edges {
            Some(edges) => edges.iter().map(|edge| edge["node"]["_id"].clone()).collect(),
            None => answer["errors"][0]["extensions"].clone(),
        }
    };
    assert_eq!(connection("sort: {key: CREATED}"), json!([first, second, others]));
    assert_eq!(
        connection("sort: {descending: true}"),
        json!([others, second, first])
    );
    assert_eq!(connection("first: 5"), json!([others, second, first]));
    let refused = json!({ "code": "BAD_USER_INPUT", "field": "userId" });
    assert_eq!(connection("filter: {userId: \"x\"}"), refused);
}

#[test]
fn returns_null_for_each_failed_field() {
    let shop = Shop::new();
    let (ada, product) = (shop.user("ada"), shop.product("a"));
    let category =
        |position: &str| format!("createCategory(input: {{name: \"x\", position: {position}}}) {{ _id }}");
    let answer = shop.answer(
        KEY,
        &json!({ "query": format!("mutation {{ b: {} }}", category("-5")) }),
    );
    assert_eq!(answer["data"], json!({ "b": null }));
    let extensions = json!({ "code": "BAD_USER_INPUT", "field": "position" });
    assert_eq!(answer["errors"][0]["extensions"], extensions);
    assert_eq!(answer["errors"][0]["message"], "`position` must be 0 or more.");
    let far = shop.answer(
        KEY,
        &json!({ "query": format!("mutation {{ b: {} }}", category("3000000000")) }),
    );
    assert_eq!(far["data"], json!({ "b": null }), "{far}");
    assert_eq!(far["errors"][0]["path"], json!(["b"]));

    let place = format!("placeOrder(products: [{{_id: \"{product}\", quantity: 1}}]) {{ _id }}");
    let query = format!(
        "mutation {{ a: {place} b: {} c: {place} }}",
        category("3000000000")
    );
    let answer = shop.answer(ada.header(), &json!({ "query": query }));
    assert!(
        answer["data"]["a"]["_id"].is_string() && answer["data"]["c"]["_id"].is_string(),
        "{answer}"
    );
    assert_eq!(answer["data"].as_object().unwrap().get("b"), Some(&NONE));
    assert_eq!(answer["errors"].as_array().unwrap().len(), 1);

    let query = "{ auditLog(filter: {since: \"soon\"}) { edges { cursor } } orders { _id } }";
    let answer = shop.answer(KEY, &json!({ "query": query }));
    assert_eq!(
        answer["data"].as_object().unwrap().get("auditLog"),
        Some(&NONE),
        "{answer}"
    );
    assert_eq!(answer["data"]["orders"].as_array().unwrap().len(), 2);
    let nested = "query($f: Int) { me { _id } products { _id } orderConnection(first: $f, after: \"x\") { edges { cursor } } }";
    let answer = shop.answer(
        ada.header(),
        &json!({ "query": nested, "variables": { "f": 3_000_000_000_u64 } }),
    );
    assert!(
        answer["data"].is_null() || answer["data"]["orderConnection"].is_null(),
        "{answer}"
    );
}

#[test]
fn returns_the_current_version_with_a_conflict() {
    let shop = Shop::new();
    let (ada, product) = (shop.user("ada"), shop.product("a"));
    let order = order(&shop, &ada, &product);
    for mutation in [
        format!(
            "updateUser(id: \"{}\", version: 7, input: {{name: \"Ada\"}}) {{ _id }}",
            ada.id
        ),
        format!("updateOrderStatus(id: \"{order}\", version: 7, status: PAID) {{ _id }}"),
        format!("updateProduct(id: \"{product}\", version: 7, input: {{price: 3}}) {{ _id }}"),
    ] {
        let answer = shop.answer(KEY, &json!({ "query": format!("mutation {{ {mutation} }}") }));
        let extensions = json!({ "code": "CONFLICT", "currentVersion": 1 });
        assert_eq!(answer["errors"][0]["extensions"], extensions, "{mutation}");
    }
}

#[test]
fn marks_reads_as_cacheable() {
    let shop = Shop::new();
    for path in ["/", "/openapi.json", "/docs", "/.well-known/jwks.json"] {
        let (status, headers, problem) = shop.rest(NOBODY, "POST", path, &json!({}));
        assert_eq!(
            (status, &problem["code"]),
            (405, &json!("METHOD_NOT_ALLOWED")),
            "{path}"
        );
        assert_eq!(headers["allow"], "GET, HEAD", "{path}");
    }
    let document = shop.openapi();
    for path in ["/api/orders", "/api/products"] {
        let parameters = document["paths"][path]["get"]["parameters"].as_array().unwrap();
        let first = parameters
            .iter()
            .find(|parameter| parameter["name"] == "first")
            .unwrap();
        assert_eq!(
            (&first["schema"]["minimum"], &first["schema"]["maximum"]),
            (&json!(1), &json!(100))
        );
    }
    let (status, _, problem) = shop.rest(NOBODY, "POST", "/webhooks/stripe", &json!({}));
    assert_eq!(
        (status, &problem["errors"][0]["field"]),
        (400, &json!("Stripe-Signature"))
    );
}
