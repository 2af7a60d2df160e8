//! Subscriptions: what is watched is told, once, over as many connections as it takes.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Result, ensure};
use libtest_mimic::Trial;
use serde_json::{Value, json};

use crate::answer::Answer;
use crate::client::{As, Call, JSON};
use crate::events::{self, EVENTS, Parser, Watcher};
use crate::trials::trials;
use crate::world::{UNKNOWN_ID, World, place_order, unique};

/// The tests of this area.
pub fn tests(world: &Arc<World>) -> Vec<Trial> {
    trials!(
        world,
        "subscriptions",
        [
            a_watched_product_is_told_of_across_connections,
            an_order_is_watched_by_its_owner_and_nobody_else,
            all_products_and_all_own_orders_are_told_of_from_now_on,
            what_can_not_be_watched_is_refused_before_there_is_a_stream,
            queries_and_mutations_are_answered_by_events_that_end,
        ]
    )
}

/// How soon a change is told.
const SOON: Duration = Duration::from_secs(15);

/// How long nothing is told, where nothing is to be told.
const QUIET: Duration = Duration::from_secs(3);

const PRODUCT: &str =
    "subscription ($ids: [ID!]) { productChanged(ids: $ids) { _id price quantity version archivedAt } }";
const ORDER: &str = "subscription ($id: ID) { orderChanged(id: $id) { _id status version timeline { to } } }";

fn priced(world: &World, product: &str, price: i64) -> Result<()> {
    let version = world
        .shop
        .graphql(
            As::Key,
            "query ($id: ID!) { product(id: $id) { version } }",
            json!({ "id": product }),
        )?
        .int("/product/version")?;
    let answer = world.shop.graphql(
        As::Key,
        "mutation ($id: ID!, $version: Int!, $price: Int!) {
            updateProduct(id: $id, version: $version, input: { price: $price }) { _id } }",
        json!({ "id": product, "version": version, "price": price }),
    )?;
    answer.data("/updateProduct/_id").map(drop)
}

fn moved(world: &World, order: &str, status: &str) -> Result<()> {
    let mutation =
        format!("mutation ($id: ID!) {{ updateOrderStatus(id: $id, status: {status}) {{ _id }} }}");
    let answer = world.shop.graphql(As::Key, &mutation, json!({ "id": order }))?;
    answer.data("/updateOrderStatus/_id").map(drop)
}

/// A result at a pointer must be this.
fn expect(result: Option<Value>, pointer: &str, expected: &Value) -> Result<()> {
    let found = result.as_ref().and_then(|data| data.pointer(pointer));
    ensure!(
        found == Some(expected),
        "{pointer} should be {expected}: {result:?}"
    );
    Ok(())
}

fn nothing(result: Option<Value>) -> Result<()> {
    ensure!(
        result.is_none(),
        "nothing has happened, and this is told: {result:?}"
    );
    Ok(())
}

fn a_watched_product_is_told_of_across_connections(world: &World) -> Result<()> {
    let product = world.product(5, 9)?;
    let mut watcher = Watcher::start(&world.shop, As::Anonymous, PRODUCT, json!({ "ids": [product] }))?;
    expect(watcher.next(SOON)?, "/productChanged/price", &json!(5))?;
    nothing(watcher.next(QUIET)?)?;
    priced(world, &product, 6)?;
    expect(watcher.next(SOON)?, "/productChanged/price", &json!(6))?;

    watcher.disconnect();
    priced(world, &product, 7)?;
    let sold = place_order(&world.shop, world.bob()?.caller(), &[(&product, 2)])?;
    sold.text("/placeOrder/_id")?;
    let told = watcher.until(|data| data.pointer("/productChanged/quantity") == Some(&json!(7)))?;
    expect(Some(told), "/productChanged/price", &json!(7))?;

    let version = 3;
    let answer = world.shop.graphql(
        As::Key,
        "mutation ($id: ID!, $version: Int!) { deleteProduct(id: $id, version: $version) { _id } }",
        json!({ "id": product, "version": version }),
    )?;
    answer.data("/deleteProduct/_id")?;
    let told = watcher.until(|data| {
        !data
            .pointer("/productChanged/archivedAt")
            .is_none_or(Value::is_null)
    })?;
    expect(Some(told), "/productChanged/_id", &json!(product))
}

fn an_order_is_watched_by_its_owner_and_nobody_else(world: &World) -> Result<()> {
    let ada = world.ada()?;
    let product = world.product(5, 9)?;
    let placed = place_order(&world.shop, ada.caller(), &[(&product, 1)])?;
    let order = placed.text("/placeOrder/_id")?;
    let mut watcher = Watcher::start(&world.shop, ada.caller(), ORDER, json!({ "id": order }))?;
    expect(watcher.next(SOON)?, "/orderChanged/status", &json!("PENDING"))?;
    moved(world, order, "PAID")?;
    expect(watcher.next(SOON)?, "/orderChanged/status", &json!("PAID"))?;

    watcher.disconnect();
    moved(world, order, "PROCESSING")?;
    moved(world, order, "SHIPPED")?;
    let told = watcher.next(SOON)?;
    expect(told.clone(), "/orderChanged/status", &json!("SHIPPED"))?;
    expect(told.clone(), "/orderChanged/version", &json!(4))?;
    let steps: Vec<Value> = ["PENDING", "PAID", "PROCESSING", "SHIPPED"]
        .iter()
        .map(|status| json!({ "to": status }))
        .collect();
    expect(told, "/orderChanged/timeline", &json!(steps))?;
    nothing(watcher.next(QUIET)?)?;
    watcher.disconnect();
    nothing(watcher.next(QUIET)?)?;

    let variables = json!({ "id": order });
    for (who, status, code) in [
        (world.bob()?.caller(), 403, "FORBIDDEN"),
        (As::Anonymous, 401, "UNAUTHENTICATED"),
        (As::Token("e30.e30."), 401, "UNAUTHENTICATED"),
    ] {
        let answer = events::first(&world.shop, who, ORDER, &variables)?;
        answer.refused(code)?;
        answer.reply.expect_status(status)?;
    }
    let missing = events::first(&world.shop, ada.caller(), ORDER, &json!({ "id": UNKNOWN_ID }))?;
    missing.refused("NOT_FOUND")?;
    missing.reply.expect_status(404)?;
    Ok(())
}

