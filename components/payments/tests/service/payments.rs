//! Payments over real orders, with the test gateway.

use crate::shop::{DUE, REFUND_REQUESTED, SUCCEEDED, TEST_GATEWAY, shop};
use mercato_ports::events::HandlerFailure;
use mercato_shop::orders::Status;
use mercato_shop::payments::PaymentStatus;
use mercato_shop::services::{Orders, Payments};
use mercato_shop::testing::{admin, customer, error_code};
use mercato_shop::types::{Caller, Error};

#[test]
fn pays_an_order_once() {
    let shop = shop(TEST_GATEWAY);
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
fn checks_permissions_to_pay_to_read_and_to_refund() {
    let shop = shop(TEST_GATEWAY);
    let ids: Vec<_> = (0..3).map(|_| shop.order(100)).collect();
    let stranger = customer("u2");
    assert_eq!(
        error_code(&shop.pay_by(&Caller::Anonymous, &ids[0], "tok_ok", None)),
        "UNAUTHENTICATED"
    );
    assert_eq!(
        error_code(&shop.pay_by(&stranger, &ids[0], "tok_ok", None)),
        "NOT_FOUND"
    );
    for (caller, id) in [customer("u1"), admin(), Caller::ApiKey].iter().zip(&ids) {
        assert_eq!(shop.pay_by(caller, id, "tok_ok", None).unwrap().user_id, "u1");
    }
    let look = |caller: &Caller| Payments::get_many(&shop.payments, caller, &ids[..1]);
    assert_eq!(error_code(&look(&Caller::Anonymous)), "UNAUTHENTICATED");
    assert_eq!(look(&stranger).unwrap(), [Ok(None)]);
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
    assert_eq!(error_code(&refund(&Caller::Anonymous)), "UNAUTHENTICATED");
    assert_eq!(error_code(&refund(&customer("u1"))), "FORBIDDEN");
    for caller in [admin(), Caller::ApiKey] {
        assert!(refund(&caller).is_ok());
    }
    let none = Payments::get_many(&shop.payments, &admin(), &["nothing".into()]).unwrap();
    assert_eq!(none, [Ok(None)]);
}

#[test]
fn accepts_another_payment_method_after_a_decline() {
    let shop = shop(TEST_GATEWAY);
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
    assert_eq!(error_code(&shop.pay(&id, "tok_unavailable")), "UNAVAILABLE");
    assert_eq!(shop.payment(&id).status, PaymentStatus::Failed);
    let paid = shop.pay(&id, "tok_ok").unwrap();
    assert_eq!(
        (paid.status, paid.attempt, paid.failure),
        (PaymentStatus::Succeeded, 6, None)
    );
}

#[test]
fn returns_the_same_attempt_for_the_same_idempotency_key() {
    let shop = shop(TEST_GATEWAY);
    let id = shop.order(100);
    let pay = |method, key| shop.pay_by(&customer("u1"), &id, method, Some(key));
    let first = pay("tok_declined", "a");
    assert_eq!(error_code(&first), "PAYMENT_DECLINED");
    assert_eq!(pay("tok_declined", "a"), first);
    assert_eq!(shop.payment(&id).attempt, 1);
    assert_eq!(pay("tok_ok", "b").unwrap().attempt, 2);
    let long = "x".repeat(101);
    assert!(
        matches!(pay("tok_ok", &long), Err(Error::Invalid(violation)) if violation.field == "idempotencyKey")
    );
}

#[test]
fn rejects_orders_that_are_not_pending_and_missing_payment_methods() {
    let shop = shop(TEST_GATEWAY);
    let id = shop.order(100);
    for method in ["", "  ", "a\nb"] {
        let Err(Error::Invalid(violation)) = shop.pay(&id, method) else {
            panic!("{method:?} must be rejected")
        };
        assert_eq!(violation.field, "paymentMethod");
    }
    shop.orders.cancel(&customer("u1"), &id, None).unwrap();
    assert_eq!(error_code(&shop.pay(&id, "tok_ok")), "INVALID_TRANSITION");
    assert_eq!(error_code(&shop.pay("nothing", "tok_ok")), "NOT_FOUND");
}

#[test]
fn resolves_a_lost_answer_by_the_timer() {
    let shop = shop(TEST_GATEWAY);
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
        assert_eq!(
            timers.len(),
            1,
            "the next timer was set before the gateway was asked"
        );
        shop.payments.handle(&timers[0]).unwrap();
        assert_eq!(shop.events(DUE).len(), 0, "it is the last timer");
    }
}

