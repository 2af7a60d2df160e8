//! What is told by e-mail because of events: once, to whom it concerns.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs,
    reason = "tests"
)]

mod shop;

use mercato_notifications::Failure;
use mercato_shop::notifications::{Kind, Medium, NotificationStatus as Sent, Preference};
use mercato_shop::orders::Status;
use mercato_shop::ports::Ports;
use mercato_shop::services::{Accounts, Notifications};
use mercato_shop::testing::customer;
use mercato_shop::types::Caller;
use serde_json::json;
use shop::{Shop, event, shop};

const MESSAGES: &str = "notifications.messages";

fn statuses(shop: &Shop) -> Vec<(Kind, Medium, Sent)> {
    let seen = shop.list().into_iter();
    seen.map(|one| (one.kind, one.medium, one.status)).collect()
}

#[test]
fn a_customer_hears_of_each_step_of_an_order_once_however_often_it_is_told() {
    let shop = shop(&[]);
    let user = shop.user("Ada", "ada@example.com");
    let (order, placed) = shop.order(&user);
    let paid = shop.advance(&order, Status::Paid, "mercato.orders.order-paid");
    shop.advance(&order, Status::Processing, "mercato.orders.order-processing");
    let shipped = shop.advance(&order, Status::Shipped, "mercato.orders.order-shipped");
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
        one.status == Sent::Sent
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
fn a_cancelled_order_is_told_of_too() {
    let shop = shop(&[]);
    let user = shop.user("Ada", "ada@example.com");
    let (order, _) = shop.order(&user);
    let cancelled = shop.advance(&order, Status::Cancelled, "mercato.orders.order-cancelled");
    shop.handle(&cancelled).unwrap();
    assert!(shop.ports.take_mails()[0].subject.contains("storniert"));
}

#[test]
fn what_can_not_be_sent_now_is_sent_when_the_event_comes_again() {
    let shop = shop(&[]);
    let user = shop.user("Ada", "ada@unavailable.example");
    let (_, placed) = shop.order(&user);
    for attempts in 1..=2 {
        assert!(matches!(shop.handle(&placed), Err(Failure::Retry(_))));
        let list = shop.list();
        assert_eq!(
            (list[0].status, list[0].attempts, list[0].reason.as_deref()),
            (Sent::Waiting, attempts, Some("The mail server does not answer."))
        );
    }
    shop.edit("accounts.users", &user, |body| {
        body["profile"]["email"] = "ada@example.com".into()
    });
    shop.handle(&placed).unwrap();
    shop.handle(&placed).unwrap();
    assert_eq!(shop.ports.take_mails().len(), 1);
    let list = shop.list();
    assert_eq!(
        (list[0].status, list[0].attempts, &list[0].reason),
        (Sent::Sent, 3, &None)
    );
}

#[test]
fn what_can_never_be_sent_ends_there_and_is_shown() {
    let shop = shop(&[]);
    let user = shop.user("Ada", "ada@rejected.example");
    let (_, placed) = shop.order(&user);
    shop.handle(&placed).unwrap();
    shop.handle(&placed).unwrap();
    let list = shop.list();
    assert_eq!((list[0].status, list[0].attempts), (Sent::Failed, 1));
    assert!(list[0].reason.as_ref().unwrap().contains("mail server"));
}

#[test]
fn of_two_deliveries_at_once_one_sends() {
    let shop = shop(&[]);
    let user = shop.user("Ada", "ada@example.com");
    let (_, placed) = shop.order(&user);
    let (other, same) = (shop.clone(), placed.clone());
    shop.ports
        .before_next_commit(move || other.handle(&same).unwrap());
    assert!(matches!(shop.handle(&placed), Err(Failure::Retry(_))));
    shop.handle(&placed).unwrap();
    assert_eq!(shop.ports.take_mails().len(), 1);
}

#[test]
fn a_claim_that_a_crash_has_left_is_anybodys_after_a_minute() {
    let shop = shop(&[]);
    let user = shop.user("Ada", "ada@example.com");
    let (_, placed) = shop.order(&user);
    shop.handle(&placed).unwrap();
    let id = format!("{}/email", placed.id);
    shop.edit(MESSAGES, &id, |body| body["status"] = "sending".into());
    assert!(
        matches!(shop.handle(&placed), Err(Failure::Retry(_))),
        "it may be on its way"
    );
    shop.edit(MESSAGES, &id, |body| {
        body["updatedAt"] = (body["updatedAt"].as_u64().unwrap() - 61_000).into();
    });
    shop.handle(&placed).unwrap();
    assert_eq!(shop.ports.take_mails().len(), 2);
    assert_eq!(shop.list()[0].status, Sent::Sent);
}

#[test]
fn an_address_that_is_not_verified_gets_nothing() {
    let shop = shop(&[]);
    let user = shop.unverified("Ada", "ada@example.com");
    let (_, placed) = shop.order(&user);
    shop.handle(&placed).unwrap();
    assert!(shop.ports.take_mails().is_empty());
    let list = shop.list();
    assert_eq!(list.len(), 1);
    assert_eq!(list[0].status, Sent::Skipped);
    assert_eq!(
        list[0].reason.as_deref(),
        Some("The e-mail address is not verified.")
    );
}

#[test]
fn a_new_user_is_greeted_once_as_soon_as_there_is_a_verified_address() {
    let shop = shop(&[]);
    let user = shop.unverified("Ada", "ada@example.com");
    let registered = event(
        "mercato.accounts.user-registered",
        &json!({ "userId": user, "username": "ada" }),
    );
    shop.handle(&registered).unwrap();
    assert_eq!(statuses(&shop), [(Kind::Welcome, Medium::Email, Sent::Skipped)]);
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
    assert_eq!(statuses(&shop), [(Kind::Welcome, Medium::Email, Sent::Sent)]);
    let mails = shop.ports.take_mails();
    assert_eq!((mails.len(), mails[0].subject.as_str()), (1, "Willkommen"));
}

#[test]
fn the_keeper_hears_of_low_stock_where_there_is_one() {
    let data = json!({ "productId": "p1", "name": "Sock", "onHand": 2, "threshold": 3 });
    let low = event("mercato.catalog.low-stock", &data);
    let silent = shop(&[]);
    silent.handle(&low).unwrap();
    assert!(silent.list().is_empty() && silent.ports.take_mails().is_empty());

    let shop = shop(&[("KEEPER_EMAIL", "keeper@example.com")]);
    shop.handle(&low).unwrap();
    shop.handle(&low).unwrap();
    let mails = shop.ports.take_mails();
    assert_eq!(
        (mails.len(), mails[0].to.as_str(), mails[0].subject.as_str()),
        (1, "keeper@example.com", "Sock runs low: 2 left")
    );
}

#[test]
fn of_an_erased_user_no_address_and_no_choice_is_left() {
    let shop = shop(&[]);
    let user = shop.user("Ada", "ada@example.com");
    let (_, placed) = shop.order(&user);
    shop.handle(&placed).unwrap();
    let choice = Preference {
        kind: Kind::OrderPaid,
        medium: Medium::Sms,
        enabled: true,
    };
    let own = customer(&user);
    shop.notifications.set_preferences(&own, None, &[choice]).unwrap();
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
fn what_is_no_event_of_this_services_is_rejected_and_not_repeated() {
    let shop = shop(&[]);
    let odd = event(
        "mercato.accounts.verification-requested",
        &json!({ "code": 123_456 }),
    );
    let Err(Failure::Reject(reason)) = shop.handle(&odd) else {
        panic!("it was taken");
    };
    assert!(!reason.contains("123456"), "{reason}");
    let other = event("mercato.orders.order-lost", &json!({}));
    assert!(matches!(shop.handle(&other), Err(Failure::Reject(_))));
    let user = shop.user("Ada", "ada@example.com");
    let data = json!({ "orderId": "0198c0de-0000-7000-8000-000000000000", "userId": user });
    let no_order = event("mercato.orders.order-paid", &data);
    assert!(matches!(shop.handle(&no_order), Err(Failure::Reject(_))));
    assert!(shop.list().is_empty());
}
