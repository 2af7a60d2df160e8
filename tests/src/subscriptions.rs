//! Subscriptions: each change arrives once, over one or more connections.

use std::sync::Arc;

use anyhow::{Result, ensure};
use libtest_mimic::Trial;
use serde::Serialize;
use serde_json::{Value, json};

use crate::fixtures::{UNKNOWN_ID, unique};
use crate::http::{EVENT_STREAM, JSON, Request};
use crate::shop::{As, Shop};
use crate::sse::{self, Parser, Subscription};
use crate::trials::trials;
use crate::wait::{QUIET, SOON};

/// The tests of this area.
pub fn tests(shop: &Arc<Shop>) -> Vec<Trial> {
    trials!(
        shop,
        "subscriptions",
        portable = [
            product_changes_arrive_across_connections,
            only_its_owner_subscribes_to_an_order,
            a_stream_ends_with_its_session,
            subscriptions_without_ids_deliver_later_changes,
            queries_and_mutations_are_answered_as_finite_streams
        ],
        component = [invalid_subscriptions_are_refused_before_a_stream_starts]
    )
}

const PRODUCT: &str =
    "subscription ($ids: [ID!]) { productChanged(ids: $ids) { _id price quantity version archivedAt } }";
const ORDER: &str = "subscription ($id: ID) { orderChanged(id: $id) { _id status version timeline { to } } }";

/// Sets the price of the product at its current version.
fn set_price(shop: &Shop, product: &str, price: i64) -> Result<()> {
    let version = shop.read_product(As::Key, product)?.int("/product/version")?;
    let edited = shop.update_product(product, version, json!({ "price": price }))?;
    edited.has("/updateProduct/price", price)
}

/// Fails unless the next result has this value at a JSON pointer.
fn expect(result: Option<Value>, pointer: &str, expected: impl Serialize) -> Result<()> {
    let (found, expected) = (
        result.as_ref().and_then(|data| data.pointer(pointer)),
        json!(expected),
    );
    ensure!(
        found == Some(&expected),
        "{pointer} should be {expected}: {result:?}"
    );
    Ok(())
}

/// Fails if a result arrives.
fn expect_none(subscription: &mut Subscription<'_>) -> Result<()> {
    let result = subscription.next(QUIET)?;
    ensure!(result.is_none(), "no result should arrive: {result:?}");
    Ok(())
}

fn product_changes_arrive_across_connections(shop: &Shop) -> Result<()> {
    let product = shop.product(5, 9)?;
    let mut subscription = Subscription::start(shop, As::Anonymous, PRODUCT, json!({ "ids": [product] }))?;
    expect(subscription.next(SOON)?, "/productChanged/price", 5)?;
    expect_none(&mut subscription)?;
    set_price(shop, &product, 6)?;
    expect(subscription.next(SOON)?, "/productChanged/price", 6)?;

    subscription.disconnect();
    set_price(shop, &product, 7)?;
    shop.order(shop.bob()?.caller(), &[(&product, 2)])?;
    let changed = subscription.until(|data| data.pointer("/productChanged/quantity") == Some(&json!(7)))?;
    expect(Some(changed), "/productChanged/price", 7)?;

    shop.delete_product(&product, 3)?.data("/deleteProduct/_id")?;
    let changed = subscription.until(|data| {
        !data
            .pointer("/productChanged/archivedAt")
            .is_none_or(Value::is_null)
    })?;
    expect(Some(changed), "/productChanged/_id", &product)
}

fn a_stream_ends_with_its_session(shop: &Shop) -> Result<()> {
    let user = shop.register("watcher")?;
    let mut subscription = Subscription::start(shop, user.caller(), ORDER, json!({}))?;
    shop.query(user.caller(), "mutation { logout }")?
        .has("/logout", true)?;
    let Err(error) = subscription.next(SOON) else {
        anyhow::bail!("the stream should end");
    };
    let error = format!("{error:#}");
    // Where a stream is short, it is the next one that is refused.
    ensure!(
        error.contains("UNAUTHENTICATED") || error.contains("response 401"),
        "the stream should say why it ends: {error}"
    );
    Ok(())
}

