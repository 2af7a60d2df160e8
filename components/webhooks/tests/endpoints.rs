//! Endpoints: who may make and change them, what is refused, and their secrets.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs,
    reason = "tests"
)]

mod shop;

use mercato_shop::id;
use mercato_shop::services::Webhooks;
use mercato_shop::testing::{admin, customer};
use mercato_shop::types::{Caller, Error, Page};
use mercato_shop::webhooks::{DeliveryFilter, NewWebhook, WebhookPatch};
use serde_json::json;
use shop::{PAID, Shop, expected, shop, signatures};

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

/// What each function answers somebody, without what it answers.
fn asked(shop: &Shop, caller: &Caller, id: &str) -> Vec<Result<(), Error>> {
    let service = &shop.service;
    let filter = DeliveryFilter {
        webhook_id: None,
        status: None,
    };
    let page = Page {
        first: 1,
        after: None,
    };
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
fn only_an_admin_and_the_key_have_to_do_with_webhooks() {
    let shop = shop();
    let id = shop.webhook(HERE, &["*"]).webhook.id;
    for answer in asked(&shop, &Caller::Anonymous, &id) {
        assert!(matches!(answer, Err(Error::Unauthenticated(_))), "{answer:?}");
    }
    for answer in asked(&shop, &customer("u1"), &id) {
        assert!(matches!(answer, Err(Error::Forbidden(_))), "{answer:?}");
    }
    let replay = shop.service.replay(&customer("u1"), "x");
    assert!(matches!(replay, Err(Error::Forbidden(_))));
    assert_eq!(asked(&shop, &admin(), &id), vec![Ok(()); 6]);
    let second = shop.webhook(HERE, &["*"]).webhook.id;
    assert_eq!(asked(&shop, &Caller::ApiKey, &second), vec![Ok(()); 6]);
    for answer in asked(&shop, &admin(), &id).into_iter().skip(1).take(2) {
        assert!(matches!(answer, Err(Error::NotFound(_))), "{answer:?}");
    }
}

#[test]
fn what_can_not_be_sent_to_or_subscribed_to_is_refused_and_changes_nothing() {
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
fn two_changes_at_once_are_both_made() {
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
fn a_shop_has_only_so_many_webhooks() {
    let shop = shop();
    for _ in 0..50 {
        shop.webhook(HERE, &[PAID]);
    }
    let refused = shop.service.create(&Caller::ApiKey, &input(HERE, &[PAID]));
    assert!(matches!(refused, Err(Error::Conflict(_))), "{refused:?}");
    shop.happens(PAID);
    assert_eq!(shop.ring(), 50);
}

#[test]
fn for_a_day_the_old_secret_is_good_beside_the_new_one() {
    let shop = shop();
    let old = shop.webhook(HERE, &["*"]);
    let new = shop
        .service
        .rotate_secret(&Caller::ApiKey, &old.webhook.id)
        .unwrap();
    assert_ne!(old.secret, new.secret);
    shop.happens(PAID);
    shop.ring();
    let request = shop.sent().remove(0);
    assert_eq!(
        signatures(&request).1,
        [expected(&request, &new.secret), expected(&request, &old.secret)]
    );
    let id = &old.webhook.id;
    let previous = json!({ "secret": old.secret, "until": id::now() - 1 });
    shop.set("webhooks.endpoints", id, "previous", previous);
    shop.happens(PAID);
    shop.ring();
    let request = shop.sent().remove(0);
    assert_eq!(signatures(&request).1, [expected(&request, &new.secret)]);
}

#[test]
fn who_rotates_again_and_again_does_not_cut_off_an_endpoint_that_knows_the_first_secret() {
    let shop = shop();
    let first = shop.webhook(HERE, &["*"]);
    let id = &first.webhook.id;
    let rotate = || shop.service.rotate_secret(&Caller::ApiKey, id).unwrap().secret;
    let secrets = [rotate(), rotate()];
    let signed_by = || {
        shop.happens(PAID);
        shop.ring();
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
    assert_eq!(signed_by(), (6, 0), "so many sign, and no more");
    // As endpoints had it once.
    let previous = json!({ "secret": first.secret, "until": id::now() + 60_000 });
    shop.set("webhooks.endpoints", id, "previous", previous);
    assert_eq!(signed_by(), (2, 1));
}
