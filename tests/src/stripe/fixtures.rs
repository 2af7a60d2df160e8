//! The servers of these tests, and the orders and payments that they make.

use std::time::Duration;

use anyhow::{Result, ensure};
use serde_json::{Value, json};

use super::api::{KEY, Stripe};
use crate::configured::{Configured, Host};
use crate::fixtures::unique;
use crate::http::{Request, Response};
use crate::maildir::MailServer;
use crate::process::Home;
use crate::shop::{As, Shop, User};
use crate::wait::eventually;

/// The secret that signs webhooks.
pub const SECRET: &str = "whsec_of_the_black_box_tests";
/// A payment method of localstripe that succeeds.
pub const VISA: &str = "pm_card_visa";
/// The time limit for a change. It is shorter than the first timer of a payment, which would hide a lost
/// webhook.
pub const LIMIT: Duration = Duration::from_secs(30);

/// The real servers that these tests need.
#[derive(Clone)]
pub struct Servers {
    pub stripe: String,
    pub mail: MailServer,
}

impl Servers {
    /// Returns the servers that the environment names, if it names all of them.
    pub fn from_env() -> Option<Self> {
        Some(Self {
            stripe: std::env::var("MERCATO_TEST_STRIPE").ok()?,
            mail: MailServer::from_env()?,
        })
    }

    /// Starts a shop with payments by Stripe and with mail.
    pub fn start_shop(&self, home: &Home, host: &Host) -> Result<Configured> {
        let base = format!("http://{}", self.stripe);
        let settings = [
            ("PAYMENT_GATEWAY", "stripe"),
            ("STRIPE_API_BASE", &*base),
            ("STRIPE_SECRET_KEY", KEY),
            ("STRIPE_WEBHOOK_SECRET", SECRET),
            ("HTTP_CLIENT_HOSTS", &self.stripe),
            ("MERCATO_MAIL", &self.mail.url),
            ("MERCATO_MAIL_FROM", "The Shop <shop@example.com>"),
        ];
        host.start(home, &settings)
    }
}

/// Places an order of two units for 39.98.
pub fn order(shop: &Shop, user: &User, name: &str) -> Result<String> {
    let product = shop.product_from(json!({ "name": name, "price": 1999, "quantity": 2 }))?;
    shop.order(user.caller(), &[(&product, 2)])
}

/// Creates a product with a price in another currency, and returns its id.
pub fn product_in(shop: &Shop, currency: &str, price: i64) -> Result<String> {
    let name = unique(currency);
    shop.product_from(json!({ "name": name, "price": price, "quantity": 2, "currency": currency }))
}

/// Pays an order with an idempotency key.
pub fn pay(shop: &Shop, user: &User, order: &str, method: &str, key: &str) -> Result<Response> {
    let path = format!("/api/payments/{order}");
    let request = Request::json("POST", path, &json!({ "paymentMethod": method }));
    shop.send_as(user.caller(), request.header("idempotency-key", key))
}

/// Refunds an order with an idempotency key.
pub fn refund(shop: &Shop, order: &str, body: Value, key: &str) -> Result<Response> {
    let path = format!("/api/payments/{order}/refund");
    let request = Request::json("POST", path, &body).header("idempotency-key", key);
    shop.send_as(As::Key, request)
}

/// Returns the status of an order.
pub fn status(shop: &Shop, order: &str) -> Result<String> {
    shop.get(As::Key, &format!("/api/orders/{order}"))?
        .text("/status")
}

/// Waits until an order has this status.
pub fn status_becomes(shop: &Shop, order: &str, expected: &str) -> Result<()> {
    eventually(LIMIT, format!("the order should become {expected}"), || {
        let found = status(shop, order)?;
        Ok((found == expected, found))
    })
    .map(drop)
}

/// Waits until Stripe has these refunds of an order.
pub fn refunds_become(stripe: &Stripe, order: &str, expected: &[i64]) -> Result<()> {
    eventually(LIMIT, format!("the refunds should become {expected:?}"), || {
        let found = stripe.refunds(order)?;
        Ok((found == expected, found))
    })
    .map(drop)
}

/// Fails unless Stripe has attempts to pay an order with these statuses.
pub fn check_attempts(stripe: &Stripe, order: &str, statuses: &[&str]) -> Result<()> {
    let expected: Vec<_> = statuses.iter().map(|status| attempt(status)).collect();
    let found = stripe.attempts(order)?;
    ensure!(
        found == expected,
        "the attempts should be {expected:?}, not {found:?}"
    );
    Ok(())
}

/// Fails unless Stripe has these refunds of an order.
pub fn check_refunds(stripe: &Stripe, order: &str, expected: &[i64]) -> Result<()> {
    let found = stripe.refunds(order)?;
    ensure!(
        found == expected,
        "the refunds should be {expected:?}, not {found:?}"
    );
    Ok(())
}

/// Returns an attempt to pay an order of 39.98, as [`Stripe::attempts`] returns it.
fn attempt(status: &str) -> (Value, Value) {
    (json!(status), json!(3998))
}
