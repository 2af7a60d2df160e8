//! Payments, by the gateway that plays: the shop runs with `PAYMENT_GATEWAY=test`, `MERCATO_ENVIRONMENT=development`, and its API secret
//! as `STRIPE_WEBHOOK_SECRET`.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Result, ensure};
use hmac::{Hmac, Mac};
use libtest_mimic::Trial;
use serde_json::{Value, json};
use sha2::Sha256;

use crate::answer::Answer;
use crate::client::{As, Call, Reply};
use crate::concurrency::at_once;
use crate::trials::trials;
use crate::world::{World, place_order, unique};

/// The tests of this area.
pub fn tests(world: &Arc<World>) -> Vec<Trial> {
    trials!(
        world,
        "payments",
        [
            an_order_is_paid_once_by_20_who_pay_it_at_once,
            a_payment_that_is_declined_can_be_made_in_another_way,
            a_payment_whose_answer_is_lost_is_found_by_asking_again,
            a_payment_is_given_back_in_parts_and_never_more_than_was_paid,
            a_paid_order_that_is_cancelled_is_given_back,
            a_webhook_confirms_a_payment_once_and_only_with_a_good_signature,
            what_was_given_back_and_fails_can_be_given_back_again,
        ]
    )
}

fn order(world: &World, price: i64) -> Result<String> {
    let product = world.product(price, 5)?;
    let answer = place_order(&world.shop, world.ada()?.caller(), &[(&product, 1)])?;
    Ok(answer.text("/placeOrder/_id")?.to_owned())
}

/// Pays an order of ada's.
pub fn pay(world: &World, who: As<'_>, order: &str, method: &str) -> Result<Answer> {
    let query = "mutation ($order: ID!, $method: String!) {
        payOrder(orderId: $order, paymentMethod: $method) { _id status amount attempt clientSecret } }";
    world
        .shop
        .graphql(who, query, json!({ "order": order, "method": method }))
}

/// Gives back what was paid for an order, or this much of it.
pub fn refund(world: &World, id: &str, amount: Option<i64>) -> Result<Answer> {
    let query = "mutation ($id: ID!, $amount: Int) { refundPayment(id: $id, amount: $amount) { refunded refunds { status } } }";
    world
        .shop
        .graphql(As::Key, query, json!({ "id": id, "amount": amount }))
}

fn read(world: &World, id: &str) -> Result<Value> {
    let query = "query ($id: ID!) { order(id: $id) { status payment { status attempt refunded } } }";
    let answer = world
        .shop
        .graphql(world.ada()?.caller(), query, json!({ "id": id }))?;
    Ok(answer.data("/order")?.clone())
}

