//! Webhook deliveries as the receiver sees them, in a shop that may send requests to this machine.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use hmac::{Hmac, Mac};
use libtest_mimic::Trial;
use serde_json::{Value, json};
use sha2::Sha256;

use crate::configured::{Configured, Host, configured_trials};
use crate::listener::{Listener, Received};
use crate::process::Home;
use crate::shop::{As, Shop};
use crate::tokens::now;
use crate::values::text_at;
use crate::wait::{LATER, QUIET, eventually};

const CREATED: &str = "mercato.catalog.product-created";
const REFUNDED: &str = "mercato.payments.payment-refunded";
/// The time limit for the second attempt, which is made after ten seconds.
const RETRY: Duration = Duration::from_secs(90);

/// The tests of this area.
pub fn tests() -> Vec<Trial> {
    configured_trials!(
        "webhook_deliveries",
        portable = [
            a_delivery_is_signed_retried_and_replayed,
            each_refund_is_delivered,
            a_webhook_that_answers_gone_is_disabled
        ]
    )
}

/// Starts a shop that may send requests to a listener.
fn start(home: &Home, host: &Host, listener: &Listener) -> Result<(Configured, Shop)> {
    let settings = [
        ("MERCATO_ENVIRONMENT", "development"),
        ("PAYMENT_GATEWAY", "test"),
        ("HTTP_CLIENT_HOSTS", &*listener.address),
    ];
    let running = host.start(home, &settings)?;
    let shop = running.shop();
    Ok((running, shop))
}

/// Creates a webhook for an event type and returns its id and its signing secret.
fn webhook(shop: &Shop, listener: &Listener, event: &str) -> Result<(String, String)> {
    let query = "mutation ($url: String!, $events: [String!]!) {
        createWebhook(input: { url: $url, events: $events }) { webhook { _id } signingSecret } }";
    let url = format!("http://{}/in?by=mercato", listener.address);
    let created = shop.graphql(As::Key, query, json!({ "url": url, "events": [event] }))?;
    Ok((
        created.text("/createWebhook/webhook/_id")?.to_owned(),
        created.text("/createWebhook/signingSecret")?.to_owned(),
    ))
}

/// Waits until the newest delivery to a webhook is not pending, and returns all deliveries.
fn deliveries(shop: &Shop, webhook: &str) -> Result<Vec<Value>> {
    let query = "query ($id: ID!) { webhookDeliveries(webhookId: $id) { edges { node {
        _id eventId status attempts responseStatus failure } } } }";
    eventually(RETRY, "the newest delivery should not stay pending", || {
        let answer = shop.graphql(As::Key, query, json!({ "id": webhook }))?;
        let deliveries = answer.column("/webhookDeliveries/edges", "/node")?;
        let newest = deliveries.first().and_then(|delivery| delivery.get("status"));
        let finished = newest.is_some_and(|status| status != "PENDING");
        Ok((finished, deliveries))
    })
}

/// Returns whether a secret has signed a request within the last minutes, by the check that the documentation
/// recommends.
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
        "the signature should have the time of the attempt: {header}"
    );
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes())?;
    mac.update(format!("{seconds}.").as_bytes());
    mac.update(&request.body);
    let expected = format!("{:x}", mac.finalize().into_bytes());
    Ok(parts.contains(&("v1", &expected)))
}

/// Fails unless two requests deliver the same event.
fn is_same_event(one: &Received, other: &Received) -> Result<()> {
    ensure!(
        one.body == other.body && one.header("mercato-event-id")? == other.header("mercato-event-id")?,
        "both requests should deliver the same event: {one:?} {other:?}"
    );
    Ok(())
}

fn a_delivery_is_signed_retried_and_replayed(host: &Host) -> Result<()> {
    let listener = Listener::start(|before, _| (if before == 0 { 500 } else { 200 }, json!({})))?;
    let home = Home::new()?;
    let (running, shop) = start(&home, host, &listener)?;
    let (webhook, secret) = webhook(&shop, &listener, CREATED)?;
    let product = shop.product(1250, 1)?;

    let deliveries = deliveries(&shop, &webhook)?;
    let requests = listener.receives(2, LATER)?;
    let [first, second] = requests.as_slice() else {
        anyhow::bail!("two requests should arrive: {requests:?}");
    };
    ensure!(
        second.at.duration_since(first.at) >= Duration::from_secs(9),
        "the second attempt should be made after ten seconds"
    );
    let event: Value = serde_json::from_slice(&first.body)?;
    ensure!(
        text_at(&event, "/type")? == CREATED
            && text_at(&event, "/data/productId")? == product
            && text_at(&event, "/id")? == first.header("mercato-event-id")?,
        "the event should be about the new product: {event}"
    );
    is_same_event(first, second)?;
    for (request, attempt) in [(first, "1"), (second, "2")] {
        ensure!(
            request.line == "POST /in?by=mercato"
                && request.header("content-type")? == "application/json"
                && request.header("mercato-delivery-attempt")? == attempt,
            "attempt {attempt} should have its line and headers: {request:?}"
        );
        let mut other = request.clone();
        other.body.push(b' ');
        ensure!(
            is_signed_by(request, &secret)?
                && !is_signed_by(request, &format!("{secret}0"))?
                && !is_signed_by(&other, &secret)?,
            "only this secret should have signed only this body: {request:?}"
        );
    }

    let [delivery] = deliveries.as_slice() else {
        anyhow::bail!("there should be one delivery: {deliveries:?}");
    };
    let outcome = ["status", "attempts", "responseStatus", "failure"].map(|name| delivery.get(name).cloned());
    ensure!(
        outcome == [json!("DELIVERED"), json!(2), json!(200), Value::Null].map(Some),
        "{delivery}"
    );
    check_replay(&shop, &listener, &webhook, &secret, delivery)?;
    std::thread::sleep(QUIET);
    ensure!(listener.received().len() == 3, "no other request should arrive");
    running.stop()
}