fn only_its_owner_subscribes_to_an_order(shop: &Shop) -> Result<()> {
    let ada = shop.ada()?;
    let product = shop.product(5, 9)?;
    let order = shop.order(ada.caller(), &[(&product, 1)])?;
    let mut subscription = Subscription::start(shop, ada.caller(), ORDER, json!({ "id": order }))?;
    expect(subscription.next(SOON)?, "/orderChanged/status", "PENDING")?;
    shop.move_order(&order, "PAID")?;
    expect(subscription.next(SOON)?, "/orderChanged/status", "PAID")?;

    subscription.disconnect();
    shop.move_order(&order, "PROCESSING")?;
    shop.move_order(&order, "SHIPPED")?;
    let changed = subscription.next(SOON)?;
    expect(changed.clone(), "/orderChanged/status", "SHIPPED")?;
    expect(changed.clone(), "/orderChanged/version", 4)?;
    let steps = ["PENDING", "PAID", "PROCESSING", "SHIPPED"].map(|status| json!({ "to": status }));
    expect(changed, "/orderChanged/timeline", steps)?;
    expect_none(&mut subscription)?;
    subscription.disconnect();
    expect_none(&mut subscription)?;

    let variables = json!({ "id": order });
    for (caller, status, code) in [
        (shop.bob()?.caller(), 404, "NOT_FOUND"),
        (As::Anonymous, 401, "UNAUTHENTICATED"),
        (As::Token("e30.e30."), 401, "UNAUTHENTICATED"),
    ] {
        let answer = sse::first_result(shop, caller, ORDER, &variables)?;
        answer.refused(code)?;
        answer.http.expect_status(status)?;
    }
    let missing = sse::first_result(shop, ada.caller(), ORDER, &json!({ "id": UNKNOWN_ID }))?;
    missing.refused("NOT_FOUND")?;
    missing.http.expect_status(404)?;
    Ok(())
}

fn subscriptions_without_ids_deliver_later_changes(shop: &Shop) -> Result<()> {
    let eve = shop.register("eve")?;
    let product = shop.product(5, 9)?;
    shop.order(eve.caller(), &[(&product, 1)])?;
    let mut products = Subscription::start(shop, As::Anonymous, PRODUCT, json!({}))?;
    let mut orders = Subscription::start(shop, eve.caller(), ORDER, json!({}))?;
    expect_none(&mut orders)?;

    products.disconnect();
    orders.disconnect();
    set_price(shop, &product, 8)?;
    // Eve does not see the orders of others.
    shop.order(shop.bob()?.caller(), &[(&product, 1)])?;
    let order = shop.order(eve.caller(), &[(&product, 1)])?;
    let changed = products.until(|data| {
        data.pointer("/productChanged/_id") == Some(&json!(product))
            && data.pointer("/productChanged/quantity") == Some(&json!(6))
    })?;
    expect(Some(changed), "/productChanged/price", 8)?;
    expect(orders.next(SOON)?, "/orderChanged/_id", &order)?;
    shop.move_order(&order, "PAID")?;
    expect(orders.next(SOON)?, "/orderChanged/status", "PAID")?;
    expect_none(&mut orders)
}

fn invalid_subscriptions_are_refused_before_a_stream_starts(shop: &Shop) -> Result<()> {
    let valid = "subscription { productChanged { _id } }";
    let refused = |request: Request, accept: &str, status: u16, code: &str| {
        let answer = shop.send_graphql(As::Anonymous, request.header("accept", accept))?;
        answer.refused(code)?;
        answer.http.expect_status(status).map(drop)
    };
    for accept in [JSON, "*/*"] {
        refused(Request::query(valid), accept, 406, "NOT_ACCEPTABLE")?;
    }
    for (code, query) in [
        (
            "GRAPHQL_VALIDATION_FAILED",
            "subscription { productChanged { nothing } }",
        ),
        ("GRAPHQL_PARSE_FAILED", "subscription {"),
        (
            "BAD_USER_INPUT",
            "subscription { a: productChanged { _id } b: productChanged { _id } }",
        ),
        (
            "BAD_USER_INPUT",
            "subscription { productChanged(ids: []) { _id } }",
        ),
        (
            "BAD_USER_INPUT",
            "subscription { productChanged(ids: [\"1\"]) { _id } }",
        ),
    ] {
        refused(Request::query(query), EVENT_STREAM, 400, code)?;
    }
    let batch = Request::post(&json!([{ "query": valid }]));
    refused(batch, EVENT_STREAM, 400, "BAD_REQUEST")?;
    for last in ["garbage", "e30.", "..", "1"] {
        let request = Request::query(valid).header("last-event-id", last);
        refused(request, EVENT_STREAM, 400, "BAD_USER_INPUT")?;
    }
    Ok(())
}

fn queries_and_mutations_are_answered_as_finite_streams(shop: &Shop) -> Result<()> {
    let name = unique("product");
    let mutation = format!(
        "mutation {{ createProduct(input: {{ name: \"{name}\", price: 1, quantity: 1 }}) {{ name }} }}"
    );
    for (query, pointer, expected) in [
        ("{ __typename }", "/data/__typename", "Query"),
        (mutation.as_str(), "/data/createProduct/name", name.as_str()),
    ] {
        let request = Request::query(query).header("accept", EVENT_STREAM);
        let response = shop.send_as(As::Key, request)?;
        response.expect_status(200)?.expect_media_type(EVENT_STREAM)?;
        let events = Parser::default().read(response.body().as_bytes());
        let names: Vec<_> = events.iter().map(|event| event.name.as_str()).collect();
        response.expect(names == ["next", "complete"], "expected next and complete")?;
        let result: Value = events
            .first()
            .map_or(Ok(Value::Null), |event| serde_json::from_str(&event.data))?;
        response.expect(
            result.pointer(pointer) == Some(&json!(expected)),
            format!("expected {expected} at {pointer}"),
        )?;
    }
    Ok(())
}
