//! What the configuration says of payments.

use mercato_shop::cache::Cache;
use mercato_shop::ports::{HttpClient, Ports};
use mercato_shop::settings::payments::{self, Gateway};
use mercato_shop::types::Error;

use crate::gateway::PaymentGateway;
use crate::gateway::stripe::Stripe;
use crate::gateway::test::TestGateway;
use crate::guarded::Guarded;

/// The gateway that is configured; none where the shop takes no payments.
///
/// # Errors
/// [`Error::Unavailable`] where the configuration can't work. What is wrong is written to the log.
pub fn gateway<P: Ports + Cache + HttpClient>(
    ports: &P,
) -> Result<Option<Box<dyn PaymentGateway + '_>>, Error> {
    let gateway = payments::gateway(&|name| ports.config(name)).map_err(|reason| misconfigured(&reason))?;
    Ok(gateway.map(|gateway| match gateway {
        Gateway::Test => Box::new(TestGateway) as Box<dyn PaymentGateway>,
        Gateway::Stripe { base, key } => Box::new(Guarded::new(ports, Stripe::new(ports, &base, &key))),
    }))
}

/// The secret that Stripe signs webhooks with.
///
/// # Errors
/// [`Error::Unavailable`] where there is none.
pub fn webhook_secret(ports: &impl Ports) -> Result<String, Error> {
    let secret = payments::webhook_secret(&|name| ports.config(name));
    secret
        .and_then(|secret| secret.ok_or_else(|| "webhooks need STRIPE_WEBHOOK_SECRET".into()))
        .map_err(|reason| misconfigured(&reason))
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
