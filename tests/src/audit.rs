//! The audit log: every administrative act leaves an entry, and nothing that customers do with what is their own.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use libtest_mimic::Trial;
use serde_json::{Value, json};

use crate::authorization::{of_keepers, perform};
use crate::client::As;
use crate::order_status::cancel;
use crate::payments::pay;
use crate::tokens;
use crate::trials::{trial, trials};
use crate::world::{User, World, check_time, place_order};

/// What each mutation leaves behind where somebody does it who keeps the shop; users may do some of them to what is their own.
const LEAVES: &[(&str, &str)] = &[
    ("adjustStock", "STOCK_ADJUST"),
    ("cancelOrder", "ORDER_CANCEL"),
    ("createCategory", "CATEGORY_CREATE"),
    ("createDiscount", "DISCOUNT_CREATE"),
    ("createProduct", "PRODUCT_CREATE"),
    ("createVariant", "PRODUCT_CREATE"),
    ("createWebhook", "WEBHOOK_CREATE"),
    ("deleteCategory", "CATEGORY_DELETE"),
    ("deleteProduct", "PRODUCT_DELETE"),
    ("deleteWebhook", "WEBHOOK_DELETE"),
    ("disableDiscount", "DISCOUNT_DISABLE"),
    ("eraseUser", "ERASURE"),
    ("importProducts", "PRODUCT_IMPORT"),
    ("moveCategory", "CATEGORY_MOVE"),
    ("payOrder", "PAYMENT_MAKE"),
    ("receiveStock", "STOCK_RECEIVE"),
    ("refundPayment", "PAYMENT_REFUND"),
    ("replayWebhookDelivery", "WEBHOOK_REPLAY"),
    ("retryNotification", "NOTIFICATION_RETRY"),
    ("revokeSession", "SESSION_REVOCATION"),
    ("rotateWebhookSecret", "WEBHOOK_SECRET_ROTATE"),
    ("sendEmail", "EMAIL_SEND"),
    ("sendSms", "SMS_SEND"),
    ("setRole", "ROLE_CHANGE"),
    ("setStock", "STOCK_SET"),
    ("updateCategory", "CATEGORY_UPDATE"),
    ("updateNotificationPreferences", "PREFERENCES_CHANGE"),
    ("updateOrderStatus", "ORDER_STATUS"),
    ("updateProduct", "PRODUCT_UPDATE"),
    ("updateUser", "PROFILE_CHANGE"),
    ("updateWebhook", "WEBHOOK_UPDATE"),
];

/// How long an entry may be on its way from another service.
const PATIENCE: Duration = Duration::from_secs(20);

/// The tests of this area.
pub fn tests(world: &Arc<World>) -> Vec<Trial> {
    let mut tests = trials!(
        world,
        "audit",
        [
            every_administrative_mutation_names_what_it_leaves,
            entries_are_found_by_actor_subject_action_and_time,
            the_export_of_anothers_data_is_logged,
            what_customers_do_with_their_own_is_not_logged,
        ]
    );
    let doable: BTreeSet<_> = of_keepers()
        .filter_map(|(field, can)| can.then_some(field))
        .collect();
    for &(field, action) in LEAVES.iter().filter(|(field, _)| doable.contains(field)) {
        let name = format!("audit::{field}_leaves_{action}");
        tests.push(trial(world, &name, move |world| leaves(world, field, action)));
    }
    tests
}

fn every_administrative_mutation_names_what_it_leaves(_: &World) -> Result<()> {
    let named: BTreeSet<_> = LEAVES.iter().map(|(field, _)| *field).collect();
    let keepers: BTreeSet<_> = of_keepers().map(|(field, _)| field).collect();
    ensure!(
        named == keepers,
        "an action, or a row in the table of who may do what, lacks for {:?}",
        named.symmetric_difference(&keepers).collect::<Vec<_>>()
    );
    Ok(())
}

/// An administrator whom only this test knows.
fn keeper(world: &World) -> Result<User> {
    let user = world.register("keeper")?;
    let token = tokens::minted(world.shop.secret(), &user.id, "ADMIN")?;
    Ok(User { token, ..user })
}

/// The entries that a filter finds, newest first.
fn found(world: &World, filter: &Value) -> Result<Vec<Value>> {
    let query = "query ($filter: AuditFilter) { auditLog(first: 100, filter: $filter) { edges { node {
        _id time action outcome actor subject detail } } } }";
    let answer = world.shop.graphql(As::Key, query, json!({ "filter": filter }))?;
    answer.column("/auditLog/edges", "/node")
}

/// The one entry that a filter finds, once it is there.
fn entry(world: &World, filter: &Value) -> Result<Value> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let entries = found(world, filter)?;
        if let [entry] = entries.as_slice() {
            return Ok(entry.clone());
        }
        ensure!(
            entries.is_empty() && Instant::now() < deadline,
            "there should be one entry for {filter}: {entries:?}"
        );
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn at<'a>(entry: &'a Value, field: &str) -> &'a str {
    entry.get(field).and_then(Value::as_str).unwrap_or_default()
}

