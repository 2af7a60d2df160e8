//! The audit log as the gateway shows it: all actions by their names, what other services have told, and the search.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs,
    reason = "tests"
)]

mod shop;

use mercato_accounts::AccountsService;
use mercato_shop::audit::{ACTIONS, Act, name};
use serde_json::{Value, json};
use shop::{KEY, Shop};

/// Hands on what services have told the log.
fn deliver(shop: &Shop) -> usize {
    let mut events = shop.ports().take_events();
    events.retain(|event| event.kind.ends_with(".audited"));
    let accounts = AccountsService::new(shop.ports().clone());
    for event in &events {
        accounts.handle(event).unwrap();
    }
    events.len()
}

fn log(shop: &Shop, filter: &str) -> Vec<Value> {
    let query = format!(
        "{{ auditLog(first: 100, filter: {filter}) {{ edges {{ node {{ time action outcome actor subject detail }} }} }} }}"
    );
    let edges = shop.ask(KEY, &query)["auditLog"]["edges"]
        .as_array()
        .unwrap()
        .clone();
    edges.into_iter().map(|edge| edge["node"].clone()).collect()
}

#[test]
fn every_action_is_shown_and_searched_by_its_name() {
    let shop = Shop::new();
    let accounts = AccountsService::new(shop.ports().clone());
    for action in ACTIONS {
        let event = Act::by("root", *action).event("catalog").unwrap();
        accounts.handle(&event).unwrap();
        let shown = name(*action).to_uppercase().replace('-', "_");
        let found = log(&shop, &format!("{{ action: {shown} }}"));
        assert_eq!((found.len(), &found[0]["action"]), (1, &json!(shown)));
    }
    let schema = shop.ask(KEY, "{ __type(name: \"AuditAction\") { enumValues { name } } }");
    assert_eq!(
        schema["__type"]["enumValues"].as_array().unwrap().len(),
        ACTIONS.len()
    );
}

#[test]
fn what_was_done_by_graphql_or_rest_is_in_the_log_with_its_time() {
    let shop = Shop::new();
    let id = shop.product("Sock");
    let (status, ..) = shop.rest(KEY, "DELETE", &format!("/api/products/{id}"), &Value::Null);
    assert_eq!(status, 200);
    assert_eq!(deliver(&shop), 2);
    let found = log(&shop, &format!("{{ subject: \"{id}\" }}"));
    let actions: Vec<_> = found.iter().map(|entry| &entry["action"]).collect();
    assert_eq!(actions, ["PRODUCT_DELETE", "PRODUCT_CREATE"]);
    assert_eq!(
        (&found[0]["actor"], &found[0]["outcome"]),
        (&json!("api-key"), &json!("SUCCESS"))
    );
    let since = |time: &str| log(&shop, &format!("{{ subject: \"{id}\", since: \"{time}\" }}")).len();
    let until = |time: &str| log(&shop, &format!("{{ subject: \"{id}\", until: \"{time}\" }}")).len();
    let first = found[1]["time"].as_str().unwrap();
    assert_eq!((since(first), until(first)), (2, 0));
    let far = "2100-01-01T00:00:00Z";
    assert_eq!((since(far), until(far)), (0, 2));
}
