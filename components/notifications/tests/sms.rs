//! SMS by Twilio: what is sent, and what is made of the answers.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs,
    reason = "tests"
)]

mod shop;

use mercato_notifications::Failure;
use mercato_ports::http_client::HttpFailure;
use mercato_shop::cache::Cache as _;
use mercato_shop::notifications::{Kind, Medium, NotificationStatus as Sent, Preference, Sms};
use mercato_shop::services::{Accounts, Notifications};
use mercato_shop::testing::{admin, customer};
use mercato_shop::types::Error;
use serde_json::{Value, json};
use shop::{PHONE, TWILIO, accepted, shop};

const BY_SMS: Preference = Preference {
    kind: Kind::OrderPlaced,
    medium: Medium::Sms,
    enabled: true,
};

fn sms(key: Option<&str>) -> Sms {
    Sms {
        to: PHONE.into(),
        text: "Your parcel & more".into(),
        idempotency_key: key.map(Into::into),
    }
}

#[test]
fn a_code_is_one_request_by_basic_authentication() {
    let shop = shop(TWILIO);
    let sent = shop.twilio(vec![accepted()]);
    let user = shop.unverified("Ada", "ada@example.com");
    let asked = shop.code(&user);
    let code = shop.code_of(&asked);
    shop.handle(&asked).unwrap();
    shop.handle(&asked).unwrap();
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
        (1, Kind::VerificationCode, Medium::Sms, Sent::Sent)
    );
    assert_eq!(list[0].recipient.as_deref(), Some("…678"));
    assert!(!format!("{list:?}{asked:?}").contains(&code));
    let again = shop.notifications.retry(&admin(), &list[0].id);
    assert!(matches!(again, Err(Error::InvalidTransition(_))));
}

#[test]
fn an_expired_code_is_not_sent() {
    let shop = shop(TWILIO);
    let sent = shop.twilio(Vec::new());
    let user = shop.unverified("Ada", "ada@example.com");
    let mut asked = shop.code(&user);
    let mut data: Value = serde_json::from_str(&asked.data).unwrap();
    data["expiresAt"] = 1.into();
    asked.data = data.to_string();
    shop.handle(&asked).unwrap();
    assert!(sent.lock().unwrap().is_empty());
    let list = shop.list();
    assert_eq!(list[0].status, Sent::Failed);
    assert!(matches!(
        shop.notifications.retry(&admin(), &list[0].id),
        Err(Error::Conflict(_))
    ));
}

#[test]
fn a_code_that_another_one_has_followed_is_not_sent() {
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
    assert_eq!((skipped.status, &skipped.recipient), (Sent::Skipped, &None));
    shop.handle(&second).unwrap();
    shop.handle(&first).unwrap();
    let sent = sent.lock().unwrap();
    assert_eq!(sent.len(), 1);
    assert!(sent[0][2].contains(&shop.code_of(&second)));
}

#[test]
fn a_code_of_somebody_who_is_gone_is_not_sent() {
    let shop = shop(TWILIO);
    let sent = shop.twilio(Vec::new());
    let user = shop.unverified("Ada", "ada@example.com");
    let asked = shop.code(&user);
    shop.accounts.erase(&admin(), &user).unwrap();
    shop.handle(&asked).unwrap();
    assert!(sent.lock().unwrap().is_empty());
    assert_eq!(shop.list()[0].status, Sent::Skipped);
}

#[test]
fn without_twilio_sms_are_skipped_and_say_so() {
    let shop = shop(&[]);
    let user = shop.unverified("Ada", "ada@example.com");
    shop.handle(&shop.code(&user)).unwrap();
    let list = shop.list();
    assert_eq!((list.len(), list[0].status), (1, Sent::Skipped));
    assert!(list[0].reason.as_ref().unwrap().contains("TWILIO_ACCOUNT_SID"));
    assert!(matches!(
        shop.notifications.send_sms(&admin(), &sms(None)),
        Err(Error::Unavailable(_))
    ));
}

