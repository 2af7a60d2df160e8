//! Payments in currencies whose unit at Stripe is not the minor unit of ISO 4217.

use anyhow::{Context, Result, ensure};
use serde_json::json;

use super::api::Stripe;
use super::fixtures::{SECRET, Servers, VISA, check_refunds, pay, product_in, refund, status_becomes};
use crate::configured::Host;
use crate::fixtures::{Stock, unique};
use crate::http::Request;
use crate::mails::german_customer;
use crate::payments::sign;
use crate::process::Home;
use crate::shop::{As, Shop, User};
use crate::tokens::now;
use crate::values::text_at;

/// A price in minor units, a part of it to refund, and both at Stripe. The text is the total in a German
/// mail.
struct Case {
    currency: &'static str,
    price: i64,
    part: i64,
    at_stripe: (i64, i64),
    text: &'static str,
}

const CASES: [Case; 4] = [
    Case {
        currency: "UGX",
        price: 5_500,
        part: 500,
        at_stripe: (550_000, 50_000),
        text: "5.500 UGX",
    },
    Case {
        currency: "ISK",
        price: 2_200,
        part: 1,
        at_stripe: (220_000, 100),
        text: "2.200 ISK",
    },
    Case {
        currency: "MGA",
        price: 1_100,
        part: 300,
        at_stripe: (11, 3),
        text: "11,00 MGA",
    },
    Case {
        currency: "KWD",
        price: 13_570,
        part: 10,
        at_stripe: (13_570, 10),
        text: "13,570 KWD",
    },
];

/// Charges, refunds, webhooks and mails have the right amounts. An amount that Stripe can't charge is
/// refused before anything is sold.
pub fn amounts_are_in_the_unit_of_stripe_for_each_currency(host: &Host, servers: &Servers) -> Result<()> {
    let (home, stripe) = (Home::new()?, Stripe::new(&servers.stripe));
    let running = servers.start_shop(&home, host)?;
    let shop = running.shop();
    let (user, address) = german_customer(&shop, &servers.mail.mails)?;
    for case in &CASES {
        let id = check_payment(&shop, &stripe, &user, case).with_context(|| case.currency)?;
        let mail = servers
            .mail
            .mails
            .receives(&address, &format!("{id} ist bezahlt"))?;
        let total = format!("Gesamt: {}\n", case.text);
        ensure!(mail.text.contains(&total), "{total} should be in {}", mail.text);
    }
    check_refusals(&shop, &user)?;
    running.stop()
}

/// Pays an order and refunds a part of it. Then Stripe reports that all of it was refunded there.
fn check_payment(shop: &Shop, stripe: &Stripe, user: &User, case: &Case) -> Result<String> {
    let id = shop.order(
        user.caller(),
        &[(&product_in(shop, case.currency, case.price)?, 1)],
    )?;
    let paid = pay(shop, user, &id, VISA, &unique("key"))?;
    paid.expect_status(201)?;
    paid.has("/amount", case.price)?;
    let attempts = stripe.attempts(&id)?;
    let (all, part) = case.at_stripe;
    ensure!(
        attempts == [(json!("succeeded"), json!(all))],
        "Stripe should charge {all}: {attempts:?}"
    );
    status_becomes(shop, &id, "paid")?;
    let refunded = refund(shop, &id, json!({ "amount": case.part }), &unique("key"))?;
    refunded.expect_status(200)?;
    refunded.has("/refunded", case.part)?;
    check_refunds(stripe, &id, &[part])?;
    let object = json!({ "payment_intent": stripe.intent(&id)?, "amount_refunded": all });
    let event = json!({ "id": unique("evt"), "type": "charge.refunded", "created": now(),
        "data": { "object": object } });
    let body = event.to_string();
    let request = Request::new("POST", "/webhooks/stripe")
        .header("content-type", "application/json")
        .header("stripe-signature", sign(SECRET, now(), &body)?)
        .body(body);
    shop.send(request)?.expect_status(200)?;
    let payment = shop.get(As::Key, &format!("/api/payments/{id}"))?;
    payment.has("/refunded", case.price)?;
    payment.has("/refunds/1/amount", case.price - case.part)?;
    status_becomes(shop, &id, "refunded")?;
    Ok(id)
}

/// Checks that an order and a refund are refused if Stripe can't make them.
fn check_refusals(shop: &Shop, user: &User) -> Result<()> {
    for (currency, price, unit) in [("KWD", 13_574, "0.010 KWD"), ("MGA", 1_150, "1.00 MGA")] {
        let product = product_in(shop, currency, price)?;
        let refused = shop.place_order(user.caller(), &[(&product, 1)])?;
        let message = text_at(refused.bad_input("products")?, "/message")?;
        ensure!(message.contains(unit), "{message} should name {unit}");
        let stock = shop.stock(&product)?;
        ensure!(
            stock == Stock::settled(2, 0),
            "a refused order should reserve nothing: {stock:?}"
        );
    }
    let id = shop.order(user.caller(), &[(&product_in(shop, "KWD", 13_570)?, 1)])?;
    pay(shop, user, &id, VISA, &unique("key"))?.expect_status(201)?;
    refund(shop, &id, json!({ "amount": 4 }), &unique("key"))?.problem(400, "BAD_USER_INPUT")
}
