//! Money that is given back, by the gateway that plays.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs,
    reason = "tests"
)]

mod shop;

use mercato_payments::Failure;
use mercato_shop::id;
use mercato_shop::orders::Status;
use mercato_shop::payments::RefundStatus;
use mercato_shop::services::Orders;
use mercato_shop::testing::{admin, customer};
use mercato_shop::types::Error;
use serde_json::json;
use shop::{PLAYING, REFUND_FAILED, REFUND_REQUESTED, REFUNDED, shop};

#[test]
fn money_that_the_gateway_does_not_give_back_is_for_a_person_to_see() {
    let shop = shop(PLAYING);
    let id = shop.order(100);
    shop.pay(&id, "tok_refund_fails").unwrap();
    shop.orders.cancel(&customer("u1"), &id, None).unwrap();
    let events = shop.ports.take_events();
    let cancelled = events
        .iter()
        .find(|event| event.kind.ends_with("order-cancelled"));
    shop.payments.handle(cancelled.unwrap()).unwrap();
    let requested = shop.events(REFUND_REQUESTED).remove(0);
    for _ in 0..2 {
        shop.payments.handle(&requested).unwrap();
    }
    let failed = shop.events(REFUND_FAILED);
    assert_eq!(failed.len(), 1, "it is told once");
    // As often as it is delivered: a crash loses nothing.
    for _ in 0..2 {
        let told = shop.payments.handle(&failed[0]);
        assert!(matches!(told, Err(Failure::Reject(reason)) if reason.contains(&id)));
    }
    let payment = shop.payment(&id);
    assert_eq!(payment.refunded, 0);
    assert_eq!(payment.refunds[0].status, RefundStatus::Failed);
}

#[test]
fn a_payment_is_given_back_in_parts_and_the_order_is_refunded_with_the_last() {
    let shop = shop(PLAYING);
    let id = shop.order(100);
    assert!(matches!(shop.refund(&id, None, None), Err(Error::NotFound(_))));
    assert!(matches!(
        shop.pay(&id, "tok_declined"),
        Err(Error::PaymentDeclined(_))
    ));
    assert!(matches!(
        shop.refund(&id, None, None),
        Err(Error::InvalidTransition(_))
    ));
    shop.pay(&id, "tok_ok").unwrap();
    for amount in [0, -1, 101, i64::MAX, i64::MIN] {
        let refused = shop.refund(&id, Some(amount), None);
        assert!(matches!(refused, Err(Error::Invalid(violation)) if violation.field == "amount"));
    }
    let first = shop.refund(&id, Some(40), Some("a")).unwrap();
    assert_eq!(
        (first.refunded, first.refunds[0].status),
        (40, RefundStatus::Succeeded)
    );
    assert_eq!(shop.refund(&id, Some(40), Some("a")).unwrap(), first);
    assert!(matches!(shop.refund(&id, Some(61), None), Err(Error::Invalid(_))));
    assert_eq!(shop.read(&id).status, Status::Paid);
    assert_eq!(shop.refund(&id, None, None).unwrap().refunded, 100);
    assert_eq!(shop.read(&id).status, Status::Refunded);
    assert!(matches!(
        shop.refund(&id, Some(1), None),
        Err(Error::InvalidTransition(_))
    ));
    shop.deliver();
    assert_eq!(shop.payment(&id).refunds.len(), 2);
}

#[test]
fn of_each_part_that_is_given_back_an_event_tells() {
    let shop = shop(PLAYING);
    let id = shop.order(100);
    shop.pay(&id, "tok_ok").unwrap();
    drop(shop.ports.take_events());
    let told = |amount: Option<i64>| {
        let payment = shop.refund(&id, amount, None).unwrap();
        let mut events = shop.events(REFUNDED);
        assert_eq!(events.len(), 1, "of one refund it is told once");
        let event = events.remove(0);
        let data: serde_json::Value = serde_json::from_str(&event.data).unwrap();
        let refund_id = payment.refunds.last().unwrap().id.clone();
        assert_eq!(
            (&data["orderId"], &data["refundId"]),
            (&json!(id), &json!(refund_id))
        );
        assert_eq!((&data["paid"], &data["currency"]), (&json!(100), &json!("USD")));
        ((data["amount"].clone(), data["refunded"].clone()), event)
    };
    let (part, event) = told(Some(40));
    assert_eq!(part, (json!(40), json!(40)));
    for _ in 0..2 {
        shop.payments.handle(&event).unwrap();
    }
    assert_eq!(shop.read(&id).status, Status::Paid, "a part undoes no order");
    let (rest, event) = told(None);
    assert_eq!(rest, (json!(60), json!(100)));
    shop.payments.handle(&event).unwrap();
    assert_eq!(shop.read(&id).status, Status::Refunded);
}

#[test]
fn an_order_that_somebody_marks_as_refunded_is_given_back() {
    let shop = shop(PLAYING);
    let id = shop.order(100);
    shop.pay(&id, "tok_ok").unwrap();
    shop.orders
        .update_status(&admin(), &id, Status::Refunded, None, None)
        .unwrap();
    shop.deliver();
    assert_eq!(shop.payment(&id).refunded, 100);
}

