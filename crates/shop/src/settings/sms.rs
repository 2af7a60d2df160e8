//! `TWILIO_ACCOUNT_SID` and what goes with it: who sends SMS.

use super::{Config, given, text};

/// Where Twilio's API is unless `TWILIO_API_BASE` is set.
const TWILIO: &str = "https://api.twilio.com";

/// An account of Twilio's.
#[allow(missing_debug_implementations, reason = "it holds a secret")]
pub struct Account {
    /// Where its API is.
    pub base: String,
    /// Its id, `AC…`.
    pub sid: String,
    /// Its token.
    pub token: String,
    /// The number or the name that SMS come from.
    pub from: String,
}

/// The account; none where the shop sends no SMS.
///
/// # Errors
/// How it is to be written.
pub fn read(config: Config<'_>) -> Result<Option<Account>, String> {
    let Some(sid) = given(config, "TWILIO_ACCOUNT_SID") else {
        return Ok(None);
    };
    let sid = sid.trim();
    if !sid.starts_with("AC") || !sid.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return Err("TWILIO_ACCOUNT_SID must be the id of an account of Twilio's, AC…".into());
    }
    let needed = |name: &str, what: &str| {
        let value = given(config, name);
        value.ok_or_else(|| format!("TWILIO_ACCOUNT_SID needs {name}: {what}"))
    };
    Ok(Some(Account {
        base: text::url(config, "TWILIO_API_BASE")?.unwrap_or_else(|| TWILIO.into()),
        sid: sid.to_owned(),
        token: needed("TWILIO_AUTH_TOKEN", "the token of the account")?,
        from: needed("TWILIO_FROM", "the number or the name that SMS come from")?,
    }))
}
