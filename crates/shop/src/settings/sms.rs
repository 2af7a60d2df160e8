//! `TWILIO_ACCOUNT_SID` and the settings that it needs, for SMS.

use super::config::{Config, value};
use super::text;

/// The default of `TWILIO_API_BASE`.
const TWILIO_API_BASE: &str = "https://api.twilio.com";

/// A Twilio account.
#[allow(missing_debug_implementations, reason = "it holds a secret")]
pub struct Account {
    /// The base URL of the API.
    pub base: String,
    /// The id of the account, `AC…`.
    pub sid: String,
    /// The secret token of the account.
    pub token: String,
    /// The phone number or the name of the sender.
    pub from: String,
}

/// Reads the account. `None` stands for a shop that sends no SMS.
///
/// # Errors
/// The missing setting, or the allowed values.
pub fn read(config: Config<'_>) -> Result<Option<Account>, String> {
    let Some(sid) = value(config, "TWILIO_ACCOUNT_SID") else {
        return Ok(None);
    };
    let sid = sid.trim();
    if !sid.starts_with("AC") || !sid.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return Err("TWILIO_ACCOUNT_SID must be the id of a Twilio account, AC…".into());
    }
    let required = |name: &str, meaning: &str| {
        value(config, name).ok_or_else(|| format!("TWILIO_ACCOUNT_SID needs {name}: {meaning}"))
    };
    Ok(Some(Account {
        base: text::url(config, "TWILIO_API_BASE")?.unwrap_or_else(|| TWILIO_API_BASE.into()),
        sid: sid.to_owned(),
        token: required("TWILIO_AUTH_TOKEN", "the secret token of the account")?,
        from: required("TWILIO_FROM", "the phone number or the name of the sender")?,
    }))
}
