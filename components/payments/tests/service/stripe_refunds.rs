//! Refunds with Stripe.

use std::sync::Arc;

use crate::scripted::{intent, lost, seen, stripe};
use crate::shop::{REFUND_FAILED, REFUND_REQUESTED, REFUNDED};
use mercato_ports::events::HandlerFailure;
use mercato_ports::http_client::{Method, Response};
use mercato_shop::breaker::Breaker;
use mercato_shop::orders::Status;
use mercato_shop::payments::RefundStatus;
use mercato_shop::testing::error_code;
use serde_json::json;

#[test]
fn keeps_a_refund_pending_while_the_api_key_is_wrong() {
    let forbidden = Ok((401, json!({ "error": { "type": "invalid_request_error" } })));
    let (shop, _) = stripe(vec![
        intent("succeeded"),
        forbidden,
        Ok((200, json!({ "status": "succeeded" }))),
    ]);
    let id = shop.order(100);
    shop.pay(&id, "pm_1").unwrap();
    let refund = shop.refund(&id, None, None).unwrap().refunds.remove(0);
    assert_eq!(refund.status, RefundStatus::Pending);
    shop.payments
        .handle(&shop.events(REFUND_REQUESTED).remove(0))
        .unwrap();
    assert_eq!(shop.payment(&id).refunded, 100);
}

#[test]
fn opens_the_circuit_breaker_after_refunds_with_a_wrong_api_key() {
    let forbidden = || Ok((401, json!({ "error": { "type": "invalid_request_error" } })));
    let mut answers = vec![intent("succeeded")];
    answers.extend((0..5).map(|_| forbidden()));
    let (shop, _) = stripe(answers);
    let id = shop.order(100);
    shop.pay(&id, "pm_1").unwrap();
    shop.refund(&id, None, None).unwrap();
    let requested = shop.events(REFUND_REQUESTED).remove(0);
    for _ in 0..4 {
        assert!(shop.payments.handle(&requested).is_err());
    }
    assert!(Breaker::new(&shop.ports, "payments.stripe").acquire().is_err());
}

#[test]
fn searches_a_refund_whose_key_has_expired() {
    let (shop, sent) = stripe(vec![intent("succeeded"), lost()]);
    let id = shop.order(100);
    shop.pay(&id, "pm_1").unwrap();
    let refund = shop.refund(&id, None, None).unwrap().refunds.remove(0);
    let made = json!({ "data": [{ "status": "succeeded", "metadata": { "refund_id": refund.id } }] });
    shop.ports.serve({
        let (made, sent) = (made.to_string(), Arc::clone(&sent));
        move |request| {
            sent.lock().unwrap().push(seen(request));
            Ok(Response {
                status: 200,
                headers: Vec::new(),
                body: made.clone().into_bytes(),
            })
        }
    });
    shop.age(&id);
    shop.payments
        .handle(&shop.events(REFUND_REQUESTED).remove(0))
        .unwrap();
    assert_eq!(shop.payment(&id).refunded, 100);
    let sent = sent.lock().unwrap();
    assert_eq!(sent[2].0, Method::Get);
    assert_eq!(
        (sent.len(), sent[2].1.as_str()),
        (3, "/v1/refunds?limit=100&payment_intent=pi_1")
    );
}

#[test]
fn reports_a_pending_refund_that_fails_and_allows_another_one() {
    let pending = || Ok((200, json!({ "status": "pending" })));
    let (shop, sent) = stripe(vec![
        intent("succeeded"),
        pending(),
        pending(),
        Ok((200, json!({ "status": "succeeded" }))),
    ]);
    let id = shop.order(100);
    shop.pay(&id, "pm_1").unwrap();
    let refund = shop.refund(&id, None, None).unwrap().refunds.remove(0);
    assert_eq!(refund.status, RefundStatus::Pending);
    shop.payments
        .handle(&shop.events(REFUND_REQUESTED).remove(0))
        .unwrap();
    assert_eq!(error_code(&shop.refund(&id, None, None)), "INVALID_TRANSITION");
    let object = json!({ "status": "failed", "metadata": { "order_id": id, "refund_id": refund.id } });
    shop.webhook("evt_1", "refund.failed", &object).unwrap();
    let failed = shop.events(REFUND_FAILED).remove(0);
    assert!(matches!(
        shop.payments.handle(&failed),
        Err(HandlerFailure::Reject(_))
    ));
    let again = shop.refund(&id, None, None).unwrap();
    assert_eq!((again.refunded, again.refunds.len()), (100, 2));
    assert_eq!(shop.read(&id).status, Status::Refunded);
    shop.payments.handle(&failed).unwrap();
    let sent = sent.lock().unwrap();
    assert_ne!(sent[3].2, sent[2].2, "each refund has its own key");
}

