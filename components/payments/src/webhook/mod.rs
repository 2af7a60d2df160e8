//! Stripe's webhooks. Each event is recorded once, in any order with the other sources of an outcome.

mod signature;

use mercato_ports::documents::Write;
use mercato_shop::collection::Stored;
use mercato_shop::id;
use mercato_shop::ports::Ports;
use mercato_shop::pruning::prune;
use mercato_shop::types::Error;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::context::Context;
use crate::gateway::stripe::{Intent, Metadata};
use crate::payment::settlement;
use crate::refund::{self, Outcome, Report};
use crate::repository::{PAYMENTS, PaymentBody, WEBHOOK_EVENTS, WebhookEventBody, find_by_reference};
use crate::{events, settings};

/// How long a handled event is remembered, in milliseconds: 30 days. Stripe repeats an event for three.
const REMEMBERED: u64 = 30 * 24 * 3_600_000;

/// The longest id of Stripe's, in bytes.
const MAX_ID: usize = 255;

#[derive(Debug, Deserialize)]
struct StripeEvent {
    id: String,
    r#type: String,
    /// In seconds since the Unix epoch.
    #[serde(default)]
    created: u64,
    data: Data,
}

#[derive(Debug, Deserialize)]
struct Data {
    object: Value,
}

#[derive(Debug, Deserialize)]
struct Charge {
    payment_intent: Option<String>,
    amount_refunded: i64,
    #[serde(default)]
    metadata: Metadata,
}

#[derive(Debug, Deserialize)]
struct Refund {
    #[serde(default)]
    id: String,
    payment_intent: Option<String>,
    #[serde(default)]
    amount: i64,
    status: Option<String>,
    #[serde(default)]
    metadata: RefundMetadata,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct RefundMetadata {
    order_id: Option<String>,
    refund_id: Option<String>,
}

/// Handles a signed event of Stripe's. An event that is not about a payment of this shop is accepted, and
/// changes nothing.
///
/// # Errors
/// [`Error::Invalid`] if the signature or the body is invalid. [`Error::NotFound`] without a secret.
pub fn handle_webhook(context: &impl Context, body: &[u8], header: &str) -> Result<(), Error> {
    let secret = settings::webhook_secret(context.ports())?;
    signature::verify(&secret, header, body, id::now() / 1_000).map_err(|reason| {
        Error::invalid("Stripe-Signature", format!("The signature is invalid: {reason}."))
    })?;
    let event: StripeEvent = serde_json::from_slice(body).map_err(|error| malformed(&error))?;
    if !(1..=MAX_ID).contains(&event.id.len()) {
        let message = format!("`id` must be 1 to {MAX_ID} bytes.");
        return Err(Error::invalid("id", message));
    }
    if WEBHOOK_EVENTS.get(context.ports(), &event.id)?.is_some() {
        return Ok(());
    }
    let handled = match event.r#type.as_str() {
        "payment_intent.succeeded"
        | "payment_intent.payment_failed"
        | "payment_intent.canceled"
        | "payment_intent.requires_action" => handle_intent(context, &event),
        "charge.refunded" => handle_charge_refunded(context, &event),
        "charge.refund.updated" | "refund.updated" | "refund.failed" => handle_refund(context, &event),
        _ => Ok(()),
    };
    let before = id::now().saturating_sub(REMEMBERED);
    prune(
        context.ports(),
        &WEBHOOK_EVENTS,
        ("heardAt", before),
        &event.id,
        |_| true,
    );
    handled
}

fn handle_intent(context: &impl Context, event: &StripeEvent) -> Result<(), Error> {
    let intent: Intent = event.object()?;
    let Some(payment) = find_payment(context.ports(), &intent.metadata, Some(&intent.id))? else {
        return Ok(());
    };
    let attempt = payment.body.attempt;
    let is_of = |known: Option<&String>, expected: &str| known.is_none_or(|known| known == expected);
    let is_last = is_of(intent.metadata.attempt.as_ref(), &attempt.to_string())
        && is_of(payment.body.reference.as_ref(), &intent.id);
    if !is_last {
        eprintln!(
            "{} of {} is not about the last attempt of payment {}",
            event.r#type, intent.id, payment.id
        );
        return Ok(());
    }
    let claims = [event.claim()?];
    settlement::record(context, &payment.id, attempt, &intent.into(), &claims).map(drop)
}

