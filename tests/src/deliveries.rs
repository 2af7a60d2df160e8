//! Webhooks, as who receives them sees them: in a shop that may send to this machine.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use hmac::{Hmac, Mac};
use libtest_mimic::Trial;
use serde_json::{Value, json};
use sha2::Sha256;

use crate::client::As;
use crate::configured::{Configured, Host, configured_trials};
use crate::listener::{Listener, Received};
use crate::own::Home;
use crate::payments::{pay, refund};
use crate::tokens::now;
use crate::world::{World, place_order};

const CREATED: &str = "mercato.catalog.product-created";
const REFUNDED: &str = "mercato.payments.payment-refunded";
/// How long what is sent at once may take.
const SOON: Duration = Duration::from_secs(60);
/// How long the second attempt may take: it is made after ten seconds.
const LATER: Duration = Duration::from_secs(90);
/// How long nothing may come, to be sure that nothing does.
const NEVER: Duration = Duration::from_secs(3);

/// The tests of this area.
pub fn tests() -> Vec<Trial> {
    configured_trials!(
        "deliveries",
        [
            a_delivery_is_signed_made_again_and_replayed,
            of_each_refund_a_webhook_hears,
            who_is_gone_is_sent_nothing_more,
        ]
    )
}

/// A shop that may send to a listener.
fn start(home: &Home, host: &Host, listener: &Listener) -> Result<(Configured, World)> {
    let settings = [
        ("MERCATO_ENVIRONMENT", "development"),
        ("PAYMENT_GATEWAY", "test"),
        ("HTTP_CLIENT_HOSTS", &*listener.address),
    ];
    let running = host.start(home, &settings)?;
    let world = World::new(running.shop());
    Ok((running, world))
}

/// A webhook of such events: its id, and the secret that it is signed with.
fn webhook(world: &World, listener: &Listener, events: &str) -> Result<(String, String)> {
    let query = "mutation ($url: String!, $events: [String!]!) {
        createWebhook(input: { url: $url, events: $events }) { webhook { _id } signingSecret } }";
    let variables =
        json!({ "url": format!("http://{}/in?by=mercato", listener.address), "events": [events] });
    let made = world.shop.graphql(As::Key, query, variables)?;
    Ok((
        made.text("/createWebhook/webhook/_id")?.to_owned(),
        made.text("/createWebhook/signingSecret")?.to_owned(),
    ))
}

/// The deliveries to a webhook, once the newest is no longer on its way.
fn deliveries(world: &World, webhook: &str, limit: Duration) -> Result<Vec<Value>> {
    let query = "query ($id: ID!) { webhookDeliveries(webhookId: $id) { edges { node {
        _id eventId status attempts responseStatus failure } } } }";
    let deadline = std::time::Instant::now() + limit;
    loop {
        let answer = world.shop.graphql(As::Key, query, json!({ "id": webhook }))?;
        let list = answer.column("/webhookDeliveries/edges", "/node")?;
        if list
            .first()
            .is_some_and(|delivery| delivery.get("status") != Some(&json!("PENDING")))
        {
            return Ok(list);
        }
        answer.expect(
            std::time::Instant::now() < deadline,
            "the newest should not stay on its way",
        )?;
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Whether a request is signed by a secret, and lately; as the README tells those who receive it.
fn is_signed_by(request: &Received, secret: &str) -> Result<bool> {
    let header = request.header("mercato-signature")?;
    let parts: Vec<_> = header
        .split(',')
        .filter_map(|part| part.split_once('='))
        .collect();
    let time = parts.iter().find(|(name, _)| *name == "t");
    let (_, seconds) = time.context("a signature has a time")?;
    ensure!(
        now().abs_diff(seconds.parse()?) < 300,
        "the time should be that of the attempt: {header}"
    );
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes())?;
    mac.update(format!("{seconds}.").as_bytes());
    mac.update(&request.body);
    let expected = format!("{:x}", mac.finalize().into_bytes());
    Ok(parts
        .iter()
        .any(|(name, value)| *name == "v1" && *value == expected))
}