fn all_products_and_all_own_orders_are_told_of_from_now_on(world: &World) -> Result<()> {
    let eve = world.register("eve")?;
    let product = world.product(5, 9)?;
    let before = place_order(&world.shop, eve.caller(), &[(&product, 1)])?;
    before.text("/placeOrder/_id")?;
    let mut products = Watcher::start(&world.shop, As::Anonymous, PRODUCT, json!({}))?;
    let mut orders = Watcher::start(&world.shop, eve.caller(), ORDER, json!({}))?;
    nothing(orders.next(QUIET)?)?;

    products.disconnect();
    orders.disconnect();
    priced(world, &product, 8)?;
    // Another one's.
    place_order(&world.shop, world.bob()?.caller(), &[(&product, 1)])?.text("/placeOrder/_id")?;
    let placed = place_order(&world.shop, eve.caller(), &[(&product, 1)])?;
    let order = placed.text("/placeOrder/_id")?;
    let told = products.until(|data| {
        data.pointer("/productChanged/_id") == Some(&json!(product))
            && data.pointer("/productChanged/quantity") == Some(&json!(6))
    })?;
    expect(Some(told), "/productChanged/price", &json!(8))?;
    expect(orders.next(SOON)?, "/orderChanged/_id", &json!(order))?;
    moved(world, order, "PAID")?;
    expect(orders.next(SOON)?, "/orderChanged/status", &json!("PAID"))?;
    nothing(orders.next(QUIET)?)
}

fn what_can_not_be_watched_is_refused_before_there_is_a_stream(world: &World) -> Result<()> {
    let watch = "subscription { productChanged { _id } }";
    let asked = |accept: &str, body: Value| world.shop.send(Call::post(&body).header("accept", accept));
    let refused = |status: u16, code: &str, reply| {
        let answer = Answer::new(reply)?;
        answer.refused(code)?;
        answer.reply.expect_status(status).map(drop)
    };
    for accept in [JSON, "*/*"] {
        refused(406, "NOT_ACCEPTABLE", asked(accept, json!({ "query": watch }))?)?;
    }
    let several = "subscription { a: productChanged { _id } b: productChanged { _id } }";
    for (code, query) in [
        (
            "GRAPHQL_VALIDATION_FAILED",
            "subscription { productChanged { nothing } }",
        ),
        ("GRAPHQL_PARSE_FAILED", "subscription {"),
        ("BAD_USER_INPUT", several),
        (
            "BAD_USER_INPUT",
            "subscription { productChanged(ids: []) { _id } }",
        ),
        (
            "BAD_USER_INPUT",
            "subscription { productChanged(ids: [\"1\"]) { _id } }",
        ),
    ] {
        refused(400, code, asked(EVENTS, json!({ "query": query }))?)?;
    }
    refused(400, "BAD_REQUEST", asked(EVENTS, json!([{ "query": watch }]))?)?;
    for last in ["garbage", "e30.", "..", "1"] {
        let call = Call::post(&json!({ "query": watch }))
            .header("accept", EVENTS)
            .header("last-event-id", last);
        refused(400, "BAD_USER_INPUT", world.shop.send(call)?)?;
    }
    Ok(())
}

fn queries_and_mutations_are_answered_by_events_that_end(world: &World) -> Result<()> {
    let name = unique("product");
    let mutation = format!(
        "mutation {{ createProduct(input: {{ name: \"{name}\", price: 1, quantity: 1 }}) {{ name }} }}"
    );
    for (query, pointer, expected) in [
        ("{ __typename }", "/data/__typename", "Query"),
        (mutation.as_str(), "/data/createProduct/name", name.as_str()),
    ] {
        let call = Call::post(&json!({ "query": query })).header("accept", EVENTS);
        let reply = world.shop.send_as(As::Key, call)?;
        reply.expect_status(200)?.expect_media_type(EVENTS)?;
        let events = Parser::default().read(reply.text().as_bytes());
        let names: Vec<_> = events.iter().map(|event| event.name.as_str()).collect();
        reply.expect(names == ["next", "complete"], || {
            "expected next and complete".into()
        })?;
        let result: Value = events
            .first()
            .map_or(Ok(Value::Null), |event| serde_json::from_str(&event.data))?;
        reply.expect(result.pointer(pointer) == Some(&json!(expected)), || {
            format!("expected {expected} at {pointer}")
        })?;
    }
    Ok(())
}