fn handle_charge_refunded(context: &impl Context, event: &StripeEvent) -> Result<(), Error> {
    let charge: Charge = event.object()?;
    let intent = charge.payment_intent.as_deref();
    let payment = find_payment(context.ports(), &charge.metadata, intent)?;
    let Some(payment) = payment.filter(|payment| payment.body.reference == charge.payment_intent) else {
        return Ok(());
    };
    let refund_id = id::new();
    refund::change_refunds(context, &payment.id, &[event.claim()?], |body| {
        body.add_refunds_at_gateway(charge.amount_refunded, event.time(), &refund_id);
        Ok(Vec::new())
    })
    .map(drop)
}

fn handle_refund(context: &impl Context, event: &StripeEvent) -> Result<(), Error> {
    let refund: Refund = event.object()?;
    let RefundMetadata { order_id, refund_id } = &refund.metadata;
    let (Some(order_id), Some(refund_id)) = (order_id, refund_id) else {
        return handle_refund_at_stripe(context, event, &refund);
    };
    let outcome = match refund.status.as_deref() {
        Some("succeeded") => Outcome::Succeeded,
        Some("failed" | "canceled") => Outcome::Failed(Some(event.time())),
        _ => return Ok(()),
    };
    let claims = [event.claim()?];
    match refund::record(context, order_id, refund_id, outcome, Report::Event, &claims) {
        Ok(_) | Err(Error::NotFound(_)) => Ok(()),
        Err(error) => Err(error),
    }
}

/// Handles a refund that was made directly at Stripe. Only its failure matters: the events of the charge
/// count it if it succeeds.
fn handle_refund_at_stripe(
    context: &impl Context,
    event: &StripeEvent,
    refund: &Refund,
) -> Result<(), Error> {
    let has_failed = matches!(refund.status.as_deref(), Some("failed" | "canceled"));
    let is_valid = refund.amount >= 1 && (1..=MAX_ID).contains(&refund.id.len());
    let Some(intent) = refund
        .payment_intent
        .as_deref()
        .filter(|_| has_failed && is_valid)
    else {
        return Ok(());
    };
    let Some(payment) = find_by_reference(context.ports(), intent)? else {
        return Ok(());
    };
    refund::change_refunds(context, &payment.id, &[event.claim()?], |body| {
        if body.fail_refund_at_gateway(refund.amount, event.time(), &refund.id) {
            return Ok(vec![events::refund_failed(&payment.id, &refund.id)?]);
        }
        Ok(Vec::new())
    })
    .map(drop)
}

/// Finds the payment of an object of Stripe's, by its metadata or else by the id of its PaymentIntent.
fn find_payment(
    ports: &impl Ports,
    metadata: &Metadata,
    intent: Option<&str>,
) -> Result<Option<Stored<PaymentBody>>, Error> {
    let order_id = metadata.order_id.as_deref().filter(|id| id::is_valid(id));
    match (order_id, intent) {
        (Some(order_id), _) => PAYMENTS.get(ports, order_id),
        (None, Some(intent)) => find_by_reference(ports, intent),
        (None, None) => Ok(None),
    }
}

impl StripeEvent {
    fn object<T: DeserializeOwned>(&self) -> Result<T, Error> {
        T::deserialize(&self.data.object).map_err(|error| malformed(&error))
    }

    /// Returns when the event happened, in milliseconds since the Unix epoch.
    const fn time(&self) -> u64 {
        self.created.saturating_mul(1_000)
    }

    /// Returns the insert that makes a second delivery change nothing.
    fn claim(&self) -> Result<Write, Error> {
        let body = WebhookEventBody {
            kind: self.r#type.clone(),
            received_at: id::now(),
        };
        WEBHOOK_EVENTS.insert(&self.id, &body)
    }
}

fn malformed(error: &serde_json::Error) -> Error {
    Error::invalid("body", format!("The body must be an event of Stripe's: {error}."))
}