fn leaves(world: &World, mutation: &str, action: &str) -> Result<()> {
    let keeper = keeper(world)?;
    perform(world, mutation, keeper.caller())?;
    let entry = entry(world, &json!({ "actor": keeper.id, "action": action }))?;
    ensure!(at(&entry, "outcome") == "SUCCESS", "{entry}");
    check_time(at(&entry, "time"))?;
    // A batch of an import is of many products.
    ensure!(
        entry.get("subject").is_some_and(Value::is_string) == (mutation != "importProducts"),
        "{entry}"
    );
    ensure!(!entry.to_string().contains("example.com"), "no address: {entry}");
    Ok(())
}

fn entries_are_found_by_actor_subject_action_and_time(world: &World) -> Result<()> {
    let keeper = keeper(world)?;
    let [one, other] = [world.product(1, 1)?, world.product(1, 1)?];
    let query = "mutation ($id: ID!, $delta: Int!) { adjustStock(id: $id, delta: $delta, reason: \"found by Ada\") { _id } }";
    let mut entries = Vec::new();
    for (product, delta) in [(&one, 2), (&other, 3)] {
        let variables = json!({ "id": product, "delta": delta });
        let answer = world.shop.graphql(keeper.caller(), query, variables)?;
        answer.data("/adjustStock/_id")?;
        let of_it = json!({ "actor": keeper.id, "subject": product, "action": "STOCK_ADJUST" });
        let entry = entry(world, &of_it)?;
        ensure!(at(&entry, "detail") == format!("+{delta}"), "{entry}");
        ensure!(found(world, &json!({ "subject": product, "action": "STOCK_SET" }))?.is_empty());
        entries.push(entry);
        // So that no two are of the same millisecond.
        std::thread::sleep(Duration::from_millis(5));
    }
    let [first, second] = entries.as_slice() else {
        anyhow::bail!("there should be two entries");
    };
    let by = |more: Value| {
        let mut filter = json!({ "actor": keeper.id, "action": "STOCK_ADJUST" });
        if let (Some(filter), Some(more)) = (filter.as_object_mut(), more.as_object()) {
            filter.extend(more.clone());
        }
        found(world, &filter)
    };
    let boundary = at(second, "time");
    ensure!(
        by(json!({}))? == [second.clone(), first.clone()],
        "the newest should come first"
    );
    ensure!(
        by(json!({ "since": boundary }))? == [second.clone()],
        "since is inclusive"
    );
    ensure!(
        by(json!({ "until": boundary }))? == [first.clone()],
        "until is exclusive"
    );
    let query = "{ auditLog(filter: { action: NO_SUCH_ACTION }) { edges { cursor } } }";
    let refused = world.shop.query(As::Key, query)?;
    ensure!(refused.reply.text().contains("errors"), "there is no such action");
    Ok(())
}

fn the_export_of_anothers_data_is_logged(world: &World) -> Result<()> {
    let (keeper, user) = (keeper(world)?, world.register("exported")?);
    let query = "query ($id: ID!) { exportUser(id: $id) }";
    for who in [user.caller(), keeper.caller()] {
        let answer = world.shop.graphql(who, query, json!({ "id": user.id }))?;
        answer.data("/exportUser")?;
    }
    let entry = entry(world, &json!({ "subject": user.id, "action": "DATA_EXPORT" }))?;
    ensure!(at(&entry, "actor") == keeper.id, "{entry}");
    Ok(())
}

fn what_customers_do_with_their_own_is_not_logged(world: &World) -> Result<()> {
    let (keeper, user) = (keeper(world)?, world.register("shopper")?);
    let product = world.product(1, 10)?;
    let place = || -> Result<String> {
        let answer = place_order(&world.shop, user.caller(), &[(&product, 1)])?;
        Ok(answer.text("/placeOrder/_id")?.to_owned())
    };
    let [paid, ended, theirs] = [place()?, place()?, place()?];
    pay(world, user.caller(), &paid, "tok_ok")?.text("/payOrder/status")?;
    cancel(world, user.caller(), &ended, "no reason")?.text("/cancelOrder/status")?;
    // What is told later is there later, so that those before it would be there as well.
    cancel(world, keeper.caller(), &theirs, "no reason")?.text("/cancelOrder/status")?;
    let entry = entry(world, &json!({ "subject": theirs }))?;
    ensure!(
        at(&entry, "action") == "ORDER_CANCEL" && at(&entry, "detail") == "pending -> cancelled",
        "{entry}"
    );
    let own = found(world, &json!({ "actor": user.id }))?;
    let first = own.first().context("the registration should be there")?;
    ensure!(own.len() == 1 && at(first, "action") == "REGISTER", "{own:?}");
    for order in [&paid, &ended] {
        ensure!(found(world, &json!({ "subject": order }))?.is_empty(), "{order}");
    }
    Ok(())
}
