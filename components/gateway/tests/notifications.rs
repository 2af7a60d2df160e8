//! Notifications over GraphQL.
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

const SEND: &str = "mutation { sendEmail(input: {to: \"ada@example.com\", subject: \"News\", text: \"There is news.\", idempotencyKey: \"k\"})     { _id kind medium status recipient attempts version } }";

fn code(shop: &Shop, header: (&str, &str), query: &str) -> Value {
    shop.answer(header, &json!({ "query": query }))["errors"][0]["extensions"]["code"].clone()
}

#[test]
fn a_keeper_writes_an_email_and_sees_it_in_the_list() {
    let shop = Shop::new();
    let sent = shop.ask(KEY, SEND)["sendEmail"].clone();
    assert_eq!(
        sent,
        json!({ "_id": "message/k/email", "kind": "MESSAGE", "medium": "EMAIL", "status": "SENT",
            "recipient": "a…@example.com", "attempts": 1, "version": 2 })
    );
    assert_eq!(shop.ask(KEY, SEND)["sendEmail"], sent);
    let mails = shop.ports().take_mails();
    assert_eq!((mails.len(), mails[0].html.as_deref()), (1, None));
    let list = "{ notifications(first: 1, filter: {status: SENT, medium: EMAIL, kind: MESSAGE}) {
        edges { node { _id reason userId orderId createdAt updatedAt } } pageInfo { hasNextPage } } }";
    let list = shop.ask(KEY, list);
    assert_eq!(
        list["notifications"]["edges"][0]["node"]["_id"],
        "message/k/email"
    );
    let retry = "mutation { retryNotification(id: \"message/k/email\") { status } }";
    assert_eq!(code(&shop, KEY, retry), "INVALID_TRANSITION");
    let sms = "mutation { sendSms(input: {to: \"+4915112345678\", text: \"News\"}) { status } }";
    assert_eq!(code(&shop, KEY, sms), "UNAVAILABLE");
    let bad = "mutation { sendSms(input: {to: \"0151\", text: \"News\"}) { status } }";
    assert_eq!(code(&shop, KEY, bad), "BAD_USER_INPUT");
}

#[test]
fn a_user_chooses_what_to_hear_of() {
    let shop = Shop::new();
    let ada = shop.user("ada");
    let read = "{ notificationPreferences { kind medium enabled } }";
    let before = shop.ask(ada.header(), read)["notificationPreferences"].clone();
    assert_eq!(before.as_array().unwrap().len(), 10);
    let write = "mutation { updateNotificationPreferences(preferences: [{kind: ORDER_PAID, medium: SMS, enabled: true}]) \
        { kind medium enabled } }";
    let after = shop.ask(ada.header(), write)["updateNotificationPreferences"].clone();
    assert_eq!(shop.ask(ada.header(), read)["notificationPreferences"], after);
    let chosen = json!({ "kind": "ORDER_PAID", "medium": "SMS", "enabled": true });
    assert!(after.as_array().unwrap().contains(&chosen));
    assert!(!before.as_array().unwrap().contains(&chosen));
    let of_ada = format!(
        "{{ notificationPreferences(user: \"{}\") {{ kind medium enabled }} }}",
        ada.id
    );
    assert_eq!(shop.ask(KEY, &of_ada)["notificationPreferences"], after);
    let codes = "mutation { updateNotificationPreferences(preferences: [{kind: VERIFICATION_CODE, medium: SMS, enabled: false}]) \
        { kind } }";
    assert_eq!(code(&shop, ada.header(), codes), "BAD_USER_INPUT");
}

#[test]
fn who_may_do_what_with_notifications() {
    let shop = Shop::new();
    let (ada, bob) = (shop.user("ada"), shop.user("bob"));
    let of_ada = format!("{{ notificationPreferences(user: \"{}\") {{ kind }} }}", ada.id);
    let list_of_ada = format!(
        "{{ notifications(filter: {{user: \"{}\"}}) {{ edges {{ node {{ _id }} }} }} }}",
        ada.id
    );
    let choose = format!(
        "mutation {{ updateNotificationPreferences(user: \"{}\", preferences: []) {{ kind }} }}",
        ada.id
    );
    for own in [&of_ada, &list_of_ada, &choose] {
        for (header, expected) in [
            (NOBODY, json!("UNAUTHENTICATED")),
            (bob.header(), json!("FORBIDDEN")),
            (ada.header(), Value::Null),
            (KEY, Value::Null),
        ] {
            assert_eq!(code(&shop, header, own), expected, "{own}");
        }
    }
    let retry = "mutation { retryNotification(id: \"lost\") { status } }";
    for (mutation, keepers) in [(SEND, Value::Null), (retry, json!("NOT_FOUND"))] {
        for (header, expected) in [
            (NOBODY, json!("UNAUTHENTICATED")),
            (ada.header(), json!("FORBIDDEN")),
            (KEY, keepers),
        ] {
            assert_eq!(code(&shop, header, mutation), expected, "{mutation}");
        }
    }
}
