//! Audits messages and changes of preferences by staff.

use mercato_shop::accounts::AuditAction;
use mercato_shop::audit::{API_KEY, AuditedAction};
use mercato_shop::notifications::{Kind, Medium, Preference};
use mercato_shop::services::Notifications;
use mercato_shop::testing::{admin, customer};
use mercato_shop::types::Caller;

use crate::shop::{TWILIO, accepted, email, shop, sms};

#[test]
fn audits_a_message_once_without_its_address_and_text() {
    let shop = shop(TWILIO);
    let _sent = shop.twilio(vec![accepted()]);
    let mail = email("ada@example.com", Some("a key"));
    let first = shop.notifications.send_email(&admin(), &mail).unwrap().id;
    assert_eq!(shop.notifications.send_email(&admin(), &mail).unwrap().id, first);
    assert!(
        shop.notifications
            .send_email(&admin(), &email("nobody", None))
            .is_err()
    );
    assert!(shop.notifications.send_email(&customer("u1"), &mail).is_err());
    let second = shop
        .notifications
        .send_sms(&Caller::ApiKey, &sms(None))
        .unwrap()
        .id;
    let expected = [
        AuditedAction::by("admin", AuditAction::EmailSend).on(&first),
        AuditedAction::by(API_KEY, AuditAction::SmsSend).on(&second),
    ];
    assert_eq!(shop.ports.take_audited_actions(), expected);
}

#[test]
fn audits_retries_but_not_automatic_notifications() {
    let shop = shop(&[]);
    let user = shop.user("Ada", "ada@rejected.example");
    let (_, placed) = shop.order(&user);
    shop.handle(&placed).unwrap();
    assert_eq!(shop.ports.take_audited_actions(), []);
    let id = shop.list().remove(0).id;
    shop.notifications.retry(&admin(), &id).unwrap();
    let retried = AuditedAction::by("admin", AuditAction::NotificationRetry).on(&id);
    assert_eq!(shop.ports.take_audited_actions(), [retried]);
    assert!(
        shop.notifications
            .retry(&admin(), "no such notification")
            .is_err()
    );
    assert_eq!(shop.ports.take_audited_actions(), []);
}

#[test]
fn audits_changes_of_the_preferences_of_other_users() {
    let shop = shop(&[]);
    let user = shop.user("Ada", "ada@example.com");
    let off = [Preference {
        kind: Kind::OrderPlaced,
        medium: Medium::Email,
        enabled: false,
    }];
    shop.notifications
        .set_preferences(&customer(&user), None, &off)
        .unwrap();
    shop.notifications
        .set_preferences(&admin(), Some(&user), &off)
        .unwrap();
    let expected = AuditedAction::by("admin", AuditAction::PreferencesChange).on(&user);
    assert_eq!(shop.ports.take_audited_actions(), [expected]);
}
