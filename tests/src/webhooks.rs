//! Webhooks to a host that does not exist, so that all deliveries fail. `HTTP_CLIENT_HOSTS` of the shop under
//! test lists it.

use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use libtest_mimic::Trial;
use serde_json::{Value, json};

use crate::graphql::GraphqlResponse;
use crate::shop::{As, Shop};
use crate::trials::trials;
use crate::wait::{SOON, eventually};

const CREATED: &str = "mercato.catalog.product-created";

/// The tests of this area.
pub fn tests(shop: &Arc<Shop>) -> Vec<Trial> {
    trials!(
        shop,
        "webhooks",
        portable = [
            a_failed_delivery_is_retried_and_replayed,
            a_host_that_may_not_be_called_is_refused
        ],
        component = [a_signing_secret_is_shown_once, invalid_webhooks_are_refused]
    )
}

fn create(shop: &Shop, url: &str, events: &[&str]) -> Result<GraphqlResponse> {
    let query = "mutation ($url: String!, $events: [String!]!) {
        createWebhook(input: { url: $url, events: $events }) { webhook { _id url events enabled } signingSecret } }";
    let variables = json!({ "url": url, "events": events });
    shop.graphql(As::Key, query, variables)
}

/// Creates a webhook for new products and returns its id. The test has to delete it.
pub fn webhook(shop: &Shop) -> Result<String> {
    let answer = create(shop, "https://webhooks.example/in", &[CREATED])?;
    Ok(answer.text("/createWebhook/webhook/_id")?.to_owned())
}

/// Deletes a webhook. A webhook that is already deleted is no failure.
pub fn delete(shop: &Shop, id: &str) -> Result<()> {
    let query = "mutation ($id: ID!) { deleteWebhook(id: $id) { _id } }";
    shop.graphql(As::Key, query, json!({ "id": id })).map(drop)
}

/// Waits for a delivery to a webhook that matches, and returns it.
fn matching(shop: &Shop, webhook: &str, matches: impl Fn(&Value) -> bool) -> Result<Value> {
    let query = "query ($id: ID!) { webhookDeliveries(webhookId: $id) { edges { node {
        _id webhookId eventId type payload status attempts nextAttemptAt failure } } } }";
    let deliveries = eventually(SOON, "a delivery should match", || {
        let answer = shop.graphql(As::Key, query, json!({ "id": webhook }))?;
        let found = answer.column("/webhookDeliveries/edges", "/node")?;
        Ok((found.iter().any(&matches), found))
    })?;
    deliveries.into_iter().find(matches).context("a delivery matches")
}

fn at<'a>(value: &'a Value, field: &str) -> &'a Value {
    value.get(field).unwrap_or(&Value::Null)
}

/// Waits for the first attempt of a delivery to a webhook of [`webhook`], and returns the delivery's id.
pub fn delivery(shop: &Shop, webhook: &str) -> Result<String> {
    shop.product(1, 1)?;
    let delivery = matching(shop, webhook, |delivery| {
        at(delivery, "attempts").as_u64() >= Some(1)
    })?;
    Ok(at(&delivery, "_id").as_str().unwrap_or_default().to_owned())
}

