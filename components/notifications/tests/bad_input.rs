//! What keepers of the shop may not have sent, and what is made harmless of what they may.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs,
    reason = "tests"
)]

mod shop;

use mercato_shop::notifications::{Email, NotificationStatus as Status, Sms};
use mercato_shop::services::Notifications;
use mercato_shop::types::{Caller, Error};
use shop::{PHONE, Shop, TWILIO, shop};

const KEY: Caller = Caller::ApiKey;

fn email() -> Email {
    Email {
        to: "ada@example.com".into(),
        subject: "News".into(),
        text: "There is news.".into(),
        html: None,
        idempotency_key: None,
    }
}

fn sms() -> Sms {
    Sms {
        to: PHONE.into(),
        text: "News".into(),
        idempotency_key: None,
    }
}

fn field<T: std::fmt::Debug>(answer: Result<T, Error>) -> String {
    match answer {
        Err(Error::Invalid(violation)) => violation.field,
        other => panic!("{other:?}"),
    }
}

fn send(shop: &Shop, change: impl FnOnce(&mut Email)) -> Result<Status, Error> {
    let mut email = email();
    change(&mut email);
    shop.notifications
        .send_email(&KEY, &email)
        .map(|sent| sent.status)
}

#[test]
fn an_email_goes_to_one_address_and_nowhere_else() {
    let shop = shop(&[]);
    let long = format!("{}@{}.example", "a".repeat(64), "b".repeat(200));
    for to in [
        "",
        "ada",
        "ada@localhost",
        "ada@example.com,eve@example.com",
        "ada@example.com; eve@example.com",
        "ada@example.com\r\nBcc: eve@example.com",
        "ada@example.com\nBcc:eve@example.com",
        "ada@example.com\0",
        " ada@example.com",
        "ada@example.com ",
        "ada@example.com\u{a0}",
        "ada@example.com\u{2028}",
        "Ada <ada@example.com>",
        "<ada@example.com>",
        "\"ada eve\"@example.com",
        "ada(eve)@example.com",
        "ada@[127.0.0.1]",
        "ada@example..com",
        "ada@example.com.",
        "ada@@example.com",
        &long,
    ] {
        assert_eq!(field(send(&shop, |email| email.to = to.into())), "to", "{to:?}");
    }
    assert!(shop.ports.take_mails().is_empty());
}

#[test]
fn texts_have_their_borders() {
    let shop = shop(&[]);
    type Change = fn(&mut Email, String);
    let subject: Change = |email, text| email.subject = text;
    let text: Change = |email, text| email.text = text;
    let html: Change = |email, text| email.html = Some(text);
    let key: Change = |email, text| email.idempotency_key = Some(text);
    for (name, most, change) in [
        ("subject", 200, subject),
        ("text", 100_000, text),
        ("html", 100_000, html),
        ("idempotencyKey", 100, key),
    ] {
        for good in [1, most] {
            let sent = send(&shop, |email| change(email, "ö".repeat(good)));
            assert_eq!(sent.unwrap(), Status::Sent, "{name} of {good}");
        }
        for bad in [
            String::new(),
            " \n\t".into(),
            "ö".repeat(most + 1),
            "a\0b".into(),
            "a\u{1b}[2Jb".into(),
            "a\u{7f}b".into(),
            "a\u{85}b".into(),
        ] {
            assert_eq!(field(send(&shop, |email| change(email, bad))), name);
        }
    }
}

#[test]
fn a_subject_is_one_line_whatever_it_holds() {
    let shop = shop(&[]);
    let subject = "News\r\nBcc: eve@example.com\r\n\r\nAnother body";
    assert_eq!(
        send(&shop, |email| email.subject = subject.into()).unwrap(),
        Status::Sent
    );
    let mails = shop.ports.take_mails();
    assert_eq!(mails[0].subject, "News  Bcc: eve@example.com    Another body");
    assert_eq!((mails.len(), mails[0].to.as_str()), (1, "ada@example.com"));
}

#[test]
fn an_sms_goes_to_one_number_and_is_not_longer_than_twilio_takes() {
    let shop = shop(TWILIO);
    shop.ports
        .serve(|request| panic!("nothing should be sent: {}", request.url));
    for to in [
        "",
        "0151",
        "+49 151 12345678",
        "+491511234567890123",
        "+0151123456789",
        "+4915112345678,+4915112345679",
        "+4915112345678\r\nFrom: eve",
        "+4915112345678&Body=x",
        "＋4915112345678",
        "+٤٩١٥١١٢٣٤٥٦٧٨",
        "whatsapp:+4915112345678",
    ] {
        let sms = Sms {
            to: to.into(),
            ..sms()
        };
        assert_eq!(field(shop.notifications.send_sms(&KEY, &sms)), "to", "{to:?}");
    }
    for text in ["", "  ", &"x".repeat(1_601), "a\0b"] {
        let sms = Sms {
            text: text.into(),
            ..sms()
        };
        assert_eq!(field(shop.notifications.send_sms(&KEY, &sms)), "text");
    }
}

#[test]
fn an_id_that_nobody_has_is_not_found_whatever_it_looks_like() {
    let shop = shop(&[]);
    for id in [
        "",
        "/",
        "message/k/email",
        "a\0b",
        "../x",
        "$where",
        &"x".repeat(10_000),
    ] {
        let retried = shop.notifications.retry(&KEY, id);
        assert!(
            matches!(retried, Err(Error::NotFound(_))),
            "{id:.20?}: {retried:?}"
        );
    }
}
