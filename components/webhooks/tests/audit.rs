//! What the audit log is told of webhooks.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs,
    reason = "tests"
)]

mod shop;

use mercato_shop::accounts::AuditAction;
use mercato_shop::audit::{API_KEY, Act};
use mercato_shop::services::Webhooks;
use mercato_shop::testing::{admin, customer};
use mercato_shop::types::Caller;
use shop::{PAID, shop};

#[test]
fn whatever_somebody_does_to_a_webhook_is_told_without_its_address_and_secret() {
    let shop = shop();
    let id = shop
        .webhook("https://here.example/a-secret-path", &["*"])
        .webhook
        .id;
    shop.enable(&id, true);
    shop.happens(PAID);
    let delivery = shop.deliveries().remove(0).id;
    shop.ring();
    let (caller, service) = (Caller::ApiKey, &shop.service);
    // The deliveries' timers are taken away with the acts before.
    service.rotate_secret(&caller, &id).unwrap();
    service.replay(&caller, &delivery).unwrap();
    service.delete(&caller, &id).unwrap();
    assert!(service.delete(&caller, &id).is_err());
    assert!(service.rotate_secret(&customer("u1"), &id).is_err());
    let by = |action, id: &str| Act::by(API_KEY, action).on(id);
    let expected = [
        by(AuditAction::WebhookSecretRotate, &id),
        by(AuditAction::WebhookReplay, &delivery),
        by(AuditAction::WebhookDelete, &id),
    ];
    assert_eq!(shop.ports.take_acts(), expected);
}

#[test]
fn a_webhook_is_made_and_changed_by_somebody() {
    let shop = shop();
    let id = shop.webhook("https://here.example/in", &[PAID]).webhook.id;
    shop.enable(&id, false);
    let patch = mercato_shop::webhooks::WebhookPatch {
        url: Some("no address".into()),
        events: None,
        enabled: None,
    };
    assert!(shop.service.update(&admin(), &id, &patch).is_err());
    shop.happens(PAID);
    let by = |action| Act::by(API_KEY, action).on(&id);
    let expected = [by(AuditAction::WebhookCreate), by(AuditAction::WebhookUpdate)];
    assert_eq!(shop.ports.take_acts(), expected);
}
