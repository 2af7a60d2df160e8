//! The payment gateway that is configured.

use std::sync::Once;

use mercato_shop::cache::Cache;
use mercato_shop::ports::{HttpClient, Ports};
use mercato_shop::settings::payments::{self, Gateway};
use mercato_shop::types::Error;

use crate::gateway::PaymentGateway;
use crate::gateway::stripe::Stripe;
use crate::gateway::test::TestGateway;

/// Returns the configured gateway, or `None` if the shop takes no payments.
///
/// # Errors
/// [`Error::Unavailable`] if the configuration is invalid. The log has the reason.
pub fn gateway<P: Ports + Cache + HttpClient>(
    ports: &P,
) -> Result<Option<Box<dyn PaymentGateway + '_>>, Error> {
    let gateway = payments::gateway(&|name| ports.config(name)).map_err(|reason| misconfigured(&reason))?;
    Ok(gateway.map(|gateway| match gateway {
        Gateway::Test => Box::new(TestGateway) as Box<dyn PaymentGateway>,
        Gateway::Stripe { base, key } => Box::new(Stripe::new(ports, &base, &key)),
    }))
}

/// Returns the configured gateway.
///
/// # Errors
/// [`Error::Unavailable`] if the shop takes no payments, or if the configuration is invalid.
pub fn require_gateway<P: Ports + Cache + HttpClient>(
    ports: &P,
) -> Result<Box<dyn PaymentGateway + '_>, Error> {
    gateway(ports)?.ok_or_else(|| {
        Error::Unavailable(
            "Payments are not configured, so nothing was paid. The shop's operator must set PAYMENT_GATEWAY."
                .into(),
        )
    })
}

/// Returns the configured gateway if it has the name of the gateway that a payment was made with.
///
/// # Errors
/// [`Error::Unavailable`] if another gateway is configured.
pub fn gateway_named<'a, P: Ports + Cache + HttpClient>(
    ports: &'a P,
    name: &str,
) -> Result<Box<dyn PaymentGateway + 'a>, Error> {
    let gateway = require_gateway(ports)?;
    if gateway.name() == name {
        Ok(gateway)
    } else {
        Err(Error::Unavailable(format!(
            "This payment was made with the gateway {name}, but the shop is configured with {}.",
            gateway.name()
        )))
    }
}

/// Returns the secret that Stripe signs webhooks with.
///
/// # Errors
/// [`Error::NotFound`] if the secret is not configured. Each instance logs the reason once, since anybody can
/// send webhooks.
pub fn webhook_secret(ports: &impl Ports) -> Result<String, Error> {
    static LOGGED: Once = Once::new();
    let secret = payments::webhook_secret(&|name| ports.config(name));
    let secret = secret.and_then(|secret| secret.ok_or_else(|| "STRIPE_WEBHOOK_SECRET is not set".into()));
    secret.map_err(|reason| {
        LOGGED.call_once(|| eprintln!("a webhook of Stripe is refused: {reason}"));
        Error::NotFound("This shop takes no webhooks of Stripe.".into())
    })
}

fn misconfigured(reason: &str) -> Error {
    eprintln!("payments are misconfigured: {reason}");
    Error::Unavailable(format!(
        "Payments are misconfigured, so nothing was paid: {reason}."
    ))
}
