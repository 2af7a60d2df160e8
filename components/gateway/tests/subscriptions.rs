//! Subscriptions: each request returns the events since the last one.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests"
)]

mod shop;

use http::header::{ACCEPT, CONTENT_TYPE};
use http::{Request, Response};
use serde_json::{Value, json};
use shop::{KEY, NOBODY, SECRET, Shop};

const EVENTS: &str = "text/event-stream";

const PRODUCT: &str = "subscription ($ids: [ID!]) { productChanged(ids: $ids) { _id price quantity stock { onHand } variants { name } } }";
const ORDER: &str = "subscription ($id: ID) { orderChanged(id: $id) {
    _id status payment { status } user { username } products { product { name } } } }";

/// Returns the name, the id and the data of each event, and the last id of the stream.
fn read(reply: &Response<Vec<u8>>) -> (Vec<(String, String, Value)>, String) {
    assert_eq!(reply.status(), 200, "{}", String::from_utf8_lossy(reply.body()));
    assert_eq!(reply.headers()[CONTENT_TYPE], EVENTS);
    assert_eq!(reply.headers()["cache-control"], "no-store");
    let text = str::from_utf8(reply.body()).unwrap();
    assert!(text.ends_with("\n\n"), "{text}");
    let (mut events, mut last) = (Vec::new(), String::new());
    for block in text.trim_end().split("\n\n") {
        let field = |name: &str| {
            let line = block
                .lines()
                .find_map(|line| line.strip_prefix(&format!("{name}:")));
            line.map(|value| value.trim_start().to_owned())
        };
        last = field("id").unwrap_or(last);
        if let Some(data) = field("data") {
            let data = serde_json::from_str(&data).unwrap_or(Value::Null);
            events.push((field("event").unwrap(), last.clone(), data));
        }
    }
    (events, last)
}

fn watch(
    shop: &Shop,
    headers: &[(&str, &str)],
    query: &str,
    variables: &Value,
    last: &str,
) -> Response<Vec<u8>> {
    let mut request = Request::post("/graphql")
        .header(CONTENT_TYPE, "application/json")
        .header(ACCEPT, EVENTS)
        .header("last-event-id", last);
    for (name, value) in headers.iter().filter(|(name, _)| *name != "accept") {
        request = request.header(*name, *value);
    }
    shop.send(
        request,
        json!({ "query": query, "variables": variables }).to_string(),
    )
}

fn refused(reply: &Response<Vec<u8>>) -> (u16, String) {
    let body: Value = serde_json::from_slice(reply.body()).unwrap();
    let code = body["errors"][0]["extensions"]["code"].as_str().unwrap();
    (reply.status().as_u16(), code.to_owned())
}

#[test]
fn reads_the_changed_products_in_one_call() {
    let shop = Shop::new();
    let ids = json!({ "ids": [shop.product("sock"), shop.product("hat")] });
    let delivered = |last: &str| {
        let (events, last) = read(&watch(&shop, &[KEY], PRODUCT, &ids, last));
        let prices = events.iter().map(|(name, _, data)| {
            assert_eq!(name, "next");
            data["data"]["productChanged"]["price"].as_i64().unwrap()
        });
        (prices.collect::<Vec<_>>(), last)
    };
    let (prices, last) = delivered("");
    assert_eq!(prices, [5, 5]);
    drop(shop.calls());
    assert_eq!(delivered(&last), (vec![], last.clone()));
    assert_eq!(shop.calls(), ["get 2 of catalog.products"]);

    let update = format!(
        "mutation {{ updateProduct(id: \"{}\", version: 1, input: {{ price: 6 }}) {{ _id }} }}",
        ids["ids"][1].as_str().unwrap()
    );
    shop.ask(KEY, &update);
    let (prices, next) = delivered(&last);
    assert_eq!(prices, [6]);
    assert_eq!(delivered(&next).0, [0; 0]);
    assert_eq!(delivered(&last).0, [6], "an old cursor returns the event again");
}

