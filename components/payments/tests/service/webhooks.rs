//! Stripe's webhooks.

use crate::shop::{REFUND_FAILED, REFUNDED, SECRET, SUCCEEDED, Shop, TEST_GATEWAY, shop, sign};
use mercato_shop::id;
use mercato_shop::orders::Status;
use mercato_shop::payments::{PaymentStatus, RefundStatus};
use mercato_shop::ports::Ports as _;
use mercato_shop::services::Payments;
use mercato_shop::testing::error_code;
use mercato_shop::types::Error;
use serde_json::{Value, json};

const PAID: &str = "payment_intent.succeeded";
const FAILED: &str = "payment_intent.payment_failed";

fn intent(order_id: &str, method: &str, attempt: u32, status: &str) -> Value {
    json!({
        "id": format!("test/{order_id}/{attempt}/{method}"), "status": status,
        "metadata": { "order_id": order_id, "attempt": attempt.to_string() },
    })
}

/// Places an order whose payment waits for the customer's confirmation.
fn waiting(shop: &Shop) -> String {
    let id = shop.order(100);
    let payment = shop.pay(&id, "tok_requires_action").unwrap();
    assert_eq!(payment.status, PaymentStatus::RequiresAction);
    drop(shop.ports.take_events());
    id
}

#[test]
fn rejects_an_invalid_signature() {
    let shop = shop(TEST_GATEWAY);
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
        let refused = shop.payments.handle_webhook(body.as_bytes(), &signature);
        assert!(matches!(refused, Err(Error::Invalid(violation)) if violation.field == "Stripe-Signature"));
    }
    assert_eq!(shop.payment(&id).status, PaymentStatus::RequiresAction);
    shop.payments.handle_webhook(body.as_bytes(), &good).unwrap();
    assert_eq!(
        (shop.payment(&id).status, shop.read(&id).status),
        (PaymentStatus::Succeeded, Status::Paid)
    );
}

