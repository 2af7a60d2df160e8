//! Endpoints: permissions, validation and secrets.

use crate::shop::{PAID, Shop, expected, shop, signatures};
use mercato_shop::id;
use mercato_shop::services::Webhooks;
use mercato_shop::testing::{admin, customer, error_code};
use mercato_shop::types::{Caller, Error, Page};
use mercato_shop::webhooks::{DeliveryFilter, NewWebhook, WebhookPatch};
use serde_json::json;

const HERE: &str = "https://here.example/in";

fn input(url: &str, events: &[&str]) -> NewWebhook {
    NewWebhook {
        url: url.into(),
        events: events.iter().map(|event| (*event).to_owned()).collect(),
    }
}

fn patch(url: Option<&str>, events: Option<&[&str]>) -> WebhookPatch {
    WebhookPatch {
        url: url.map(Into::into),
        events: events.map(|events| events.iter().map(|event| (*event).to_owned()).collect()),
        enabled: None,
    }
}

/// Calls each function, and returns the results without their values.
fn call_all(shop: &Shop, caller: &Caller, id: &str) -> Vec<Result<(), Error>> {
    let service = &shop.service;
    let filter = DeliveryFilter {
        webhook_id: None,
        status: None,
    };
    let page = Page::first(1, None);
    vec![
        service.create(caller, &input(HERE, &["*"])).map(drop),
        service.update(caller, id, &patch(None, None)).map(drop),
        service.rotate_secret(caller, id).map(drop),
        service.list(caller).map(drop),
        service.deliveries(caller, &filter, &page).map(drop),
        service.delete(caller, id).map(drop),
    ]
}

#[test]
fn allows_only_admins_and_the_api_key() {
    let shop = shop();
    let id = shop.webhook(HERE, &["*"]).webhook.id;
    for answer in call_all(&shop, &Caller::Anonymous, &id) {
        assert_eq!(error_code(&answer), "UNAUTHENTICATED", "{answer:?}");
    }
    for answer in call_all(&shop, &customer("u1"), &id) {
        assert_eq!(error_code(&answer), "FORBIDDEN", "{answer:?}");
    }
    let replay = shop.service.replay(&customer("u1"), "x");
    assert_eq!(error_code(&replay), "FORBIDDEN");
    assert_eq!(call_all(&shop, &admin(), &id), vec![Ok(()); 6]);
    let second = shop.webhook(HERE, &["*"]).webhook.id;
    assert_eq!(call_all(&shop, &Caller::ApiKey, &second), vec![Ok(()); 6]);
    for answer in call_all(&shop, &admin(), &id).into_iter().skip(1).take(2) {
        assert_eq!(error_code(&answer), "NOT_FOUND", "{answer:?}");
    }
}

#[test]
fn rejects_invalid_urls_and_subscriptions_without_changes() {
    let shop = shop();
    let made = shop.webhook(HERE, &[PAID]).webhook;
    let field = |answer: Result<(), Error>| match answer {
        Err(Error::Invalid(violation)) => violation.field,
        other => panic!("{other:?}"),
    };
    let key = Caller::ApiKey;
    for (url, events, wrong) in [
        ("http://here.example/", &["*"][..], "url"),
        ("here.example", &["*"], "url"),
        (HERE, &[], "events"),
        (HERE, &["mercato.orders.order-lost"], "events"),
    ] {
        assert_eq!(
            field(shop.service.create(&key, &input(url, events)).map(drop)),
            wrong
        );
        let patch = patch(Some(url), Some(events));
        assert_eq!(
            field(shop.service.update(&key, &made.id, &patch).map(drop)),
            wrong
        );
    }
    assert_eq!(shop.service.list(&key).unwrap(), std::slice::from_ref(&made));
    let local = patch(Some("http://127.0.0.1:9000/in"), Some(&["mercato.payments.*"]));
    let changed = shop.service.update(&key, &made.id, &local).unwrap();
    assert_eq!(changed.url, "http://127.0.0.1:9000/in");
    assert_eq!(shop.service.list(&key).unwrap(), [changed]);
}

#[test]
fn applies_both_of_two_concurrent_changes() {
    let shop = shop();
    let id = shop.webhook(HERE, &[PAID]).webhook.id;
    let (other, same) = (shop.clone(), id.clone());
    shop.ports
        .before_next_commit(move || drop(other.enable(&same, false)));
    let changed = shop
        .service
        .update(&Caller::ApiKey, &id, &patch(None, Some(&["*"])))
        .unwrap();
    assert_eq!((changed.enabled, changed.events), (false, vec!["*".to_owned()]));
}

#[test]
fn limits_the_number_of_webhooks() {
    let shop = shop();
    for _ in 0..50 {
        shop.webhook(HERE, &[PAID]);
    }
    let refused = shop.service.create(&Caller::ApiKey, &input(HERE, &[PAID]));
    assert_eq!(error_code(&refused), "CONFLICT", "{refused:?}");
    shop.publish(PAID);
    assert_eq!(shop.run_timers(), 50);
}

#[test]
fn signs_with_the_old_secret_for_one_more_day() {
    let shop = shop();
    let old = shop.webhook(HERE, &["*"]);
    let new = shop
        .service
        .rotate_secret(&Caller::ApiKey, &old.webhook.id)
        .unwrap();
    assert_ne!(old.secret, new.secret);
    shop.publish(PAID);
    shop.run_timers();
    let request = shop.sent().remove(0);
    assert_eq!(
        signatures(&request).1,
        [expected(&request, &new.secret), expected(&request, &old.secret)]
    );
    let id = &old.webhook.id;
    let previous = json!({ "secret": old.secret, "until": id::now() - 1 });
    shop.set("webhooks.endpoints", id, "previous", previous);
    shop.publish(PAID);
    shop.run_timers();
    let request = shop.sent().remove(0);
    assert_eq!(signatures(&request).1, [expected(&request, &new.secret)]);
}

#[test]
fn keeps_the_first_secret_valid_over_repeated_rotations() {
    let shop = shop();
    let first = shop.webhook(HERE, &["*"]);
    let id = &first.webhook.id;
    let rotate = || shop.service.rotate_secret(&Caller::ApiKey, id).unwrap().secret;
    let secrets = [rotate(), rotate()];
    let signed_by = || {
        shop.publish(PAID);
        shop.run_timers();
        let request = shop.sent().remove(0);
        let known = secrets.iter().rev().chain([&first.secret]);
        let known: Vec<_> = known.map(|secret| expected(&request, secret)).collect();
        let signatures = signatures(&request).1;
        let by_known = signatures.iter().filter(|one| known.contains(one)).count();
        (signatures.len(), by_known)
    };
    assert_eq!(signed_by(), (3, 3));
    for _ in 0..20 {
        rotate();
    }
    assert_eq!(signed_by(), (6, 0), "the number of secrets is limited");
    // Documents of earlier versions have one previous secret at most.
    let previous = json!({ "secret": first.secret, "until": id::now() + 60_000 });
    shop.set("webhooks.endpoints", id, "previous", previous);
    assert_eq!(signed_by(), (2, 1));
}
