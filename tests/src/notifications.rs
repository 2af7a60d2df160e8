//! What the shop writes to people, and what they choose. Nobody here has a verified address, and no SMS can be sent: what is tested is that the
//! shop says so, once for each event.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use libtest_mimic::Trial;
use serde_json::{Value, json};

use crate::answer::Answer;
use crate::client::As;
use crate::concurrency::at_once;
use crate::trials::trials;
use crate::world::{User, World, place_order, unique};

/// How long an event may take to be heard.
const PATIENCE: Duration = Duration::from_secs(60);

/// The tests of this area.
pub fn tests(world: &Arc<World>) -> Vec<Trial> {
    trials!(
        world,
        "notifications",
        [
            each_step_of_an_order_is_told_of_once,
            what_a_user_does_not_want_to_hear_of_is_not_told,
            a_code_for_a_phone_is_skipped_where_no_sms_can_be_sent,
            an_email_of_a_keepers_is_sent_once_for_20_who_ask_at_once,
            what_can_not_be_sent_or_chosen_is_refused,
        ]
    )
}

/// A new user with addresses that nobody has verified.
fn reachable(world: &World) -> Result<User> {
    let user = world.register("reader")?;
    let query = "mutation ($id: ID!, $input: UpdateUserInput!) {
        updateUser(id: $id, version: 1, input: $input) { emailVerified } }";
    let input = json!({ "email": "ada@example.com", "phone": "+4915112345678", "locale": "de" });
    world
        .shop
        .graphql(user.caller(), query, json!({ "id": user.id, "input": input }))?
        .data("/updateUser/emailVerified")?;
    Ok(user)
}

fn order(world: &World, user: &User) -> Result<String> {
    let product = world.product(100, 5)?;
    let answer = place_order(&world.shop, user.caller(), &[(&product, 1)])?;
    Ok(answer.text("/placeOrder/_id")?.to_owned())
}

fn advance(world: &World, order: &str, status: &str) -> Result<()> {
    let query = "mutation ($id: ID!, $status: OrderStatus!) { updateOrderStatus(id: $id, status: $status) { status } }";
    world
        .shop
        .graphql(As::Key, query, json!({ "id": order, "status": status }))?
        .text("/updateOrderStatus/status")?;
    Ok(())
}

/// A user's notifications, newest first, once there is one of this kind. Without the greeting: whether there was an address when its event was
/// heard is not said.
fn notifications(world: &World, user: &User, kind: &str) -> Result<Vec<Value>> {
    let query = "{ notifications(first: 100) { edges { node {
        _id kind medium status orderId userId recipient reason attempts } } } }";
    let deadline = Instant::now() + PATIENCE;
    loop {
        let answer = world.shop.query(user.caller(), query)?;
        let mut list = answer.column("/notifications/edges", "/node")?;
        list.retain(|one| one.get("kind") != Some(&json!("WELCOME")));
        if list.iter().any(|one| one.get("kind") == Some(&json!(kind))) {
            return Ok(list);
        }
        answer.expect(
            Instant::now() < deadline,
            format!("there should be one of {kind}"),
        )?;
        std::thread::sleep(Duration::from_millis(100));
    }
}

fn kinds(list: &[Value]) -> Vec<&str> {
    let mut kinds: Vec<_> = list
        .iter()
        .filter_map(|one| one.get("kind").and_then(Value::as_str))
        .collect();
    kinds.sort_unstable();
    kinds
}

fn each_step_of_an_order_is_told_of_once(world: &World) -> Result<()> {
    let user = reachable(world)?;
    let id = order(world, &user)?;
    for status in ["PAID", "PROCESSING", "SHIPPED"] {
        advance(world, &id, status)?;
    }
    let list = notifications(world, &user, "ORDER_SHIPPED")?;
    ensure!(
        kinds(&list) == ["ORDER_PAID", "ORDER_PLACED", "ORDER_SHIPPED"],
        "each should be there once: {list:?}"
    );
    for one in &list {
        let told = ["medium", "status", "orderId", "userId", "reason"].map(|field| one.get(field).cloned());
        let expected = [
            json!("EMAIL"),
            json!("SKIPPED"),
            json!(id),
            json!(user.id),
            json!("The e-mail address is not verified."),
        ];
        ensure!(told == expected.map(Some), "{one}");
    }
    let other = world.shop.query(
        world.bob()?.caller(),
        "{ notifications(first: 100) { edges { node { userId } } } }",
    )?;
    let seen = other.column("/notifications/edges", "/node/userId")?;
    ensure!(!seen.contains(&json!(user.id)), "nobody sees another's: {seen:?}");
    Ok(())
}