/// Rotates the secret, replays the delivery, and checks both signatures. The old secret stays valid for a
/// day.
fn check_replay(
    shop: &Shop,
    listener: &Listener,
    webhook: &str,
    secret: &str,
    delivery: &Value,
) -> Result<()> {
    let query = "mutation ($id: ID!) { rotateWebhookSecret(id: $id) { signingSecret } }";
    let rotated = shop.graphql(As::Key, query, json!({ "id": webhook }))?;
    let query = "mutation ($id: ID!) { replayWebhookDelivery(id: $id) { status } }";
    shop.graphql(As::Key, query, json!({ "id": delivery.get("_id") }))?
        .text("/replayWebhookDelivery/status")?;
    let requests = listener.receives(3, LATER)?;
    let [.., before, again] = requests.as_slice() else {
        anyhow::bail!("three requests should arrive: {requests:?}");
    };
    is_same_event(before, again)?;
    for secret in [secret, rotated.text("/rotateWebhookSecret/signingSecret")?] {
        ensure!(
            is_signed_by(again, secret)?,
            "both secrets should have signed the request: {again:?}"
        );
    }
    Ok(())
}

fn each_refund_is_delivered(host: &Host) -> Result<()> {
    let listener = Listener::start(|_, _| (200, json!({})))?;
    let home = Home::new()?;
    let (running, shop) = start(&home, host, &listener)?;
    webhook(&shop, &listener, REFUNDED)?;
    let customer = shop.register("payer")?;
    let id = shop.order(customer.caller(), &[(&shop.product(100, 1)?, 1)])?;
    shop.pay(customer.caller(), &id, "tok_ok")?
        .text("/payOrder/status")?;
    for (part, amount, refunded) in [(Some(40), 40, 40), (None, 60, 100)] {
        let before = listener.received().len();
        shop.refund(&id, part)?.int("/refundPayment/refunded")?;
        let requests = listener.receives(before + 1, LATER)?;
        let request = requests.last().context("a request has arrived")?;
        let event: Value = serde_json::from_slice(&request.body)?;
        let data =
            ["orderId", "amount", "refunded", "paid"].map(|name| event.pointer(&format!("/data/{name}")));
        let expected = [json!(id), json!(amount), json!(refunded), json!(100)];
        ensure!(data == expected.each_ref().map(Some), "{event}");
    }
    running.stop()
}

fn a_webhook_that_answers_gone_is_disabled(host: &Host) -> Result<()> {
    let listener = Listener::start(|_, _| (410, json!({})))?;
    let home = Home::new()?;
    let (running, shop) = start(&home, host, &listener)?;
    let (webhook, _) = webhook(&shop, &listener, CREATED)?;
    shop.product(1, 1)?;
    listener.receives(1, LATER)?;
    let deliveries = deliveries(&shop, &webhook)?;
    let failed = |delivery: &Value| delivery.get("status") == Some(&json!("FAILED"));
    ensure!(deliveries.iter().all(failed), "{deliveries:?}");
    let listed = shop.query(As::Key, "{ webhooks { _id enabled disabledReason } }")?;
    let is_it = |one: &&Value| one.get("_id") == Some(&json!(webhook));
    let found = listed.list("/webhooks")?.iter().find(is_it);
    ensure!(
        found.is_some_and(|found| found.get("enabled") == Some(&json!(false))
            && found.get("disabledReason").is_some_and(Value::is_string)),
        "the webhook should be disabled with a reason: {found:?}"
    );
    shop.product(1, 1)?;
    std::thread::sleep(QUIET);
    ensure!(
        listener.received().len() == 1,
        "no request should arrive at a disabled webhook"
    );
    running.stop()
}
