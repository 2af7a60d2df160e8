//! Stripe's webhooks: signed, heard once, and in any order with everything else.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs,
    reason = "tests"
)]

mod shop;

use mercato_shop::id;
use mercato_shop::orders::Status;
use mercato_shop::payments::{PaymentStatus, RefundStatus};
use mercato_shop::ports::Ports as _;
use mercato_shop::services::Payments;
use mercato_shop::types::Error;
use serde_json::{Value, json};
use shop::{PLAYING, REFUND_FAILED, SECRET, SUCCEEDED, Shop, shop, sign};

const PAID: &str = "payment_intent.succeeded";
const FAILED: &str = "payment_intent.payment_failed";

fn intent(order_id: &str, method: &str, attempt: u32, status: &str) -> Value {
    json!({
        "id": format!("test/{order_id}/{attempt}/{method}"), "status": status,
        "metadata": { "order_id": order_id, "attempt": attempt.to_string() },
    })
}

/// An order whose customer has to confirm the payment.
fn waiting(shop: &Shop) -> String {
    let id = shop.order(100);
    let payment = shop.pay(&id, "tok_requires_action").unwrap();
    assert_eq!(payment.status, PaymentStatus::RequiresAction);
    drop(shop.ports.take_events());
    id
}

#[test]
fn a_webhook_that_is_not_signed_well_changes_nothing() {
    let shop = shop(PLAYING);
    let id = waiting(&shop);
    let object = intent(&id, "tok_requires_action", 1, "succeeded");
    let body = json!({ "id": "evt_1", "type": PAID, "data": { "object": object } }).to_string();
    let now = id::now() / 1_000;
    let good = sign(SECRET, now, &body);
    for (signature, body) in [
        (String::new(), body.clone()),
        (sign("whsec_other", now, &body), body.clone()),
        (sign(SECRET, now - 400, &body), body.clone()),
        (sign(SECRET, now + 400, &body), body.clone()),
        (good.clone(), body.replace("evt_1", "evt_2")),
    ] {
        let refused = shop.payments.webhook(body.as_bytes(), &signature);
        assert!(matches!(refused, Err(Error::Invalid(violation)) if violation.field == "Stripe-Signature"));
    }
    assert_eq!(shop.payment(&id).status, PaymentStatus::RequiresAction);
    shop.payments.webhook(body.as_bytes(), &good).unwrap();
    assert_eq!(
        (shop.payment(&id).status, shop.read(&id).status),
        (PaymentStatus::Succeeded, Status::Paid)
    );
}

#[test]
fn a_webhook_that_comes_again_has_no_second_effect() {
    let shop = shop(PLAYING);
    let id = waiting(&shop);
    // The customer's bank refuses, and the customer tries another card in the same form.
    shop.webhook(
        "evt_1",
        FAILED,
        &intent(&id, "tok_requires_action", 1, "requires_payment_method"),
    )
    .unwrap();
    assert_eq!(shop.payment(&id).status, PaymentStatus::Failed);
    let paid = intent(&id, "tok_requires_action", 1, "succeeded");
    for _ in 0..3 {
        shop.webhook("evt_2", PAID, &paid).unwrap();
        shop.webhook("evt_3", PAID, &paid).unwrap();
        shop.webhook(
            "evt_1",
            FAILED,
            &intent(&id, "tok_requires_action", 1, "requires_payment_method"),
        )
        .unwrap();
    }
    assert_eq!(shop.payment(&id).status, PaymentStatus::Succeeded);
    assert_eq!(shop.events(SUCCEEDED).len(), 1);
}

#[test]
fn one_webhook_delivered_twice_at_once_is_heard_once() {
    let shop = shop(PLAYING);
    let id = shop.order(100);
    shop.pay(&id, "tok_ok").unwrap();
    let charge =
        json!({ "payment_intent": format!("test/{id}/1/tok_ok"), "amount_refunded": 30, "metadata": {} });
    let (other, object) = (shop.clone(), charge.clone());
    shop.ports
        .before_next_commit(move || other.webhook("evt_1", "charge.refunded", &object).unwrap());
    shop.webhook("evt_1", "charge.refunded", &charge).unwrap();
    assert_eq!(
        (shop.payment(&id).refunded, shop.payment(&id).refunds.len()),
        (30, 1)
    );
}

