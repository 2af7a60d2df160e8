//! Refunds, with the test gateway.

use crate::shop::{REFUND_FAILED, REFUND_REQUESTED, REFUNDED, TEST_GATEWAY, shop};
use mercato_ports::events::HandlerFailure;
use mercato_shop::id;
use mercato_shop::orders::Status;
use mercato_shop::payments::RefundStatus;
use mercato_shop::services::Orders;
use mercato_shop::testing::{admin, customer, error_code};
use mercato_shop::types::Error;
use serde_json::json;

#[test]
fn reports_a_refund_that_the_gateway_rejects_to_the_operator() {
    let shop = shop(TEST_GATEWAY);
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
    assert_eq!(failed.len(), 1, "there is one event");
    // The event is rejected at each delivery, so a crash loses nothing.
    for _ in 0..2 {
        let handled = shop.payments.handle(&failed[0]);
        assert!(matches!(handled, Err(HandlerFailure::Reject(reason)) if reason.contains(&id)));
    }
    let payment = shop.payment(&id);
    assert_eq!(payment.refunded, 0);
    assert_eq!(payment.refunds[0].status, RefundStatus::Failed);
}

#[test]
fn refunds_in_parts_and_marks_the_order_as_refunded_with_the_last() {
    let shop = shop(TEST_GATEWAY);
    let id = shop.order(100);
    assert_eq!(error_code(&shop.refund(&id, None, None)), "NOT_FOUND");
    assert_eq!(error_code(&shop.pay(&id, "tok_declined")), "PAYMENT_DECLINED");
    assert_eq!(error_code(&shop.refund(&id, None, None)), "INVALID_TRANSITION");
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
    assert_eq!(error_code(&shop.refund(&id, Some(61), None)), "INVALID");
    assert_eq!(shop.read(&id).status, Status::Paid);
    assert_eq!(shop.refund(&id, None, None).unwrap().refunded, 100);
    assert_eq!(shop.read(&id).status, Status::Refunded);
    assert_eq!(error_code(&shop.refund(&id, Some(1), None)), "INVALID_TRANSITION");
    shop.deliver();
    assert_eq!(shop.payment(&id).refunds.len(), 2);
}

