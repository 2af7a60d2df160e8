//! Webhooks over GraphQL.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs,
    reason = "tests"
)]

mod shop;

use serde_json::{Value, json};
use shop::{KEY, NOBODY, Shop};

fn code(shop: &Shop, header: (&str, &str), query: &str) -> Value {
    shop.answer(header, &json!({ "query": query }))["errors"][0]["extensions"]["code"].clone()
}

#[test]
fn webhooks_are_made_changed_listed_and_ended() {
    let shop = Shop::new();
    let create =
        "mutation { createWebhook(input: {url: \"https://a.example/in\", events: [\"mercato.orders.*\"]}) {
        webhook { _id url events enabled disabledReason failingSince } signingSecret } }";
    let made = &shop.ask(KEY, create)["createWebhook"];
    let id = made["webhook"]["_id"].as_str().unwrap();
    assert_eq!(
        made["webhook"],
        json!({
            "_id": id, "url": "https://a.example/in", "events": ["mercato.orders.*"],
            "enabled": true, "disabledReason": null, "failingSince": null,
        })
    );
    let rotate = format!("mutation {{ rotateWebhookSecret(id: \"{id}\") {{ signingSecret }} }}");
    let rotated = &shop.ask(KEY, &rotate)["rotateWebhookSecret"];
    assert!(rotated["signingSecret"].as_str().unwrap().starts_with("whsec_"));
    assert_ne!(rotated["signingSecret"], made["signingSecret"]);
    let update = format!(
        "mutation {{ updateWebhook(id: \"{id}\", input: {{events: [\"*\"], enabled: false}}) {{ events enabled url }} }}"
    );
    assert_eq!(
        shop.ask(KEY, &update)["updateWebhook"],
        json!({ "events": ["*"], "enabled": false, "url": "https://a.example/in" })
    );
    let list = "{ webhooks { _id enabled } }";
    assert_eq!(
        shop.ask(KEY, list),
        json!({ "webhooks": [{ "_id": id, "enabled": false }] })
    );
    let deliveries = format!(
        "{{ webhookDeliveries(webhookId: \"{id}\", status: FAILED) {{ edges {{ node {{ _id }} }} pageInfo {{ hasNextPage }} }} }}"
    );
    assert_eq!(
        shop.ask(KEY, &deliveries)["webhookDeliveries"],
        json!({ "edges": [], "pageInfo": { "hasNextPage": false } })
    );
    let delete = format!("mutation {{ deleteWebhook(id: \"{id}\") {{ _id }} }}");
    assert_eq!(shop.ask(KEY, &delete)["deleteWebhook"]["_id"], id);
    assert_eq!(code(&shop, KEY, &delete), "NOT_FOUND");
    assert_eq!(shop.ask(KEY, list), json!({ "webhooks": [] }));
}

#[test]
fn what_is_wrong_is_said() {
    let shop = Shop::new();
    let user = shop.user("ada");
    let list = "{ webhooks { _id } }";
    assert_eq!(code(&shop, NOBODY, list), "UNAUTHENTICATED");
    assert_eq!(code(&shop, user.header(), list), "FORBIDDEN");
    let create =
        "mutation { createWebhook(input: {url: \"http://a.example/\", events: [\"*\"]}) { signingSecret } }";
    assert_eq!(code(&shop, user.header(), create), "FORBIDDEN");
    assert_eq!(code(&shop, KEY, create), "BAD_USER_INPUT");
    for unknown in ["", "no.id", "0198c0de-1f2e-7abc-8def-0123456789ab"] {
        let replay = format!("mutation {{ replayWebhookDelivery(id: \"{unknown}\") {{ _id }} }}");
        assert_eq!(code(&shop, KEY, &replay), "NOT_FOUND", "{unknown}");
    }
}
