//! Notifications and the preferences of users. The users here have no verified address, and the shop under
//! test sends no SMS. So the tests check that the shop records this once for each event.

use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use libtest_mimic::Trial;
use serde_json::{Value, json};

use crate::fixtures::unique;
use crate::graphql::GraphqlResponse;
use crate::parallel::at_once;
use crate::shop::{As, Shop, User};
use crate::trials::trials;
use crate::values::set;
use crate::wait::{LATER, eventually};

/// The tests of this area.
pub fn tests(shop: &Arc<Shop>) -> Vec<Trial> {
    trials!(
        shop,
        "notifications",
        portable = [
            each_step_of_an_order_creates_one_notification,
            of_20_requests_with_one_key_exactly_one_sends_the_email
        ],
        component = [
            a_disabled_kind_creates_no_notification,
            a_phone_code_is_skipped_without_an_sms_provider,
            invalid_messages_and_preferences_are_refused
        ]
    )
}

/// Registers a user with addresses that are not verified.
fn user(shop: &Shop) -> Result<User> {
    let user = shop.register("reader")?;
    let input = json!({ "email": "ada@example.com", "phone": "+4915112345678", "locale": "de" });
    shop.update_profile(&user, 1, input)?
        .data("/updateUser/emailVerified")?;
    Ok(user)
}

fn order(shop: &Shop, user: &User) -> Result<String> {
    shop.order(user.caller(), &[(&shop.product(100, 5)?, 1)])
}

/// Waits for a notification of this kind, and returns all notifications of a user, newest first.
///
/// The greeting is left out, since its status depends on whether the user already had an address.
fn notifications(shop: &Shop, user: &User, kind: &str) -> Result<Vec<Value>> {
    let query = "{ notifications(first: 100) { edges { node {
        _id kind medium status orderId userId recipient reason attempts } } } }";
    eventually(LATER, format!("there should be a notification {kind}"), || {
        let answer = shop.query(user.caller(), query)?;
        let mut list = answer.column("/notifications/edges", "/node")?;
        list.retain(|one| one.get("kind") != Some(&json!("WELCOME")));
        let found = list.iter().any(|one| one.get("kind") == Some(&json!(kind)));
        Ok((found, list))
    })
}

/// Returns the kinds of notifications in alphabetical order.
fn kinds(list: &[Value]) -> Vec<&str> {
    let mut kinds: Vec<_> = list
        .iter()
        .filter_map(|one| one.get("kind").and_then(Value::as_str))
        .collect();
    kinds.sort_unstable();
    kinds
}

fn each_step_of_an_order_creates_one_notification(shop: &Shop) -> Result<()> {
    let user = user(shop)?;
    let id = order(shop, &user)?;
    for status in ["PAID", "PROCESSING", "SHIPPED"] {
        shop.move_order(&id, status)?;
    }
    let list = notifications(shop, &user, "ORDER_SHIPPED")?;
    ensure!(
        kinds(&list) == ["ORDER_PAID", "ORDER_PLACED", "ORDER_SHIPPED"],
        "each step should have one notification: {list:?}"
    );
    for one in &list {
        let found = ["medium", "status", "orderId", "userId", "reason"].map(|field| one.get(field).cloned());
        let expected = [
            json!("EMAIL"),
            json!("SKIPPED"),
            json!(id),
            json!(user.id),
            json!("The e-mail address is not verified."),
        ];
        ensure!(found == expected.map(Some), "{one}");
    }
    let query = "{ notifications(first: 100) { edges { node { userId } } } }";
    let other = shop.query(shop.bob()?.caller(), query)?;
    let users = other.column("/notifications/edges", "/node/userId")?;
    ensure!(
        !users.contains(&json!(user.id)),
        "another user should not see the notifications: {users:?}"
    );
    Ok(())
}

fn a_disabled_kind_creates_no_notification(shop: &Shop) -> Result<()> {
    let user = user(shop)?;
    let query = "mutation ($preferences: [NotificationPreferenceInput!]!) {
        updateNotificationPreferences(preferences: $preferences) { kind medium enabled } }";
    let preference = json!({ "kind": "ORDER_PLACED", "medium": "EMAIL", "enabled": false });
    let updated = shop.graphql(user.caller(), query, json!({ "preferences": [preference] }))?;
    updated.column_contains("/updateNotificationPreferences", "", preference)?;
    let read = shop.query(
        user.caller(),
        "{ notificationPreferences { kind medium enabled } }",
    )?;
    read.has(
        "/notificationPreferences",
        updated.data("/updateNotificationPreferences")?,
    )?;
    let id = order(shop, &user)?;
    shop.move_order(&id, "PAID")?;
    let list = notifications(shop, &user, "ORDER_PAID")?;
    ensure!(kinds(&list) == ["ORDER_PAID"], "{list:?}");
    Ok(())
}

fn a_phone_code_is_skipped_without_an_sms_provider(shop: &Shop) -> Result<()> {
    let user = user(shop)?;
    shop.request_verification(&user, "PHONE")?
        .text("/requestVerification/expiresAt")?;
    let list = notifications(shop, &user, "VERIFICATION_CODE")?;
    let [code] = list.as_slice() else {
        anyhow::bail!("there should be one notification: {list:?}");
    };
    ensure!(
        (code.get("medium"), code.get("status")) == (Some(&json!("SMS")), Some(&json!("SKIPPED"))),
        "{code}"
    );
    let retry = "mutation ($id: ID!) { retryNotification(id: $id) { status } }";
    let id = code.get("_id").context("a notification has an id")?;
    shop.graphql(As::Key, retry, json!({ "id": id }))?
        .refused("CONFLICT")?;
    Ok(())
}

fn send(shop: &Shop, key: &str) -> Result<GraphqlResponse> {
    let query =
        "mutation ($input: SendEmailInput!) { sendEmail(input: $input) { _id status attempts recipient } }";
    let input = json!({
        "to": "ada@example.com", "subject": "News", "text": "There is news.", "html": "<p>There is news.</p>",
        "idempotencyKey": key,
    });
    shop.graphql(As::Key, query, json!({ "input": input }))
}

fn of_20_requests_with_one_key_exactly_one_sends_the_email(shop: &Shop) -> Result<()> {
    let key = unique("news");
    for answer in at_once(20, |_| send(shop, &key))? {
        // A request during the sending is refused.
        if !answer.codes().is_empty() {
            answer.refused("UNAVAILABLE")?;
        }
    }
    let sent = send(shop, &key)?;
    sent.has("/sendEmail/status", "SENT")?;
    sent.has("/sendEmail/attempts", 1)?;
    sent.has("/sendEmail/recipient", "a…@example.com")
}

fn invalid_messages_and_preferences_are_refused(shop: &Shop) -> Result<()> {
    for (field, invalid) in [("to", "ada"), ("subject", " "), ("text", "")] {
        let mut input = json!({ "to": "ada@example.com", "subject": "News", "text": "News" });
        set(&mut input, field, json!(invalid));
        let query = "mutation ($input: SendEmailInput!) { sendEmail(input: $input) { _id } }";
        shop.graphql(As::Key, query, json!({ "input": input }))?
            .bad_input(field)?;
    }
    let query = "mutation { updateNotificationPreferences(preferences: [
        { kind: VERIFICATION_CODE, medium: SMS, enabled: false }]) { kind } }";
    shop.query(shop.ada()?.caller(), query)?
        .bad_input("preferences[0].kind")?;
    Ok(())
}
