//! The way of an order: moved on by those who keep the shop, cancelled by its customer, with a timeline of who did what.

use std::sync::Arc;

use anyhow::{Result, ensure};
use libtest_mimic::Trial;
use serde_json::{Value, json};

use crate::answer::Answer;
use crate::client::As;
use crate::concurrency::{at_once, winners};
use crate::trials::trials;
use crate::world::{Stock, UNKNOWN_ID, World, check_time, place_order};

/// The tests of this area.
pub fn tests(world: &Arc<World>) -> Vec<Trial> {
    trials!(
        world,
        "order_status",
        [
            an_order_goes_its_way_and_tells_who_moved_it,
            every_other_move_is_an_invalid_transition,
            a_change_of_an_old_version_is_a_conflict,
            a_cancelled_order_gives_its_stock_back,
            of_20_who_cancel_one_order_exactly_one_does,
            an_order_that_is_not_there_can_not_be_moved,
            a_note_has_its_bounds,
            orders_are_found_by_status_time_and_user,
        ]
    )
}

const WAY: [&str; 5] = ["PENDING", "PAID", "PROCESSING", "SHIPPED", "DELIVERED"];

fn order(world: &World, product: &str, quantity: i64) -> Result<String> {
    let answer = place_order(&world.shop, world.ada()?.caller(), &[(product, quantity)])?;
    Ok(answer.text("/placeOrder/_id")?.to_owned())
}