#[test]
fn finds_or_cancels_an_attempt_after_a_day() {
    let shop = shop(TEST_GATEWAY);
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
fn resolves_an_uncertain_payment_instead_of_paying_twice() {
    let shop = shop(TEST_GATEWAY);
    let id = shop.order(100);
    assert_eq!(
        shop.pay(&id, "tok_timeout").unwrap().status,
        PaymentStatus::Pending
    );
    // The attempt that is under way counts, not the other token.
    let paid = shop.pay(&id, "tok_ok").unwrap();
    assert_eq!((paid.status, paid.attempt), (PaymentStatus::Succeeded, 1));
}

#[test]
fn makes_one_attempt_for_concurrent_requests() {
    let shop = shop(TEST_GATEWAY);
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
fn pays_an_order_of_zero_without_the_gateway() {
    let shop = shop(TEST_GATEWAY);
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
fn refunds_a_payment_that_the_order_does_not_accept() {
    let shop = shop(TEST_GATEWAY);
    let id = shop.order(100);
    // The order is cancelled after the charge, before it is marked as paid.
    let (other, order_id) = (shop.clone(), id.clone());
    shop.ports.before_next_commit(move || {
        let inner = other.clone();
        other.ports.before_next_commit(move || {
            inner.orders.cancel(&customer("u1"), &order_id, None).unwrap();
        });
    });
    assert!(
        matches!(shop.pay(&id, "tok_ok"), Err(Error::InvalidTransition(text)) if text.contains("refunded"))
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
fn refunds_a_payment_of_an_order_that_was_paid_otherwise() {
    let shop = shop(TEST_GATEWAY);
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
    assert_eq!(shop.read(&id).status, Status::Paid, "the admin marked it as paid");
}

#[test]
fn refunds_a_cancelled_order_in_full() {
    let shop = shop(TEST_GATEWAY);
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
fn keeps_an_order_unpaid_that_is_cancelled_during_an_uncertain_payment() {
    let shop = shop(TEST_GATEWAY);
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
fn recovers_by_events_from_a_crash_after_the_charge() {
    let shop = shop(TEST_GATEWAY);
    let id = shop.order(100);
    shop.pay(&id, "tok_ok").unwrap();
    // The events are delivered again, as after a crash that settled neither the order nor the refund.
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
fn a_crash_during_a_payment_loses_neither_its_timer_nor_its_outcome() {
    for commits in 0..5 {
        let shop = shop(TEST_GATEWAY);
        let id = shop.order(100);
        shop.ports.stop_after(commits);
        let _ = shop.pay_by(&admin(), &id, "tok_ok", None);
        shop.ports.restart();
        let payment = Payments::get_many(&shop.payments, &admin(), std::slice::from_ref(&id)).unwrap();
        let payment = payment[0].as_ref().unwrap();
        let has_begun = payment.is_some();
        let is_paid = payment
            .as_ref()
            .is_some_and(|payment| payment.status == PaymentStatus::Succeeded);
        assert_eq!((has_begun, is_paid), (commits > 0, commits > 1));
        let events = shop.ports.take_events();
        for (kind, expected) in [
            (DUE, has_begun),
            ("mercato.payments.audited", has_begun),
            (SUCCEEDED, is_paid),
        ] {
            let count = events.iter().filter(|event| event.kind == kind).count();
            assert_eq!(count, usize::from(expected), "{kind} after {commits} commits");
        }
        let handled = events
            .iter()
            .filter(|event| [DUE, SUCCEEDED].contains(&&*event.kind));
        handled.for_each(|event| shop.payments.handle(event).unwrap());
        let expected = if has_begun { Status::Paid } else { Status::Pending };
        assert_eq!(shop.read(&id).status, expected);
    }
}

#[test]
fn pays_nothing_without_a_valid_gateway() {
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
        assert_eq!(
            error_code(&shop.webhook("evt_1", "payment_intent.succeeded", &serde_json::json!({}))),
            "NOT_FOUND"
        );
        assert_eq!(
            Payments::get_many(&shop.payments, &admin(), &[id]).unwrap(),
            [Ok(None)]
        );
    }
}

#[test]
fn rejects_events_that_it_can_never_handle() {
    let shop = shop(TEST_GATEWAY);
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
            matches!(shop.payments.handle(&event), Err(HandlerFailure::Reject(_))),
            "{kind} {data}"
        );
    }
}