fn a_failed_delivery_is_retried_and_replayed(shop: &Shop) -> Result<()> {
    let id = webhook(shop)?;
    let product = shop.product(1, 1)?;
    let is_it = |delivery: &Value, attempts: u64| {
        let payload = at(delivery, "payload").as_str().unwrap_or_default();
        payload.contains(&product) && at(delivery, "attempts").as_u64() >= Some(attempts)
    };
    let delivery = matching(shop, &id, |delivery| is_it(delivery, 1))?;
    ensure!(
        at(&delivery, "type") == CREATED
            && at(&delivery, "webhookId") == id.as_str()
            && at(&delivery, "status") == "PENDING",
        "{delivery}"
    );
    ensure!(
        at(&delivery, "failure").is_string() && at(&delivery, "nextAttemptAt").is_string(),
        "{delivery}"
    );
    let payload: Value = serde_json::from_str(at(&delivery, "payload").as_str().unwrap_or_default())?;
    ensure!(
        at(&payload, "id") == at(&delivery, "eventId")
            && at(&payload, "type") == CREATED
            && at(&payload, "created").is_u64(),
        "{payload}"
    );
    let replay = "mutation ($id: ID!) { replayWebhookDelivery(id: $id) { status } }";
    let variables = json!({ "id": at(&delivery, "_id") });
    let answer = shop.graphql(As::Key, replay, variables.clone())?;
    answer.has("/replayWebhookDelivery/status", "PENDING")?;
    matching(shop, &id, |delivery| is_it(delivery, 2))?;
    delete(shop, &id)?;
    shop.graphql(As::Key, replay, variables)?
        .refused("INVALID_TRANSITION")
        .map(drop)
}

fn a_signing_secret_is_shown_once(shop: &Shop) -> Result<()> {
    let created = create(shop, "https://webhooks.example/in", &["mercato.payments.*"])?;
    let id = created.text("/createWebhook/webhook/_id")?;
    let secret = created.text("/createWebhook/signingSecret")?;
    ensure!(
        secret.len() == 70 && secret.starts_with("whsec_"),
        "the secret should have 256 bits"
    );
    let query = "mutation ($id: ID!) { rotateWebhookSecret(id: $id) { signingSecret } }";
    let rotated = shop.graphql(As::Key, query, json!({ "id": id }))?;
    ensure!(
        rotated.text("/rotateWebhookSecret/signingSecret")? != secret,
        "the secret should change"
    );
    let query = "mutation ($id: ID!) { updateWebhook(id: $id, input: { enabled: false }) { enabled url } }";
    let updated = shop.graphql(As::Key, query, json!({ "id": id }))?;
    updated.has(
        "/updateWebhook",
        json!({ "enabled": false, "url": "https://webhooks.example/in" }),
    )?;
    let expected = json!({ "_id": id, "events": ["mercato.payments.*"], "enabled": false });
    shop.query(As::Key, "{ webhooks { _id events enabled } }")?
        .column_contains("/webhooks", "", expected)?;
    delete(shop, id)
}

fn invalid_webhooks_are_refused(shop: &Shop) -> Result<()> {
    for url in [
        "http://webhooks.example/",
        "webhooks.example",
        "https://a:b@webhooks.example/",
        "https://webhooks.example\\@evil.example/",
        "https://webhooks.example:0/",
        "https://webhooks.example:65536/",
        "https://webhooks.example/\r\nHost: evil.example",
        "http://2130706433/",
        "http://[::ffff:127.0.0.1]/",
        "http://169.254.169.254/latest/meta-data",
    ] {
        create(shop, url, &["*"])?.refused("BAD_USER_INPUT")?;
    }
    for events in [&[][..], &["mercato.orders.order-lost"]] {
        create(shop, "https://webhooks.example/", events)?.refused("BAD_USER_INPUT")?;
    }
    Ok(())
}

fn a_host_that_may_not_be_called_is_refused(shop: &Shop) -> Result<()> {
    let id = webhook(shop)?;
    let update = "mutation ($id: ID!, $url: String) { updateWebhook(id: $id, input: { url: $url }) { url } }";
    for url in [
        "https://elsewhere.example/in",
        "https://webhooks.example:8443/in",
        "https://webhooks.example.elsewhere.example/in",
        "https://127.0.0.1/in",
    ] {
        let updated = shop.graphql(As::Key, update, json!({ "id": id, "url": url }))?;
        for answer in [create(shop, url, &["*"])?, updated] {
            answer.bad_input("url")?;
            let refused = answer.refused("BAD_USER_INPUT")?;
            let message = at(refused, "message").as_str().unwrap_or_default();
            ensure!(message.contains("HTTP_CLIENT_HOSTS"), "{url}: {message}");
        }
    }
    delete(shop, &id)
}
