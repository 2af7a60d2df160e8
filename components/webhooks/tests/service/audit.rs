//! The actions on webhooks that the audit log records.

use crate::shop::{PAID, shop};
use mercato_shop::accounts::AuditAction;
use mercato_shop::audit::{API_KEY, AuditedAction};
use mercato_shop::services::Webhooks;
use mercato_shop::testing::{admin, customer};
use mercato_shop::types::Caller;

#[test]
fn records_actions_on_webhooks_without_url_and_secret() {
    let shop = shop();
    let id = shop
        .webhook("https://here.example/a-secret-path", &["*"])
        .webhook
        .id;
    shop.enable(&id, true);
    shop.publish(PAID);
    let delivery = shop.deliveries().remove(0).id;
    shop.run_timers();
    let (caller, service) = (Caller::ApiKey, &shop.service);
    // `run_timers` has taken the earlier actions together with the timers.
    service.rotate_secret(&caller, &id).unwrap();
    service.replay(&caller, &delivery).unwrap();
    service.delete(&caller, &id).unwrap();
    assert!(service.delete(&caller, &id).is_err());
    assert!(service.rotate_secret(&customer("u1"), &id).is_err());
    let by = |action, id: &str| AuditedAction::by(API_KEY, action).on(id);
    let expected = [
        by(AuditAction::WebhookSecretRotate, &id),
        by(AuditAction::WebhookReplay, &delivery),
        by(AuditAction::WebhookDelete, &id),
    ];
    assert_eq!(shop.ports.take_audited_actions(), expected);
}

#[test]
fn records_creations_and_successful_changes() {
    let shop = shop();
    let id = shop.webhook("https://here.example/in", &[PAID]).webhook.id;
    shop.enable(&id, false);
    let patch = mercato_shop::webhooks::WebhookPatch {
        url: Some("not a url".into()),
        events: None,
        enabled: None,
    };
    assert!(shop.service.update(&admin(), &id, &patch).is_err());
    shop.publish(PAID);
    let by = |action| AuditedAction::by(API_KEY, action).on(&id);
    let expected = [by(AuditAction::WebhookCreate), by(AuditAction::WebhookUpdate)];
    assert_eq!(shop.ports.take_audited_actions(), expected);
}
