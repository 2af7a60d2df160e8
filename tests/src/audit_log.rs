//! The audit log: each administrative action has an entry, and actions of customers on their own data have
//! none.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use libtest_mimic::Trial;
use serde_json::{Value, json};

use crate::authorization::{administrative_mutations, perform};
use crate::fixtures::check_time;
use crate::shop::{As, Shop};
use crate::trials::{component, trial, trials};
use crate::values::set;
use crate::wait::{SOON, eventually};

/// The action that each mutation logs for an administrator. Users may do some of them on their own data.
const ACTIONS: &[(&str, &str)] = &[
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

/// The tests of this area.
pub fn tests(shop: &Arc<Shop>) -> Vec<Trial> {
    let mut tests = trials!(
        shop,
        "audit_log",
        portable = [
            entries_are_found_by_actor_subject_action_and_time,
            customers_actions_on_their_own_data_are_not_logged
        ],
        component = [
            every_administrative_mutation_has_an_expected_entry,
            an_export_of_another_users_data_is_logged
        ]
    );
    let succeeding: BTreeSet<_> = administrative_mutations()
        .filter_map(|(field, succeeds)| succeeds.then_some(field))
        .collect();
    for &(field, action) in ACTIONS.iter().filter(|(field, _)| succeeding.contains(field)) {
        let name = format!("audit_log::{field}_logs_{action}");
        tests.push(component(trial(shop, &name, move |shop| {
            mutation_is_logged(shop, field, action)
        })));
    }
    tests
}

fn every_administrative_mutation_has_an_expected_entry(_: &Shop) -> Result<()> {
    let expected: BTreeSet<_> = ACTIONS.iter().map(|(field, _)| *field).collect();
    let mutations: BTreeSet<_> = administrative_mutations().map(|(field, _)| field).collect();
    ensure!(
        expected == mutations,
        "an action, or a row in the authorization table, is missing for {:?}",
        expected.symmetric_difference(&mutations).collect::<Vec<_>>()
    );
    Ok(())
}

/// Returns the entries that a filter finds, newest first.
fn find(shop: &Shop, filter: &Value) -> Result<Vec<Value>> {
    let query = "query ($filter: AuditFilter) { auditLog(first: 100, filter: $filter) { edges { node {
        _id time action outcome actor subject detail } } } }";
    let answer = shop.graphql(As::Key, query, json!({ "filter": filter }))?;
    answer.column("/auditLog/edges", "/node")
}

/// Waits for the one entry that a filter finds. An entry of another service comes with an event.
fn entry(shop: &Shop, filter: &Value) -> Result<Value> {
    let mut entries = eventually(SOON, format!("there should be one entry for {filter}"), || {
        let entries = find(shop, filter)?;
        ensure!(
            entries.len() < 2,
            "there should be one entry for {filter}: {entries:?}"
        );
        Ok((!entries.is_empty(), entries))
    })?;
    entries.pop().context("there is one entry")
}

fn text<'a>(entry: &'a Value, field: &str) -> &'a str {
    entry.get(field).and_then(Value::as_str).unwrap_or_default()
}

fn mutation_is_logged(shop: &Shop, mutation: &str, action: &str) -> Result<()> {
    let admin = shop.register_admin("admin")?;
    perform(shop, mutation, admin.caller())?;
    let entry = entry(shop, &json!({ "actor": admin.id, "action": action }))?;
    ensure!(text(&entry, "outcome") == "SUCCESS", "{entry}");
    check_time(text(&entry, "time"))?;
    // An import concerns many products, so its entry has no subject.
    ensure!(
        entry.get("subject").is_some_and(Value::is_string) == (mutation != "importProducts"),
        "{entry}"
    );
    ensure!(
        !entry.to_string().contains("example.com"),
        "the entry should not contain an address: {entry}"
    );
    Ok(())
}