#[test]
fn loads_the_fields_of_many_changes_in_batches() {
    let shop = Shop::new();
    let ada = shop.user("ada");
    let all = json!({});
    let (_, start) = read(&watch(&shop, &[KEY], ORDER, &all, ""));
    for name in ["sock", "hat", "scarf"] {
        let id = shop.product(name);
        let place =
            format!("mutation {{ placeOrder(products: [{{ _id: \"{id}\", quantity: 1 }}]) {{ _id }} }}");
        shop.ask(ada.header(), &place);
    }
    drop(shop.calls());
    let (events, last) = read(&watch(&shop, &[KEY], ORDER, &all, &start));
    assert_eq!(events.len(), 3);
    for (_, _, data) in &events {
        assert_eq!(data["errors"], Value::Null);
        assert_eq!(data["data"]["orderChanged"]["user"]["username"], "ada");
    }
    assert_eq!(
        shop.calls(),
        [
            "find in orders.orders",
            "get 3 of payments.payments",
            "get 1 of accounts.users",
            "get 3 of catalog.products",
        ]
    );
    // A cursor in the middle of the answer returns the rest. The last cursor returns nothing.
    let (rest, _) = read(&watch(&shop, &[KEY], ORDER, &all, &events[0].1));
    assert_eq!(rest.len(), 2);
    drop(shop.calls());
    assert_eq!(read(&watch(&shop, &[KEY], ORDER, &all, &last)).0, []);
    assert_eq!(
        shop.calls(),
        ["find in orders.orders"],
        "only the changes are read"
    );
    let (_, start) = read(&watch(&shop, &[NOBODY], PRODUCT, &all, ""));
    drop(shop.calls());
    assert_eq!(read(&watch(&shop, &[NOBODY], PRODUCT, &all, &start)).0, []);
    assert!(shop.calls().iter().all(|call| call.contains("catalog")));
}

#[test]
fn lets_a_client_that_is_behind_hurry_without_a_rate_limit() {
    let retry = |shop: &Shop, headers: &[(&str, &str)], last: &str| {
        let reply = watch(
            shop,
            headers,
            "subscription { productChanged { _id } }",
            &json!({}),
            last,
        );
        let (_, last) = read(&reply);
        let text = String::from_utf8_lossy(reply.body()).into_owned();
        let retry = text.lines().find_map(|line| line.strip_prefix("retry: "));
        (retry.unwrap().to_owned(), last)
    };
    let many = |shop: &Shop| {
        let (calm, start) = retry(shop, &[], "");
        assert_eq!(calm, "1000");
        let rows: Vec<_> = (0..301)
            .map(|row| json!({ "externalId": row.to_string(), "name": "sock", "price": 1, "quantity": 1 }))
            .collect();
        let import = "mutation ($rows: [ImportProductInput!]!) { importProducts(products: $rows) { outcomes { outcome } } }";
        shop.answer(KEY, &json!({ "query": import, "variables": { "rows": rows } }));
        start
    };
    let shop = Shop::new();
    let (soon, next) = retry(&shop, &[], &many(&shop));
    assert_eq!(soon, "100");
    assert_eq!(retry(&shop, &[], &next).0, "1000", "that was all");

    let limited = Shop::with(&[("RATE_LIMIT", "600"), ("STREAMS_HELD", "true")]);
    let start = many(&limited);
    let counted = [("x-forwarded-for", "192.0.2.1")];
    assert_eq!(retry(&limited, &counted, &start).0, "1000", "each time counts");
    assert_eq!(retry(&limited, &[], &start).0, "100", "nobody counts it");
    assert_eq!(retry(&limited, &[("mercato-continues", "1")], &start).0, "100");
}

#[test]
fn sends_a_failed_field_with_its_error() {
    let shop = Shop::new();
    let ids = json!({ "ids": [shop.product("sock")] });
    let (events, _) = read(&watch(&shop, &[NOBODY], PRODUCT, &ids, ""));
    assert_eq!(events[0].2["errors"][0]["extensions"]["code"], "UNAUTHENTICATED");
    assert_eq!(events[0].2["data"]["productChanged"]["stock"], Value::Null);
}

