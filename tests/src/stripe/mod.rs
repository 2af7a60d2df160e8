//! Payments by Stripe's API and mail by SMTP, both with real servers. `MERCATO_TEST_STRIPE` names localstripe
//! (host and port). `MERCATO_TEST_SMTP` and `MERCATO_TEST_SMTP_FOLDER` name a mail server and its Maildir.

mod api;
mod currencies;
mod fixtures;
mod webhook;

use std::sync::{Mutex, PoisonError};

use anyhow::{Context, Result, ensure};
use libtest_mimic::Trial;
use serde_json::{Value, json};

use self::api::Stripe;
use self::fixtures::{
    SECRET, Servers, VISA, check_attempts, check_refunds, order, pay, refund, refunds_become, status,
    status_becomes,
};
use crate::binary::{Binary, binary_trial};
use crate::configured::{Host, configured_trial};
use crate::fixtures::unique;
use crate::maildir::{Mail, Mails};
use crate::mails::german_customer;
use crate::parallel::at_once;
use crate::process::Home;
use crate::shop::Shop;

const NEEDS: &str = "needs MERCATO_TEST_STRIPE, MERCATO_TEST_SMTP and MERCATO_TEST_SMTP_FOLDER";
/// A payment method of localstripe that is declined.
const DECLINED: &str = "pm_card_chargeCustomerFail";

/// A lock for the webhooks of localstripe, which all tests share.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

