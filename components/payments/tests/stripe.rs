//! Payments by Stripe: what is sent, what is made of the answers, and the breaker before it all.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs,
    reason = "tests"
)]

mod shop;

use std::sync::{Arc, Mutex};

use mercato_payments::Failure;
use mercato_ports::http_client::{HttpFailure, Method, Response};
use mercato_shop::breaker::Breaker;
use mercato_shop::cache::Cache as _;
use mercato_shop::orders::Status;
use mercato_shop::payments::PaymentStatus;
use mercato_shop::services::Orders;
use mercato_shop::testing::customer;
use mercato_shop::types::Error;
use serde_json::json;
use shop::scripted::{declined, intent, lost, stripe, unreached};
use shop::{DUE, STRIPE, shop};

#[test]
fn a_payment_is_one_request_with_the_orders_key() {
    let (shop, sent) = stripe(vec![intent("succeeded")]);
    let id = shop.order(599);
    assert_eq!(
        shop.pay(&id, "pm_card_visa").unwrap().status,
        PaymentStatus::Succeeded
    );
    assert_eq!(shop.read(&id).status, Status::Paid);
    let form = format!(
        "amount=599&currency=usd&payment_method=pm_card_visa&payment_method_types%5B%5D=card&confirm=true\
         &metadata%5Border_id%5D={id}&metadata%5Battempt%5D=1"
    );
    let expected = (
        Method::Post,
        "/v1/payment_intents".to_owned(),
        Some(format!("{id}/1")),
        form,
    );
    assert_eq!(*sent.lock().unwrap(), [expected]);
}

#[test]
fn a_decline_is_told_in_stripes_words_and_its_intent_is_closed_before_the_next() {
    let (shop, sent) = stripe(vec![declined(), intent("canceled"), intent("succeeded")]);
    let id = shop.order(100);
    let refused = shop.pay(&id, "pm_bad");
    assert_eq!(
        refused,
        Err(Error::PaymentDeclined("Your card was declined.".into()))
    );
    assert_eq!(shop.pay(&id, "pm_good").unwrap().attempt, 2);
    let sent = sent.lock().unwrap();
    assert_eq!(sent[1].1, "/v1/payment_intents/pi_1/cancel");
    assert_eq!(sent[2].2, Some(format!("{id}/2")));
}

#[test]
fn an_attempt_that_turns_out_to_have_succeeded_is_not_made_again() {
    // The cancellation is refused, since the customer has confirmed it meanwhile.
    let unexpected = Ok((
        400,
        json!({ "error": { "code": "payment_intent_unexpected_state" } }),
    ));
    let (shop, _) = stripe(vec![intent("requires_action"), unexpected, intent("succeeded")]);
    let id = shop.order(100);
    let first = shop.pay(&id, "pm_3ds").unwrap();
    assert_eq!(
        (first.status, first.client_secret.as_deref()),
        (PaymentStatus::RequiresAction, Some("pi_1_secret"))
    );
    let second = shop.pay(&id, "pm_other").unwrap();
    assert_eq!((second.status, second.attempt), (PaymentStatus::Succeeded, 1));
    assert_eq!(shop.read(&id).status, Status::Paid);
}

#[test]
fn what_waits_for_the_customer_is_taken_back_before_another_attempt() {
    let (shop, _) = stripe(vec![
        intent("requires_action"),
        intent("requires_action"),
        intent("canceled"),
        intent("succeeded"),
    ]);
    let id = shop.order(100);
    let secret = |payment: mercato_shop::payments::Payment| payment.client_secret;
    assert!(shop.pay(&id, "pm_3ds").map(secret).unwrap().is_some());
    assert!(
        shop.pay(&id, "pm_3ds").map(secret).unwrap().is_some(),
        "asked again, it is told again"
    );
    let paid = shop.pay(&id, "pm_other").unwrap();
    assert_eq!(
        (paid.status, paid.attempt, paid.client_secret),
        (PaymentStatus::Succeeded, 2, None)
    );
}