fn update(world: &World, id: &str, status: &str, version: Option<i64>) -> Result<Answer> {
    let query = "mutation ($id: ID!, $status: OrderStatus!, $version: Int) {
        updateOrderStatus(id: $id, status: $status, version: $version, note: \"a note\") { status version } }";
    let variables = json!({ "id": id, "status": status, "version": version });
    world.shop.graphql(As::Key, query, variables)
}

/// Cancels an order.
pub fn cancel(world: &World, who: As<'_>, id: &str, reason: &str) -> Result<Answer> {
    let query = "mutation ($id: ID!, $reason: String) { cancelOrder(id: $id, reason: $reason) { status } }";
    world
        .shop
        .graphql(who, query, json!({ "id": id, "reason": reason }))
}

/// An order that has gone its way up to this status.
fn order_at(world: &World, product: &str, status: &str) -> Result<String> {
    let id = order(world, product, 1)?;
    let steps: &[&str] = match status {
        "CANCELLED" => &["CANCELLED"],
        "REFUNDED" => &["PAID", "REFUNDED"],
        _ => {
            let end = WAY.iter().position(|one| *one == status).unwrap_or(0);
            WAY.get(1..=end).unwrap_or_default()
        }
    };
    for step in steps {
        update(world, &id, step, None)?.text("/updateOrderStatus/status")?;
    }
    Ok(id)
}

fn an_order_goes_its_way_and_tells_who_moved_it(world: &World) -> Result<()> {
    let id = order(world, &world.product(10, 5)?, 1)?;
    for (version, pair) in (1..).zip(WAY.windows(2)) {
        let moved = update(world, &id, pair.last().unwrap_or(&""), Some(version))?;
        moved.expect(
            moved.int("/updateOrderStatus/version")? == version + 1,
            "each change should count",
        )?;
    }
    let query =
        "query ($id: ID!) { order(id: $id) { status version timeline { at actor actorId from to note } } }";
    let read = world
        .shop
        .graphql(world.ada()?.caller(), query, json!({ "id": id }))?;
    read.expect(
        read.column("/order/timeline", "/to")? == WAY.map(Value::from),
        "the timeline should tell the way",
    )?;
    for change in read.column("/order/timeline", "/at")? {
        check_time(change.as_str().unwrap_or_default())?;
    }
    let first = json!({ "actor": "CUSTOMER", "actorId": world.ada()?.id, "from": null, "note": null });
    let second = json!({ "actor": "API_KEY", "actorId": null, "from": "PENDING", "note": "a note" });
    for (index, expected) in [first, second].iter().enumerate() {
        for (field, value) in expected.as_object().into_iter().flatten() {
            read.expect(
                read.data(&format!("/order/timeline/{index}/{field}"))? == value,
                format!("{field} of change {index} should be {value}"),
            )?;
        }
    }
    Ok(())
}

fn every_other_move_is_an_invalid_transition(world: &World) -> Result<()> {
    let product = world.product(1, 100)?;
    for (from, moves) in [
        ("PENDING", &["PAID", "CANCELLED"][..]),
        ("PAID", &["PROCESSING", "CANCELLED", "REFUNDED"]),
        ("PROCESSING", &["SHIPPED", "CANCELLED", "REFUNDED"]),
        ("SHIPPED", &["DELIVERED", "REFUNDED"]),
        ("DELIVERED", &["REFUNDED"]),
        ("CANCELLED", &[]),
        ("REFUNDED", &[]),
    ] {
        let refused = order_at(world, &product, from)?;
        for to in WAY.iter().chain(&["CANCELLED", "REFUNDED"]) {
            if moves.contains(to) {
                let moved = update(world, &order_at(world, &product, from)?, to, None)?;
                moved.expect(
                    moved.text("/updateOrderStatus/status")? == *to,
                    format!("{from} should become {to}"),
                )?;
            } else {
                update(world, &refused, to, None)?
                    .refused("INVALID_TRANSITION")
                    .map_err(|error| error.context(format!("{from} should not become {to}")))?;
            }
        }
        if !moves.contains(&"CANCELLED") {
            cancel(world, world.ada()?.caller(), &refused, "")?.refused("INVALID_TRANSITION")?;
        }
    }
    Ok(())
}

fn a_change_of_an_old_version_is_a_conflict(world: &World) -> Result<()> {
    let id = order(world, &world.product(1, 5)?, 1)?;
    update(world, &id, "PAID", Some(1))?.text("/updateOrderStatus/status")?;
    for version in [0, 1, 3] {
        let answer = update(world, &id, "PROCESSING", Some(version))?;
        let error = answer.refused("CONFLICT")?;
        answer.expect(
            error.pointer("/extensions/currentVersion") == Some(&json!(2)),
            "the error should tell the current version",
        )?;
    }
    update(world, &id, "PROCESSING", Some(-1))?.bad_input("version")?;
    Ok(())
}

fn a_cancelled_order_gives_its_stock_back(world: &World) -> Result<()> {
    let product = world.product(10, 5)?;
    let back = Stock {
        received: 5,
        on_hand: 5,
        reserved: 0,
        sold: 0,
    };
    for status in ["PENDING", "PAID", "PROCESSING"] {
        let id = order_at(world, &product, status)?;
        let cancelled = cancel(world, world.ada()?.caller(), &id, "Too large")?;
        cancelled.expect(
            cancelled.text("/cancelOrder/status")? == "CANCELLED",
            "it should be cancelled",
        )?;
        world.stock_becomes(&product, back)?;
    }
    let id = order_at(world, &product, "PAID")?;
    update(world, &id, "REFUNDED", None)?.text("/updateOrderStatus/status")?;
    world.stock_becomes(&product, back)?;
    let id = order_at(world, &product, "SHIPPED")?;
    update(world, &id, "REFUNDED", None)?.text("/updateOrderStatus/status")?;
    let shipped = Stock {
        on_hand: 4,
        sold: 1,
        ..back
    };
    world.stock_becomes(&product, shipped)
}

fn of_20_who_cancel_one_order_exactly_one_does(world: &World) -> Result<()> {
    let product = world.product(10, 5)?;
    let id = order(world, &product, 3)?;
    let ada = world.ada()?;
    let answers = at_once(20, |number| match number % 2 {
        0 => cancel(world, ada.caller(), &id, "once"),
        _ => cancel(world, As::Key, &id, "once"),
    })?;
    let won = winners(&answers, "INVALID_TRANSITION")?;
    ensure!(won == 1, "one should cancel, not {won}");
    let back = Stock {
        received: 5,
        on_hand: 5,
        reserved: 0,
        sold: 0,
    };
    world.stock_becomes(&product, back)
}

fn an_order_that_is_not_there_can_not_be_moved(world: &World) -> Result<()> {
    update(world, UNKNOWN_ID, "PAID", None)?.refused("NOT_FOUND")?;
    cancel(world, world.ada()?.caller(), UNKNOWN_ID, "")?.refused("NOT_FOUND")?;
    update(world, "nonsense", "PAID", None)?.bad_input("id")?;
    cancel(world, As::Key, "nonsense", "")?.bad_input("id")?;
    Ok(())
}

fn a_note_has_its_bounds(world: &World) -> Result<()> {
    let id = order(world, &world.product(1, 5)?, 1)?;
    cancel(world, As::Key, &id, &"x".repeat(501))?.bad_input("reason")?;
    let longest = cancel(world, As::Key, &id, &"ü".repeat(500))?;
    longest.text("/cancelOrder/status")?;
    Ok(())
}

fn orders_are_found_by_status_time_and_user(world: &World) -> Result<()> {
    let user = world.register("buyer")?;
    let product = world.product(1, 5)?;
    let mut placed = Vec::new();
    for _ in 0..2 {
        let answer = place_order(&world.shop, user.caller(), &[(&product, 1)])?;
        placed.push(answer.data("/placeOrder")?.clone());
    }
    let [first, second] = placed.as_slice() else {
        anyhow::bail!("two orders should have been placed")
    };
    let part = |order: &Value, name: &str| order.get(name).cloned().unwrap_or_default();
    let id = part(first, "_id");
    update(world, id.as_str().unwrap_or_default(), "PAID", None)?.text("/updateOrderStatus/status")?;
    let ask = |who: As<'_>, filter: Value| {
        let query =
            "query ($filter: OrderFilter) { orderConnection(filter: $filter) { edges { node { _id } } } }";
        world.shop.graphql(who, query, json!({ "filter": filter }))
    };
    let all = [part(second, "_id"), id.clone()];
    for (filter, expected) in [
        (json!({}), &all[..]),
        (json!({ "status": "PAID" }), &all[1..]),
        (json!({ "status": "PENDING" }), &all[..1]),
        (json!({ "status": "SHIPPED" }), &[]),
        (json!({ "createdFrom": part(first, "createdAt") }), &all[..]),
        (json!({ "createdBefore": part(first, "createdAt") }), &[]),
        (json!({ "createdFrom": "2999-01-01T00:00:00Z" }), &[]),
    ] {
        for (who, whose) in [(user.caller(), None), (As::Key, Some(&user.id))] {
            let mut filter = filter.clone();
            if let (Some(filter), Some(id)) = (filter.as_object_mut(), whose) {
                filter.insert("userId".into(), json!(id));
            }
            let found = ask(who, filter.clone())?;
            found.expect(
                found.column("/orderConnection/edges", "/node/_id")? == expected,
                format!("{filter} should find {expected:?}"),
            )?;
        }
    }
    ask(user.caller(), json!({ "userId": world.ada()?.id }))?.refused("FORBIDDEN")?;
    Ok(())
}