#[test]
fn a_webhook_and_the_confirmation_meet_in_any_order() {
    // The webhook is first.
    let shop = shop(PLAYING);
    let id = shop.order(100);
    let (other, order_id) = (shop.clone(), id.clone());
    shop.ports.after_next_commit(move || {
        other
            .webhook("evt_1", PAID, &intent(&order_id, "tok_ok", 1, "succeeded"))
            .unwrap();
    });
    assert_eq!(shop.pay(&id, "tok_ok").unwrap().status, PaymentStatus::Succeeded);
    assert_eq!(
        (shop.read(&id).status, shop.events(SUCCEEDED).len()),
        (Status::Paid, 1)
    );

    // The webhook is in the middle: after the confirmation has read, before it writes.
    let id = shop.order(100);
    let (other, order_id) = (shop.clone(), id.clone());
    shop.ports.after_next_commit(move || {
        let inner = other.clone();
        other.ports.before_next_commit(move || {
            inner
                .webhook("evt_2", PAID, &intent(&order_id, "tok_ok", 1, "succeeded"))
                .unwrap();
        });
    });
    assert_eq!(shop.pay(&id, "tok_ok").unwrap().status, PaymentStatus::Succeeded);
    assert_eq!(
        (shop.read(&id).status, shop.events(SUCCEEDED).len()),
        (Status::Paid, 1)
    );

    // The webhook is last, and tells of an earlier failure.
    shop.webhook(
        "evt_3",
        FAILED,
        &intent(&id, "tok_ok", 1, "requires_payment_method"),
    )
    .unwrap();
    assert_eq!(shop.payment(&id).status, PaymentStatus::Succeeded);
}

#[test]
fn a_webhook_of_another_attempt_or_another_shop_changes_nothing() {
    let shop = shop(PLAYING);
    let id = shop.order(100);
    assert!(shop.pay(&id, "tok_declined").is_err());
    assert_eq!(shop.pay(&id, "tok_requires_action").unwrap().attempt, 2);
    shop.webhook("evt_1", PAID, &intent(&id, "tok_declined", 1, "succeeded"))
        .unwrap();
    let mut forged = intent(&id, "tok_requires_action", 2, "succeeded");
    forged["id"] = "pi_other".into();
    shop.webhook("evt_2", PAID, &forged).unwrap();
    shop.webhook("evt_3", PAID, &json!({ "id": "pi_other", "status": "succeeded" }))
        .unwrap();
    shop.webhook("evt_4", PAID, &intent(&id::new(), "tok_ok", 1, "succeeded"))
        .unwrap();
    shop.webhook("evt_5", "customer.created", &json!({ "id": "cus_1" }))
        .unwrap();
    assert_eq!(shop.payment(&id).status, PaymentStatus::RequiresAction);
}

#[test]
fn what_was_given_back_at_stripe_is_counted_in() {
    let shop = shop(PLAYING);
    let id = shop.order(100);
    shop.pay(&id, "tok_ok").unwrap();
    shop.refund(&id, Some(30), None).unwrap();
    let refunded = |event: &str, total: i64| {
        let charge = json!({ "payment_intent": format!("test/{id}/1/tok_ok"), "amount_refunded": total,
            "metadata": { "order_id": id } });
        shop.webhook(event, "charge.refunded", &charge).unwrap();
        shop.payment(&id).refunded
    };
    assert_eq!(refunded("evt_1", 30), 30, "the own one, known already");
    assert_eq!(refunded("evt_2", 50), 50);
    assert_eq!(refunded("evt_3", 30), 50, "an older one, late");
    assert_eq!(shop.read(&id).status, Status::Paid);
    assert_eq!(refunded("evt_4", 100), 100);
    assert_eq!(shop.read(&id).status, Status::Refunded);
}

#[test]
fn an_event_that_changed_nothing_changes_nothing_later_either() {
    let shop = shop(PLAYING);
    let id = shop.order(100);
    shop.pay(&id, "tok_ok").unwrap();
    let refund = shop.refund(&id, Some(30), None).unwrap().refunds.remove(0);
    let charge =
        json!({ "payment_intent": format!("test/{id}/1/tok_ok"), "amount_refunded": 30, "metadata": {} });
    shop.webhook("evt_1", "charge.refunded", &charge).unwrap();
    let failed = json!({ "status": "failed", "metadata": { "order_id": id, "refund_id": refund.id } });
    shop.webhook("evt_2", "refund.failed", &failed).unwrap();
    shop.webhook("evt_1", "charge.refunded", &charge).unwrap();
    assert_eq!(shop.payment(&id).refunded, 0);
}

