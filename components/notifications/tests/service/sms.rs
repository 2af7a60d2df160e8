//! Sends SMS by Twilio, and handles its answers.

use mercato_ports::events::HandlerFailure;
use mercato_ports::http_client::HttpFailure;
use mercato_shop::cache::Cache as _;
use mercato_shop::notifications::{Kind, Medium, NotificationStatus as Status, Preference};
use mercato_shop::services::{Accounts, Notifications};
use mercato_shop::testing::admin;
use mercato_shop::types::Error;
use serde_json::{Value, json};

use crate::shop::{PHONE, TWILIO, accepted, shop, sms};

const BY_SMS: Preference = Preference {
    kind: Kind::OrderPlaced,
    medium: Medium::Sms,
    enabled: true,
};

#[test]
fn sends_a_code_by_one_authenticated_request() {
    let shop = shop(TWILIO);
    let sent = shop.twilio(vec![accepted()]);
    let user = shop.unverified("Ada", "ada@example.com");
    let requested = shop.code(&user);
    let code = shop.code_of(&requested);
    shop.handle(&requested).unwrap();
    shop.handle(&requested).unwrap();
    let expected = [
        "https://api.twilio.com/2010-04-01/Accounts/AC1/Messages.json".to_owned(),
        // printf 'AC1:a token' | base64
        "Basic QUMxOmEgdG9rZW4=".to_owned(),
        format!("To=%2B4915112345678&From=%2B12025550123&Body=Ihr+Code+ist+{code}.+Er+gilt+zehn+Minuten."),
    ];
    assert_eq!(*sent.lock().unwrap(), [expected]);
    let list = shop.list();
    assert_eq!(
        (list.len(), list[0].kind, list[0].medium, list[0].status),
        (1, Kind::VerificationCode, Medium::Sms, Status::Sent)
    );
    assert_eq!(list[0].recipient.as_deref(), Some("…678"));
    assert!(!format!("{list:?}{requested:?}").contains(&code));
    let again = shop.notifications.retry(&admin(), &list[0].id);
    assert!(matches!(again, Err(Error::InvalidTransition(_))));
}

#[test]
fn does_not_send_an_expired_code() {
    let shop = shop(TWILIO);
    let sent = shop.twilio(Vec::new());
    let user = shop.unverified("Ada", "ada@example.com");
    let mut requested = shop.code(&user);
    let mut data: Value = serde_json::from_str(&requested.data).unwrap();
    data["expiresAt"] = 1.into();
    requested.data = data.to_string();
    shop.handle(&requested).unwrap();
    assert!(sent.lock().unwrap().is_empty());
    let list = shop.list();
    assert_eq!(list[0].status, Status::Failed);
    assert!(matches!(
        shop.notifications.retry(&admin(), &list[0].id),
        Err(Error::Conflict(_))
    ));
}

#[test]
fn does_not_send_a_code_after_a_newer_one() {
    let shop = shop(TWILIO);
    let sent = shop.twilio(vec![accepted()]);
    let user = shop.unverified("Ada", "ada@example.com");
    let first = shop.code(&user);
    shop.edit("accounts.verifications", &format!("{user}.phone"), |body| {
        body["sentAt"] = 1.into();
    });
    let second = shop.code(&user);
    shop.handle(&first).unwrap();
    let skipped = &shop.list()[0];
    assert_eq!((skipped.status, &skipped.recipient), (Status::Skipped, &None));
    shop.handle(&second).unwrap();
    shop.handle(&first).unwrap();
    let sent = sent.lock().unwrap();
    assert_eq!(sent.len(), 1);
    assert!(sent[0][2].contains(&shop.code_of(&second)));
}

#[test]
fn does_not_send_a_code_to_an_erased_user() {
    let shop = shop(TWILIO);
    let sent = shop.twilio(Vec::new());
    let user = shop.unverified("Ada", "ada@example.com");
    let requested = shop.code(&user);
    shop.accounts.erase(&admin(), &user).unwrap();
    shop.handle(&requested).unwrap();
    assert!(sent.lock().unwrap().is_empty());
    assert_eq!(shop.list()[0].status, Status::Skipped);
}

#[test]
fn skips_sms_without_a_twilio_account() {
    let shop = shop(&[]);
    let user = shop.unverified("Ada", "ada@example.com");
    shop.handle(&shop.code(&user)).unwrap();
    let list = shop.list();
    assert_eq!((list.len(), list[0].status), (1, Status::Skipped));
    assert!(list[0].reason.as_ref().unwrap().contains("TWILIO_ACCOUNT_SID"));
    assert!(matches!(
        shop.notifications.send_sms(&admin(), &sms(None)),
        Err(Error::Unavailable(_))
    ));
}

#[test]
fn an_incomplete_configuration_is_retried_and_does_not_stop_emails() {
    let shop = shop(&[("TWILIO_ACCOUNT_SID", "AC1"), ("TWILIO_FROM", "Shop")]);
    let user = shop.user("Ada", "ada@example.com");
    shop.choose(&user, BY_SMS);
    let (_, placed) = shop.order(&user);
    let Err(HandlerFailure::Retry(reason)) = shop.handle(&placed) else {
        panic!("the event was handled");
    };
    assert!(reason.contains("TWILIO_AUTH_TOKEN"), "{reason}");
    assert_eq!(shop.ports.take_mails().len(), 1);
    let sent = shop.notifications.send_sms(&admin(), &sms(None)).unwrap();
    assert_eq!((sent.status, sent.reason), (Status::Waiting, Some(reason)));
}

