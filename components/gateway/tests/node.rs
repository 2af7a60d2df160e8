//! `node` and `nodes`: each type of entity, what each kind of caller sees, and the number of calls.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs,
    reason = "tests"
)]

mod shop;

use serde_json::{Value, json};
use shop::{KEY, NOBODY, SECRET, Shop, User};

const NODE: &str = "query ($id: ID!) { node(id: $id) { __typename id } }";
const NODES: &str = "query ($ids: [ID!]!) { nodes(ids: $ids) { __typename id } }";

/// Returns the type of the entity with this id that the caller sees.
fn seen(shop: &Shop, caller: (&str, &str), id: &str) -> Option<String> {
    let answer = shop.answer(caller, &json!({ "query": NODE, "variables": { "id": id } }));
    assert_eq!(answer["errors"], Value::Null, "{id}");
    let node = &answer["data"]["node"];
    if !node.is_null() {
        assert_eq!(node["id"], id);
    }
    node["__typename"].as_str().map(str::to_owned)
}

fn text(value: &Value, pointer: &str) -> String {
    let found = value.pointer(pointer).and_then(Value::as_str);
    found
        .unwrap_or_else(|| panic!("no {pointer} in {value}"))
        .to_owned()
}

fn order(shop: &Shop, user: &User, product: &str) -> Value {
    let query = format!(
        "mutation {{ placeOrder(products: [{{_id: \"{product}\", quantity: 2}}]) {{ id lines {{ id }} }} }}"
    );
    shop.ask(user.header(), &query)["placeOrder"].clone()
}

#[test]
fn finds_each_type_of_entity_with_the_rights_of_the_caller() {
    let shop = Shop::with(&[("HTTP_CLIENT_HOSTS", "hooks.example")]);
    let (ada, bob) = (shop.user("ada"), shop.user("bob"));
    let product = shop.product("a");
    let category = shop.ask(KEY, "mutation { createCategory(input: {name: \"Hats\"}) { id } }");
    let category = text(&category, "/createCategory/id");
    let placed = order(&shop, &ada, &product);
    let (order, line) = (text(&placed, "/id"), text(&placed, "/lines/0/id"));
    let pay =
        format!("mutation {{ payOrder(orderId: \"{order}\", paymentMethod: \"tok_ok\") {{ _id id }} }}");
    let paid = shop.ask(ada.header(), &pay);
    assert_eq!(text(&paid, "/payOrder/_id"), order);
    let payment = text(&paid, "/payOrder/id");
    let add = format!("mutation {{ addToCart(productId: \"{product}\") {{ id lines {{ id }} }} }}");
    let cart = shop.ask(ada.header(), &add);
    let (cart, cart_line) = (text(&cart, "/addToCart/id"), text(&cart, "/addToCart/lines/0/id"));
    let create = "mutation { createDiscount(input: {code: \"spring-26\", basisPoints: 620}) { id } }";
    let discount = text(&shop.ask(KEY, create), "/createDiscount/id");
    let create = "mutation { createWebhook(input: {url: \"https://hooks.example/\", events: [\"*\"]}) { webhook { id } } }";
    let webhook = text(&shop.ask(KEY, create), "/createWebhook/webhook/id");
    let send =
        "mutation { sendEmail(input: {to: \"ada@example.com\", subject: \"News\", text: \"Hats\"}) { id } }";
    let notification = text(&shop.ask(KEY, send), "/sendEmail/id");
    let archived = shop.product("b");
    shop.ask(
        KEY,
        &format!("mutation {{ deleteProduct(id: \"{archived}\", version: 1) {{ _id }} }}"),
    );

    let staff = [&discount, &webhook, &archived, &notification];
    let private = [&order, &line, &payment, &cart, &cart_line, &ada.id];
    for (id, kind) in [
        (&product, "Product"),
        (&category, "Category"),
        (&order, "Order"),
        (&line, "OrderLine"),
        (&payment, "Payment"),
        (&cart, "Cart"),
        (&cart_line, "CartLine"),
        (&ada.id, "User"),
        (&discount, "Discount"),
        (&webhook, "Webhook"),
        (&archived, "Product"),
        (&notification, "Notification"),
    ] {
        for (caller, is_allowed) in [
            (KEY, true),
            (ada.header(), !staff.contains(&id)),
            (bob.header(), !staff.contains(&id) && !private.contains(&id)),
            (NOBODY, !staff.contains(&id) && !private.contains(&id)),
        ] {
            let found = seen(&shop, caller, id);
            assert_eq!(
                found.as_deref(),
                is_allowed.then_some(kind),
                "{kind} {id} for {caller:?}"
            );
        }
    }
    for other in [
        "",
        "42",
        "00000000-0001-7000-8000-000000000001",
        &format!("{order}.0"),
        &format!("{order}.2"),
        &format!("{order}.01"),
        &format!("{order}.x"),
        &format!("{product}.payment"),
        &format!("{cart}.{archived}"),
        &format!("{archived}.{product}"),
        "user:42",
        "discount.",
        "discount.NONE",
        "welcome/42/email",
        &"A".repeat(43),
    ] {
        assert_eq!(seen(&shop, KEY, other), None, "{other}");
        assert_eq!(seen(&shop, ada.header(), other), None, "{other}");
    }
}