#[test]
fn rejects_an_invalid_subscription_with_a_status() {
    let shop = Shop::new();
    let (ada, bob) = (shop.user("ada"), shop.user("bob"));
    let id = shop.product("sock");
    let place = format!("mutation {{ placeOrder(products: [{{ _id: \"{id}\", quantity: 1 }}]) {{ _id }} }}");
    let order = json!({ "id": shop.ask(ada.header(), &place)["placeOrder"]["_id"] });
    let of =
        |caller, query, variables: &Value, last| refused(&watch(&shop, &[caller], query, variables, last));
    let is = |status: u16, code: &str| (status, code.to_owned());
    assert_eq!(of(NOBODY, ORDER, &order, ""), is(401, "UNAUTHENTICATED"));
    assert_eq!(of(bob.header(), ORDER, &order, ""), is(404, "NOT_FOUND"));
    assert_eq!(of(ada.header(), ORDER, &order, "x"), is(400, "BAD_USER_INPUT"));
    assert_eq!(
        of(ada.header(), ORDER, &json!({ "id": "x" }), ""),
        is(400, "BAD_USER_INPUT")
    );
    let unknown = json!({ "id": "00000000-0001-7000-8000-000000000001" });
    assert_eq!(of(ada.header(), ORDER, &unknown, ""), is(404, "NOT_FOUND"));
    let two = "subscription { a: productChanged { _id } b: productChanged { _id } }";
    assert_eq!(of(NOBODY, two, &json!({}), ""), is(400, "BAD_USER_INPUT"));
    let hidden = "subscription { ...F } fragment F on Subscription { productChanged { _id } }";
    assert_eq!(of(NOBODY, hidden, &json!({}), ""), is(400, "BAD_REQUEST"));
    let bad = "subscription { productChanged { nothing } }";
    assert_eq!(
        of(NOBODY, bad, &json!({}), ""),
        is(400, "GRAPHQL_VALIDATION_FAILED")
    );

    let send = |accept: &str, body: &Value| {
        let request = Request::post("/graphql").header(CONTENT_TYPE, "application/json");
        refused(&shop.send(request.header(ACCEPT, accept), body.to_string()))
    };
    let one = json!({ "query": "subscription { productChanged { _id } }" });
    assert_eq!(send("application/json", &one), is(406, "NOT_ACCEPTABLE"));
    assert_eq!(send("*/*", &one), is(406, "NOT_ACCEPTABLE"));
    assert_eq!(send(EVENTS, &json!([one])), is(400, "BAD_REQUEST"));
    let batch = shop.answer(NOBODY, &json!([one]));
    assert_eq!(batch[0]["errors"][0]["extensions"]["code"], "NOT_ACCEPTABLE");
}

#[test]
fn answers_get_and_queries_with_events() {
    let shop = Shop::new();
    let id = shop.product("sock");
    let query = format!("subscription%7BproductChanged(ids:%5B%22{id}%22%5D)%7Bname%7D%7D");
    let request = Request::get(format!("/graphql?query={query}")).header(ACCEPT, EVENTS);
    let (events, _) = read(&shop.send(request, ""));
    assert_eq!(
        events[0].2,
        json!({ "data": { "productChanged": { "name": "sock" } } })
    );

    let names = |query: &str| {
        let (events, _) = read(&watch(&shop, &[NOBODY], query, &json!({}), ""));
        events
            .into_iter()
            .map(|(name, _, data)| (name, data))
            .collect::<Vec<_>>()
    };
    let products = json!({ "data": { "products": [{ "name": "sock" }] } });
    let expected = [
        ("next".to_owned(), products),
        ("complete".to_owned(), Value::Null),
    ];
    for _ in 0..2 {
        // The second answer comes from the cache.
        assert_eq!(names("{ products { name } }"), expected);
    }
    let request = Request::get("/graphql?query=mutation%7Blogout%7D").header(ACCEPT, EVENTS);
    assert_eq!(
        refused(&shop.send(request, "")),
        (405, "METHOD_NOT_ALLOWED".into())
    );
}

#[test]
fn counts_a_held_stream_once() {
    let held = [("RATE_LIMIT", "3"), ("STREAMS_HELD", "true")];
    let from = ("x-forwarded-for", "192.0.2.7");
    let goes_on = ("mercato-continues", "1");
    let ask = |shop: &Shop, headers: &[(&str, &str)], query| watch(shop, headers, query, &json!({}), "");
    let products = "subscription { productChanged { _id } }";
    let shop = Shop::with(&held);
    for _ in 0..10 {
        assert_eq!(ask(&shop, &[from, goes_on], products).status(), 200);
    }
    let statuses: Vec<_> = (0..4)
        .map(|_| ask(&shop, &[from], products).status().as_u16())
        .collect();
    assert_eq!(statuses, [200, 200, 200, 429]);
    let orders = "subscription { orderChanged { _id } }";
    assert_eq!(
        ask(&shop, &[("x-forwarded-for", "192.0.2.8")], orders).status(),
        401
    );
    let (events, _) = read(&ask(&shop, &[goes_on], orders));
    assert_eq!(events[0].2["errors"][0]["extensions"]["code"], "UNAUTHENTICATED");
    assert_eq!(events[1].0, "complete");

    // Without a server that holds streams, any client could send the header.
    let shop = Shop::with(&[("RATE_LIMIT", "3")]);
    let statuses: Vec<_> = (0..4)
        .map(|_| ask(&shop, &[from, goes_on], products).status().as_u16())
        .collect();
    assert_eq!(statuses, [200, 200, 200, 429]);
    assert_eq!(
        ask(&shop, &[goes_on, ("x-api-key", SECRET)], orders).status(),
        200
    );
}