/// Waits until an order and its payment are as they should become.
fn becomes(world: &World, id: &str, expected: &Value) -> Result<()> {
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        let found = read(world, id)?;
        if found == *expected {
            return Ok(());
        }
        ensure!(
            Instant::now() < deadline,
            "the order should become {expected} and stays {found}"
        );
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn an_order_is_paid_once_by_20_who_pay_it_at_once(world: &World) -> Result<()> {
    let id = order(world, 599)?;
    let answers = at_once(20, |_| pay(world, world.ada()?.caller(), &id, "tok_ok"))?;
    for answer in answers {
        answer.expect(
            answer.int("/payOrder/attempt")? == 1 && answer.int("/payOrder/amount")? == 599,
            "all should hear of one attempt",
        )?;
    }
    becomes(
        world,
        &id,
        &json!({ "status": "PAID", "payment": { "status": "SUCCEEDED", "attempt": 1, "refunded": 0 } }),
    )
}

fn a_payment_that_is_declined_can_be_made_in_another_way(world: &World) -> Result<()> {
    let id = order(world, 10)?;
    for method in ["tok_declined", "tok_insufficient_funds", "tok_expired_card"] {
        pay(world, world.ada()?.caller(), &id, method)?.refused("PAYMENT_DECLINED")?;
    }
    pay(world, world.ada()?.caller(), &id, "tok_unavailable")?.refused("UNAVAILABLE")?;
    pay(world, world.ada()?.caller(), &id, " ")?.bad_input("paymentMethod")?;
    let paid = pay(world, world.ada()?.caller(), &id, "tok_ok")?;
    paid.expect(
        paid.int("/payOrder/attempt")? == 5,
        "each of them should be an attempt",
    )?;
    becomes(
        world,
        &id,
        &json!({ "status": "PAID", "payment": { "status": "SUCCEEDED", "attempt": 5, "refunded": 0 } }),
    )
}

fn a_payment_whose_answer_is_lost_is_found_by_asking_again(world: &World) -> Result<()> {
    let id = order(world, 10)?;
    let lost = pay(world, world.ada()?.caller(), &id, "tok_timeout")?;
    lost.expect(
        lost.text("/payOrder/status")? == "PENDING",
        "nobody should know yet",
    )?;
    let found = pay(world, world.ada()?.caller(), &id, "tok_ok")?;
    found.expect(
        found.text("/payOrder/status")? == "SUCCEEDED" && found.int("/payOrder/attempt")? == 1,
        "the first attempt should have succeeded",
    )
}

fn a_payment_is_given_back_in_parts_and_never_more_than_was_paid(world: &World) -> Result<()> {
    let id = order(world, 100)?;
    refund(world, &id, None)?.refused("NOT_FOUND")?;
    pay(world, world.ada()?.caller(), &id, "tok_ok")?.text("/payOrder/status")?;
    refund(world, &id, Some(101))?.bad_input("amount")?;
    let answers = at_once(10, |_| refund(world, &id, Some(30)))?;
    let given = answers.iter().filter(|answer| answer.errors().is_empty()).count();
    ensure!(given == 3, "3 refunds of 30 fit into 100, not {given}");
    let rest = refund(world, &id, None)?;
    rest.expect(
        rest.int("/refundPayment/refunded")? == 100,
        "all should be given back",
    )?;
    refund(world, &id, Some(1))?.refused("INVALID_TRANSITION")?;
    becomes(
        world,
        &id,
        &json!({ "status": "REFUNDED", "payment": { "status": "SUCCEEDED", "attempt": 1, "refunded": 100 } }),
    )
}

fn a_paid_order_that_is_cancelled_is_given_back(world: &World) -> Result<()> {
    let id = order(world, 70)?;
    pay(world, world.ada()?.caller(), &id, "tok_ok")?.text("/payOrder/status")?;
    let query = "mutation ($id: ID!) { cancelOrder(id: $id) { status } }";
    let cancelled = world
        .shop
        .graphql(world.ada()?.caller(), query, json!({ "id": id }))?;
    cancelled.text("/cancelOrder/status")?;
    becomes(
        world,
        &id,
        &json!({ "status": "CANCELLED", "payment": { "status": "SUCCEEDED", "attempt": 1, "refunded": 70 } }),
    )?;
    pay(world, world.ada()?.caller(), &order(world, 1)?, "tok_ok")?.text("/payOrder/status")?;
    Ok(())
}

fn a_webhook_confirms_a_payment_once_and_only_with_a_good_signature(world: &World) -> Result<()> {
    let id = order(world, 10)?;
    let asked = pay(world, world.ada()?.caller(), &id, "tok_requires_action")?;
    asked.expect(
        asked.text("/payOrder/status")? == "REQUIRES_ACTION",
        "the customer should have to confirm",
    )?;
    asked.text("/payOrder/clientSecret")?;
    let body = json!({
        "id": unique("evt"), "type": "payment_intent.succeeded",
        "data": { "object": {
            "id": format!("test/{id}/1/tok_requires_action"), "status": "succeeded",
            "metadata": { "order_id": id, "attempt": "1" },
        } },
    })
    .to_string();
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
    let secret = world.shop.secret();
    for signature in [
        String::new(),
        "t=1,v1=00".to_owned(),
        sign("another secret", now, &body)?,
        sign(secret, now - 900, &body)?,
        sign(secret, now, "another body")?,
    ] {
        webhook(world, &signature, &body)?.expect_status(400)?;
    }
    let waits = json!({ "status": "PENDING", "payment": { "status": "REQUIRES_ACTION", "attempt": 1, "refunded": 0 } });
    ensure!(
        read(world, &id)? == waits,
        "a bad signature should change nothing"
    );
    let good = sign(secret, now, &body)?;
    let paid = json!({ "status": "PAID", "payment": { "status": "SUCCEEDED", "attempt": 1, "refunded": 0 } });
    for _ in 0..3 {
        webhook(world, &good, &body)?.expect_status(200)?;
        becomes(world, &id, &paid)?;
    }
    let other = world.shop.send(Call::new("GET", "/webhooks/stripe"))?;
    other.expect_status(405)?;
    Ok(())
}

fn what_was_given_back_and_fails_can_be_given_back_again(world: &World) -> Result<()> {
    let id = order(world, 100)?;
    pay(world, world.ada()?.caller(), &id, "tok_ok")?.text("/payOrder/status")?;
    let intent = format!("test/{id}/1/tok_ok");
    let hear = |kind: &str, object: Value| -> Result<()> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
        let event =
            json!({ "id": unique("evt"), "type": kind, "created": now, "data": { "object": object } });
        let body = event.to_string();
        let signature = sign(world.shop.secret(), now, &body)?;
        webhook(world, &signature, &body)?.expect_status(200)?;
        Ok(())
    };
    let stands = |refunded: i64| {
        let payment = json!({ "status": "SUCCEEDED", "attempt": 1, "refunded": refunded });
        becomes(world, &id, &json!({ "status": "PAID", "payment": payment }))
    };
    hear(
        "charge.refunded",
        json!({ "payment_intent": intent, "amount_refunded": 30 }),
    )?;
    stands(30)?;
    let refund_id = unique("re");
    for kind in ["refund.updated", "refund.failed"] {
        let failed = json!({ "id": refund_id, "payment_intent": intent, "amount": 30, "status": "failed" });
        hear(kind, failed)?;
        stands(0)?;
    }
    let again = refund(world, &id, None)?;
    again.expect(
        again.int("/refundPayment/refunded")? == 100,
        "all should be given back",
    )
}

fn webhook(world: &World, signature: &str, body: &str) -> Result<Reply> {
    let call = Call::new("POST", "/webhooks/stripe")
        .header("content-type", "application/json")
        .header("stripe-signature", signature)
        .body(body);
    world.shop.send(call)
}

/// A signature as Stripe makes it, at this time in seconds since the Unix epoch.
pub fn sign(secret: &str, seconds: u64, body: &str) -> Result<String> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes())?;
    mac.update(format!("{seconds}.{body}").as_bytes());
    Ok(format!("t={seconds},v1={:x}", mac.finalize().into_bytes()))
}
