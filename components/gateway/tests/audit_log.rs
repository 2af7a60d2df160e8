//! The audit log: the names of all actions.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs,
    reason = "tests"
)]

mod shop;

use mercato_accounts::AccountsService;
use mercato_shop::audit::{ACTIONS, AuditedAction, action_name};
use serde_json::{Value, json};
use shop::{KEY, Shop};

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
fn lists_and_filters_each_action_by_its_name() {
    let shop = Shop::new();
    let accounts = AccountsService::new(shop.ports().clone());
    for action in ACTIONS {
        let event = AuditedAction::by("root", *action).event("catalog").unwrap();
        accounts.handle(&event).unwrap();
        let shown = action_name(*action).to_uppercase().replace('-', "_");
        let found = log(&shop, &format!("{{ action: {shown} }}"));
        assert_eq!((found.len(), &found[0]["action"]), (1, &json!(shown)));
    }
    let schema = shop.ask(KEY, "{ __type(name: \"AuditAction\") { enumValues { name } } }");
    assert_eq!(
        schema["__type"]["enumValues"].as_array().unwrap().len(),
        ACTIONS.len()
    );
}
