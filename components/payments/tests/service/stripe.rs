//! Payments with Stripe: requests, answers and the circuit breaker.

use std::sync::{Arc, Mutex};

use crate::scripted::{declined, intent, lost, stripe, unreached};
use crate::shop::{DUE, STRIPE, Shop, shop};
use mercato_ports::events::HandlerFailure;
use mercato_ports::http_client::{HttpFailure, Method, Response};
use mercato_shop::breaker::Breaker;
use mercato_shop::cache::Cache as _;
use mercato_shop::orders::Status;
use mercato_shop::payments::PaymentStatus;
use mercato_shop::ports::Ports;
use mercato_shop::services::Orders;
use mercato_shop::testing::{customer, error_code};
use mercato_shop::types::Error;
use serde_json::json;

#[test]
fn charges_by_one_request_with_the_orders_key() {
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
fn returns_stripes_message_and_cancels_the_intent_before_the_next_attempt() {
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
fn does_not_repeat_an_attempt_that_turns_out_to_have_succeeded() {
    // Stripe rejects the cancellation, since the customer has confirmed the payment.
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
fn cancels_an_attempt_that_waits_for_the_customer_before_the_next_one() {
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
        "each answer has the client secret"
    );
    let paid = shop.pay(&id, "pm_other").unwrap();
    assert_eq!(
        (paid.status, paid.attempt, paid.client_secret),
        (PaymentStatus::Succeeded, 2, None)
    );
}

#[test]
fn repeats_a_request_with_the_same_key_after_a_lost_answer() {
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
            "the attempt may have been executed"
        );
        shop.payments.handle(&shop.events(DUE).remove(0)).unwrap();
        assert_eq!(shop.read(&id).status, Status::Paid);
        let sent = sent.lock().unwrap();
        assert_eq!((sent.len(), &sent[0]), (3, &sent[1]));
        assert_eq!(sent[1], sent[2]);
    }
}

