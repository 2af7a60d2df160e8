//! Webhooks, as far as they can be seen from outside: they go to hosts that no shop under test may call, so that nothing ever arrives.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use libtest_mimic::Trial;
use serde_json::{Value, json};

use crate::answer::Answer;
use crate::client::As;
use crate::trials::trials;
use crate::world::World;

const CREATED: &str = "mercato.catalog.product-created";

/// The tests of this area.
pub fn tests(world: &Arc<World>) -> Vec<Trial> {
    trials!(
        world,
        "webhooks",
        [
            an_event_is_delivered_tried_again_and_replayed,
            a_secret_is_told_once,
            a_webhook_that_can_not_work_is_refused,
        ]
    )
}

fn create(world: &World, url: &str, events: &[&str]) -> Result<Answer> {
    let query = "mutation ($url: String!, $events: [String!]!) {
        createWebhook(input: { url: $url, events: $events }) { webhook { _id url events enabled } signingSecret } }";
    let variables = json!({ "url": url, "events": events });
    world.shop.graphql(As::Key, query, variables)
}

/// A webhook that wants new products; it has to be ended.
pub fn webhook(world: &World) -> Result<String> {
    let answer = create(world, "https://webhooks.example/in", &[CREATED])?;
    Ok(answer.text("/createWebhook/webhook/_id")?.to_owned())
}

/// Deletes a webhook, if it is still there.
pub fn end(world: &World, id: &str) -> Result<()> {
    let query = "mutation ($id: ID!) { deleteWebhook(id: $id) { _id } }";
    world.shop.graphql(As::Key, query, json!({ "id": id })).map(drop)
}

fn deliveries(world: &World, webhook: &str) -> Result<Vec<Value>> {
    let query = "query ($id: ID!) { webhookDeliveries(webhookId: $id) { edges { node {
        _id webhookId eventId type payload status attempts nextAttemptAt failure } } } }";
    let answer = world.shop.graphql(As::Key, query, json!({ "id": webhook }))?;
    answer.column("/webhookDeliveries/edges", "/node")
}

/// The first delivery to a webhook once it is as it should become.
fn becomes(world: &World, webhook: &str, is_so: impl Fn(&Value) -> bool) -> Result<Value> {
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        let found = deliveries(world, webhook)?;
        if let Some(delivery) = found.iter().find(|delivery| is_so(delivery)) {
            return Ok(delivery.clone());
        }
        ensure!(Instant::now() < deadline, "the deliveries stay {found:?}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn at<'a>(value: &'a Value, field: &str) -> &'a Value {
    value.get(field).unwrap_or(&Value::Null)
}

/// The id of a delivery to a webhook of [`webhook`] that was tried once, and so is not under way.
pub fn delivery(world: &World, webhook: &str) -> Result<String> {
    world.product(1, 1)?;
    let delivery = becomes(world, webhook, |delivery| {
        at(delivery, "attempts").as_u64() >= Some(1)
    })?;
    Ok(at(&delivery, "_id").as_str().unwrap_or_default().to_owned())
}

fn an_event_is_delivered_tried_again_and_replayed(world: &World) -> Result<()> {
    let id = webhook(world)?;
    let product = world.product(1, 1)?;
    let of_it = |delivery: &Value, attempts: u64| {
        let payload = at(delivery, "payload").as_str().unwrap_or_default();
        payload.contains(&product) && at(delivery, "attempts").as_u64() >= Some(attempts)
    };
    let tried = becomes(world, &id, |delivery| of_it(delivery, 1))?;
    ensure!(
        at(&tried, "type") == CREATED
            && at(&tried, "webhookId") == id.as_str()
            && at(&tried, "status") == "PENDING",
        "{tried}"
    );
    ensure!(
        at(&tried, "failure").is_string() && at(&tried, "nextAttemptAt").is_string(),
        "{tried}"
    );
    let payload: Value = serde_json::from_str(at(&tried, "payload").as_str().unwrap_or_default())?;
    ensure!(
        at(&payload, "id") == at(&tried, "eventId")
            && at(&payload, "type") == CREATED
            && at(&payload, "created").is_u64(),
        "{payload}"
    );
    let replay = "mutation ($id: ID!) { replayWebhookDelivery(id: $id) { status } }";
    let variables = json!({ "id": at(&tried, "_id") });
    let answer = world.shop.graphql(As::Key, replay, variables.clone())?;
    ensure!(
        answer.text("/replayWebhookDelivery/status")? == "PENDING",
        "it is tried"
    );
    becomes(world, &id, |delivery| of_it(delivery, 2))?;
    end(world, &id)?;
    world
        .shop
        .graphql(As::Key, replay, variables)?
        .refused("INVALID_TRANSITION")
        .map(drop)
}

fn a_secret_is_told_once(world: &World) -> Result<()> {
    let made = create(world, "https://webhooks.example/in", &["mercato.payments.*"])?;
    let id = made.text("/createWebhook/webhook/_id")?;
    let secret = made.text("/createWebhook/signingSecret")?;
    ensure!(
        secret.len() == 70 && secret.starts_with("whsec_"),
        "it should be of 256 bits"
    );
    let query = "mutation ($id: ID!) { rotateWebhookSecret(id: $id) { signingSecret } }";
    let rotated = world.shop.graphql(As::Key, query, json!({ "id": id }))?;
    ensure!(
        rotated.text("/rotateWebhookSecret/signingSecret")? != secret,
        "it should be another"
    );
    let query = "mutation ($id: ID!) { updateWebhook(id: $id, input: { enabled: false }) { enabled url } }";
    let updated = world.shop.graphql(As::Key, query, json!({ "id": id }))?;
    ensure!(
        *updated.data("/updateWebhook")? == json!({ "enabled": false, "url": "https://webhooks.example/in" }),
        "what is not named should stay"
    );
    let listed = world.shop.query(As::Key, "{ webhooks { _id events enabled } }")?;
    let expected = json!({ "_id": id, "events": ["mercato.payments.*"], "enabled": false });
    ensure!(
        listed.list("/webhooks")?.contains(&expected),
        "it should be listed"
    );
    end(world, id)
}

fn a_webhook_that_can_not_work_is_refused(world: &World) -> Result<()> {
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
        create(world, url, &["*"])?.refused("BAD_USER_INPUT")?;
    }
    for events in [&[][..], &["mercato.orders.order-lost"]] {
        create(world, "https://webhooks.example/", events)?.refused("BAD_USER_INPUT")?;
    }
    Ok(())
}