#[test]
fn a_refund_that_fails_later_leaves_its_amount() {
    let shop = shop(PLAYING);
    let id = shop.order(100);
    shop.pay(&id, "tok_ok").unwrap();
    let refund = shop.refund(&id, Some(30), None).unwrap().refunds.remove(0);
    let object = json!({ "status": "failed", "metadata": { "order_id": id, "refund_id": refund.id } });
    shop.webhook("evt_1", "refund.failed", &object).unwrap();
    let payment = shop.payment(&id);
    assert_eq!(
        (payment.refunded, payment.refunds[0].status),
        (0, RefundStatus::Failed)
    );
    assert_eq!(shop.refund(&id, None, None).unwrap().refunded, 100);
}

#[test]
fn what_was_given_back_at_stripe_and_fails_is_counted_out_once() {
    let shop = shop(PLAYING);
    let id = shop.order(100);
    shop.pay(&id, "tok_ok").unwrap();
    drop(shop.ports.take_events());
    let intent = format!("test/{id}/1/tok_ok");
    let now = id::now() / 1_000;
    let counted = |at: u64, event: &str, total: i64| {
        let charge = json!({ "payment_intent": intent, "amount_refunded": total });
        shop.webhook_of(at, event, "charge.refunded", &charge).unwrap();
        shop.payment(&id).refunded
    };
    let failed = |at: u64, event: &str, refund: &str, amount: i64| {
        let object = json!({ "id": refund, "payment_intent": intent, "amount": amount, "status": "failed" });
        shop.webhook_of(at, event, "refund.failed", &object).unwrap();
        shop.payment(&id).refunded
    };
    assert_eq!(
        counted(now - 90, "evt_1", 100),
        100,
        "30 and 70, heard of together"
    );
    assert_eq!(failed(now - 80, "evt_2", "re_1", 30), 70);
    assert_eq!(failed(now - 80, "evt_3", "re_1", 30), 70, "by another event");
    assert_eq!(counted(now - 85, "evt_4", 100), 70, "what was so before, late");
    assert_eq!(failed(now - 70, "evt_5", "re_2", 70), 0);
    assert_eq!(
        failed(now - 60, "evt_6", "re_3", 10),
        0,
        "heard of before it is counted"
    );
    assert_eq!(counted(now - 65, "evt_7", 10), 0);
    let told = shop.events(REFUND_FAILED);
    assert_eq!(told.len(), 3);
    assert!(told.iter().all(|event| shop.payments.handle(event).is_err()));
    for (amount, id) in [(0, "re_4"), (-1, "re_4"), (1, "")] {
        assert_eq!(failed(now, "evt_8", id, amount), 0, "no refund");
    }
    assert_eq!(shop.refund(&id, None, None).unwrap().refunded, 100);
    told.iter().for_each(|event| shop.payments.handle(event).unwrap());
}

#[test]
fn what_is_signed_and_no_event_is_refused() {
    let shop = shop(PLAYING);
    let now = id::now() / 1_000;
    for body in [
        "",
        "no json",
        "[]",
        "{}",
        r#"{"id":"","type":"x","data":{"object":{}}}"#,
    ] {
        let refused = shop.payments.webhook(body.as_bytes(), &sign(SECRET, now, body));
        assert!(matches!(refused, Err(Error::Invalid(_))), "{body}");
    }
    assert!(matches!(
        shop.webhook("evt_1", PAID, &json!({})),
        Err(Error::Invalid(_))
    ));
}

#[test]
fn what_was_heard_long_ago_is_forgotten_by_and_by() {
    const HEARD: &str = "payments.webhook-events";
    const DAY: u64 = 24 * 3_600_000;
    let shop = shop(PLAYING);
    let order = waiting(&shop);
    let paid = intent(&order, "tok_requires_action", 1, "succeeded");
    let kept = ["evt_31", "evt_29"].map(str::to_owned);
    for (event, days) in kept.iter().zip([31, 29]) {
        shop.webhook(event, PAID, &paid).unwrap();
        shop.set(HEARD, event, "heardAt", id::now() - days * DAY);
    }
    for number in 100..200 {
        shop.webhook(&format!("evt_{number}"), "customer.created", &json!({}))
            .unwrap();
    }
    let found = shop.ports.get_many(HEARD, &kept).unwrap();
    assert_eq!((found[0].is_some(), found[1].is_some()), (false, true));
}
