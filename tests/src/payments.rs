//! Payments by the test gateway. The shop runs with `PAYMENT_GATEWAY=test`,
//! `MERCATO_ENVIRONMENT=development`, and its API secret as `STRIPE_WEBHOOK_SECRET`.

use std::sync::Arc;

use anyhow::{Result, ensure};
use hmac::{Hmac, Mac};
use libtest_mimic::Trial;
use serde_json::{Value, json};
use sha2::Sha256;

use crate::fixtures::unique;
use crate::graphql::GraphqlResponse;
use crate::http::{Request, Response};
use crate::parallel::at_once;
use crate::shop::{As, Shop};
use crate::tokens::now;
use crate::trials::trials;
use crate::wait::{SOON, eventually};

/// The tests of this area.
pub fn tests(shop: &Arc<Shop>) -> Vec<Trial> {
    trials!(
        shop,
        "payments",
        portable = [
            of_20_concurrent_payments_exactly_one_is_made,
            refunds_never_exceed_the_payment,
            a_cancelled_order_is_refunded
        ],
        component = [
            a_declined_payment_can_be_made_with_another_method,
            a_payment_with_a_lost_response_is_found_by_the_next_attempt,
            a_webhook_with_a_valid_signature_confirms_a_payment_once,
            a_failed_refund_can_be_made_again
        ]
    )
}

/// Places an order of ada.
fn order(shop: &Shop, price: i64) -> Result<String> {
    let product = shop.product(price, 5)?;
    shop.order(shop.ada()?.caller(), &[(&product, 1)])
}

/// Pays an order of ada.
fn pay(shop: &Shop, order: &str, method: &str) -> Result<GraphqlResponse> {
    shop.pay(shop.ada()?.caller(), order, method)
}

/// The status of an order, and the status, the attempt and the refunded amount of its payment.
type State<'a> = (&'a str, &'a str, i64, i64);

/// Waits until an order and its payment are in this state.
fn becomes(shop: &Shop, id: &str, expected: State<'_>) -> Result<()> {
    let query = "query ($id: ID!) { order(id: $id) { status payment { status attempt refunded } } }";
    let (order, status, attempt, refunded) = expected;
    let payment = json!({ "status": status, "attempt": attempt, "refunded": refunded });
    let expected = json!({ "status": order, "payment": payment });
    eventually(SOON, format!("the order should become {expected}"), || {
        let answer = shop.graphql(shop.ada()?.caller(), query, json!({ "id": id }))?;
        let found = answer.data("/order")?.clone();
        Ok((found == expected, found))
    })
    .map(drop)
}

fn of_20_concurrent_payments_exactly_one_is_made(shop: &Shop) -> Result<()> {
    let id = order(shop, 599)?;
    let answers = at_once(20, |_| pay(shop, &id, "tok_ok"))?;
    for answer in answers {
        answer.has("/payOrder/attempt", 1)?;
        answer.has("/payOrder/amount", 599)?;
    }
    becomes(shop, &id, ("PAID", "SUCCEEDED", 1, 0))
}

fn a_declined_payment_can_be_made_with_another_method(shop: &Shop) -> Result<()> {
    let id = order(shop, 10)?;
    for method in ["tok_declined", "tok_insufficient_funds", "tok_expired_card"] {
        pay(shop, &id, method)?.refused("PAYMENT_DECLINED")?;
    }
    pay(shop, &id, "tok_unavailable")?.refused("UNAVAILABLE")?;
    pay(shop, &id, " ")?.bad_input("paymentMethod")?;
    let paid = pay(shop, &id, "tok_ok")?;
    paid.has("/payOrder/attempt", 5)?;
    becomes(shop, &id, ("PAID", "SUCCEEDED", 5, 0))
}

fn a_payment_with_a_lost_response_is_found_by_the_next_attempt(shop: &Shop) -> Result<()> {
    let id = order(shop, 10)?;
    let lost = pay(shop, &id, "tok_timeout")?;
    lost.has("/payOrder/status", "PENDING")?;
    let found = pay(shop, &id, "tok_ok")?;
    found.has("/payOrder/status", "SUCCEEDED")?;
    found.has("/payOrder/attempt", 1)
}