#[test]
fn emits_one_event_for_each_refund() {
    let shop = shop(TEST_GATEWAY);
    let id = shop.order(100);
    shop.pay(&id, "tok_ok").unwrap();
    drop(shop.ports.take_events());
    let refund = |amount: Option<i64>| {
        let payment = shop.refund(&id, amount, None).unwrap();
        let mut events = shop.events(REFUNDED);
        assert_eq!(events.len(), 1, "each refund has one event");
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
    let (part, event) = refund(Some(40));
    assert_eq!(part, (json!(40), json!(40)));
    for _ in 0..2 {
        shop.payments.handle(&event).unwrap();
    }
    assert_eq!(
        shop.read(&id).status,
        Status::Paid,
        "a partial refund does not change the order"
    );
    let (rest, event) = refund(None);
    assert_eq!(rest, (json!(60), json!(100)));
    shop.payments.handle(&event).unwrap();
    assert_eq!(shop.read(&id).status, Status::Refunded);
}

#[test]
fn refunds_an_order_that_an_admin_marks_as_refunded() {
    let shop = shop(TEST_GATEWAY);
    let id = shop.order(100);
    shop.pay(&id, "tok_ok").unwrap();
    shop.orders
        .update_status(&admin(), &id, Status::Refunded, None, None)
        .unwrap();
    shop.deliver();
    assert_eq!(shop.payment(&id).refunded, 100);
}

#[test]
fn accepts_an_idempotency_key_for_one_amount_only() {
    let shop = shop(TEST_GATEWAY);
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
fn keeps_the_amount_refundable_after_a_rejected_refund() {
    let shop = shop(TEST_GATEWAY);
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
fn never_refunds_more_than_was_paid() {
    let mut random = fastrand::Rng::with_seed(7);
    let shop = shop(TEST_GATEWAY);
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
fn does_not_share_the_rest_between_concurrent_refunds() {
    let shop = shop(TEST_GATEWAY);
    let id = shop.order(100);
    shop.pay(&id, "tok_ok").unwrap();
    let (other, payment_id) = (shop.clone(), id.clone());
    shop.ports.before_next_commit(move || {
        other.refund(&payment_id, Some(60), None).unwrap();
    });
    assert_eq!(error_code(&shop.refund(&id, Some(60), None)), "INVALID");
    assert_eq!(shop.payment(&id).refunded, 60);
}

#[test]
fn reports_a_failed_refund_until_other_refunds_replace_it() {
    let shop = shop(TEST_GATEWAY);
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
    assert_eq!(failed.len(), 1, "there is one event");
    let is_open = || match shop.payments.handle(&failed[0]) {
        Err(HandlerFailure::Reject(reason)) => reason.contains(&id),
        handled => {
            handled.unwrap();
            false
        }
    };
    assert!(is_open());
    assert_eq!(refund(29).refunded, 29);
    assert!(is_open(), "one minor unit is missing");
    assert_eq!(refund(1).refunded, 30);
    assert!(!is_open());
    assert_eq!(shop.refund(&id, None, None).unwrap().refunded, 100);
    assert_eq!(shop.read(&id).status, Status::Refunded);
}

#[test]
fn a_failed_refund_needs_no_replacement_once_all_of_the_payment_is_refunded() {
    let shop = shop(TEST_GATEWAY);
    let id = shop.order(100);
    shop.pay(&id, "tok_ok").unwrap();
    assert_eq!(shop.refund(&id, None, None).unwrap().refunded, 100);
    drop(shop.ports.take_events());
    let intent = format!("test/{id}/1/tok_ok");
    let object = json!({ "id": "re_1", "payment_intent": intent, "amount": 10, "status": "failed" });
    shop.webhook("evt_1", "refund.failed", &object).unwrap();
    let failed = shop.events(REFUND_FAILED);
    assert_eq!(failed.len(), 1);
    shop.payments.handle(&failed[0]).unwrap();
}

#[test]
fn does_not_count_a_failed_refund_in_an_earlier_total() {
    let shop = shop(TEST_GATEWAY);
    let id = shop.order(100);
    shop.pay(&id, "tok_ok").unwrap();
    let refund = shop.refund(&id, Some(30), None).unwrap().refunds.remove(0);
    let failed = json!({ "status": "failed", "metadata": { "order_id": id, "refund_id": refund.id } });
    let now = id::now() / 1_000;
    shop.webhook_at(now - 50, "evt_1", "refund.failed", &failed)
        .unwrap();
    let refunded = |at: u64, event: &str, total: i64| {
        let charge = json!({ "payment_intent": format!("test/{id}/1/tok_ok"), "amount_refunded": total });
        shop.webhook_at(at, event, "charge.refunded", &charge).unwrap();
        shop.payment(&id).refunded
    };
    assert_eq!(refunded(now - 60, "evt_2", 30), 0, "the refund that failed later");
    assert_eq!(refunded(now - 60, "evt_3", 50), 20, "another refund");
    assert_eq!(
        refunded(now - 40, "evt_4", 30),
        30,
        "another refund after the failure"
    );
}

#[test]
fn reports_the_failure_of_a_refund_once_with_its_first_time() {
    let shop = shop(TEST_GATEWAY);
    let id = shop.order(100);
    shop.pay(&id, "tok_ok").unwrap();
    let refund = shop.refund(&id, Some(30), None).unwrap().refunds.remove(0);
    drop(shop.ports.take_events());
    let failed = json!({ "status": "failed", "metadata": { "order_id": id, "refund_id": refund.id } });
    let now = id::now() / 1_000;
    for (at, event) in [(now - 50, "evt_1"), (now - 10, "evt_2"), (now - 90, "evt_3")] {
        shop.webhook_at(at, event, "refund.failed", &failed).unwrap();
    }
    assert_eq!(shop.events(REFUND_FAILED).len(), 1);
    let refunded = |at: u64, event: &str| {
        let charge = json!({ "payment_intent": format!("test/{id}/1/tok_ok"), "amount_refunded": 30 });
        shop.webhook_at(at, event, "charge.refunded", &charge).unwrap();
        shop.payment(&id).refunded
    };
    assert_eq!(
        refunded(now - 51, "evt_4"),
        0,
        "the total has the refund that failed later"
    );
    assert_eq!(refunded(now - 49, "evt_5"), 30, "the total has another refund");
}

#[test]
fn a_crash_during_a_refund_loses_neither_its_request_nor_its_outcome() {
    for commits in 0..4 {
        let shop = shop(TEST_GATEWAY);
        let id = shop.order(100);
        shop.pay(&id, "tok_ok").unwrap();
        drop(shop.ports.take_events());
        shop.ports.stop_after(commits);
        let _ = shop.refund(&id, None, None);
        shop.ports.restart();
        let payment = shop.payment(&id);
        let (is_claimed, is_made) = (!payment.refunds.is_empty(), payment.refunded == 100);
        assert_eq!((is_claimed, is_made), (commits > 0, commits > 1));
        let events = shop.ports.take_events();
        for (kind, expected) in [
            (REFUND_REQUESTED, is_claimed),
            ("mercato.payments.audited", is_claimed),
            (REFUNDED, is_made),
        ] {
            let count = events.iter().filter(|event| event.kind == kind).count();
            assert_eq!(count, usize::from(expected), "{kind} after {commits} commits");
        }
        let handled = events
            .iter()
            .filter(|event| [REFUND_REQUESTED, REFUNDED].contains(&&*event.kind));
        handled.for_each(|event| shop.payments.handle(event).unwrap());
        let expected = if is_claimed {
            Status::Refunded
        } else {
            Status::Paid
        };
        assert_eq!(shop.read(&id).status, expected);
    }
}

#[test]
fn a_payment_has_at_most_100_refunds() {
    let shop = shop(TEST_GATEWAY);
    let id = shop.order(200);
    shop.pay(&id, "tok_ok").unwrap();
    for number in 1..=100 {
        assert_eq!(shop.refund(&id, Some(1), None).unwrap().refunded, number);
    }
    assert_eq!(error_code(&shop.refund(&id, Some(1), None)), "INVALID_TRANSITION");
}