#[test]
fn an_answer_that_is_lost_is_asked_for_with_the_same_key() {
    for unclear in [
        lost(),
        Ok((500, json!({}))),
        Ok((409, json!({}))),
        Ok((200, json!("?"))),
    ] {
        let (shop, sent) = stripe(vec![unclear, unreached(), intent("succeeded")]);
        let id = shop.order(100);
        assert_eq!(shop.pay(&id, "pm_1").unwrap().status, PaymentStatus::Pending);
        let timer = shop.events(DUE).remove(0);
        shop.payments.handle(&timer).unwrap();
        assert_eq!(
            shop.payment(&id).status,
            PaymentStatus::Pending,
            "that it is not reached now says nothing"
        );
        shop.payments.handle(&shop.events(DUE).remove(0)).unwrap();
        assert_eq!(shop.read(&id).status, Status::Paid);
        let sent = sent.lock().unwrap();
        assert_eq!((sent.len(), &sent[0]), (3, &sent[1]));
        assert_eq!(sent[1], sent[2]);
    }
}

#[test]
fn what_stripe_has_forgotten_the_key_of_is_looked_for_and_never_charged_again() {
    let found = |id: &str| Ok((200, json!({ "data": [{ "id": id, "status": "succeeded" }] })));
    let nothing = || Ok((200, json!({ "data": [] })));
    let search_is_off = || Ok((404, json!({ "error": { "type": "invalid_request_error" } })));
    for (answer, status) in [
        (found("pi_9"), PaymentStatus::Succeeded),
        (nothing(), PaymentStatus::Failed),
        (search_is_off(), PaymentStatus::Pending),
    ] {
        let (shop, sent) = stripe(vec![lost(), answer]);
        let id = shop.order(100);
        shop.pay(&id, "pm_1").unwrap();
        shop.age(&id);
        let timer = shop.events(DUE).remove(0);
        let handled = shop.payments.handle(&timer);
        let is_shown = matches!(handled, Err(Failure::Reject(_)));
        assert_eq!(is_shown, status == PaymentStatus::Pending, "{handled:?}");
        assert_eq!(shop.payment(&id).status, status);
        let sent = sent.lock().unwrap();
        let query =
            format!("metadata%5B%22order_id%22%5D%3A%22{id}%22+AND+metadata%5B%22attempt%22%5D%3A%221%22");
        let path = format!("/v1/payment_intents/search?query={query}");
        assert_eq!((sent[1].0, &sent[1].1), (Method::Get, &path));
    }
}

#[test]
fn an_order_that_is_cancelled_after_a_day_is_not_charged_for_it() {
    let (shop, sent) = stripe(vec![lost(), Ok((200, json!({ "data": [] })))]);
    let id = shop.order(100);
    shop.pay(&id, "pm_1").unwrap();
    shop.age(&id);
    shop.orders.cancel(&customer("u1"), &id, None).unwrap();
    shop.deliver();
    assert_eq!(shop.payment(&id).status, PaymentStatus::Failed);
    let posts = sent
        .lock()
        .unwrap()
        .iter()
        .filter(|sent| sent.0 == Method::Post)
        .count();
    assert_eq!(posts, 1);
}

#[test]
fn an_attempt_that_can_not_be_closed_is_not_followed_by_another() {
    let unexpected = Ok((
        400,
        json!({ "error": { "code": "payment_intent_unexpected_state" } }),
    ));
    let (shop, sent) = stripe(vec![declined(), unexpected, intent("requires_payment_method")]);
    let id = shop.order(100);
    assert!(shop.pay(&id, "pm_bad").is_err());
    assert!(matches!(shop.pay(&id, "pm_good"), Err(Error::Conflict(_))));
    assert_eq!(sent.lock().unwrap()[1].2, None, "a key would keep the refusal");
}

#[test]
fn what_certainly_was_not_done_can_be_tried_again_at_once() {
    let refused = Ok((
        401,
        json!({ "error": { "type": "invalid_request_error", "message": "sk_test_1 is wrong" } }),
    ));
    let (shop, _) = stripe(vec![
        unreached(),
        Ok((429, json!({}))),
        refused,
        intent("succeeded"),
    ]);
    let id = shop.order(100);
    for _ in 0..2 {
        assert!(matches!(shop.pay(&id, "pm_1"), Err(Error::Unavailable(_))));
    }
    assert!(matches!(shop.pay(&id, "pm_1"), Err(Error::Internal(text)) if !text.contains("sk_test")));
    assert_eq!(shop.payment(&id).status, PaymentStatus::Failed);
    assert_eq!(shop.pay(&id, "pm_1").unwrap().attempt, 4);
}