#[test]
fn a_refund_keeps_its_first_outcome_unless_it_fails_later() {
    let pending = Ok((200, json!({ "status": "pending" })));
    let (shop, _) = stripe(vec![intent("succeeded"), pending]);
    let id = shop.order(100);
    shop.pay(&id, "pm_1").unwrap();
    let refund = shop.refund(&id, None, None).unwrap().refunds.remove(0);
    let report = |event: &str, status: &str| {
        let object = json!({ "status": status, "metadata": { "order_id": id, "refund_id": refund.id } });
        shop.webhook(event, "refund.updated", &object).unwrap();
        let payment = shop.payment(&id);
        (payment.refunded, payment.refunds[0].status)
    };
    for (event, status, expected) in [
        ("evt_1", "pending", (0, RefundStatus::Pending)),
        ("evt_2", "failed", (0, RefundStatus::Failed)),
        ("evt_3", "succeeded", (0, RefundStatus::Failed)),
        ("evt_4", "pending", (0, RefundStatus::Failed)),
    ] {
        assert_eq!(report(event, status), expected, "{event}");
    }
    assert_eq!(shop.read(&id).status, Status::Paid);
    assert!(shop.events(REFUNDED).is_empty());
}

#[test]
fn reports_a_refund_that_is_found_failed() {
    let (shop, _) = stripe(vec![intent("succeeded"), lost()]);
    let id = shop.order(100);
    shop.pay(&id, "pm_1").unwrap();
    let refund = shop.refund(&id, None, None).unwrap().refunds.remove(0);
    let requested = shop.events(REFUND_REQUESTED).remove(0);
    let made = json!({ "data": [{ "status": "failed", "metadata": { "refund_id": refund.id } }] });
    shop.ports.serve(move |_| {
        Ok(Response {
            status: 200,
            headers: Vec::new(),
            body: made.to_string().into_bytes(),
        })
    });
    shop.age(&id);
    shop.payments.handle(&requested).unwrap();
    let payment = shop.payment(&id);
    assert_eq!(
        (payment.refunded, payment.refunds[0].status),
        (0, RefundStatus::Failed)
    );
    let failed = shop.events(REFUND_FAILED).remove(0);
    assert!(matches!(
        shop.payments.handle(&failed),
        Err(HandlerFailure::Reject(_))
    ));
}

#[test]
fn repeats_a_refund_with_its_own_key_until_the_outcome_is_known() {
    let (shop, sent) = stripe(vec![
        intent("succeeded"),
        lost(),
        Ok((200, json!({ "status": "succeeded" }))),
    ]);
    let id = shop.order(100);
    shop.pay(&id, "pm_1").unwrap();
    let refund = shop.refund(&id, Some(40), None).unwrap().refunds.remove(0);
    assert_eq!(refund.status, RefundStatus::Pending);
    let requested = shop.events(REFUND_REQUESTED).remove(0);
    shop.payments.handle(&requested).unwrap();
    shop.payments.handle(&requested).unwrap();
    assert_eq!(shop.payment(&id).refunded, 40);
    let sent = sent.lock().unwrap();
    let form = format!(
        "payment_intent=pi_1&amount=40&metadata%5Border_id%5D={id}&metadata%5Brefund_id%5D={}",
        refund.id
    );
    assert_eq!(
        sent[1],
        (Method::Post, "/v1/refunds".into(), Some(refund.id), form)
    );
    assert_eq!((sent.len(), &sent[1]), (3, &sent[2]));
}
