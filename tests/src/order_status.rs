//! The status of orders: changed by operators, cancelled by customers, with a timeline of all changes.

use std::sync::Arc;

use anyhow::{Context, Result};
use libtest_mimic::Trial;
use serde_json::{Value, json};

use crate::fixtures::{Stock, UNKNOWN_ID, check_time};
use crate::graphql::GraphqlResponse;
use crate::parallel::{at_once, winner};
use crate::shop::{As, Shop};
use crate::trials::trials;
use crate::values::set;

/// The tests of this area.
pub fn tests(shop: &Arc<Shop>) -> Vec<Trial> {
    trials!(
        shop,
        "order_status",
        portable = [
            an_order_keeps_a_timeline_of_its_status,
            a_cancelled_order_returns_its_stock,
            of_20_cancellations_of_one_order_exactly_one_succeeds,
            orders_are_found_by_status_time_and_user
        ],
        component = [
            every_other_status_change_is_an_invalid_transition,
            a_change_of_another_version_is_a_conflict,
            a_missing_order_cannot_be_changed,
            a_reason_has_at_most_500_characters
        ]
    )
}

/// The statuses of an order from its placement to its delivery.
const STATUSES: [&str; 5] = ["PENDING", "PAID", "PROCESSING", "SHIPPED", "DELIVERED"];

/// Places an order of ada.
fn order(shop: &Shop, product: &str, quantity: i64) -> Result<String> {
    shop.order(shop.ada()?.caller(), &[(product, quantity)])
}