#[test]
fn a_key_of_a_refund_is_for_one_amount() {
    let shop = shop(PLAYING);
    let id = shop.order(100);
    shop.pay(&id, "tok_ok").unwrap();
    assert_eq!(shop.refund(&id, Some(30), Some("k")).unwrap().refunded, 30);
    for repeated in [Some(30), None] {
        assert_eq!(shop.refund(&id, repeated, Some("k")).unwrap().refunded, 30);
    }
    let other = shop.refund(&id, Some(40), Some("k"));
    assert!(matches!(other, Err(Error::Invalid(violation)) if violation.field == "idempotencyKey"));
    assert_eq!(shop.refund(&id, None, Some("l")).unwrap().refunded, 100);
}

#[test]
fn a_refund_that_the_gateway_refuses_leaves_its_amount() {
    let shop = shop(PLAYING);
    let id = shop.order(100);
    shop.pay(&id, "tok_refund_fails").unwrap();
    for _ in 0..2 {
        let payment = shop.refund(&id, None, None).unwrap();
        assert_eq!(payment.refunded, 0);
        assert!(
            payment
                .refunds
                .iter()
                .all(|refund| refund.status == RefundStatus::Failed)
        );
    }
    shop.deliver();
    assert_eq!(shop.read(&id).status, Status::Paid);
}

#[test]
fn refunds_of_any_amounts_never_come_to_more_than_was_paid() {
    let mut random = fastrand::Rng::with_seed(7);
    let shop = shop(PLAYING);
    for _ in 0..20 {
        let total = random.i64(1..2_000);
        let id = shop.order(total);
        shop.pay(&id, "tok_ok").unwrap();
        let mut given = 0;
        for _ in 0..random.usize(1..12) {
            let amount = random.i64(-5..total + 5);
            let fits = amount >= 1 && amount <= total - given;
            let answer = shop.refund(&id, Some(amount), None);
            assert_eq!(answer.is_ok(), fits, "{amount} of {total}, {given} given");
            if fits {
                given += amount;
            }
            let payment = shop.payment(&id);
            assert_eq!((payment.refunded, payment.amount), (given, total));
            assert_eq!(shop.read(&id).status == Status::Refunded, given == total);
        }
    }
}

#[test]
fn two_refunds_at_once_do_not_share_what_is_left() {
    let shop = shop(PLAYING);
    let id = shop.order(100);
    shop.pay(&id, "tok_ok").unwrap();
    let (other, payment_id) = (shop.clone(), id.clone());
    shop.ports.before_next_commit(move || {
        other.refund(&payment_id, Some(60), None).unwrap();
    });
    assert!(matches!(shop.refund(&id, Some(60), None), Err(Error::Invalid(_))));
    assert_eq!(shop.payment(&id).refunded, 60);
}

#[test]
fn a_refund_that_fails_after_all_is_for_a_person_to_see_until_as_much_is_given_back() {
    let shop = shop(PLAYING);
    let id = shop.order(100);
    shop.pay(&id, "tok_ok").unwrap();
    let refund = |amount| shop.refund(&id, Some(amount), None).unwrap();
    let first = refund(30).refunds.remove(0);
    drop(shop.ports.take_events());
    let object = json!({ "status": "failed", "metadata": { "order_id": id, "refund_id": first.id } });
    for (event, kind) in [
        ("evt_1", "refund.failed"),
        ("evt_1", "refund.failed"),
        ("evt_2", "refund.updated"),
    ] {
        shop.webhook(event, kind, &object).unwrap();
    }
    assert_eq!(shop.payment(&id).refunded, 0);
    let failed = shop.events(REFUND_FAILED);
    assert_eq!(failed.len(), 1, "it is told once");
    let is_open = || match shop.payments.handle(&failed[0]) {
        Err(Failure::Reject(reason)) => reason.contains(&id),
        handled => {
            handled.unwrap();
            false
        }
    };
    assert!(is_open());
    assert_eq!(refund(29).refunded, 29);
    assert!(is_open(), "one is missing");
    assert_eq!(refund(1).refunded, 30);
    assert!(!is_open());
    assert_eq!(shop.refund(&id, None, None).unwrap().refunded, 100);
    assert_eq!(shop.read(&id).status, Status::Refunded);
}

#[test]
fn what_stripe_counted_before_a_refund_failed_is_not_given_back_when_that_is_heard_last() {
    let shop = shop(PLAYING);
    let id = shop.order(100);
    shop.pay(&id, "tok_ok").unwrap();
    let refund = shop.refund(&id, Some(30), None).unwrap().refunds.remove(0);
    let failed = json!({ "status": "failed", "metadata": { "order_id": id, "refund_id": refund.id } });
    let now = id::now() / 1_000;
    shop.webhook_of(now - 50, "evt_1", "refund.failed", &failed)
        .unwrap();
    let refunded = |at: u64, event: &str, total: i64| {
        let charge = json!({ "payment_intent": format!("test/{id}/1/tok_ok"), "amount_refunded": total });
        shop.webhook_of(at, event, "charge.refunded", &charge).unwrap();
        shop.payment(&id).refunded
    };
    assert_eq!(refunded(now - 60, "evt_2", 30), 0, "the one that failed since");
    assert_eq!(refunded(now - 60, "evt_3", 50), 20, "and another one");
    assert_eq!(refunded(now - 40, "evt_4", 30), 30, "another one, after it");
}