#[test]
fn half_a_configuration_is_for_the_operator_to_mend_and_holds_up_no_mail() {
    let shop = shop(&[("TWILIO_ACCOUNT_SID", "AC1"), ("TWILIO_FROM", "Shop")]);
    let user = shop.user("Ada", "ada@example.com");
    shop.notifications
        .set_preferences(&customer(&user), None, &[BY_SMS])
        .unwrap();
    let (_, placed) = shop.order(&user);
    let Err(Failure::Retry(reason)) = shop.handle(&placed) else {
        panic!("it was handled");
    };
    assert!(reason.contains("TWILIO_AUTH_TOKEN"), "{reason}");
    assert_eq!(shop.ports.take_mails().len(), 1);
    let sent = shop.notifications.send_sms(&admin(), &sms(None)).unwrap();
    assert_eq!((sent.status, sent.reason), (Sent::Waiting, Some(reason)));
}

#[test]
fn what_passes_is_tried_again_and_what_is_refused_is_not() {
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
    let asked = shop.code(&user);
    for _ in 0..4 {
        assert!(matches!(shop.handle(&asked), Err(Failure::Retry(_))));
        assert_eq!(shop.list()[0].status, Sent::Waiting);
    }
    shop.handle(&asked).unwrap();
    shop.handle(&asked).unwrap();
    let list = shop.list();
    assert_eq!((list[0].status, list[0].attempts), (Sent::Failed, 5));
    let reason = list[0].reason.as_ref().unwrap();
    assert!(reason.contains("21211") && !reason.contains("+49"), "{reason}");
    assert_eq!(sent.lock().unwrap().len(), 5);
}

#[test]
fn twilio_is_left_alone_after_five_failures_in_a_row() {
    let shop = shop(TWILIO);
    let sent = shop.twilio((0..5).map(|_| Ok((500, Value::Null))).collect());
    let user = shop.unverified("Ada", "ada@example.com");
    let asked = shop.code(&user);
    for _ in 0..8 {
        assert!(matches!(shop.handle(&asked), Err(Failure::Retry(_))));
    }
    assert_eq!(sent.lock().unwrap().len(), 5);
    assert!(shop.list()[0].reason.as_ref().unwrap().contains("left alone"));
    let sent = shop.twilio(vec![Ok((500, Value::Null)), accepted()]);
    shop.ports.keep("notifications.twilio.open", b"1", 60_000);
    for _ in 0..3 {
        assert!(matches!(shop.handle(&asked), Err(Failure::Retry(_))));
    }
    assert_eq!(sent.lock().unwrap().len(), 1, "one more, after the pause");
    shop.ports.keep("notifications.twilio.open", b"2", 60_000);
    shop.handle(&asked).unwrap();
    assert_eq!(shop.list()[0].status, Sent::Sent);
}

#[test]
fn who_wants_sms_gets_both_and_one_that_fails_does_not_repeat_the_other() {
    let shop = shop(TWILIO);
    shop.twilio(vec![Ok((500, Value::Null)), accepted()]);
    let user = shop.user("Ada", "ada@example.com");
    shop.notifications
        .set_preferences(&customer(&user), None, &[BY_SMS])
        .unwrap();
    let (_, placed) = shop.order(&user);
    assert!(matches!(shop.handle(&placed), Err(Failure::Retry(_))));
    shop.handle(&placed).unwrap();
    assert_eq!(shop.ports.take_mails().len(), 1);
    assert!(shop.list().iter().all(|one| one.status == Sent::Sent));
}

#[test]
fn what_can_not_be_told_by_mail_now_is_told_by_sms_and_comes_again() {
    let shop = shop(TWILIO);
    let sent = shop.twilio(vec![accepted()]);
    let user = shop.user("Ada", "ada@unavailable.example");
    shop.notifications
        .set_preferences(&customer(&user), None, &[BY_SMS])
        .unwrap();
    let (_, placed) = shop.order(&user);
    for _ in 0..2 {
        assert!(matches!(shop.handle(&placed), Err(Failure::Retry(_))));
    }
    assert_eq!(sent.lock().unwrap().len(), 1);
}

#[test]
fn a_phone_that_is_not_verified_gets_nothing_but_codes() {
    let shop = shop(TWILIO);
    let sent = shop.twilio(Vec::new());
    let user = shop.unverified("Ada", "ada@example.com");
    shop.notifications
        .set_preferences(&customer(&user), None, &[BY_SMS])
        .unwrap();
    let (_, placed) = shop.order(&user);
    shop.handle(&placed).unwrap();
    assert!(sent.lock().unwrap().is_empty());
    assert!(shop.list().iter().all(|one| one.status == Sent::Skipped));
    assert_eq!(shop.list().len(), 2);
}

#[test]
fn a_keeper_sends_an_sms_once_for_a_key() {
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