fn what_a_user_does_not_want_to_hear_of_is_not_told(world: &World) -> Result<()> {
    let user = reachable(world)?;
    let choose = "mutation ($choices: [NotificationPreferenceInput!]!) {
        updateNotificationPreferences(preferences: $choices) { kind medium enabled } }";
    let choice = json!({ "kind": "ORDER_PLACED", "medium": "EMAIL", "enabled": false });
    let chosen = world
        .shop
        .graphql(user.caller(), choose, json!({ "choices": [choice] }))?;
    let chosen = chosen.list("/updateNotificationPreferences")?.to_vec();
    ensure!(chosen.contains(&choice), "{chosen:?}");
    let read = world.shop.query(
        user.caller(),
        "{ notificationPreferences { kind medium enabled } }",
    )?;
    read.expect(
        read.list("/notificationPreferences")? == chosen,
        "what was chosen should be kept",
    )?;
    let id = order(world, &user)?;
    advance(world, &id, "PAID")?;
    let list = notifications(world, &user, "ORDER_PAID")?;
    ensure!(kinds(&list) == ["ORDER_PAID"], "{list:?}");
    Ok(())
}

fn a_code_for_a_phone_is_skipped_where_no_sms_can_be_sent(world: &World) -> Result<()> {
    let user = reachable(world)?;
    world
        .shop
        .query(
            user.caller(),
            "mutation { requestVerification(channel: PHONE) { expiresAt } }",
        )?
        .text("/requestVerification/expiresAt")?;
    let list = notifications(world, &user, "VERIFICATION_CODE")?;
    let [code] = list.as_slice() else {
        anyhow::bail!("there should be one: {list:?}");
    };
    ensure!(
        (code.get("medium"), code.get("status")) == (Some(&json!("SMS")), Some(&json!("SKIPPED"))),
        "{code}"
    );
    let retry = "mutation ($id: ID!) { retryNotification(id: $id) { status } }";
    let id = code.get("_id").context("an id")?;
    world
        .shop
        .graphql(As::Key, retry, json!({ "id": id }))?
        .refused("CONFLICT")?;
    Ok(())
}

fn send(world: &World, key: &str) -> Result<Answer> {
    let query =
        "mutation ($input: SendEmailInput!) { sendEmail(input: $input) { _id status attempts recipient } }";
    let input = json!({
        "to": "ada@example.com", "subject": "News", "text": "There is news.", "html": "<p>There is news.</p>",
        "idempotencyKey": key,
    });
    world.shop.graphql(As::Key, query, json!({ "input": input }))
}

fn an_email_of_a_keepers_is_sent_once_for_20_who_ask_at_once(world: &World) -> Result<()> {
    let key = unique("news");
    for answer in at_once(20, |_| send(world, &key))? {
        // Who comes while it is being sent, is told so.
        if !answer.codes().is_empty() {
            answer.refused("UNAVAILABLE")?;
        }
    }
    let sent = send(world, &key)?;
    ensure!(
        (
            sent.text("/sendEmail/status")?,
            sent.int("/sendEmail/attempts")?,
            sent.text("/sendEmail/recipient")?
        ) == ("SENT", 1, "a…@example.com"),
        "it should be sent once"
    );
    Ok(())
}

fn what_can_not_be_sent_or_chosen_is_refused(world: &World) -> Result<()> {
    for (field, input) in [
        ("to", json!({ "to": "ada", "subject": "News", "text": "News" })),
        (
            "subject",
            json!({ "to": "ada@example.com", "subject": " ", "text": "News" }),
        ),
        (
            "text",
            json!({ "to": "ada@example.com", "subject": "News", "text": "" }),
        ),
    ] {
        let query = "mutation ($input: SendEmailInput!) { sendEmail(input: $input) { _id } }";
        world
            .shop
            .graphql(As::Key, query, json!({ "input": input }))?
            .bad_input(field)?;
    }
    let choose = "mutation { updateNotificationPreferences(preferences: [{ kind: VERIFICATION_CODE, medium: SMS, enabled: false }]) { kind } }";
    world
        .shop
        .query(world.ada()?.caller(), choose)?
        .bad_input("preferences[0].kind")?;
    Ok(())
}