fn a_delivery_is_signed_made_again_and_replayed(host: &Host) -> Result<()> {
    let listener = Listener::start(|before, _| (if before == 0 { 500 } else { 200 }, json!({})))?;
    let home = Home::new()?;
    let (running, world) = start(&home, host, &listener)?;
    let (webhook, secret) = webhook(&world, &listener, CREATED)?;
    let product = world.product(1250, 1)?;

    let delivered = deliveries(&world, &webhook, LATER)?;
    let requests = listener.receives(2, SOON)?;
    let [first, second] = requests.as_slice() else {
        anyhow::bail!("two should come: {requests:?}");
    };
    ensure!(
        second.at.duration_since(first.at) >= Duration::from_secs(9),
        "the second attempt should be made after ten seconds"
    );
    let event: Value = serde_json::from_slice(&first.body)?;
    ensure!(
        event.get("type") == Some(&json!(CREATED))
            && event.pointer("/data/productId") == Some(&json!(product))
            && event.get("id") == Some(&json!(first.header("mercato-event-id")?)),
        "it should tell of the new product: {event}"
    );
    ensure!(
        first.body == second.body
            && first.header("mercato-event-id")? == second.header("mercato-event-id")?,
        "both should tell the same"
    );
    for (request, attempt) in [(first, "1"), (second, "2")] {
        ensure!(request.line == "POST /in?by=mercato", "{}", request.line);
        ensure!(
            request.header("content-type")? == "application/json",
            "it is JSON"
        );
        ensure!(
            request.header("mercato-delivery-attempt")? == attempt,
            "it is attempt {attempt}"
        );
        ensure!(
            is_signed_by(request, &secret)?,
            "the secret should fit: {request:?}"
        );
        ensure!(
            !is_signed_by(request, &format!("{secret}0"))?,
            "another secret should not"
        );
        let mut other = request.clone();
        other.body.push(b' ');
        ensure!(!is_signed_by(&other, &secret)?, "another body should not fit");
    }

    let [delivery] = delivered.as_slice() else {
        anyhow::bail!("there should be one: {delivered:?}");
    };
    let told = ["status", "attempts", "responseStatus", "failure"].map(|name| delivery.get(name).cloned());
    ensure!(
        told == [json!("DELIVERED"), json!(2), json!(200), Value::Null].map(Some),
        "{delivery}"
    );
    replayed_by_another_secret(&world, &listener, &webhook, &secret, delivery)?;
    std::thread::sleep(NEVER);
    ensure!(listener.received().len() == 3, "nothing else should come");
    running.stop()
}

/// The operator has another secret made, and the delivery made again: for a day, both secrets fit.
fn replayed_by_another_secret(
    world: &World,
    listener: &Listener,
    webhook: &str,
    secret: &str,
    delivery: &Value,
) -> Result<()> {
    let query = "mutation ($id: ID!) { rotateWebhookSecret(id: $id) { signingSecret } }";
    let rotated = world.shop.graphql(As::Key, query, json!({ "id": webhook }))?;
    let query = "mutation ($id: ID!) { replayWebhookDelivery(id: $id) { status } }";
    let again = world
        .shop
        .graphql(As::Key, query, json!({ "id": delivery.get("_id") }))?;
    again.text("/replayWebhookDelivery/status")?;
    let requests = listener.receives(3, SOON)?;
    let [.., before, again] = requests.as_slice() else {
        anyhow::bail!("three should come: {requests:?}");
    };
    ensure!(
        before.body == again.body
            && again.header("mercato-event-id")? == before.header("mercato-event-id")?,
        "it should tell the same again"
    );
    for secret in [secret, rotated.text("/rotateWebhookSecret/signingSecret")?] {
        ensure!(is_signed_by(again, secret)?, "both secrets should fit: {again:?}");
    }
    Ok(())
}

fn of_each_refund_a_webhook_hears(host: &Host) -> Result<()> {
    let listener = Listener::start(|_, _| (200, json!({})))?;
    let home = Home::new()?;
    let (running, world) = start(&home, host, &listener)?;
    webhook(&world, &listener, REFUNDED)?;
    let customer = world.register("payer")?;
    let product = world.product(100, 1)?;
    let order = place_order(&world.shop, customer.caller(), &[(&product, 1)])?;
    let id = order.text("/placeOrder/_id")?;
    pay(&world, customer.caller(), id, "tok_ok")?.text("/payOrder/status")?;
    for (part, amount, refunded) in [(Some(40), 40, 40), (None, 60, 100)] {
        let before = listener.received().len();
        refund(&world, id, part)?.int("/refundPayment/refunded")?;
        let requests = listener.receives(before + 1, SOON)?;
        let event: Value = serde_json::from_slice(&requests.last().context("one should come")?.body)?;
        let told =
            ["orderId", "amount", "refunded", "paid"].map(|name| event.pointer(&format!("/data/{name}")));
        let expected = [json!(id), json!(amount), json!(refunded), json!(100)];
        ensure!(told == expected.each_ref().map(Some), "{event}");
    }
    running.stop()
}

fn who_is_gone_is_sent_nothing_more(host: &Host) -> Result<()> {
    let listener = Listener::start(|_, _| (410, json!({})))?;
    let home = Home::new()?;
    let (running, world) = start(&home, host, &listener)?;
    let (webhook, _) = webhook(&world, &listener, CREATED)?;
    world.product(1, 1)?;
    listener.receives(1, SOON)?;
    let delivered = deliveries(&world, &webhook, SOON)?;
    ensure!(
        delivered
            .iter()
            .all(|delivery| delivery.get("status") == Some(&json!("FAILED"))),
        "{delivered:?}"
    );
    let listed = world
        .shop
        .query(As::Key, "{ webhooks { _id enabled disabledReason } }")?;
    let is_it = |one: &&Value| one.get("_id") == Some(&json!(webhook));
    let found = listed.list("/webhooks")?.iter().find(is_it);
    ensure!(
        found.is_some_and(|found| found.get("enabled") == Some(&json!(false))
            && found.get("disabledReason").is_some_and(Value::is_string)),
        "{found:?}"
    );
    world.product(1, 1)?;
    std::thread::sleep(NEVER);
    ensure!(listener.received().len() == 1, "who is gone should be left alone");
    running.stop()
}
