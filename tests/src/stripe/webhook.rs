//! Payments whose outcome the shop learns by Stripe's webhooks.

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use super::api::Stripe;
use super::fixtures::{LIMIT, SECRET, Servers, check_attempts, order, pay, status, status_becomes};
use crate::configured::Host;
use crate::fixtures::unique;
use crate::http::{Request, Response};
use crate::listener::{Listener, Received};
use crate::payments::sign;
use crate::process::Home;
use crate::shop::{Shop, User};
use crate::tokens::now;
use crate::wait::eventually;

/// A card whose payments the customer has to confirm.
const CONFIRMED: &str = "4000002500003155";

/// Makes a payment that the customer confirms in a browser. The shop learns this by a webhook only.
fn confirmed(shop: &Shop, stripe: &Stripe, user: &User) -> Result<String> {
    let method = stripe.card(CONFIRMED)?;
    let id = order(shop, user, &unique("cap"))?;
    let started = pay(shop, user, &id, &method, &unique("started"))?;
    started.expect_status(201)?;
    started.has("/status", "requires-action")?;
    let secret = started.text("/clientSecret")?;
    ensure!(
        status(shop, &id)? == "pending",
        "the order should be pending before the confirmation"
    );
    stripe.confirm(&secret)?;
    Ok(id)
}

/// A webhook has its effect once, and only with a recent signature by the secret.
pub fn a_webhook_signed_by_stripe_marks_an_order_as_paid(host: &Host, servers: &Servers) -> Result<()> {
    let (home, stripe) = (Home::new()?, Stripe::new(&servers.stripe));
    let running = servers.start_shop(&home, host)?;
    let shop = running.shop();
    let user = shop.register("payer")?;
    let url = format!("{}/webhooks/stripe", running.url);
    stripe.send_webhooks("shop", &url, SECRET)?;
    let first = confirmed(&shop, &stripe, &user)?;
    status_becomes(&shop, &first, "paid")?;

    // From now on, Stripe signs the shop's webhooks with another secret. This test gets a copy with the right
    // signature.
    let copies = Listener::start(|_, _| (200, json!({})))?;
    stripe.send_webhooks("copies", &format!("http://{}/", copies.address), SECRET)?;
    stripe.send_webhooks("shop", &url, "whsec_of_somebody_else")?;
    let second = confirmed(&shop, &stripe, &user)?;
    let of_second = |one: &Received| one.text().is_ok_and(|text| text.contains(&second));
    let received = eventually(LIMIT, "Stripe should send a webhook for the second order", || {
        let received = copies.received();
        Ok((received.iter().any(of_second), received))
    })?;
    let copy = received
        .into_iter()
        .find(of_second)
        .context("the copy is there")?;
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
        send(&shop, refused, &signature)?.expect_status(400)?;
    }
    ensure!(
        status(&shop, &second)? == "pending",
        "a webhook without a valid signature should change nothing"
    );
    // The valid webhook has its effect once.
    for _ in 0..3 {
        send(&shop, &copy, signature)?.expect_status(200)?;
    }
    status_becomes(&shop, &second, "paid")?;
    let payment = shop.get(user.caller(), &format!("/api/payments/{second}"))?;
    payment.has("/status", "succeeded")?;
    payment.has("/attempt", 1)?;
    let order = shop.get(user.caller(), &format!("/api/orders/{second}"))?;
    let timeline = order.value("/timeline")?;
    ensure!(
        timeline.as_array().map(Vec::len) == Some(2),
        "the timeline should have the placement and one payment: {timeline}"
    );
    check_attempts(&stripe, &second, &["succeeded"])?;
    running.stop()
}

/// Sends a webhook of Stripe to the shop.
fn send(shop: &Shop, webhook: &Received, signature: &str) -> Result<Response> {
    let request = Request::new("POST", "/webhooks/stripe")
        .header("content-type", "application/json; charset=utf-8")
        .header("stripe-signature", signature)
        .body(webhook.body.clone());
    shop.send(request)
}