/// Changes an order's status at a version.
fn update(shop: &Shop, id: &str, status: &str, version: Option<i64>) -> Result<GraphqlResponse> {
    let query = "mutation ($id: ID!, $status: OrderStatus!, $version: Int) {
        updateOrderStatus(id: $id, status: $status, version: $version, note: \"a note\") { status version } }";
    let variables = json!({ "id": id, "status": status, "version": version });
    shop.graphql(As::Key, query, variables)
}

/// Places an order and moves it to this status.
fn order_at(shop: &Shop, product: &str, status: &str) -> Result<String> {
    let id = order(shop, product, 1)?;
    let steps: &[&str] = match status {
        "CANCELLED" => &["CANCELLED"],
        "REFUNDED" => &["PAID", "REFUNDED"],
        _ => {
            let end = STATUSES.iter().position(|one| *one == status).unwrap_or(0);
            STATUSES.get(1..=end).unwrap_or_default()
        }
    };
    for step in steps {
        shop.move_order(&id, step)?;
    }
    Ok(id)
}

fn an_order_keeps_a_timeline_of_its_status(shop: &Shop) -> Result<()> {
    let id = order(shop, &shop.product(10, 5)?, 1)?;
    for (version, pair) in (1..).zip(STATUSES.windows(2)) {
        let moved = update(shop, &id, pair.last().unwrap_or(&""), Some(version))?;
        moved.has("/updateOrderStatus/version", version + 1)?;
    }
    let query =
        "query ($id: ID!) { order(id: $id) { status version timeline { at actor actorId from to note } } }";
    let read = shop.graphql(shop.ada()?.caller(), query, json!({ "id": id }))?;
    read.has_column("/order/timeline", "/to", STATUSES)?;
    for change in read.column("/order/timeline", "/at")? {
        check_time(change.as_str().unwrap_or_default())?;
    }
    let first = json!({ "actor": "CUSTOMER", "actorId": shop.ada()?.id, "from": null, "note": null });
    let second = json!({ "actor": "API_KEY", "actorId": null, "from": "PENDING", "note": "a note" });
    for (index, expected) in [first, second].iter().enumerate() {
        for (field, value) in expected.as_object().into_iter().flatten() {
            read.has(&format!("/order/timeline/{index}/{field}"), value)?;
        }
    }
    Ok(())
}

fn every_other_status_change_is_an_invalid_transition(shop: &Shop) -> Result<()> {
    let product = shop.product(1, 100)?;
    for (from, allowed) in [
        ("PENDING", &["PAID", "CANCELLED"][..]),
        ("PAID", &["PROCESSING", "CANCELLED", "REFUNDED"]),
        ("PROCESSING", &["SHIPPED", "CANCELLED", "REFUNDED"]),
        ("SHIPPED", &["DELIVERED", "REFUNDED"]),
        ("DELIVERED", &["REFUNDED"]),
        ("CANCELLED", &[]),
        ("REFUNDED", &[]),
    ] {
        let refused = order_at(shop, &product, from)?;
        for to in STATUSES.iter().chain(&["CANCELLED", "REFUNDED"]) {
            if allowed.contains(to) {
                shop.move_order(&order_at(shop, &product, from)?, to)?;
            } else {
                shop.set_order_status(&refused, to)?
                    .refused("INVALID_TRANSITION")
                    .with_context(|| format!("{from} should not become {to}"))?;
            }
        }
        if !allowed.contains(&"CANCELLED") {
            shop.cancel_order(shop.ada()?.caller(), &refused, Some(""))?
                .refused("INVALID_TRANSITION")?;
        }
    }
    Ok(())
}

fn a_change_of_another_version_is_a_conflict(shop: &Shop) -> Result<()> {
    let id = order(shop, &shop.product(1, 5)?, 1)?;
    update(shop, &id, "PAID", Some(1))?.text("/updateOrderStatus/status")?;
    for version in [0, 1, 3] {
        update(shop, &id, "PROCESSING", Some(version))?.conflict(2)?;
    }
    update(shop, &id, "PROCESSING", Some(-1))?.bad_input("version")?;
    Ok(())
}

fn a_cancelled_order_returns_its_stock(shop: &Shop) -> Result<()> {
    let product = shop.product(10, 5)?;
    for status in ["PENDING", "PAID", "PROCESSING"] {
        let id = order_at(shop, &product, status)?;
        let cancelled = shop.cancel_order(shop.ada()?.caller(), &id, Some("Too large"))?;
        cancelled.has("/cancelOrder/status", "CANCELLED")?;
        shop.stock_becomes(&product, Stock::settled(5, 0))?;
    }
    // A refund returns the units unless they are shipped.
    for (status, sold) in [("PAID", 0), ("SHIPPED", 1)] {
        shop.move_order(&order_at(shop, &product, status)?, "REFUNDED")?;
        shop.stock_becomes(&product, Stock::settled(5, sold))?;
    }
    Ok(())
}

fn of_20_cancellations_of_one_order_exactly_one_succeeds(shop: &Shop) -> Result<()> {
    let product = shop.product(10, 5)?;
    let id = order(shop, &product, 3)?;
    let ada = shop.ada()?;
    let answers = at_once(20, |number| match number % 2 {
        0 => shop.cancel_order(ada.caller(), &id, Some("once")),
        _ => shop.cancel_order(As::Key, &id, Some("once")),
    })?;
    winner(&answers, "INVALID_TRANSITION")?;
    shop.stock_becomes(&product, Stock::settled(5, 0))
}

fn a_missing_order_cannot_be_changed(shop: &Shop) -> Result<()> {
    shop.set_order_status(UNKNOWN_ID, "PAID")?.refused("NOT_FOUND")?;
    shop.cancel_order(shop.ada()?.caller(), UNKNOWN_ID, Some(""))?
        .refused("NOT_FOUND")?;
    shop.set_order_status("nonsense", "PAID")?.bad_input("id")?;
    shop.cancel_order(As::Key, "nonsense", Some(""))?
        .bad_input("id")?;
    Ok(())
}

fn a_reason_has_at_most_500_characters(shop: &Shop) -> Result<()> {
    let id = order(shop, &shop.product(1, 5)?, 1)?;
    shop.cancel_order(As::Key, &id, Some("x".repeat(501).as_str()))?
        .bad_input("reason")?;
    let longest = shop.cancel_order(As::Key, &id, Some("ü".repeat(500).as_str()))?;
    longest.text("/cancelOrder/status")?;
    Ok(())
}

fn orders_are_found_by_status_time_and_user(shop: &Shop) -> Result<()> {
    let user = shop.register("buyer")?;
    let product = shop.product(1, 5)?;
    let place = || shop.place_order(user.caller(), &[(&product, 1)]);
    let (first, second) = (place()?, place()?);
    let (id, time) = (
        first.text("/placeOrder/_id")?,
        first.text("/placeOrder/createdAt")?,
    );
    shop.move_order(id, "PAID")?;
    let find = |caller: As<'_>, filter: &Value| {
        let query =
            "query ($filter: OrderFilter) { orderConnection(filter: $filter) { edges { node { _id } } } }";
        shop.graphql(caller, query, json!({ "filter": filter }))
    };
    let all = [second.text("/placeOrder/_id")?, id];
    for (mut filter, expected) in [
        (json!({}), &all[..]),
        (json!({ "status": "PAID" }), &all[1..]),
        (json!({ "status": "PENDING" }), &all[..1]),
        (json!({ "status": "SHIPPED" }), &[]),
        (json!({ "createdFrom": time }), &all[..]),
        (json!({ "createdBefore": time }), &[]),
        (json!({ "createdFrom": "2999-01-01T00:00:00Z" }), &[]),
    ] {
        find(user.caller(), &filter)?.has_column("/orderConnection/edges", "/node/_id", expected)?;
        set(&mut filter, "userId", json!(user.id));
        find(As::Key, &filter)?.has_column("/orderConnection/edges", "/node/_id", expected)?;
    }
    find(user.caller(), &json!({ "userId": shop.ada()?.id }))?.refused("FORBIDDEN")?;
    Ok(())
}
