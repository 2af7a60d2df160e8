//! A client of localstripe, which stores the shop's requests in memory.

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use crate::http::Request;
use crate::shop::Shop;

/// The API key. The shop uses the same one.
pub const KEY: &str = "sk_test_of_the_black_box_tests";

/// A client of Stripe's API.
pub struct Stripe(Shop);

impl Stripe {
    /// Returns a client of the server at this host and port.
    pub fn new(address: &str) -> Self {
        Self(Shop::new(&format!("http://{address}"), ""))
    }

    fn send(&self, request: Request) -> Result<Value> {
        let request = request.header("authorization", format!("Bearer {KEY}"));
        let response = self.0.send(request)?;
        response.expect_status(200)?;
        if response.body().is_empty() {
            return Ok(Value::Null);
        }
        response.json()
    }

    fn post(&self, path: &str, form: &[(&str, &str)]) -> Result<Value> {
        let body = form_urlencoded::Serializer::new(String::new())
            .extend_pairs(form)
            .finish();
        let request = Request::new("POST", path).header("content-type", "application/x-www-form-urlencoded");
        self.send(request.body(body))
    }

    fn list(&self, path: &str) -> Result<Vec<Value>> {
        let answer = self.send(Request::new("GET", path))?;
        let list = answer.get("data").and_then(Value::as_array);
        list.cloned().context("a list has data")
    }

    /// Registers a card, as a customer's browser does, and returns its id.
    pub fn card(&self, number: &str) -> Result<String> {
        let form = [
            ("type", "card"),
            ("card[number]", number),
            ("card[exp_month]", "12"),
            ("card[exp_year]", "2040"),
            ("card[cvc]", "123"),
        ];
        let card = self.post("/v1/payment_methods", &form)?;
        let id = card.get("id").and_then(Value::as_str);
        Ok(id.context("a card has an id")?.to_owned())
    }

    /// Confirms a payment as a customer's browser does: with the payment's secret, and without the shop's
    /// key.
    pub fn confirm(&self, secret: &str) -> Result<()> {
        let (intent, _) = secret
            .split_once("_secret")
            .context("a secret begins with an id")?;
        let form = [
            ("key", "pk_test_of_a_browser"),
            ("client_secret", secret),
            ("success", "true"),
        ];
        let path = format!("/v1/payment_intents/{intent}/_authenticate");
        self.post(&path, &form).map(drop)
    }

    /// Sets the URL and the secret of the webhooks with this name.
    pub fn send_webhooks(&self, name: &str, url: &str, secret: &str) -> Result<()> {
        let body = json!({ "url": url, "secret": secret });
        self.send(Request::json("POST", format!("/_config/webhooks/{name}"), &body))
            .map(drop)
    }

    /// Returns the payment intents.
    fn intents(&self) -> Result<Vec<Value>> {
        self.list("/v1/payment_intents?limit=10000")
    }

    /// Returns the id of the payment intent that paid an order.
    pub fn intent(&self, order: &str) -> Result<String> {
        let intent = self.paid_intent(order)?;
        let id = intent.get("id").and_then(Value::as_str);
        Ok(id.context("an intent has an id")?.to_owned())
    }

    /// Returns the status and the amount of each attempt to pay an order, oldest first.
    pub fn attempts(&self, order: &str) -> Result<Vec<(Value, Value)>> {
        let part = |intent: &Value, field: &str| intent.get(field).cloned().unwrap_or_default();
        let mut intents = self.intents()?;
        intents.retain(|intent| is_of_order(intent, order));
        Ok(intents
            .iter()
            .map(|intent| (part(intent, "status"), part(intent, "amount")))
            .collect())
    }

    /// Returns the charge that paid an order.
    pub fn charge(&self, order: &str) -> Result<Value> {
        let intent = self.paid_intent(order)?;
        let charge = intent.get("latest_charge");
        charge.cloned().context("a charge should have paid the order")
    }

    fn paid_intent(&self, order: &str) -> Result<Value> {
        let intents = self.intents()?;
        let paid = intents
            .into_iter()
            .find(|intent| is_of_order(intent, order) && intent.get("status") == Some(&json!("succeeded")));
        paid.context("an intent should have paid the order")
    }

    /// Returns the amounts of an order's refunds in ascending order. Fails unless they add up to the refunded
    /// amount of the charge.
    pub fn refunds(&self, order: &str) -> Result<Vec<i64>> {
        let charge = self.charge(order)?;
        let refunds = charge.pointer("/refunds/data").and_then(Value::as_array);
        let refunds = refunds.context("a charge has refunds")?;
        ensure!(
            refunds.iter().all(|refund| is_of_order(refund, order)),
            "all refunds should name the order: {refunds:?}"
        );
        let amount = |refund: &Value| refund.get("amount").and_then(Value::as_i64);
        let mut amounts: Vec<_> = refunds.iter().filter_map(amount).collect();
        let total: i64 = amounts.iter().sum();
        ensure!(
            charge.get("amount_refunded") == Some(&json!(total)),
            "{amounts:?} should add up to the refunded amount of {charge}"
        );
        amounts.sort_unstable();
        Ok(amounts)
    }
}

fn is_of_order(object: &Value, order: &str) -> bool {
    object.pointer("/metadata/order_id") == Some(&json!(order))
}
