//! What keepers of the shop write and can't be sent now.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs,
    reason = "tests"
)]

mod shop;

use mercato_notifications::Failure;
use mercato_ports::documents::Query;
use mercato_ports::events::Event;
use mercato_ports::http_client::HttpFailure;
use mercato_shop::notifications::{Email, Notification, NotificationStatus as Sent, Sms};
use mercato_shop::ports::Ports as _;
use mercato_shop::services::Notifications;
use mercato_shop::types::{Caller, Error};
use shop::{PHONE, Shop, TWILIO, accepted, shop};

const LETTERS: &str = "notifications.letters";
const WAITS: &str = "mercato.notifications.message-waits";

fn write(shop: &Shop, to: &str, key: Option<&str>) -> Notification {
    let email = Email {
        to: to.into(),
        subject: "News".into(),
        text: "There is news.".into(),
        html: Some("<p>There is news.</p>".into()),
        idempotency_key: key.map(Into::into),
    };
    shop.notifications.send_email(&Caller::ApiKey, &email).unwrap()
}

/// A message that waits, and the event that has it tried again.
fn waiting(shop: &Shop, key: Option<&str>) -> (Notification, Event) {
    let waits = write(shop, "ada@unavailable.example", key);
    assert_eq!((waits.status, waits.attempts), (Sent::Waiting, 1));
    assert!(waits.reason.is_some());
    (waits, shop.event(WAITS))
}

/// The address works again.
fn mend(shop: &Shop, id: &str) {
    shop.edit(LETTERS, id, |body| body["to"] = "ada@example.com".into());
}

/// How many letters are kept.
fn kept(shop: &Shop) -> usize {
    shop.ports.find(&Query::all(LETTERS, 100)).unwrap().len()
}

#[test]
fn what_somebody_wrote_is_sent_when_that_can_be_and_kept_until_then() {
    let shop = shop(&[]);
    let (message, event) = waiting(&shop, None);
    assert!(!event.data.contains("news") && !event.data.contains("ada"));
    for attempts in 2..=3 {
        assert!(matches!(shop.handle(&event), Err(Failure::Retry(_))));
        let list = shop.list();
        assert_eq!((list[0].status, list[0].attempts), (Sent::Waiting, attempts));
        assert_eq!((kept(&shop), shop.ports.take_events().len()), (1, 0));
    }
    mend(&shop, &message.id);
    for _ in 0..2 {
        shop.handle(&event).unwrap();
    }
    let mails = shop.ports.take_mails();
    assert_eq!(
        (mails.len(), mails[0].text.as_str(), mails[0].html.as_deref()),
        (1, "There is news.", Some("<p>There is news.</p>"))
    );
    let list = shop.list();
    assert_eq!(
        (list[0].status, list[0].attempts, &list[0].reason),
        (Sent::Sent, 4, &None)
    );
    assert_eq!(kept(&shop), 0, "it is kept until it is sent");
}

#[test]
fn a_keeper_tries_what_waits_again() {
    let shop = shop(&[]);
    let (message, event) = waiting(&shop, None);
    let again = || shop.notifications.retry(&Caller::ApiKey, &message.id);
    assert_eq!(again().unwrap().status, Sent::Waiting);
    mend(&shop, &message.id);
    assert_eq!(again().unwrap().status, Sent::Sent);
    assert!(matches!(again(), Err(Error::InvalidTransition(_))));
    shop.handle(&event).unwrap();
    assert_eq!((shop.ports.take_mails().len(), kept(&shop)), (1, 0));
}

#[test]
fn who_asks_again_by_the_same_key_has_it_sent_once() {
    let shop = shop(&[]);
    let (_, event) = waiting(&shop, Some("k"));
    assert_eq!(
        write(&shop, "ada@unavailable.example", Some("k")).status,
        Sent::Waiting
    );
    assert_eq!(kept(&shop), 1);
    assert_eq!(write(&shop, "ada@example.com", Some("k")).status, Sent::Sent);
    shop.handle(&event).unwrap();
    assert_eq!((shop.ports.take_mails().len(), kept(&shop)), (1, 0));
}

#[test]
fn what_can_never_be_sent_is_not_kept_any_longer() {
    let shop = shop(&[]);
    let (message, event) = waiting(&shop, None);
    shop.edit(LETTERS, &message.id, |body| {
        body["to"] = "ada@rejected.example".into();
    });
    shop.handle(&event).unwrap();
    assert_eq!((shop.list()[0].status, kept(&shop)), (Sent::Failed, 0));
}

#[test]
fn an_sms_waits_for_twilio() {
    let shop = shop(TWILIO);
    let away = Err(HttpFailure::NotSent("away".into()));
    let asked = shop.twilio(vec![away, accepted()]);
    let sms = Sms {
        to: PHONE.into(),
        text: "There is news.".into(),
        idempotency_key: None,
    };
    let waits = shop.notifications.send_sms(&Caller::ApiKey, &sms).unwrap();
    assert_eq!(waits.status, Sent::Waiting);
    shop.handle(&shop.event(WAITS)).unwrap();
    assert_eq!((asked.lock().unwrap().len(), kept(&shop)), (2, 0));
    assert_eq!(shop.list()[0].status, Sent::Sent);
}
