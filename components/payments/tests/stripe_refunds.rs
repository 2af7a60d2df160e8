//! Refunds by Stripe: asked for once, told where they fail, and repeated until they are known.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs,
    reason = "tests"
)]

mod shop;

use std::sync::Arc;

use mercato_payments::Failure;
use mercato_ports::http_client::{Method, Response};
use mercato_shop::orders::Status;
use mercato_shop::payments::RefundStatus;
use mercato_shop::types::Error;
use serde_json::json;
use shop::scripted::{intent, lost, seen, stripe};
use shop::{REFUND_FAILED, REFUND_REQUESTED};

#[test]
fn a_refund_waits_for_a_key_that_is_right() {
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
fn a_refund_whose_key_stripe_has_forgotten_is_looked_for_first() {
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
fn a_refund_that_is_on_its_way_and_fails_is_told_and_can_be_made_again() {
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
    assert!(matches!(
        shop.refund(&id, None, None),
        Err(Error::InvalidTransition(_))
    ));
    let object = json!({ "status": "failed", "metadata": { "order_id": id, "refund_id": refund.id } });
    shop.webhook("evt_1", "refund.failed", &object).unwrap();
    let failed = shop.events(REFUND_FAILED).remove(0);
    assert!(matches!(shop.payments.handle(&failed), Err(Failure::Reject(_))));
    let again = shop.refund(&id, None, None).unwrap();
    assert_eq!((again.refunded, again.refunds.len()), (100, 2));
    assert_eq!(shop.read(&id).status, Status::Refunded);
    shop.payments.handle(&failed).unwrap();
    let sent = sent.lock().unwrap();
    assert_ne!(sent[3].2, sent[2].2, "it has a key of its own");
}

#[test]
fn a_refund_that_a_late_look_finds_failed_is_told() {
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
    assert!(matches!(shop.payments.handle(&failed), Err(Failure::Reject(_))));
}

#[test]
fn a_refund_has_a_key_of_its_own_and_is_repeated_until_it_is_known() {
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
