//! Payments whose outcome the shop hears of by Stripe's webhooks alone.

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use super::side::Stripe;
use super::{SECRET, Servers, attempt, becomes, order, pay, status};
use crate::client::{Call, Reply};
use crate::configured::Host;
use crate::listener::{Listener, Received};
use crate::own::Home;
use crate::payments::sign;
use crate::rest::{text, value};
use crate::tokens::now;
use crate::world::{User, World, unique};

/// A card whose payments the customer confirms.
const CONFIRMED: &str = "4000002500003155";

/// Begins a payment that the customer confirms in a browser, which the shop hears of by webhook alone.
fn confirmed(world: &World, stripe: &Stripe, user: &User) -> Result<String> {
    let method = stripe.card(CONFIRMED)?;
    let id = order(world, user, &unique("cap"))?;
    let begun = pay(world, user, &id, &method, &unique("begun"))?;
    begun.expect_status(201)?;
    ensure!(text(&begun, "/status")? == "requires-action", "{}", begun.text());
    let secret = text(&begun, "/clientSecret")?;
    ensure!(status(world, &id)? == "pending", "nobody has confirmed it yet");
    stripe.confirm(&secret)?;
    Ok(id)
}

/// What Stripe tells by a webhook is heard where Stripe has signed it lately, and once.
pub fn a_webhook_that_stripe_signed_makes_an_order_paid(host: &Host, servers: &Servers) -> Result<()> {
    let (home, stripe) = (Home::new()?, Stripe::new(&servers.stripe));
    let running = servers.shop(&home, host)?;
    let world = World::new(running.shop());
    let user = world.register("payer")?;
    let url = format!("{}/webhooks/stripe", running.url);
    stripe.send_webhooks("shop", &url, SECRET)?;
    let first = confirmed(&world, &stripe, &user)?;
    becomes("Stripe's webhook should make the order paid", || {
        Ok(status(&world, &first)? == "paid")
    })?;

    // From now on, what Stripe sends the shop is signed by another secret; a copy, by the shop's, goes to this test.
    let copies = Listener::start(|_, _| (200, json!({})))?;
    stripe.send_webhooks("copies", &format!("http://{}/", copies.address), SECRET)?;
    stripe.send_webhooks("shop", &url, "whsec_of_somebody_else")?;
    let second = confirmed(&world, &stripe, &user)?;
    let mut copy = None;
    becomes("Stripe should tell of the second order", || {
        let of_second = |one: &Received| one.text().is_ok_and(|text| text.contains(&second));
        copy = copies.received().into_iter().find(of_second);
        Ok(copy.is_some())
    })?;
    let copy = copy.context("a copy")?;
    let signature = copy.header("stripe-signature")?;
    let event: Value = serde_json::from_slice(&copy.body)?;
    ensure!(
        event.get("type") == Some(&json!("payment_intent.succeeded")),
        "{event}"
    );
    let mut other = copy.clone();
    other.body.push(b' ');
    for (refused, signature) in [
        (&copy, sign("whsec_of_somebody_else", now(), copy.text()?)?),
        (&copy, sign(SECRET, now() - 900, copy.text()?)?),
        (&copy, sign(SECRET, now() + 900, copy.text()?)?),
        (&other, signature.to_owned()),
    ] {
        hear(&world, refused, &signature)?.expect_status(400)?;
    }
    ensure!(
        status(&world, &second)? == "pending",
        "what Stripe has not signed should change nothing"
    );
    // Stripe's own is heard, and once, however often it comes.
    for _ in 0..3 {
        hear(&world, &copy, signature)?.expect_status(200)?;
    }
    becomes("the webhook should make the order paid", || {
        Ok(status(&world, &second)? == "paid")
    })?;
    let payment = Call::new("GET", format!("/api/payments/{second}"));
    let payment = world.shop.send_as(user.caller(), payment)?;
    ensure!(
        text(&payment, "/status")? == "succeeded" && value(&payment, "/attempt")? == 1,
        "{}",
        payment.text()
    );
    let order = Call::new("GET", format!("/api/orders/{second}"));
    let order = world.shop.send_as(user.caller(), order)?;
    let timeline = value(&order, "/timeline")?;
    ensure!(
        timeline.as_array().map(Vec::len) == Some(2),
        "it should be placed, and paid once: {timeline}"
    );
    ensure!(
        stripe.attempts(&second)? == [attempt("succeeded")],
        "it should be paid once"
    );
    running.stop()
}

/// Sends the shop a webhook of Stripe's.
fn hear(world: &World, webhook: &Received, signature: &str) -> Result<Reply> {
    let call = Call::new("POST", "/webhooks/stripe")
        .header("content-type", "application/json; charset=utf-8")
        .header("stripe-signature", signature)
        .body(webhook.body.clone());
    world.shop.send(call)
}
