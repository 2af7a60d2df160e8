//! Payments over real orders, by the gateway that plays.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs,
    reason = "tests"
)]

mod shop;

use mercato_payments::Failure;
use mercato_shop::orders::Status;
use mercato_shop::payments::PaymentStatus;
use mercato_shop::services::{Orders, Payments};
use mercato_shop::testing::{admin, customer};
use mercato_shop::types::{Caller, Error};
use shop::{DUE, PLAYING, REFUND_REQUESTED, SUCCEEDED, shop};

#[test]
fn an_order_is_paid_once_however_often_it_is_asked_for() {
    let shop = shop(PLAYING);
    let id = shop.order(599);
    let paid = shop.pay(&id, "tok_ok").unwrap();
    assert_eq!(
        (
            paid.status,
            paid.amount,
            paid.currency.as_str(),
            paid.attempt,
            paid.user_id.as_str()
        ),
        (PaymentStatus::Succeeded, 599, "USD", 1, "u1")
    );
    assert_eq!(shop.read(&id).status, Status::Paid);
    assert_eq!(shop.events(SUCCEEDED).len(), 1);
    for method in ["tok_ok", "tok_declined"] {
        assert_eq!(shop.pay(&id, method).unwrap(), paid);
    }
    assert_eq!(shop.events(SUCCEEDED).len(), 0);
    shop.deliver();
    assert_eq!(shop.payment(&id).refunds, []);
}

#[test]
fn who_may_pay_look_and_give_back() {
    let shop = shop(PLAYING);
    let ids: Vec<_> = (0..3).map(|_| shop.order(100)).collect();
    let stranger = customer("u2");
    assert!(matches!(
        shop.pay_by(&Caller::Anonymous, &ids[0], "tok_ok", None),
        Err(Error::Unauthenticated(_))
    ));
    assert!(matches!(
        shop.pay_by(&stranger, &ids[0], "tok_ok", None),
        Err(Error::Forbidden(_))
    ));
    for (caller, id) in [customer("u1"), admin(), Caller::ApiKey].iter().zip(&ids) {
        assert_eq!(shop.pay_by(caller, id, "tok_ok", None).unwrap().user_id, "u1");
    }
    let look = |caller: &Caller| Payments::get_many(&shop.payments, caller, &ids[..1]);
    assert!(matches!(look(&Caller::Anonymous), Err(Error::Unauthenticated(_))));
    assert!(matches!(look(&stranger).unwrap()[0], Err(Error::Forbidden(_))));
    for caller in [customer("u1"), admin(), Caller::ApiKey] {
        assert!(matches!(look(&caller).unwrap()[0], Ok(Some(_))));
    }
    let refund = |caller: &Caller| {
        let input = mercato_shop::payments::RefundInput {
            payment_id: ids[0].clone(),
            amount: Some(1),
            reason: None,
            idempotency_key: None,
        };
        shop.payments.refund(caller, &input)
    };
    assert!(matches!(
        refund(&Caller::Anonymous),
        Err(Error::Unauthenticated(_))
    ));
    assert!(matches!(refund(&customer("u1")), Err(Error::Forbidden(_))));
    for caller in [admin(), Caller::ApiKey] {
        assert!(refund(&caller).is_ok());
    }
    let none = Payments::get_many(&shop.payments, &admin(), &["nothing".into()]).unwrap();
    assert_eq!(none, [Ok(None)]);
}

#[test]
fn a_payment_that_is_declined_can_be_made_in_another_way() {
    let shop = shop(PLAYING);
    let id = shop.order(100);
    for (attempt, method) in [
        "tok_declined",
        "tok_insufficient_funds",
        "tok_expired_card",
        "4242",
    ]
    .into_iter()
    .enumerate()
    {
        assert!(matches!(shop.pay(&id, method), Err(Error::PaymentDeclined(text)) if !text.is_empty()));
        let payment = shop.payment(&id);
        assert_eq!(
            (payment.status, payment.attempt as usize),
            (PaymentStatus::Failed, attempt + 1)
        );
        assert!(payment.failure.is_some());
        assert_eq!(shop.read(&id).status, Status::Pending);
    }
    assert!(matches!(
        shop.pay(&id, "tok_unavailable"),
        Err(Error::Unavailable(_))
    ));
    assert_eq!(shop.payment(&id).status, PaymentStatus::Failed);
    let paid = shop.pay(&id, "tok_ok").unwrap();
    assert_eq!(
        (paid.status, paid.attempt, paid.failure),
        (PaymentStatus::Succeeded, 6, None)
    );
}

#[test]
fn the_same_idempotency_key_asks_for_the_same_attempt() {
    let shop = shop(PLAYING);
    let id = shop.order(100);
    let pay = |method, key| shop.pay_by(&customer("u1"), &id, method, Some(key));
    let first = pay("tok_declined", "a");
    assert!(matches!(first, Err(Error::PaymentDeclined(_))));
    assert_eq!(pay("tok_declined", "a"), first);
    assert_eq!(shop.payment(&id).attempt, 1);
    assert_eq!(pay("tok_ok", "b").unwrap().attempt, 2);
    let long = "x".repeat(101);
    assert!(
        matches!(pay("tok_ok", &long), Err(Error::Invalid(violation)) if violation.field == "idempotencyKey")
    );
}