fn entries_are_found_by_actor_subject_action_and_time(shop: &Shop) -> Result<()> {
    let admin = shop.register_admin("admin")?;
    let query = "mutation ($id: ID!, $delta: Int!) {
        adjustStock(id: $id, delta: $delta, reason: \"found by Ada\") { _id } }";
    let mut entries = Vec::new();
    for delta in [2, 3] {
        let product = shop.product(1, 1)?;
        let variables = json!({ "id": product, "delta": delta });
        let answer = shop.graphql(admin.caller(), query, variables)?;
        answer.data("/adjustStock/_id")?;
        let filter = json!({ "actor": admin.id, "subject": product, "action": "STOCK_ADJUST" });
        let entry = entry(shop, &filter)?;
        ensure!(text(&entry, "detail") == format!("+{delta}"), "{entry}");
        ensure!(find(shop, &json!({ "subject": product, "action": "STOCK_SET" }))?.is_empty());
        entries.push(entry);
        // The entries should not have the same millisecond.
        std::thread::sleep(Duration::from_millis(5));
    }
    let [first, second] = entries.as_slice() else {
        anyhow::bail!("there should be two entries");
    };
    let filter = json!({ "actor": admin.id, "action": "STOCK_ADJUST" });
    let newest_first = find(shop, &filter)?;
    ensure!(
        newest_first == [second.clone(), first.clone()],
        "the newest entry should be the first: {newest_first:?}"
    );
    // `since` is inclusive, and `until` is exclusive.
    for (bound, expected) in [("since", second), ("until", first)] {
        let mut filter = filter.clone();
        set(&mut filter, bound, json!(text(second, "time")));
        let found = find(shop, &filter)?;
        ensure!(
            found == std::slice::from_ref(expected),
            "{filter} should find {expected}, not {found:?}"
        );
    }
    let query = "{ auditLog(filter: { action: NO_SUCH_ACTION }) { edges { cursor } } }";
    let refused = shop.query(As::Key, query)?;
    refused.expect(
        !refused.errors().is_empty(),
        "an unknown action should be refused",
    )
}

fn an_export_of_another_users_data_is_logged(shop: &Shop) -> Result<()> {
    let (admin, user) = (shop.register_admin("admin")?, shop.register("exported")?);
    let query = "query ($id: ID!) { exportUser(id: $id) }";
    for caller in [user.caller(), admin.caller()] {
        let answer = shop.graphql(caller, query, json!({ "id": user.id }))?;
        answer.data("/exportUser")?;
    }
    let entry = entry(shop, &json!({ "subject": user.id, "action": "DATA_EXPORT" }))?;
    ensure!(text(&entry, "actor") == admin.id, "{entry}");
    Ok(())
}

fn customers_actions_on_their_own_data_are_not_logged(shop: &Shop) -> Result<()> {
    let (admin, user) = (shop.register_admin("admin")?, shop.register("shopper")?);
    let product = shop.product(1, 10)?;
    let place = || shop.order(user.caller(), &[(&product, 1)]);
    let [paid, own, cancelled_by_admin] = [place()?, place()?, place()?];
    shop.pay(user.caller(), &paid, "tok_ok")?
        .text("/payOrder/status")?;
    shop.cancel_order(user.caller(), &own, Some("no reason"))?
        .text("/cancelOrder/status")?;
    // The entry of this last action shows that no entry of the earlier ones is pending.
    shop.cancel_order(admin.caller(), &cancelled_by_admin, Some("no reason"))?
        .text("/cancelOrder/status")?;
    let entry = entry(shop, &json!({ "subject": cancelled_by_admin }))?;
    ensure!(
        text(&entry, "action") == "ORDER_CANCEL" && text(&entry, "detail") == "pending -> cancelled",
        "{entry}"
    );
    let by_user = find(shop, &json!({ "actor": user.id }))?;
    let first = by_user.first().context("the registration should be there")?;
    ensure!(
        by_user.len() == 1 && text(first, "action") == "REGISTER",
        "{by_user:?}"
    );
    for order in [&paid, &own] {
        ensure!(find(shop, &json!({ "subject": order }))?.is_empty(), "{order}");
    }
    Ok(())
}
