//! Settings that are a name or an address.

use http::{HeaderName, Uri};

use super::{Config, given};
use crate::address;

/// `KEEPER_EMAIL`: who hears of products that run low.
///
/// # Errors
/// How it is to be written.
pub fn keeper(config: Config<'_>) -> Result<Option<String>, String> {
    let Some(text) = given(config, "KEEPER_EMAIL") else {
        return Ok(None);
    };
    let keeper = text.trim();
    if address::is_email(keeper) {
        Ok(Some(keeper.to_owned()))
    } else {
        Err("KEEPER_EMAIL must be an e-mail address, such as keeper@example.com".into())
    }
}

/// `CLIENT_ADDRESS_HEADER`: where a proxy before the gateway tells the client's address.
///
/// # Errors
/// How it is to be written.
pub fn address_header(config: Config<'_>) -> Result<Option<HeaderName>, String> {
    let parsed = given(config, "CLIENT_ADDRESS_HEADER").map(|name| name.trim().parse());
    parsed
        .transpose()
        .map_err(|_| "CLIENT_ADDRESS_HEADER must be the name of a header, such as x-forwarded-for".into())
}

/// A URL of HTTP by this name, as it was written.
///
/// # Errors
/// How it is to be written.
pub(super) fn url(config: Config<'_>, name: &str) -> Result<Option<String>, String> {
    let Some(text) = given(config, name) else {
        return Ok(None);
    };
    let uri: Option<Uri> = text.trim().parse().ok();
    let is_web = uri.is_some_and(|uri| {
        matches!(uri.scheme_str(), Some("http" | "https")) && uri.host().is_some_and(|host| !host.is_empty())
    });
    if is_web {
        Ok(Some(text.trim().to_owned()))
    } else {
        Err(format!("{name} must be a URL, such as https://api.example.com"))
    }
}

/// A secret by this name that goes into headers as it is.
///
/// # Errors
/// How it is to be written.
pub(super) fn secret(config: Config<'_>, name: &str) -> Result<Option<String>, String> {
    match given(config, name) {
        Some(text) if !text.bytes().all(|byte| byte.is_ascii_graphic()) => {
            Err(format!("{name} must be written without white space, in ASCII"))
        }
        secret => Ok(secret),
    }
}