#[test]
fn only_a_pending_order_is_paid_and_only_with_something() {
    let shop = shop(PLAYING);
    let id = shop.order(100);
    for method in ["", "  ", "a\nb"] {
        assert!(
            matches!(shop.pay(&id, method), Err(Error::Invalid(violation)) if violation.field == "paymentMethod")
        );
    }
    shop.orders.cancel(&customer("u1"), &id, None).unwrap();
    assert!(matches!(
        shop.pay(&id, "tok_ok"),
        Err(Error::InvalidTransition(_))
    ));
    assert!(matches!(shop.pay("nothing", "tok_ok"), Err(Error::NotFound(_))));
}

#[test]
fn a_payment_whose_answer_is_lost_is_looked_at_by_its_timer() {
    let shop = shop(PLAYING);
    for (method, status, order) in [
        ("tok_timeout", PaymentStatus::Succeeded, Status::Paid),
        ("tok_timeout_declined", PaymentStatus::Failed, Status::Pending),
    ] {
        let id = shop.order(100);
        assert_eq!(shop.pay(&id, method).unwrap().status, PaymentStatus::Pending);
        assert_eq!(shop.read(&id).status, Status::Pending);
        let timer = shop.events(DUE).remove(0);
        assert!(timer.due.unwrap() >= timer.time + 59_000);
        shop.payments.handle(&timer).unwrap();
        assert_eq!((shop.payment(&id).status, shop.read(&id).status), (status, order));
        let timers = shop.events(DUE);
        assert_eq!(timers.len(), 1, "the next timer was set before anybody was asked");
        shop.payments.handle(&timers[0]).unwrap();
        assert_eq!(shop.events(DUE).len(), 0, "and is the last one");
    }
}

#[test]
fn a_day_later_an_attempt_is_found_or_taken_back() {
    let shop = shop(PLAYING);
    for (method, after) in [
        ("tok_timeout", PaymentStatus::Succeeded),
        ("tok_lost", PaymentStatus::Failed),
        ("tok_requires_action", PaymentStatus::Failed),
    ] {
        let id = shop.order(100);
        shop.pay(&id, method).unwrap();
        let timer = shop.events(DUE).remove(0);
        shop.age(&id);
        shop.payments.handle(&timer).unwrap();
        assert_eq!(shop.payment(&id).status, after);
        let again = shop.pay(&id, "tok_ok").unwrap();
        assert_eq!(again.attempt, if after == PaymentStatus::Failed { 2 } else { 1 });
        assert_eq!(shop.read(&id).status, Status::Paid);
    }
}

#[test]
fn asking_again_for_a_payment_that_is_uncertain_finds_out_and_does_not_pay_twice() {
    let shop = shop(PLAYING);
    let id = shop.order(100);
    assert_eq!(
        shop.pay(&id, "tok_timeout").unwrap().status,
        PaymentStatus::Pending
    );
    // Another token: the attempt that is under way counts.
    let paid = shop.pay(&id, "tok_ok").unwrap();
    assert_eq!((paid.status, paid.attempt), (PaymentStatus::Succeeded, 1));
}

#[test]
fn two_who_pay_at_once_make_one_attempt() {
    let shop = shop(PLAYING);
    let id = shop.order(100);
    let (other, order_id) = (shop.clone(), id.clone());
    shop.ports.before_next_commit(move || {
        other.pay(&order_id, "tok_ok").unwrap();
    });
    let paid = shop.pay(&id, "tok_ok").unwrap();
    assert_eq!((paid.status, paid.attempt), (PaymentStatus::Succeeded, 1));
    assert_eq!(shop.events(SUCCEEDED).len(), 1);
}

#[test]
fn what_nobody_has_to_pay_for_is_paid() {
    let shop = shop(PLAYING);
    let id = shop.order(0);
    assert_eq!(
        shop.pay(&id, "tok_declined").unwrap().status,
        PaymentStatus::Succeeded
    );
    assert_eq!(shop.read(&id).status, Status::Paid);
    shop.orders.cancel(&admin(), &id, None).unwrap();
    shop.deliver();
    assert_eq!(shop.payment(&id).refunds, []);
}

#[test]
fn a_payment_that_the_order_does_not_take_is_given_back() {
    let shop = shop(PLAYING);
    let id = shop.order(100);
    // Cancelled between the money and the order.
    let (other, order_id) = (shop.clone(), id.clone());
    shop.ports.before_next_commit(move || {
        let inner = other.clone();
        other.ports.before_next_commit(move || {
            inner.orders.cancel(&customer("u1"), &order_id, None).unwrap();
        });
    });
    assert!(
        matches!(shop.pay(&id, "tok_ok"), Err(Error::InvalidTransition(text)) if text.contains("given back"))
    );
    shop.deliver();
    let payment = shop.payment(&id);
    assert_eq!(
        (payment.status, payment.refunded),
        (PaymentStatus::Succeeded, 100)
    );
    assert_eq!(payment.refunds.len(), 1);
    assert_eq!(shop.read(&id).status, Status::Cancelled);
}