#[test]
fn a_gateway_that_was_not_reached_does_not_spoil_what_another_asked_for() {
    // While the first is about to hear that it reached nobody, a second asks again, and its answer is lost.
    let shop = shop(STRIPE);
    let (inner, calls) = (shop.clone(), Arc::new(Mutex::new(0)));
    let id = shop.order(100);
    let order_id = id.clone();
    let count = Arc::clone(&calls);
    shop.ports.serve(move |_| {
        *count.lock().unwrap() += 1;
        Err(HttpFailure::NotSent("refused".into()))
    });
    // Right before the first notes the failure, the second has noted that it asks again.
    shop.ports.after_next_commit(move || {
        let second = inner.clone();
        inner.ports.before_next_commit(move || {
            assert_eq!(
                second.pay(&order_id, "pm_1").unwrap().status,
                PaymentStatus::Pending
            );
        });
    });
    assert!(shop.pay(&id, "pm_1").is_err());
    assert_eq!(shop.payment(&id).status, PaymentStatus::Pending);
    assert_eq!(*calls.lock().unwrap(), 2);
}

#[test]
fn a_gateway_that_fails_again_and_again_is_left_alone_for_a_while() {
    let (shop, sent) = stripe((0..5).map(|_| unreached()).collect());
    let id = shop.order(100);
    for _ in 0..5 {
        assert!(matches!(shop.pay(&id, "pm_1"), Err(Error::Unavailable(_))));
    }
    assert!(
        matches!(shop.pay(&id, "pm_1"), Err(Error::Unavailable(text)) if text.contains("fails at the moment"))
    );
    assert_eq!(sent.lock().unwrap().len(), 5);
}

#[test]
fn after_a_pause_one_payment_finds_out_whether_the_gateway_is_back() {
    let (shop, sent) = stripe((0..6).map(|_| unreached()).collect());
    let orders = [shop.order(100), shop.order(100), shop.order(100)];
    let pay = |order: usize| shop.pay(&orders[order], "pm_1");
    for _ in 0..5 {
        assert!(pay(0).is_err());
    }
    let paused = |past| shop.ports.keep("payments.stripe.open", past, 60_000);
    paused(b"1");
    assert!(pay(0).is_err() && pay(0).is_err());
    assert_eq!(sent.lock().unwrap().len(), 6, "the first has opened it again");
    paused(b"2");
    let (ports, others) = (shop.ports.clone(), Arc::new(Mutex::new(Vec::new())));
    let log = Arc::clone(&others);
    shop.ports.serve(move |_| {
        let other = Breaker::new(&ports, "payments.stripe").enter();
        log.lock().unwrap().push(other.is_ok());
        let body = json!({ "id": "pi_1", "status": "succeeded" });
        Ok(Response {
            status: 200,
            headers: Vec::new(),
            body: body.to_string().into_bytes(),
        })
    });
    for order in 0..3 {
        assert_eq!(pay(order).unwrap().status, PaymentStatus::Succeeded);
    }
    assert_eq!(
        *others.lock().unwrap(),
        [false, true, true],
        "nobody else meanwhile"
    );
}

#[test]
fn failures_with_successes_between_them_open_nothing() {
    let answers = (0..12).map(|turn| {
        if turn % 3 == 2 {
            intent("succeeded")
        } else {
            unreached()
        }
    });
    let (shop, sent) = stripe(answers.collect());
    for _ in 0..4 {
        let id = shop.order(100);
        assert!(shop.pay(&id, "pm_1").is_err());
        assert!(shop.pay(&id, "pm_1").is_err());
        assert!(shop.pay(&id, "pm_1").is_ok());
    }
    assert_eq!(sent.lock().unwrap().len(), 12);
}

#[test]
fn an_order_that_is_cancelled_while_the_customer_confirms_takes_the_attempt_back() {
    let (shop, sent) = stripe(vec![intent("requires_action"), intent("canceled")]);
    let id = shop.order(100);
    shop.pay(&id, "pm_3ds").unwrap();
    shop.orders.cancel(&customer("u1"), &id, None).unwrap();
    shop.deliver();
    assert_eq!(shop.payment(&id).status, PaymentStatus::Failed);
    assert_eq!(sent.lock().unwrap()[1].1, "/v1/payment_intents/pi_1/cancel");
}
