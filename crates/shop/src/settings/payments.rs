//! `PAYMENT_GATEWAY` and the settings that it needs.

use super::config::{Config, value};
use super::{choice, text};

/// The default of `STRIPE_API_BASE`.
const STRIPE_API_BASE: &str = "https://api.stripe.com";

/// A payment gateway.
#[allow(missing_debug_implementations, reason = "it holds a secret")]
pub enum Gateway {
    /// A fake gateway for development.
    Test,
    /// Stripe.
    Stripe {
        /// The base URL of its API.
        base: String,
        /// The secret key of the account.
        key: String,
    },
}

/// Reads the gateway. `None` stands for a shop without payments.
///
/// `test` needs `MERCATO_ENVIRONMENT=development`, so that no shop gives goods away by mistake.
///
/// # Errors
/// The missing setting, or the allowed values.
pub fn gateway(config: Config<'_>) -> Result<Option<Gateway>, String> {
    match value(config, "PAYMENT_GATEWAY").as_deref().map(str::trim) {
        None => Ok(None),
        Some("test") if choice::is_development(config) => Ok(Some(Gateway::Test)),
        Some("test") => Err(
            "PAYMENT_GATEWAY=test takes no money: set MERCATO_ENVIRONMENT=development, too, or PAYMENT_GATEWAY=stripe"
                .into(),
        ),
        Some("stripe") => {
            let key = text::secret(config, "STRIPE_SECRET_KEY")?;
            Ok(Some(Gateway::Stripe {
                base: text::url(config, "STRIPE_API_BASE")?.unwrap_or_else(|| STRIPE_API_BASE.into()),
                key: key.ok_or("PAYMENT_GATEWAY=stripe needs STRIPE_SECRET_KEY: the secret key of the account, sk_…")?,
            }))
        }
        Some(_) => Err("PAYMENT_GATEWAY must be stripe, or test in development".into()),
    }
}

/// Returns whether Stripe is the gateway. Needs no other setting, unlike [`gateway`].
#[must_use]
pub fn is_stripe(config: Config<'_>) -> bool {
    value(config, "PAYMENT_GATEWAY").is_some_and(|name| name.trim() == "stripe")
}

/// Reads `STRIPE_WEBHOOK_SECRET`: the key of the signatures of Stripe's webhooks.
///
/// # Errors
/// The allowed values.
pub fn webhook_secret(config: Config<'_>) -> Result<Option<String>, String> {
    text::secret(config, "STRIPE_WEBHOOK_SECRET")
}