#[test]
fn what_somebody_else_has_marked_as_paid_is_not_paid_once_more() {
    let shop = shop(PLAYING);
    let id = shop.order(100);
    assert_eq!(
        shop.pay(&id, "tok_timeout").unwrap().status,
        PaymentStatus::Pending
    );
    shop.orders
        .update_status(&admin(), &id, Status::Paid, None, None)
        .unwrap();
    shop.payments.handle(&shop.events(DUE).remove(0)).unwrap();
    shop.deliver();
    assert_eq!(shop.payment(&id).refunded, 100);
    assert_eq!(shop.read(&id).status, Status::Paid, "it was paid otherwise");
}

#[test]
fn a_paid_order_that_is_cancelled_is_given_back_in_full() {
    let shop = shop(PLAYING);
    let id = shop.order(100);
    shop.pay(&id, "tok_ok").unwrap();
    shop.refund(&id, Some(30), None).unwrap();
    shop.orders.cancel(&customer("u1"), &id, None).unwrap();
    shop.deliver();
    let payment = shop.payment(&id);
    let amounts: Vec<_> = payment.refunds.iter().map(|refund| refund.amount).collect();
    assert_eq!((payment.refunded, amounts), (100, vec![30, 70]));
    assert_eq!(shop.read(&id).status, Status::Cancelled);
}

#[test]
fn an_order_that_is_cancelled_while_its_payment_is_uncertain_stays_unpaid() {
    let shop = shop(PLAYING);
    for (method, refunded) in [
        ("tok_timeout", 100),
        ("tok_timeout_declined", 0),
        ("tok_requires_action", 0),
    ] {
        let id = shop.order(100);
        shop.pay(&id, method).unwrap();
        shop.orders.cancel(&customer("u1"), &id, None).unwrap();
        shop.deliver();
        let payment = shop.payment(&id);
        assert_ne!(payment.status, PaymentStatus::RequiresAction, "{method}");
        assert_eq!(payment.refunded, refunded, "{method}");
        assert_eq!(shop.read(&id).status, Status::Cancelled);
    }
}

#[test]
fn a_crash_after_the_money_is_made_good_by_the_event() {
    let shop = shop(PLAYING);
    let id = shop.order(100);
    shop.pay(&id, "tok_ok").unwrap();
    // As if the order and the refund had not been told: the events of before are delivered once more.
    let succeeded = shop.events(SUCCEEDED).remove(0);
    shop.refund(&id, None, None).unwrap();
    let requested = shop.events(REFUND_REQUESTED).remove(0);
    for event in [&succeeded, &requested, &succeeded] {
        shop.payments.handle(event).unwrap();
    }
    assert_eq!(shop.payment(&id).refunded, 100);
    assert_eq!(shop.read(&id).status, Status::Refunded);
}

#[test]
fn without_a_gateway_or_with_the_wrong_one_nothing_is_paid() {
    for (config, ready) in [
        (&[][..], true),
        (&[("PAYMENT_GATEWAY", "")][..], true),
        (&[("PAYMENT_GATEWAY", "test")][..], false),
        (
            &[("PAYMENT_GATEWAY", "test"), ("MERCATO_ENVIRONMENT", "production")][..],
            false,
        ),
        (&[("PAYMENT_GATEWAY", "stripe")][..], false),
        (&[("PAYMENT_GATEWAY", "paypal")][..], false),
    ] {
        let shop = shop(config);
        let id = shop.order(100);
        assert_eq!(shop.payments.ready().is_ok(), ready, "{config:?}");
        assert!(
            matches!(shop.pay(&id, "tok_ok"), Err(Error::Unavailable(text)) if text.contains("configured"))
        );
        assert!(matches!(
            shop.webhook("evt_1", "payment_intent.succeeded", &serde_json::json!({})),
            Err(Error::Unavailable(_))
        ));
        assert_eq!(
            Payments::get_many(&shop.payments, &admin(), &[id]).unwrap(),
            [Ok(None)]
        );
    }
}

#[test]
fn an_event_that_can_never_be_handled_is_rejected() {
    let shop = shop(PLAYING);
    let id = shop.order(100);
    shop.pay(&id, "tok_ok").unwrap();
    let good = shop.events(SUCCEEDED).remove(0);
    for (kind, data) in [
        (SUCCEEDED, "{}"),
        (SUCCEEDED, r#"{"orderId":"nothing"}"#),
        (DUE, r#"{"orderId":"1"}"#),
        (REFUND_REQUESTED, r#"{"orderId":"1"}"#),
        ("mercato.else", r#"{"orderId":"1"}"#),
    ] {
        let event = mercato_ports::events::Event {
            kind: kind.into(),
            data: data.into(),
            ..good.clone()
        };
        assert!(
            matches!(shop.payments.handle(&event), Err(Failure::Reject(_))),
            "{kind} {data}"
        );
    }
}
