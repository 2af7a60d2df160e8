//! `PAYMENT_GATEWAY` and what it needs: who takes the money.

use super::{Config, choice, given, text};

/// Where Stripe's API is unless `STRIPE_API_BASE` is set.
const STRIPE: &str = "https://api.stripe.com";

/// Who takes the money.
#[allow(missing_debug_implementations, reason = "it holds a secret")]
pub enum Gateway {
    /// Nobody; for development.
    Test,
    /// Stripe.
    Stripe {
        /// Where its API is.
        base: String,
        /// The account's secret key.
        key: String,
    },
}

/// The gateway; none where the shop takes no payments. `PAYMENT_GATEWAY` is `stripe` or `test`, and `test` is refused unless
/// `MERCATO_ENVIRONMENT` is `development`: nobody gives goods away for `tok_ok` by mistake.
///
/// # Errors
/// How it is to be written.
pub fn gateway(config: Config<'_>) -> Result<Option<Gateway>, String> {
    match given(config, "PAYMENT_GATEWAY").as_deref().map(str::trim) {
        None => Ok(None),
        Some("test") if choice::is_development(config) => Ok(Some(Gateway::Test)),
        Some("test") => Err(
            "PAYMENT_GATEWAY=test takes no money: set MERCATO_ENVIRONMENT=development with it, or PAYMENT_GATEWAY=stripe"
                .into(),
        ),
        Some("stripe") => {
            let key = text::secret(config, "STRIPE_SECRET_KEY")?;
            Ok(Some(Gateway::Stripe {
                base: text::url(config, "STRIPE_API_BASE")?.unwrap_or_else(|| STRIPE.into()),
                key: key.ok_or("PAYMENT_GATEWAY=stripe needs STRIPE_SECRET_KEY: Stripe's key, sk_…")?,
            }))
        }
        Some(_) => Err("PAYMENT_GATEWAY must be stripe, or in development test".into()),
    }
}

/// `STRIPE_WEBHOOK_SECRET`: what Stripe signs webhooks with; none where it is not set.
///
/// # Errors
/// How it is to be written.
pub fn webhook_secret(config: Config<'_>) -> Result<Option<String>, String> {
    text::secret(config, "STRIPE_WEBHOOK_SECRET")
}