/// The tests of this area.
pub fn tests() -> Vec<Trial> {
    let trial = |name: &str, test: fn(&Host, &Servers) -> Result<()>| match Servers::from_env() {
        Some(servers) => configured_trial(name, move |host| {
            let _guard = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
            test(host, &servers)
        }),
        // Without a binary, --shop-only leaves the test out.
        None if Binary::from_env().is_none() => vec![binary_trial(name, |_| Ok(()))],
        None => vec![
            Trial::test(name, || Ok(()))
                .with_kind(NEEDS)
                .with_ignored_flag(true),
        ],
    };
    [
        trial(
            "stripe::an_order_is_paid_confirmed_by_mail_and_refunded",
            an_order_is_paid_confirmed_by_mail_and_refunded,
        ),
        trial(
            "stripe::a_webhook_signed_by_stripe_marks_an_order_as_paid",
            webhook::a_webhook_signed_by_stripe_marks_an_order_as_paid,
        ),
        trial(
            "stripe::amounts_are_in_the_unit_of_stripe_for_each_currency",
            currencies::amounts_are_in_the_unit_of_stripe_for_each_currency,
        ),
        trial(
            "stripe::concurrent_payments_and_refunds_are_made_once",
            concurrent_payments_and_refunds_are_made_once,
        ),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn an_order_is_paid_confirmed_by_mail_and_refunded(host: &Host, servers: &Servers) -> Result<()> {
    let (home, stripe) = (Home::new()?, Stripe::new(&servers.stripe));
    let running = servers.start_shop(&home, host)?;
    let shop = running.shop();
    stripe.send_webhooks("shop", &format!("{}/webhooks/stripe", running.url), SECRET)?;
    let (user, address) = german_customer(&shop, &servers.mail.mails)?;
    let product = unique("Wollmütze");
    let id = order(&shop, &user, &product)?;

    // A second request with the same key sends nothing to Stripe.
    for _ in 0..2 {
        let declined = pay(&shop, &user, &id, DECLINED, "declined")?;
        declined.problem(402, "PAYMENT_DECLINED")?;
        declined.has("/detail", "The payment was declined. Pay with another card.")?;
        check_attempts(&stripe, &id, &["requires_payment_method"])?;
    }
    // Another payment of a paid order sends nothing to Stripe either.
    for key in ["paid", "paid", "again"] {
        let paid = pay(&shop, &user, &id, VISA, key)?;
        paid.expect_status(201)?;
        paid.has("/status", "succeeded")?;
        paid.has("/attempt", 2)?;
        check_attempts(&stripe, &id, &["requires_payment_method", "succeeded"])?;
    }
    status_becomes(&shop, &id, "paid")?;
    check_mail(&servers.mail.mails, &address, &id, &product)?;
    check_refunds_of_parts(&shop, &stripe, &id)?;

    // A cancelled order is refunded in full.
    let other = order(&shop, &user, &unique("cap"))?;
    pay(&shop, &user, &other, VISA, "other")?.expect_status(201)?;
    let path = format!("/api/orders/{other}");
    shop.rest(user.caller(), "DELETE", &path, Value::Null)?
        .expect_status(200)?;
    refunds_become(&stripe, &other, &[3998])?;
    let mails = servers.mail.mails.to(&address)?;
    let of_paid = |mail: &&Mail| mail.subject.contains(&id) && mail.subject.contains("bezahlt");
    ensure!(
        mails.iter().filter(of_paid).count() == 1,
        "one mail should confirm the payment: {mails:?}"
    );
    running.stop()
}

/// Checks the mail that confirms a payment.
fn check_mail(mails: &Mails, address: &str, order: &str, product: &str) -> Result<()> {
    let subject = format!("Ihre Bestellung {order} ist bezahlt");
    let mail = mails.receives(address, &subject)?;
    ensure!(mail.subject == subject, "{mail:?}");
    let text = format!(
        "Guten Tag Ada Löwe,\n\nIhre Bestellung {order} ist bezahlt, und wir machen sie fertig:\n\n\
         2 × {product}: 39,98 USD\nGesamt: 39,98 USD\n\n-- \n"
    );
    ensure!(mail.text.starts_with(&text), "{}", mail.text);
    let html = mail.html.context("the mail should have an HTML part")?;
    for part in [
        "<html lang=\"de\">",
        "<p>Guten Tag Ada Löwe,</p>",
        &format!("2 × {product}</td>"),
        "39,98 USD</td></tr>",
    ] {
        ensure!(html.contains(part), "{part} should be in {html}");
    }
    Ok(())
}

/// Refunds a part of a payment, then the rest. Each request is sent twice, and Stripe gets it once.
fn check_refunds_of_parts(shop: &Shop, stripe: &Stripe, order: &str) -> Result<()> {
    for _ in 0..2 {
        let part = refund(shop, order, json!({ "amount": 1000, "reason": "Torn" }), "part")?;
        part.expect_status(200)?;
        part.has("/refunded", 1000)?;
        check_refunds(stripe, order, &[1000])?;
    }
    ensure!(
        status(shop, order)? == "paid",
        "an order with a partial refund should stay paid"
    );
    refund(shop, order, json!({ "amount": 2999 }), "too much")?.problem(400, "BAD_USER_INPUT")?;
    for _ in 0..2 {
        let rest = refund(shop, order, json!({}), "rest")?;
        rest.expect_status(200)?;
        rest.has("/refunded", 3998)?;
    }
    refund(shop, order, json!({ "amount": 1 }), "more")?.problem(409, "INVALID_TRANSITION")?;
    check_refunds(stripe, order, &[1000, 2998])?;
    ensure!(
        stripe.charge(order)?.get("refunded") == Some(&json!(true)),
        "Stripe should mark the charge as refunded"
    );
    status_becomes(shop, order, "refunded")
}

fn concurrent_payments_and_refunds_are_made_once(host: &Host, servers: &Servers) -> Result<()> {
    let (home, stripe) = (Home::new()?, Stripe::new(&servers.stripe));
    let running = servers.start_shop(&home, host)?;
    let shop = running.shop();
    let user = shop.register("payer")?;
    let id = order(&shop, &user, &unique("cap"))?;
    for paid in at_once(8, |window| {
        pay(&shop, &user, &id, VISA, &format!("window {window}"))
    })? {
        paid.expect_status(201)?;
        paid.has("/attempt", 1)?;
    }
    check_attempts(&stripe, &id, &["succeeded"])?;
    let parts = at_once(8, |part| {
        refund(&shop, &id, json!({ "amount": 1000 }), &format!("part {part}"))
    })?;
    let refunds = parts.iter().filter(|part| part.status == 200).count();
    ensure!(refunds == 3, "3 refunds of 1000 should succeed, not {refunds}");
    refunds_become(&stripe, &id, &[1000; 3])?;
    running.stop()
}
