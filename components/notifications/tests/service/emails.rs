//! Sends e-mails about events, each once.

use mercato_ports::events::HandlerFailure;
use mercato_shop::notifications::{Kind, Medium, NotificationStatus as Status, Preference};
use mercato_shop::orders::Status as OrderStatus;
use mercato_shop::ports::Ports;
use mercato_shop::services::Accounts;
use mercato_shop::types::Caller;
use serde_json::json;

use crate::shop::{Shop, event, shop};

const MESSAGES: &str = "notifications.messages";

fn statuses(shop: &Shop) -> Vec<(Kind, Medium, Status)> {
    let seen = shop.list().into_iter();
    seen.map(|one| (one.kind, one.medium, one.status)).collect()
}

#[test]
fn sends_each_status_of_an_order_once_despite_repeated_events() {
    let shop = shop(&[]);
    let user = shop.user("Ada", "ada@example.com");
    let (order, placed) = shop.order(&user);
    let paid = shop.advance(&order, OrderStatus::Paid, "mercato.orders.order-paid");
    shop.advance(&order, OrderStatus::Processing, "mercato.orders.order-processing");
    let shipped = shop.advance(&order, OrderStatus::Shipped, "mercato.orders.order-shipped");
    for event in [&placed, &paid, &shipped, &placed, &shipped] {
        shop.handle(event).unwrap();
    }
    let mails = shop.ports.take_mails();
    let subjects: Vec<_> = mails.iter().map(|mail| mail.subject.as_str()).collect();
    let expected =
        ["ist da", "ist bezahlt", "ist unterwegs"].map(|what| format!("Ihre Bestellung {order} {what}"));
    assert_eq!(subjects, expected);
    for mail in &mails {
        assert_eq!(mail.to, "ada@example.com");
        assert!(mail.text.contains("2 × Sock: 25,00 USD"), "{}", mail.text);
        assert!(mail.html.as_ref().unwrap().contains("2 × Sock"));
    }
    let list = shop.list();
    assert_eq!(list.len(), 3);
    assert!(list.iter().all(|one| {
        one.status == Status::Sent
            && one.attempts == 1
            && one.user_id.as_deref() == Some(&user)
            && one.order_id.as_deref() == Some(&order)
            && one.recipient.as_deref() == Some("a…@example.com")
    }));
    let kept = format!("{list:?}");
    assert!(
        !kept.contains("ada@example.com") && !kept.contains("Sock"),
        "{kept}"
    );
}

#[test]
fn sends_the_notifications_of_a_batch_with_a_result_for_each() {
    let shop = shop(&[]);
    let users = ["Ada", "Bob"].map(|name| shop.user(name, &format!("{name}@example.com")));
    let mut batch = Vec::from(users.map(|user| shop.order(&user).1));
    batch.insert(1, event("mercato.orders.order-placed", &json!({})));
    let results = shop.notifications.handle(&batch);
    assert!(
        matches!(&results[..], [Ok(()), Err(HandlerFailure::Reject(_)), Ok(())]),
        "{results:?}"
    );
    let mails = shop.ports.take_mails();
    let recipients: Vec<_> = mails.iter().map(|mail| mail.to.as_str()).collect();
    assert_eq!(recipients, ["Ada@example.com", "Bob@example.com"]);
}

#[test]
fn sends_the_cancellation_of_an_order() {
    let shop = shop(&[]);
    let user = shop.user("Ada", "ada@example.com");
    let (order, _) = shop.order(&user);
    let cancelled = shop.advance(&order, OrderStatus::Cancelled, "mercato.orders.order-cancelled");
    shop.handle(&cancelled).unwrap();
    assert!(shop.ports.take_mails()[0].subject.contains("storniert"));
}

#[test]
fn a_waiting_notification_is_sent_when_its_event_is_delivered_again() {
    let shop = shop(&[]);
    let user = shop.user("Ada", "ada@unavailable.example");
    let (_, placed) = shop.order(&user);
    for attempts in 1..=2 {
        assert!(matches!(shop.handle(&placed), Err(HandlerFailure::Retry(_))));
        let list = shop.list();
        assert_eq!(
            (list[0].status, list[0].attempts, list[0].reason.as_deref()),
            (Status::Waiting, attempts, Some("The mail server is unavailable."))
        );
    }
    shop.set_email(&user, "ada@example.com");
    shop.handle(&placed).unwrap();
    shop.handle(&placed).unwrap();
    assert_eq!(shop.ports.take_mails().len(), 1);
    let list = shop.list();
    assert_eq!(
        (list[0].status, list[0].attempts, &list[0].reason),
        (Status::Sent, 3, &None)
    );
}

#[test]
fn a_rejected_notification_fails_and_is_listed() {
    let shop = shop(&[]);
    let user = shop.user("Ada", "ada@rejected.example");
    let (_, placed) = shop.order(&user);
    shop.handle(&placed).unwrap();
    shop.handle(&placed).unwrap();
    let list = shop.list();
    assert_eq!((list[0].status, list[0].attempts), (Status::Failed, 1));
    assert!(list[0].reason.as_ref().unwrap().contains("mail server"));
}

#[test]
fn concurrent_deliveries_of_an_event_send_once() {
    let shop = shop(&[]);
    let user = shop.user("Ada", "ada@example.com");
    let (_, placed) = shop.order(&user);
    let (other, same) = (shop.clone(), placed.clone());
    shop.ports
        .before_next_commit(move || other.handle(&same).unwrap());
    assert!(matches!(shop.handle(&placed), Err(HandlerFailure::Retry(_))));
    shop.handle(&placed).unwrap();
    assert_eq!(shop.ports.take_mails().len(), 1);
}

