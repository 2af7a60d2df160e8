//! What the audit log is told of messages: who has them sent, and who chooses for another.
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
use mercato_shop::notifications::{Email, Kind, Medium, Preference, Sms};
use mercato_shop::services::Notifications;
use mercato_shop::testing::{admin, customer};
use mercato_shop::types::Caller;
use shop::{PHONE, TWILIO, accepted, shop};

fn email(to: &str, key: Option<&str>) -> Email {
    Email {
        to: to.into(),
        subject: "News".into(),
        text: "There is news.".into(),
        html: None,
        idempotency_key: key.map(Into::into),
    }
}

#[test]
fn what_somebody_has_sent_is_told_once_without_whom_and_what() {
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
    let sms = Sms {
        to: PHONE.into(),
        text: "There is news.".into(),
        idempotency_key: None,
    };
    let second = shop.notifications.send_sms(&Caller::ApiKey, &sms).unwrap().id;
    let expected = [
        Act::by("admin", AuditAction::EmailSend).on(&first),
        Act::by(API_KEY, AuditAction::SmsSend).on(&second),
    ];
    assert_eq!(shop.ports.take_acts(), expected);
}

#[test]
fn who_sends_something_again_is_told_and_what_the_shop_sends_is_not() {
    let shop = shop(&[]);
    let user = shop.user("Ada", "ada@rejected.example");
    let (_, placed) = shop.order(&user);
    shop.handle(&placed).unwrap();
    assert_eq!(shop.ports.take_acts(), []);
    let id = shop.list().remove(0).id;
    shop.notifications.retry(&admin(), &id).unwrap();
    let retried = Act::by("admin", AuditAction::NotificationRetry).on(&id);
    assert_eq!(shop.ports.take_acts(), [retried]);
    assert!(
        shop.notifications
            .retry(&admin(), "no such notification")
            .is_err()
    );
    assert_eq!(shop.ports.take_acts(), []);
}

#[test]
fn who_chooses_for_another_is_told_and_who_chooses_for_the_own_is_not() {
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
    let expected = Act::by("admin", AuditAction::PreferencesChange).on(&user);
    assert_eq!(shop.ports.take_acts(), [expected]);
}
