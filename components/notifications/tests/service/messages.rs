//! Messages that staff send: validation, idempotency and permissions.

use mercato_shop::notifications::{Email, Kind, NotificationStatus as Status, Sms};
use mercato_shop::services::Notifications;
use mercato_shop::testing::{admin, invalid_field};
use mercato_shop::types::{Caller, Error};

use crate::shop::{Shop, TWILIO, email, shop, sms};

/// Sends an e-mail with a changed field.
fn send(shop: &Shop, change: impl FnOnce(&mut Email)) -> Result<Status, Error> {
    let mut email = email("ada@example.com", None);
    change(&mut email);
    let sent = shop.notifications.send_email(&Caller::ApiKey, &email);
    sent.map(|sent| sent.status)
}

fn send_sms(shop: &Shop, change: impl FnOnce(&mut Sms)) -> Result<Status, Error> {
    let mut sms = sms(None);
    change(&mut sms);
    let sent = shop.notifications.send_sms(&Caller::ApiKey, &sms);
    sent.map(|sent| sent.status)
}

#[test]
fn an_email_has_exactly_one_address() {
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
        assert_eq!(
            invalid_field(send(&shop, |email| email.to = to.into())),
            "to",
            "{to:?}"
        );
    }
    assert!(shop.ports.take_mails().is_empty());
}

#[test]
fn checks_the_lengths_and_characters_of_texts() {
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
            assert_eq!(invalid_field(send(&shop, |email| change(email, bad))), name);
        }
    }
}

#[test]
fn a_subject_becomes_one_line() {
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
fn an_sms_has_exactly_one_number_and_twilios_maximum_length() {
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
        let refused = send_sms(&shop, |sms| sms.to = to.into());
        assert_eq!(invalid_field(refused), "to", "{to:?}");
    }
    for text in ["", "  ", &"x".repeat(1_601), "a\0b"] {
        let refused = send_sms(&shop, |sms| sms.text = text.into());
        assert_eq!(invalid_field(refused), "text");
    }
}

#[test]
fn does_not_find_unknown_ids_of_any_form() {
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
        let retried = shop.notifications.retry(&Caller::ApiKey, id);
        assert!(
            matches!(retried, Err(Error::NotFound(_))),
            "{id:.20?}: {retried:?}"
        );
    }
}

#[test]
fn sends_an_email_once_for_a_key_and_does_not_store_its_text() {
    let shop = shop(&[]);
    let send = |to, key| shop.send_email(to, key);
    let sent = send("ada@example.com", Some("k")).unwrap();
    assert_eq!(send("ada@example.com", Some("k")).unwrap(), sent);
    let mails = shop.ports.take_mails();
    assert_eq!((mails.len(), mails[0].subject.as_str()), (1, "News"));
    assert_eq!(mails[0].html.as_deref(), Some("<p>There is news.</p>"));

    let failed = send("ada@rejected.example", Some("never")).unwrap();
    assert_eq!((failed.status, failed.kind), (Status::Failed, Kind::Message));
    assert!(matches!(
        shop.notifications.retry(&admin(), &failed.id),
        Err(Error::Conflict(_))
    ));
    assert_eq!(
        send("ada@example.com", Some("never")).unwrap().status,
        Status::Sent
    );
    assert!(!format!("{:?}", shop.list()).contains("news"));
    for to in ["", "ada", "ada@example.com\r\nBcc: eve@example.com"] {
        assert_eq!(invalid_field(send(to, None)), "to");
    }
    let mut empty = email("ada@example.com", None);
    empty.subject = " ".into();
    let refused = shop.notifications.send_email(&admin(), &empty);
    assert_eq!(invalid_field(refused), "subject");
}