#[test]
fn searches_an_attempt_whose_key_has_expired_instead_of_charging_again() {
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
        let is_shown = matches!(handled, Err(HandlerFailure::Reject(_)));
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
fn repeats_the_last_check_until_the_gateway_is_available() {
    let found = || Ok((200, json!({ "data": [{ "id": "pi_9", "status": "succeeded" }] })));
    for unavailable in [
        unreached(),
        lost(),
        Ok((429, json!({}))),
        Ok((503, json!({}))),
        Ok((200, json!("?"))),
    ] {
        let (shop, _) = stripe(vec![lost(), unavailable, found()]);
        let id = shop.order(100);
        shop.pay(&id, "pm_1").unwrap();
        shop.age(&id);
        let timer = shop.events(DUE).remove(0);
        let handled = shop.payments.handle(&timer);
        assert!(matches!(handled, Err(HandlerFailure::Retry(_))), "{handled:?}");
        assert_eq!(shop.payment(&id).status, PaymentStatus::Pending);
        shop.payments.handle(&timer).unwrap();
        assert_eq!(shop.read(&id).status, Status::Paid);
    }
}

#[test]
fn repeats_the_cancellation_of_an_old_attempt_until_the_gateway_is_available() {
    for unavailable in [unreached(), lost(), Ok((503, json!({})))] {
        let (shop, _) = stripe(vec![intent("requires_action"), unavailable, intent("canceled")]);
        let id = shop.order(100);
        shop.pay(&id, "pm_3ds").unwrap();
        shop.age(&id);
        let timer = shop.events(DUE).remove(0);
        let handled = shop.payments.handle(&timer);
        assert!(matches!(handled, Err(HandlerFailure::Retry(_))), "{handled:?}");
        assert_eq!(shop.payment(&id).status, PaymentStatus::RequiresAction);
        shop.payments.handle(&timer).unwrap();
        assert_eq!(shop.payment(&id).status, PaymentStatus::Failed);
    }
}

#[test]
fn undoes_a_payment_when_the_gateway_is_available_again() {
    let (shop, _) = stripe(vec![intent("requires_action"), unreached(), intent("canceled")]);
    let id = shop.order(100);
    shop.pay(&id, "pm_3ds").unwrap();
    shop.orders.cancel(&customer("u1"), &id, None).unwrap();
    let cancelled = shop.events("mercato.orders.order-cancelled").remove(0);
    let handled = shop.payments.handle(&cancelled);
    assert!(matches!(handled, Err(HandlerFailure::Retry(_))), "{handled:?}");
    shop.payments.handle(&cancelled).unwrap();
    assert_eq!(shop.payment(&id).status, PaymentStatus::Failed);

    // The outcome of this attempt is unknown when its order is cancelled. Its timer finds it out.
    let refunded = Ok((200, json!({ "status": "succeeded" })));
    let (shop, _) = stripe(vec![lost(), unreached(), intent("succeeded"), refunded]);
    let id = shop.order(100);
    shop.pay(&id, "pm_1").unwrap();
    let timer = shop.events(DUE).remove(0);
    shop.orders.cancel(&customer("u1"), &id, None).unwrap();
    let cancelled = shop.events("mercato.orders.order-cancelled").remove(0);
    shop.payments.handle(&cancelled).unwrap();
    assert_eq!(shop.payment(&id).status, PaymentStatus::Pending);
    shop.payments.handle(&timer).unwrap();
    shop.deliver();
    let payment = shop.payment(&id);
    assert_eq!(
        (payment.status, payment.refunded),
        (PaymentStatus::Succeeded, 100)
    );
}

#[test]
fn does_not_charge_an_order_that_is_cancelled_after_a_day() {
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
fn begins_no_attempt_while_the_previous_one_can_not_be_cancelled() {
    let unexpected = Ok((
        400,
        json!({ "error": { "code": "payment_intent_unexpected_state" } }),
    ));
    let (shop, sent) = stripe(vec![declined(), unexpected, intent("requires_payment_method")]);
    let id = shop.order(100);
    assert!(shop.pay(&id, "pm_bad").is_err());
    assert_eq!(error_code(&shop.pay(&id, "pm_good")), "CONFLICT");
    assert_eq!(
        sent.lock().unwrap()[1].2,
        None,
        "with a key, Stripe would repeat the rejection"
    );
}

#[test]
fn allows_a_retry_at_once_after_a_request_that_was_not_executed() {
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
        let Err(Error::Unavailable(reason)) = shop.pay(&id, "pm_1") else {
            panic!("the gateway is unavailable")
        };
        assert_eq!(shop.payment(&id).failure, Some(reason));
    }
    assert!(matches!(shop.pay(&id, "pm_1"), Err(Error::Internal(text)) if !text.contains("sk_test")));
    let payment = shop.payment(&id);
    assert_eq!(payment.status, PaymentStatus::Failed);
    assert!(payment.failure.unwrap().contains("rejected the payment"));
    assert_eq!(shop.pay(&id, "pm_1").unwrap().attempt, 4);
}

#[test]
fn keeps_the_state_of_a_concurrent_request_if_the_gateway_is_unreachable() {
    // The first request does not reach the gateway. Before it records that, a second request asks for the
    // outcome.
    let shop = shop(STRIPE);
    let (inner, calls) = (shop.clone(), Arc::new(Mutex::new(0)));
    let id = shop.order(100);
    let order_id = id.clone();
    let count = Arc::clone(&calls);
    shop.ports.serve(move |_| {
        *count.lock().unwrap() += 1;
        Err(HttpFailure::NotSent("refused".into()))
    });
    // The second request has recorded its check right before the first one records the failure.
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
fn a_check_asks_nothing_and_changes_nothing_if_the_attempt_has_ended_meanwhile() {
    // The first payment succeeds, and another attempt follows the second one.
    for (ends, status) in [
        ("succeeded", "succeeded"),
        ("payment_failed", "requires_payment_method"),
    ] {
        let (shop, sent) = stripe(vec![lost(), intent("canceled"), lost()]);
        let id = shop.order(100);
        shop.pay(&id, "pm_1").unwrap();
        let timer = shop.events(DUE).remove(0);
        let version = |shop: &Shop, id: &str| {
            let found = Ports::get_many(&shop.ports, "payments.payments", &[id.to_owned()]);
            found.unwrap().remove(0).unwrap().version
        };
        let before = Arc::new(Mutex::new(None));
        let (other, order_id, log, state) =
            (shop.clone(), id.clone(), Arc::clone(&sent), Arc::clone(&before));
        // The first commit of the check sets the next timer. After it, the attempt ends.
        shop.ports.after_next_commit(move || {
            let object =
                json!({ "id": "pi_1", "status": status, "metadata": { "order_id": order_id, "attempt": "1" } });
            other
                .webhook("evt_1", &format!("payment_intent.{ends}"), &object)
                .unwrap();
            if ends != "succeeded" {
                assert_eq!(other.pay(&order_id, "pm_2").unwrap().attempt, 2);
            }
            *state.lock().unwrap() = Some((version(&other, &order_id), log.lock().unwrap().len()));
        });
        shop.payments.handle(&timer).unwrap();
        let after = (version(&shop, &id), sent.lock().unwrap().len());
        assert_eq!(Some(after), *before.lock().unwrap(), "{ends}");
    }
}

#[test]
fn opens_the_circuit_breaker_after_repeated_failures() {
    let (shop, sent) = stripe((0..5).map(|_| unreached()).collect());
    let id = shop.order(100);
    for _ in 0..5 {
        assert_eq!(error_code(&shop.pay(&id, "pm_1")), "UNAVAILABLE");
    }
    assert!(
        matches!(shop.pay(&id, "pm_1"), Err(Error::Unavailable(text)) if text.contains("fails at the moment"))
    );
    assert_eq!(sent.lock().unwrap().len(), 5);
}

#[test]
fn closes_the_circuit_breaker_after_a_successful_probe() {
    let (shop, sent) = stripe((0..6).map(|_| unreached()).collect());
    let orders = [shop.order(100), shop.order(100), shop.order(100)];
    let pay = |order: usize| shop.pay(&orders[order], "pm_1");
    for _ in 0..5 {
        assert!(pay(0).is_err());
    }
    let paused = |past| shop.ports.set("payments.stripe.open", past, 60_000);
    paused(b"1");
    assert!(pay(0).is_err() && pay(0).is_err());
    assert_eq!(
        sent.lock().unwrap().len(),
        6,
        "the probe opened the breaker again"
    );
    paused(b"2");
    let (ports, others) = (shop.ports.clone(), Arc::new(Mutex::new(Vec::new())));
    let log = Arc::clone(&others);
    shop.ports.serve(move |_| {
        let other = Breaker::new(&ports, "payments.stripe").acquire();
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
        "no other request during the probe"
    );
}

#[test]
fn keeps_the_circuit_breaker_closed_if_successes_separate_the_failures() {
    let answers = (0..12).map(|number| {
        if number % 3 == 2 {
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
fn cancels_the_attempt_of_an_order_that_is_cancelled_during_confirmation() {
    let (shop, sent) = stripe(vec![intent("requires_action"), intent("canceled")]);
    let id = shop.order(100);
    shop.pay(&id, "pm_3ds").unwrap();
    shop.orders.cancel(&customer("u1"), &id, None).unwrap();
    shop.deliver();
    assert_eq!(shop.payment(&id).status, PaymentStatus::Failed);
    assert_eq!(sent.lock().unwrap()[1].1, "/v1/payment_intents/pi_1/cancel");
}