#[test]
fn handles_repeated_events_once() {
    let shop = shop(TEST_GATEWAY);
    let id = waiting(&shop);
    // The customer's bank declines, and the customer uses another card in the same form.
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
fn handles_concurrent_deliveries_once() {
    let shop = shop(TEST_GATEWAY);
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
fn accepts_webhook_and_answer_in_any_order() {
    // The webhook arrives before the answer is read.
    let shop = shop(TEST_GATEWAY);
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

    // The webhook arrives after the answer is read, before it is recorded.
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

    // The webhook of an earlier failure arrives last.
    shop.webhook(
        "evt_3",
        FAILED,
        &intent(&id, "tok_ok", 1, "requires_payment_method"),
    )
    .unwrap();
    assert_eq!(shop.payment(&id).status, PaymentStatus::Succeeded);
}

#[test]
fn a_failed_attempt_stays_failed_if_an_older_event_arrives_late() {
    let shop = shop(TEST_GATEWAY);
    let id = shop.order(100);
    assert!(shop.pay(&id, "tok_declined").is_err());
    let object = intent(&id, "tok_declined", 1, "requires_action");
    shop.webhook("evt_1", "payment_intent.requires_action", &object)
        .unwrap();
    assert_eq!(shop.payment(&id).status, PaymentStatus::Failed);
}

#[test]
fn ignores_events_of_other_attempts_and_shops() {
    let shop = shop(TEST_GATEWAY);
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
fn counts_refunds_that_were_made_at_stripe() {
    let shop = shop(TEST_GATEWAY);
    let id = shop.order(100);
    shop.pay(&id, "tok_ok").unwrap();
    shop.refund(&id, Some(30), None).unwrap();
    let refunded = |event: &str, total: i64| {
        let charge = json!({ "payment_intent": format!("test/{id}/1/tok_ok"), "amount_refunded": total,
            "metadata": { "order_id": id } });
        shop.webhook(event, "charge.refunded", &charge).unwrap();
        shop.payment(&id).refunded
    };
    assert_eq!(refunded("evt_1", 30), 30, "this refund is known");
    assert_eq!(shop.payment(&id).refunds.len(), 1);
    assert_eq!(refunded("evt_2", 50), 50);
    assert_eq!(shop.payment(&id).refunds.len(), 2);
    assert_eq!(refunded("evt_3", 30), 50, "an older total arrives late");
    assert_eq!(shop.read(&id).status, Status::Paid);
    assert_eq!(refunded("evt_4", 100), 100);
    assert_eq!(shop.read(&id).status, Status::Refunded);
}

#[test]
fn ignores_a_repeated_event_that_changed_nothing_before() {
    let shop = shop(TEST_GATEWAY);
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
fn keeps_the_amount_refundable_after_a_failed_refund() {
    let shop = shop(TEST_GATEWAY);
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
fn subtracts_a_failed_refund_at_stripe_once() {
    let shop = shop(TEST_GATEWAY);
    let id = shop.order(100);
    shop.pay(&id, "tok_ok").unwrap();
    drop(shop.ports.take_events());
    let intent = format!("test/{id}/1/tok_ok");
    let now = id::now() / 1_000;
    let counted = |at: u64, event: &str, total: i64| {
        let charge = json!({ "payment_intent": intent, "amount_refunded": total });
        shop.webhook_at(at, event, "charge.refunded", &charge).unwrap();
        shop.payment(&id).refunded
    };
    let failed = |at: u64, event: &str, refund: &str, amount: i64| {
        let object = json!({ "id": refund, "payment_intent": intent, "amount": amount, "status": "failed" });
        shop.webhook_at(at, event, "refund.failed", &object).unwrap();
        shop.payment(&id).refunded
    };
    assert_eq!(
        counted(now - 90, "evt_1", 100),
        100,
        "refunds of 30 and 70 in one total"
    );
    assert_eq!(failed(now - 80, "evt_2", "re_1", 30), 70);
    assert_eq!(
        failed(now - 80, "evt_3", "re_1", 30),
        70,
        "another event of the same refund"
    );
    assert_eq!(counted(now - 85, "evt_4", 100), 70, "an older total arrives late");
    assert_eq!(failed(now - 70, "evt_5", "re_2", 70), 0);
    assert_eq!(
        failed(now - 60, "evt_6", "re_3", 10),
        0,
        "the failure arrives before the total"
    );
    assert_eq!(counted(now - 65, "evt_7", 10), 0);
    let failures = shop.events(REFUND_FAILED);
    assert_eq!(failures.len(), 3);
    assert!(failures.iter().all(|event| shop.payments.handle(event).is_err()));
    assert_eq!(shop.refund(&id, None, None).unwrap().refunded, 100);
    failures
        .iter()
        .for_each(|event| shop.payments.handle(event).unwrap());
}

#[test]
fn ignores_refunds_at_stripe_that_are_invalid_or_have_not_failed() {
    let shop = shop(TEST_GATEWAY);
    let id = shop.order(100);
    shop.pay(&id, "tok_ok").unwrap();
    let intent = format!("test/{id}/1/tok_ok");
    shop.webhook(
        "evt_0",
        "charge.refunded",
        &json!({ "payment_intent": intent, "amount_refunded": 30 }),
    )
    .unwrap();
    let before = shop.payment(&id);
    drop(shop.ports.take_events());
    let long = "r".repeat(256);
    for (number, (refund, amount, status)) in [
        ("re_1", 0, "failed"),
        ("re_1", -1, "failed"),
        ("", 10, "failed"),
        (long.as_str(), 10, "canceled"),
        ("re_1", 10, "succeeded"),
        ("re_1", 10, "pending"),
    ]
    .into_iter()
    .enumerate()
    {
        let object = json!({ "id": refund, "payment_intent": intent, "amount": amount, "status": status });
        let event = format!("evt_{}", number + 1);
        shop.webhook(&event, "refund.updated", &object).unwrap();
        assert_eq!(shop.payment(&id), before, "{refund} {amount} {status}");
    }
    assert!(shop.events(REFUND_FAILED).is_empty());
}

#[test]
fn the_failure_of_a_refund_at_stripe_leaves_all_other_refunds_unchanged() {
    let shop = shop(TEST_GATEWAY);
    let id = shop.order(100);
    shop.pay(&id, "tok_ok").unwrap();
    shop.refund(&id, Some(30), None).unwrap();
    let intent = format!("test/{id}/1/tok_ok");
    let now = id::now() / 1_000;
    let refunds = || {
        let refunds = shop.payment(&id).refunds.into_iter();
        let mut refunds: Vec<_> = refunds
            .map(|refund| (refund.amount, refund.status == RefundStatus::Succeeded))
            .collect();
        refunds.sort_unstable();
        refunds
    };
    let total = |event: &str, total: i64| {
        let charge = json!({ "payment_intent": intent, "amount_refunded": total });
        shop.webhook_at(now - 90, event, "charge.refunded", &charge)
            .unwrap();
        refunds()
    };
    let failed = |event: &str, refund: &str, amount: i64| {
        let object = json!({ "id": refund, "payment_intent": intent, "amount": amount, "status": "failed" });
        shop.webhook_at(now - 80, event, "refund.failed", &object)
            .unwrap();
        refunds()
    };
    // No total has had this refund.
    assert_eq!(failed("evt_1", "re_1", 20), [(20, false), (30, true)]);
    assert_eq!(
        failed("evt_2", "re_2", 20),
        [(20, false), (20, false), (30, true)]
    );
    // 10 of the total are another refund at Stripe.
    assert_eq!(
        total("evt_3", 80),
        [(10, true), (20, false), (20, false), (30, true)]
    );
    assert_eq!(
        failed("evt_4", "re_3", 20),
        [(10, true), (20, false), (20, false), (20, false), (30, true)]
    );
    assert_eq!(
        failed("evt_5", "re_4", 10),
        [(10, false), (20, false), (20, false), (20, false), (30, true)]
    );
    assert_eq!(shop.payment(&id).refunded, 30);
}

#[test]
fn commits_a_change_with_its_event_and_the_id_of_the_webhook() {
    for commits in 0..3 {
        let shop = shop(TEST_GATEWAY);
        let id = shop.order(100);
        shop.pay(&id, "tok_ok").unwrap();
        drop(shop.ports.take_events());
        let charge = json!({ "payment_intent": format!("test/{id}/1/tok_ok"), "amount_refunded": 30 });
        shop.ports.stop_after(commits);
        let handled = shop.webhook("evt_1", "charge.refunded", &charge).is_ok();
        shop.ports.restart();
        assert_eq!(handled, commits > 0);
        assert_eq!(shop.payment(&id).refunded, if handled { 30 } else { 0 });
        assert_eq!(shop.events(REFUNDED).len(), usize::from(handled));
        let found = shop
            .ports
            .get_many("payments.webhook-events", &["evt_1".into()])
            .unwrap();
        assert_eq!(found[0].is_some(), handled, "after {commits} commits");
    }
}

#[test]
fn ignores_other_content_under_the_id_of_a_handled_event() {
    let shop = shop(TEST_GATEWAY);
    let id = waiting(&shop);
    let method = "tok_requires_action";
    for event in ["evt_1", "evt_2"] {
        let failed = intent(&id, method, 1, "requires_payment_method");
        shop.webhook(event, FAILED, &failed).unwrap();
        shop.webhook(event, PAID, &intent(&id, method, 1, "succeeded"))
            .unwrap();
        assert_eq!(shop.payment(&id).status, PaymentStatus::Failed, "{event}");
    }
    let id = shop.order(100);
    shop.pay(&id, "tok_ok").unwrap();
    let own = shop.refund(&id, Some(10), None).unwrap().refunds.remove(0);
    let intent = format!("test/{id}/1/tok_ok");
    let charge = |total: i64| json!({ "payment_intent": intent, "amount_refunded": total });
    let own = |status: &str| json!({ "status": status, "metadata": { "order_id": id, "refund_id": own.id } });
    let at_stripe =
        |refund: &str| json!({ "id": refund, "payment_intent": intent, "amount": 5, "status": "failed" });
    for (event, kind, first, second, refunded) in [
        // The first content of these events changes nothing.
        ("evt_3", "charge.refunded", charge(10), charge(20), 10),
        ("evt_4", "refund.updated", own("succeeded"), own("failed"), 10),
        ("evt_5", "charge.refunded", charge(25), charge(50), 25),
        (
            "evt_6",
            "charge.refund.updated",
            at_stripe("re_1"),
            at_stripe("re_2"),
            20,
        ),
        (
            "evt_7",
            "refund.updated",
            at_stripe("re_1"),
            at_stripe("re_2"),
            20,
        ),
        ("evt_8", "refund.failed", own("failed"), charge(100), 10),
    ] {
        shop.webhook(event, kind, &first).unwrap();
        assert_eq!(shop.payment(&id).refunded, refunded, "{event}");
        for kind in [kind, "charge.refunded"] {
            shop.webhook(event, kind, &second).unwrap();
            assert_eq!(shop.payment(&id).refunded, refunded, "{event} again");
        }
    }
}

#[test]
fn rejects_signed_bodies_that_are_not_events() {
    let shop = shop(TEST_GATEWAY);
    let now = id::now() / 1_000;
    for body in [
        "",
        "not json",
        "[]",
        "{}",
        r#"{"id":"","type":"x","data":{"object":{}}}"#,
    ] {
        let refused = shop
            .payments
            .handle_webhook(body.as_bytes(), &sign(SECRET, now, body));
        assert_eq!(error_code(&refused), "INVALID", "{body}");
    }
    assert_eq!(error_code(&shop.webhook("evt_1", PAID, &json!({}))), "INVALID");
}

#[test]
fn forgets_old_events() {
    const EVENTS: &str = "payments.webhook-events";
    const DAY: u64 = 24 * 3_600_000;
    let shop = shop(TEST_GATEWAY);
    let order = waiting(&shop);
    let paid = intent(&order, "tok_requires_action", 1, "succeeded");
    let kept = ["evt_31", "evt_29"].map(str::to_owned);
    for (event, days) in kept.iter().zip([31, 29]) {
        shop.webhook(event, PAID, &paid).unwrap();
        shop.set(EVENTS, event, "heardAt", id::now() - days * DAY);
    }
    for number in 100..200 {
        shop.webhook(&format!("evt_{number}"), "customer.created", &json!({}))
            .unwrap();
    }
    let found = shop.ports.get_many(EVENTS, &kept).unwrap();
    assert_eq!((found[0].is_some(), found[1].is_some()), (false, true));
}
