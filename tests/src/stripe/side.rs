//! Stripe's side, asked as its own dashboard would ask: localstripe, which keeps what it was asked for in memory.

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use crate::client::{Call, Shop};
use crate::rest::call;

/// The key that the shop uses, too.
pub const KEY: &str = "sk_test_of_the_black_box_tests";

/// A client of Stripe's API.
pub struct Stripe(Shop);

impl Stripe {
    /// Of Stripe at a host and port.
    pub fn new(address: &str) -> Self {
        Self(Shop::new(&format!("http://{address}"), ""))
    }

    fn ask(&self, call: Call) -> Result<Value> {
        let call = call.header("authorization", format!("Bearer {KEY}"));
        let reply = self.0.send(call)?;
        reply.expect_status(200)?;
        if reply.text().is_empty() {
            return Ok(Value::Null);
        }
        reply.json()
    }

    fn post(&self, path: &str, form: &[(&str, &str)]) -> Result<Value> {
        let body = form_urlencoded::Serializer::new(String::new())
            .extend_pairs(form)
            .finish();
        let call = Call::new("POST", path).header("content-type", "application/x-www-form-urlencoded");
        self.ask(call.body(body))
    }

    fn list(&self, path: &str) -> Result<Vec<Value>> {
        let answer = self.ask(Call::new("GET", path))?;
        let list = answer.get("data").and_then(Value::as_array);
        list.cloned().context("a list has data")
    }

    /// A card as a customer's browser registers it; what names it from then on.
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

    /// Confirms a payment as a customer does in a browser, which knows the secret of it and no key of the shop's.
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

    /// Has events sent to a URL, instead of where this name sent them before.
    pub fn send_webhooks(&self, name: &str, url: &str, secret: &str) -> Result<()> {
        let body = json!({ "url": url, "secret": secret });
        self.ask(call("POST", format!("/_config/webhooks/{name}"), body))
            .map(drop)
    }

    /// The status and amount of each attempt to pay an order, in the order in which they were made.
    pub fn attempts(&self, order: &str) -> Result<Vec<(Value, Value)>> {
        let of_order = |intent: &&Value| intent.pointer("/metadata/order_id") == Some(&json!(order));
        let at = |intent: &Value, field: &str| intent.get(field).cloned().unwrap_or_default();
        let intents = self.list("/v1/payment_intents?limit=10000")?;
        Ok(intents
            .iter()
            .filter(of_order)
            .map(|intent| (at(intent, "status"), at(intent, "amount")))
            .collect())
    }

    /// The charge that paid an order.
    pub fn charge(&self, order: &str) -> Result<Value> {
        let intents = self.list("/v1/payment_intents?limit=10000")?;
        let paid = intents.iter().find(|intent| {
            intent.pointer("/metadata/order_id") == Some(&json!(order))
                && intent.get("status") == Some(&json!("succeeded"))
        });
        let charge = paid.and_then(|intent| intent.get("latest_charge"));
        charge.cloned().context("a charge should have paid the order")
    }

    /// What was given back of an order, each refund's amount; they must add up to what the charge tells.
    pub fn refunds(&self, order: &str) -> Result<Vec<i64>> {
        let charge = self.charge(order)?;
        let refunds = charge.pointer("/refunds/data").and_then(Value::as_array);
        let refunds = refunds.context("a charge has refunds")?;
        let of_order = |refund: &Value| refund.pointer("/metadata/order_id") == Some(&json!(order));
        ensure!(
            refunds.iter().all(of_order),
            "they should name the order: {refunds:?}"
        );
        let amount = |refund: &Value| refund.get("amount").and_then(Value::as_i64);
        let mut amounts: Vec<_> = refunds.iter().filter_map(amount).collect();
        let total: i64 = amounts.iter().sum();
        ensure!(
            charge.get("amount_refunded") == Some(&json!(total)),
            "{amounts:?} should be what was refunded of {charge}"
        );
        amounts.sort_unstable();
        Ok(amounts)
    }
}