#[test]
fn a_claim_expires_after_a_minute() {
    let shop = shop(&[]);
    let user = shop.user("Ada", "ada@example.com");
    let (_, placed) = shop.order(&user);
    shop.handle(&placed).unwrap();
    let id = format!("{}/email", placed.id);
    shop.edit(MESSAGES, &id, |body| body["status"] = "sending".into());
    assert!(
        matches!(shop.handle(&placed), Err(HandlerFailure::Retry(_))),
        "another request may be sending it"
    );
    shop.edit(MESSAGES, &id, |body| {
        body["updatedAt"] = (body["updatedAt"].as_u64().unwrap() - 61_000).into();
    });
    shop.handle(&placed).unwrap();
    assert_eq!(shop.ports.take_mails().len(), 2);
    assert_eq!(shop.list()[0].status, Status::Sent);
}

#[test]
fn skips_an_address_that_is_not_verified() {
    let shop = shop(&[]);
    let user = shop.unverified("Ada", "ada@example.com");
    let (_, placed) = shop.order(&user);
    shop.handle(&placed).unwrap();
    assert!(shop.ports.take_mails().is_empty());
    let list = shop.list();
    assert_eq!(list.len(), 1);
    assert_eq!(list[0].status, Status::Skipped);
    assert_eq!(
        list[0].reason.as_deref(),
        Some("The e-mail address is not verified.")
    );
}

#[test]
fn welcomes_a_new_user_once_after_the_address_is_verified() {
    let shop = shop(&[]);
    let user = shop.unverified("Ada", "ada@example.com");
    let registered = event(
        "mercato.accounts.user-registered",
        &json!({ "userId": user, "username": "ada" }),
    );
    shop.handle(&registered).unwrap();
    assert_eq!(statuses(&shop), [(Kind::Welcome, Medium::Email, Status::Skipped)]);
    shop.edit("accounts.users", &user, |body| {
        body["profile"]["emailVerified"] = true.into()
    });
    for _ in 0..2 {
        let verified = event(
            "mercato.accounts.contact-verified",
            &json!({ "userId": user, "channel": "email" }),
        );
        shop.handle(&verified).unwrap();
    }
    assert_eq!(statuses(&shop), [(Kind::Welcome, Medium::Email, Status::Sent)]);
    let mails = shop.ports.take_mails();
    assert_eq!((mails.len(), mails[0].subject.as_str()), (1, "Willkommen"));
}

#[test]
fn sends_low_stock_to_the_operator_if_an_address_is_set() {
    let data = json!({ "productId": "p1", "name": "Sock", "onHand": 2, "threshold": 3 });
    let low = event("mercato.catalog.low-stock", &data);
    let silent = shop(&[]);
    silent.handle(&low).unwrap();
    assert!(silent.list().is_empty() && silent.ports.take_mails().is_empty());

    for name in ["OPERATOR_EMAIL", "KEEPER_EMAIL"] {
        let shop = shop(&[(name, "operator@example.com")]);
        shop.handle(&low).unwrap();
        shop.handle(&low).unwrap();
        let mails = shop.ports.take_mails();
        assert_eq!(
            (mails.len(), mails[0].to.as_str(), mails[0].subject.as_str()),
            (1, "operator@example.com", "Sock runs low: 2 left"),
            "{name}"
        );
    }
}

#[test]
fn erases_the_addresses_and_preferences_of_a_user() {
    let shop = shop(&[]);
    let user = shop.user("Ada", "ada@example.com");
    let (_, placed) = shop.order(&user);
    shop.handle(&placed).unwrap();
    let choice = Preference {
        kind: Kind::OrderPaid,
        medium: Medium::Sms,
        enabled: true,
    };
    shop.choose(&user, choice);
    shop.accounts.erase(&Caller::ApiKey, &user).unwrap();
    let erased = shop.event("mercato.accounts.user-erased");
    shop.handle(&erased).unwrap();
    shop.handle(&erased).unwrap();
    let list = shop.list();
    assert_eq!((list.len(), &list[0].recipient), (1, &None));
    let kept = shop
        .ports
        .get_many("notifications.preferences", std::slice::from_ref(&user));
    assert_eq!(kept.unwrap(), [None]);
    let (_, late) = shop.order(&user);
    shop.handle(&late).unwrap();
    assert_eq!((shop.list().len(), shop.ports.take_mails().len()), (1, 1));
}

#[test]
fn rejects_invalid_and_unknown_events_without_repeating_their_data() {
    let shop = shop(&[]);
    let odd = event(
        "mercato.accounts.verification-requested",
        &json!({ "code": 123_456 }),
    );
    let Err(HandlerFailure::Reject(reason)) = shop.handle(&odd) else {
        panic!("the event was handled");
    };
    assert!(!reason.contains("123456"), "{reason}");
    let other = event("mercato.orders.order-lost", &json!({}));
    assert!(matches!(shop.handle(&other), Err(HandlerFailure::Reject(_))));
    let user = shop.user("Ada", "ada@example.com");
    let data = json!({ "orderId": "0198c0de-0000-7000-8000-000000000000", "userId": user });
    let no_order = event("mercato.orders.order-paid", &data);
    assert!(matches!(shop.handle(&no_order), Err(HandlerFailure::Reject(_))));
    assert!(shop.list().is_empty());
}
