//! Settings that are an address, a URL or a secret.

use std::sync::Once;

use http::{HeaderName, Uri};

use super::config::{Config, value};
use crate::address;

/// Reads `OPERATOR_EMAIL`, the address for low-stock alerts. `KEEPER_EMAIL` is its deprecated name.
///
/// # Errors
/// A sentence for the operator if the setting is not an e-mail address.
pub fn operator_email(config: Config<'_>) -> Result<Option<String>, String> {
    const NAME: &str = "OPERATOR_EMAIL";
    const DEPRECATED: &str = "KEEPER_EMAIL";
    static WARNING: Once = Once::new();
    let (name, text) = match (value(config, NAME), value(config, DEPRECATED)) {
        (Some(text), _) => (NAME, text),
        (None, Some(text)) => {
            WARNING.call_once(|| eprintln!("{DEPRECATED} is deprecated: set {NAME} instead"));
            (DEPRECATED, text)
        }
        (None, None) => return Ok(None),
    };
    let address = text.trim();
    if address::is_email(address) {
        Ok(Some(address.to_owned()))
    } else {
        Err(format!(
            "{name} must be an e-mail address, such as operator@example.com"
        ))
    }
}

/// Reads `CLIENT_ADDRESS_HEADER`: the header in which a proxy in front of the gateway sends the client's
/// address.
///
/// # Errors
/// The allowed values.
pub fn address_header(config: Config<'_>) -> Result<Option<HeaderName>, String> {
    let parsed = value(config, "CLIENT_ADDRESS_HEADER").map(|name| name.trim().parse());
    parsed
        .transpose()
        .map_err(|_| "CLIENT_ADDRESS_HEADER must be the name of a header, such as x-forwarded-for".into())
}

/// Reads `MERCATO_RUNTIME`: the name of the runtime, for people. `None` for the program `mercato`.
#[must_use]
pub fn runtime(config: Config<'_>) -> Option<String> {
    value(config, "MERCATO_RUNTIME").map(|name| name.trim().to_owned())
}

/// What `PASSWORD_RESET_URL` contains in place of a token.
const TOKEN: &str = "{token}";

/// The address of the page on which a user sets a new password.
#[derive(Clone, Debug)]
pub struct ResetPage(String);

impl ResetPage {
    /// Returns the link with a token, which has only letters, digits, `-` and `_`.
    #[must_use]
    pub fn link(&self, token: &str) -> String {
        self.0.replace(TOKEN, token)
    }
}

/// Reads `PASSWORD_RESET_URL`.
///
/// # Errors
/// The allowed values.
pub fn password_reset_url(config: Config<'_>) -> Result<Option<ResetPage>, String> {
    const NAME: &str = "PASSWORD_RESET_URL";
    let Some(text) = value(config, NAME) else {
        return Ok(None);
    };
    let example = url(&|_| Some(text.replace(TOKEN, "token")), NAME);
    if text.contains(TOKEN) && example.is_ok() {
        return Ok(Some(ResetPage(text.trim().to_owned())));
    }
    Err(format!(
        "{NAME} must be a URL that contains {TOKEN}, such as https://shop.example/reset?token={TOKEN}"
    ))
}

/// Reads an HTTP URL.
///
/// # Errors
/// The allowed values.
pub(super) fn url(config: Config<'_>, name: &str) -> Result<Option<String>, String> {
    let Some(text) = value(config, name) else {
        return Ok(None);
    };
    let uri: Option<Uri> = text.trim().parse().ok();
    let is_http = uri.is_some_and(|uri| {
        matches!(uri.scheme_str(), Some("http" | "https")) && uri.host().is_some_and(|host| !host.is_empty())
    });
    if is_http {
        Ok(Some(text.trim().to_owned()))
    } else {
        Err(format!("{name} must be a URL, such as https://api.example.com"))
    }
}

/// Reads a secret that is a part of HTTP headers.
///
/// # Errors
/// The allowed values.
pub(super) fn secret(config: Config<'_>, name: &str) -> Result<Option<String>, String> {
    match value(config, name) {
        Some(text) if !text.bytes().all(|byte| byte.is_ascii_graphic()) => Err(format!(
            "{name} must have only printable ASCII characters, and no white space"
        )),
        secret => Ok(secret),
    }
}