#[test]
fn finds_the_cart_of_a_guest_by_its_secret() {
    let shop = Shop::new();
    let product = shop.product("a");
    let empty = shop.ask(NOBODY, "{ cart { _id id lines { id } } }");
    assert_eq!(
        empty["cart"],
        json!({ "_id": null, "id": "empty-cart", "lines": [] })
    );
    let add = format!("mutation {{ addToCart(productId: \"{product}\") {{ _id id lines {{ id }} }} }}");
    let cart = shop.ask(NOBODY, &add);
    let (id, line) = (text(&cart, "/addToCart/id"), text(&cart, "/addToCart/lines/0/id"));
    assert_eq!(text(&cart, "/addToCart/_id"), id);
    assert_eq!(line, format!("{id}.{product}"));
    for caller in [NOBODY, KEY] {
        assert_eq!(seen(&shop, caller, &id).as_deref(), Some("Cart"));
        assert_eq!(seen(&shop, caller, &line).as_deref(), Some("CartLine"));
        assert_eq!(seen(&shop, caller, "empty-cart").as_deref(), Some("Cart"));
    }
}

#[test]
fn tells_a_caller_with_an_invalid_token_so() {
    let shop = Shop::new();
    let product = shop.product("a");
    let bad = ("authorization", "Bearer e30.e30.e30");
    assert_eq!(seen(&shop, bad, &product).as_deref(), Some("Product"));
    let id = "00000000-0001-7000-8000-000000000001";
    let answer = shop.answer(bad, &json!({ "query": NODE, "variables": { "id": id } }));
    assert_eq!(answer["errors"][0]["extensions"]["code"], "UNAUTHENTICATED");
}

#[test]
fn answers_again_after_the_store_is_back() {
    let shop = Shop::new();
    let ada = shop.user("ada");
    let placed = order(&shop, &ada, &shop.product("a"));
    let id = text(&placed, "/id");
    shop.away(Some("orders.orders"));
    let answer = shop.answer(ada.header(), &json!({ "query": NODE, "variables": { "id": id } }));
    assert_eq!(answer["data"]["node"], Value::Null);
    assert_eq!(answer["errors"][0]["extensions"]["code"], "UNAVAILABLE");
    shop.away(None);
    assert_eq!(seen(&shop, ada.header(), &id).as_deref(), Some("Order"));
}

#[test]
fn reads_many_nodes_in_one_call_for_each_type() {
    let shop = Shop::new();
    let ada = shop.user("ada");
    let product = shop.product("a");
    let orders: Vec<_> = (0..3).map(|_| order(&shop, &ada, &product)).collect();
    let mut ids = vec![product.clone(), "nonsense".to_owned()];
    for order in &orders {
        ids.extend([text(order, "/id"), text(order, "/lines/0/id")]);
    }
    drop(shop.calls());
    let answer = shop.answer(
        ada.header(),
        &json!({ "query": NODES, "variables": { "ids": ids } }),
    );
    assert_eq!(answer["errors"], Value::Null);
    let nodes = answer["data"]["nodes"].as_array().unwrap();
    for (id, node) in ids.iter().zip(nodes) {
        let expected = (id != "nonsense").then_some(id.as_str());
        assert_eq!(node["id"].as_str(), expected);
    }
    let calls = shop.calls();
    let of = |collection: &str| calls.iter().filter(|call| call.ends_with(collection)).count();
    assert_eq!((of("catalog.products"), of("orders.orders")), (1, 1), "{calls:?}");
}

#[test]
fn limits_the_number_of_nodes() {
    let shop = Shop::new();
    let ask = |count: usize| {
        let ids = vec!["42"; count];
        shop.answer(NOBODY, &json!({ "query": NODES, "variables": { "ids": ids } }))
    };
    assert_eq!(ask(0)["data"]["nodes"], json!([]));
    assert_eq!(ask(100)["data"]["nodes"].as_array().unwrap().len(), 100);
    let error = &ask(101)["errors"][0];
    assert_eq!(error["message"], "`ids` must have at most 100 ids, not 101.");
    assert_eq!(error["extensions"]["field"], "ids");
}

#[test]
fn refetches_a_fragment_on_the_interface() {
    let shop = Shop::new();
    let id = shop.product("a");
    let query = "query ($id: ID!) { node(id: $id) { ...F } } fragment F on Node { id ... on Product { _id name } ... on Order { total } }";
    let answer = shop.answer(KEY, &json!({ "query": query, "variables": { "id": id } }));
    assert_eq!(
        answer["data"]["node"],
        json!({ "id": id, "_id": id, "name": "a" })
    );
    let introspection = shop.ask(
        NOBODY,
        "{ __type(name: \"Node\") { kind possibleTypes { name } } __schema { description } }",
    );
    let types = introspection["__type"]["possibleTypes"].as_array().unwrap();
    assert_eq!(
        (&introspection["__type"]["kind"], types.len()),
        (&json!("INTERFACE"), 12)
    );
    assert!(text(&introspection, "/__schema/description").starts_with("The shop."));
    assert!(!introspection.to_string().contains(SECRET));
}
