//! What the configuration says of payments.

use mercato_common::cache::Cache;
use mercato_common::ports::{HttpClient, Ports};
use mercato_common::types::Error;

use crate::gateway::PaymentGateway;
use crate::gateway::stripe::Stripe;
use crate::gateway::test::TestGateway;
use crate::guarded::Guarded;

const STRIPE: &str = "https://api.stripe.com";

/// The gateway that is configured; none where the shop takes no payments. `PAYMENT_GATEWAY` is `stripe` or `test`, and `test` is
/// refused unless `MERCATO_ENVIRONMENT` is `development`: nobody gives goods away for `tok_ok` by mistake.
///
/// # Errors
/// [`Error::Unavailable`] where the configuration can't work. What is wrong is written to the log.
pub fn gateway<P: Ports + Cache + HttpClient>(
    ports: &P,
) -> Result<Option<Box<dyn PaymentGateway + '_>>, Error> {
    let set = |name| ports.config(name).filter(|value| !value.is_empty());
    match set("PAYMENT_GATEWAY").as_deref() {
        None => Ok(None),
        Some("test") => match set("MERCATO_ENVIRONMENT").as_deref() {
            Some("development") => Ok(Some(Box::new(TestGateway))),
            _ => Err(misconfigured(
                "PAYMENT_GATEWAY=test takes no money, and works only where MERCATO_ENVIRONMENT=development",
            )),
        },
        Some("stripe") => {
            let key = set("STRIPE_SECRET_KEY")
                .ok_or_else(|| misconfigured("PAYMENT_GATEWAY=stripe needs STRIPE_SECRET_KEY"))?;
            let base = set("STRIPE_API_BASE").unwrap_or_else(|| STRIPE.into());
            Ok(Some(Box::new(Guarded::new(
                ports,
                Stripe::new(ports, &base, &key),
            ))))
        }
        Some(_) => Err(misconfigured("PAYMENT_GATEWAY must be stripe or test")),
    }
}

/// The secret that Stripe signs webhooks with.
///
/// # Errors
/// [`Error::Unavailable`] where there is none.
pub fn webhook_secret(ports: &impl Ports) -> Result<String, Error> {
    ports
        .config("STRIPE_WEBHOOK_SECRET")
        .filter(|value| !value.is_empty())
        .ok_or_else(|| misconfigured("webhooks need STRIPE_WEBHOOK_SECRET"))
}

/// The shop takes no payments.
pub fn not_configured() -> Error {
    Error::Unavailable(
        "Payments are not configured. The shop's operator sets PAYMENT_GATEWAY; nothing was paid.".into(),
    )
}

fn misconfigured(reason: &str) -> Error {
    eprintln!("payments are misconfigured: {reason}");
    Error::Unavailable(format!("Payments are misconfigured: {reason}. Nothing was paid."))
}
