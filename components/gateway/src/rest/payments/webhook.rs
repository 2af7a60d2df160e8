//! `POST /webhooks/stripe`: the bytes of the body go to the payments service as they came, with their signature.

use http::{Method, StatusCode};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::rest::answer::Answer;
use crate::rest::call::Call;
use crate::rest::operation::{Access, Operation, Refusal};

/// Where Stripe's webhooks come in.
pub const STRIPE: &str = "/webhooks/stripe";

const SIGNATURE: &str = "Stripe-Signature";

/// A webhook was heard.
#[derive(Debug, Serialize, JsonSchema)]
struct Received {
    received: bool,
}

/// Stripe's way in. Whatever is not 2xx, it delivers again, later.
pub fn operation() -> Operation {
    Operation::new(
        Method::POST,
        &[STRIPE],
        "hearStripe",
        "Hear an event of Stripe's, which proves itself by its signature",
        Access::Public,
        hear,
    )
    .told_by(
        SIGNATURE,
        "As Stripe signs its webhooks, with STRIPE_WEBHOOK_SECRET.",
    )
    .takes_as_it_is::<Map<String, Value>>()
    .answers::<Received>(StatusCode::OK)
}

fn hear(call: &Call<'_>) -> Result<Answer, Refusal> {
    let signature = call.request.headers().get(SIGNATURE);
    let signature = signature
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    call.services().payments.webhook(call.request.body(), signature)?;
    Ok(Answer::changed(&Received { received: true })?)
}
