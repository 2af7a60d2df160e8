//! Messages of staff that cannot be sent yet.

use mercato_ports::documents::Query;
use mercato_ports::events::{Event, HandlerFailure};
use mercato_ports::http_client::HttpFailure;
use mercato_shop::notifications::{Notification, NotificationStatus as Status};
use mercato_shop::ports::Ports as _;
use mercato_shop::services::Notifications;
use mercato_shop::types::{Caller, Error};

use crate::shop::{Shop, TWILIO, accepted, shop, sms};

const PENDING: &str = "notifications.letters";
const WAITS: &str = "mercato.notifications.message-waits";

/// Sends a message that waits. Returns it and the event that retries it.
fn waiting(shop: &Shop, key: Option<&str>) -> (Notification, Event) {
    let waits = shop.send_email("ada@unavailable.example", key).unwrap();
    assert_eq!((waits.status, waits.attempts), (Status::Waiting, 1));
    assert!(waits.reason.is_some());
    (waits, shop.event(WAITS))
}

/// Changes the address of a pending message to one that works.
fn correct(shop: &Shop, id: &str) {
    shop.edit(PENDING, id, |body| body["to"] = "ada@example.com".into());
}

/// The number of pending messages.
fn pending(shop: &Shop) -> usize {
    shop.ports.find(&Query::all(PENDING, 100)).unwrap().len()
}

#[test]
fn a_pending_message_is_stored_until_it_is_sent() {
    let shop = shop(&[]);
    let (message, event) = waiting(&shop, None);
    assert!(!event.data.contains("news") && !event.data.contains("ada"));
    for attempts in 2..=3 {
        assert!(matches!(shop.handle(&event), Err(HandlerFailure::Retry(_))));
        let list = shop.list();
        assert_eq!((list[0].status, list[0].attempts), (Status::Waiting, attempts));
        assert_eq!((pending(&shop), shop.ports.take_events().len()), (1, 0));
    }
    correct(&shop, &message.id);
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
        (Status::Sent, 4, &None)
    );
    assert_eq!(pending(&shop), 0, "a sent message is deleted");
}

#[test]
fn staff_retry_a_pending_message() {
    let shop = shop(&[]);
    let (message, event) = waiting(&shop, None);
    let again = || shop.notifications.retry(&Caller::ApiKey, &message.id);
    assert_eq!(again().unwrap().status, Status::Waiting);
    correct(&shop, &message.id);
    assert_eq!(again().unwrap().status, Status::Sent);
    assert!(matches!(again(), Err(Error::InvalidTransition(_))));
    shop.handle(&event).unwrap();
    assert_eq!((shop.ports.take_mails().len(), pending(&shop)), (1, 0));
}

#[test]
fn sends_a_repeated_request_with_the_same_key_once() {
    let shop = shop(&[]);
    let (_, event) = waiting(&shop, Some("k"));
    let again = shop.send_email("ada@unavailable.example", Some("k")).unwrap();
    assert_eq!(again.status, Status::Waiting);
    assert_eq!(pending(&shop), 1);
    let sent = shop.send_email("ada@example.com", Some("k")).unwrap();
    assert_eq!(sent.status, Status::Sent);
    shop.handle(&event).unwrap();
    assert_eq!((shop.ports.take_mails().len(), pending(&shop)), (1, 0));
}

#[test]
fn deletes_a_pending_message_that_is_rejected() {
    let shop = shop(&[]);
    let (message, event) = waiting(&shop, None);
    shop.edit(PENDING, &message.id, |body| {
        body["to"] = "ada@rejected.example".into();
    });
    shop.handle(&event).unwrap();
    assert_eq!((shop.list()[0].status, pending(&shop)), (Status::Failed, 0));
}

#[test]
fn an_sms_waits_for_twilio() {
    let shop = shop(TWILIO);
    let unavailable = Err(HttpFailure::NotSent("unavailable".into()));
    let requests = shop.twilio(vec![unavailable, accepted()]);
    let waits = shop.notifications.send_sms(&Caller::ApiKey, &sms(None)).unwrap();
    assert_eq!(waits.status, Status::Waiting);
    shop.handle(&shop.event(WAITS)).unwrap();
    assert_eq!((requests.lock().unwrap().len(), pending(&shop)), (2, 0));
    assert_eq!(shop.list()[0].status, Status::Sent);
}
