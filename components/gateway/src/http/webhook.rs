//! `POST /webhooks/stripe`: the bytes of the body go to the payments service as they came, with their signature.

use http::{Method, Request, StatusCode};
use mercato_common::types::Error;

use crate::errors;
use crate::http::problem::Problem;
use crate::http::{Gateway, Reply, reply};
use crate::limits;

/// Where Stripe's webhooks come in.
pub const STRIPE: &str = "/webhooks/stripe";

impl Gateway {
    /// Answers a webhook of Stripe's. Whatever is not 2xx, it delivers again, later.
    pub(super) fn stripe_webhook(&self, request: &Request<Vec<u8>>) -> Reply {
        let refused = |problem: Problem| problem.reply(STRIPE);
        if request.method() != Method::POST {
            return refused(Problem::method_not_allowed("POST"));
        }
        if request.body().len() > limits::BODY {
            let message = "The body is too large for a webhook.";
            return refused(Problem::new(
                StatusCode::PAYLOAD_TOO_LARGE,
                "PAYLOAD_TOO_LARGE",
                message,
            ));
        }
        let signature = request
            .headers()
            .get("stripe-signature")
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default();
        match self.services.payments.webhook(request.body(), signature) {
            Ok(()) => reply::received(),
            Err(error) => {
                let status = match &error {
                    Error::Invalid(_) => StatusCode::BAD_REQUEST,
                    Error::Internal(reason) => {
                        eprintln!("internal error: {reason}");
                        StatusCode::INTERNAL_SERVER_ERROR
                    }
                    _ => StatusCode::SERVICE_UNAVAILABLE,
                };
                let (code, _, message) = errors::parts(error);
                refused(Problem::new(status, code, message))
            }
        }
    }
}