#[test]
fn retries_temporary_errors_but_not_rejections() {
    let shop = shop(TWILIO);
    let refusal = json!({ "code": 21_211, "message": format!("Invalid 'To' Phone Number: {PHONE}") });
    let sent = shop.twilio(vec![
        Err(HttpFailure::NotSent("refused".into())),
        Err(HttpFailure::Unknown("timeout".into())),
        Ok((503, Value::Null)),
        Ok((429, Value::Null)),
        Ok((400, refusal)),
    ]);
    let user = shop.unverified("Ada", "ada@example.com");
    let requested = shop.code(&user);
    for _ in 0..4 {
        assert!(matches!(shop.handle(&requested), Err(HandlerFailure::Retry(_))));
        assert_eq!(shop.list()[0].status, Status::Waiting);
    }
    shop.handle(&requested).unwrap();
    shop.handle(&requested).unwrap();
    let list = shop.list();
    assert_eq!((list[0].status, list[0].attempts), (Status::Failed, 5));
    let reason = list[0].reason.as_ref().unwrap();
    assert!(reason.contains("21211") && !reason.contains("+49"), "{reason}");
    assert_eq!(sent.lock().unwrap().len(), 5);
}

#[test]
fn sends_no_requests_to_twilio_after_five_failures_in_a_row() {
    let shop = shop(TWILIO);
    let sent = shop.twilio((0..5).map(|_| Ok((500, Value::Null))).collect());
    let user = shop.unverified("Ada", "ada@example.com");
    let requested = shop.code(&user);
    for _ in 0..8 {
        assert!(matches!(shop.handle(&requested), Err(HandlerFailure::Retry(_))));
    }
    assert_eq!(sent.lock().unwrap().len(), 5);
    assert!(shop.list()[0].reason.as_ref().unwrap().contains("next attempt"));
    let sent = shop.twilio(vec![Ok((500, Value::Null)), accepted()]);
    shop.ports.set("notifications.twilio.open", b"1", 60_000);
    for _ in 0..3 {
        assert!(matches!(shop.handle(&requested), Err(HandlerFailure::Retry(_))));
    }
    assert_eq!(sent.lock().unwrap().len(), 1, "one more request after the pause");
    shop.ports.set("notifications.twilio.open", b"2", 60_000);
    shop.handle(&requested).unwrap();
    assert_eq!(shop.list()[0].status, Status::Sent);
}

#[test]
fn a_failed_sms_does_not_repeat_the_email() {
    let shop = shop(TWILIO);
    shop.twilio(vec![Ok((500, Value::Null)), accepted()]);
    let user = shop.user("Ada", "ada@example.com");
    shop.choose(&user, BY_SMS);
    let (_, placed) = shop.order(&user);
    assert!(matches!(shop.handle(&placed), Err(HandlerFailure::Retry(_))));
    shop.handle(&placed).unwrap();
    assert_eq!(shop.ports.take_mails().len(), 1);
    assert!(shop.list().iter().all(|one| one.status == Status::Sent));
}

#[test]
fn a_waiting_email_does_not_stop_the_sms() {
    let shop = shop(TWILIO);
    let sent = shop.twilio(vec![accepted()]);
    let user = shop.user("Ada", "ada@unavailable.example");
    shop.choose(&user, BY_SMS);
    let (_, placed) = shop.order(&user);
    for _ in 0..2 {
        assert!(matches!(shop.handle(&placed), Err(HandlerFailure::Retry(_))));
    }
    assert_eq!(sent.lock().unwrap().len(), 1);
}

#[test]
fn sends_only_codes_to_a_phone_that_is_not_verified() {
    let shop = shop(TWILIO);
    let sent = shop.twilio(Vec::new());
    let user = shop.unverified("Ada", "ada@example.com");
    shop.choose(&user, BY_SMS);
    let (_, placed) = shop.order(&user);
    shop.handle(&placed).unwrap();
    assert!(sent.lock().unwrap().is_empty());
    assert!(shop.list().iter().all(|one| one.status == Status::Skipped));
    assert_eq!(shop.list().len(), 2);
}

#[test]
fn sends_an_sms_once_for_a_key() {
    let shop = shop(TWILIO);
    let sent = shop.twilio(vec![accepted(), accepted()]);
    let first = shop.notifications.send_sms(&admin(), &sms(Some("k"))).unwrap();
    assert_eq!(
        shop.notifications.send_sms(&admin(), &sms(Some("k"))).unwrap(),
        first
    );
    assert_eq!(sent.lock().unwrap().len(), 1);
    shop.notifications.send_sms(&admin(), &sms(None)).unwrap();
    let sent = sent.lock().unwrap();
    assert!(sent[1][2].ends_with("&Body=Your+parcel+%26+more"), "{sent:?}");
    let mut bad = sms(None);
    bad.to = "0151".into();
    assert!(matches!(
        shop.notifications.send_sms(&admin(), &bad),
        Err(Error::Invalid(_))
    ));
}
