//! `POST /webhooks/stripe`: passes the unchanged body and its signature to the payments service.

use http::{Method, StatusCode};
use mercato_shop::types::Error;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::http::problem::Problem;
use crate::rest::answer::Answer;
use crate::rest::body::BodyKind;
use crate::rest::call::Call;
use crate::rest::operation::{Access, Operation, Outcome};

/// The path of Stripe's webhook.
pub const PATH: &str = "/webhooks/stripe";

const SIGNATURE: &str = "Stripe-Signature";

/// A webhook was processed.
#[derive(Serialize, JsonSchema)]
struct Received {
    /// Always true.
    received: bool,
}

/// Returns the operation of Stripe's webhook. Stripe sends an event again if the status is not 2xx.
pub fn operation() -> Operation {
    let summary = "Receive an event from Stripe, which is authenticated by its signature";
    Operation::new(
        Method::POST,
        &[PATH],
        "hearStripe",
        summary,
        Access::Public,
        receive,
    )
    .header(SIGNATURE, "Stripe's signature with STRIPE_WEBHOOK_SECRET.")
    .body::<Map<String, Value>>(BodyKind::Raw)
    .answers::<Received>(StatusCode::OK)
    .fails(StatusCode::NOT_FOUND)
}

fn receive(call: &Call<'_>) -> Outcome {
    let signature = call.request.headers().get(SIGNATURE);
    let signature = signature
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let handled = call
        .services()
        .payments
        .handle_webhook(call.request.body(), signature);
    match handled {
        // Without the secret of webhooks, this is an unknown path.
        Err(Error::NotFound(_)) => return Err(Problem::no_such_path(PATH).into()),
        handled => handled?,
    }
    Ok(Answer::uncached(StatusCode::OK, &Received { received: true })?)
}