fn refunds_never_exceed_the_payment(shop: &Shop) -> Result<()> {
    let id = order(shop, 100)?;
    shop.refund(&id, None)?.refused("NOT_FOUND")?;
    pay(shop, &id, "tok_ok")?.text("/payOrder/status")?;
    shop.refund(&id, Some(101))?.bad_input("amount")?;
    let answers = at_once(10, |_| shop.refund(&id, Some(30)))?;
    let refunds = answers.iter().filter(|answer| answer.errors().is_empty()).count();
    ensure!(refunds == 3, "3 refunds of 30 should succeed, not {refunds}");
    let rest = shop.refund(&id, None)?;
    rest.has("/refundPayment/refunded", 100)?;
    shop.refund(&id, Some(1))?.refused("INVALID_TRANSITION")?;
    becomes(shop, &id, ("REFUNDED", "SUCCEEDED", 1, 100))
}

fn a_cancelled_order_is_refunded(shop: &Shop) -> Result<()> {
    let id = order(shop, 70)?;
    pay(shop, &id, "tok_ok")?.text("/payOrder/status")?;
    shop.cancel_order(shop.ada()?.caller(), &id, None)?
        .text("/cancelOrder/status")?;
    becomes(shop, &id, ("CANCELLED", "SUCCEEDED", 1, 70))?;
    pay(shop, &order(shop, 1)?, "tok_ok")?.text("/payOrder/status")?;
    Ok(())
}

fn a_webhook_with_a_valid_signature_confirms_a_payment_once(shop: &Shop) -> Result<()> {
    let id = order(shop, 10)?;
    let paid = pay(shop, &id, "tok_requires_action")?;
    paid.has("/payOrder/status", "REQUIRES_ACTION")?;
    paid.text("/payOrder/clientSecret")?;
    let body = json!({
        "id": unique("evt"), "type": "payment_intent.succeeded",
        "data": { "object": {
            "id": format!("test/{id}/1/tok_requires_action"), "status": "succeeded",
            "metadata": { "order_id": id, "attempt": "1" },
        } },
    })
    .to_string();
    let now = now();
    let secret = shop.secret();
    for signature in [
        String::new(),
        "t=1,v1=00".to_owned(),
        sign("another secret", now, &body)?,
        sign(secret, now - 900, &body)?,
        sign(secret, now, "another body")?,
    ] {
        webhook(shop, &signature, &body)?.expect_status(400)?;
    }
    // A bad signature has changed nothing.
    becomes(shop, &id, ("PENDING", "REQUIRES_ACTION", 1, 0))?;
    let valid = sign(secret, now, &body)?;
    for _ in 0..3 {
        webhook(shop, &valid, &body)?.expect_status(200)?;
        becomes(shop, &id, ("PAID", "SUCCEEDED", 1, 0))?;
    }
    shop.get(As::Anonymous, "/webhooks/stripe")?
        .expect_status(405)
        .map(drop)
}

fn a_failed_refund_can_be_made_again(shop: &Shop) -> Result<()> {
    let id = order(shop, 100)?;
    pay(shop, &id, "tok_ok")?.text("/payOrder/status")?;
    let intent = format!("test/{id}/1/tok_ok");
    let send = |kind: &str, object: Value| -> Result<()> {
        let now = now();
        let event =
            json!({ "id": unique("evt"), "type": kind, "created": now, "data": { "object": object } });
        let body = event.to_string();
        let signature = sign(shop.secret(), now, &body)?;
        webhook(shop, &signature, &body)?.expect_status(200).map(drop)
    };
    let refunded_becomes = |refunded: i64| becomes(shop, &id, ("PAID", "SUCCEEDED", 1, refunded));
    send(
        "charge.refunded",
        json!({ "payment_intent": intent, "amount_refunded": 30 }),
    )?;
    refunded_becomes(30)?;
    let refund_id = unique("re");
    for kind in ["refund.updated", "refund.failed"] {
        let failed = json!({ "id": refund_id, "payment_intent": intent, "amount": 30, "status": "failed" });
        send(kind, failed)?;
        refunded_becomes(0)?;
    }
    let again = shop.refund(&id, None)?;
    again.has("/refundPayment/refunded", 100)
}

/// Sends a webhook as Stripe does.
fn webhook(shop: &Shop, signature: &str, body: &str) -> Result<Response> {
    let request = Request::new("POST", "/webhooks/stripe")
        .header("content-type", "application/json")
        .header("stripe-signature", signature)
        .body(body);
    shop.send(request)
}

/// Returns a signature in the form of Stripe. The time is in seconds since the Unix epoch.
pub fn sign(secret: &str, seconds: u64, body: &str) -> Result<String> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes())?;
    mac.update(format!("{seconds}.{body}").as_bytes());
    Ok(format!("t={seconds},v1={:x}", mac.finalize().into_bytes()))
}
