//! Settings that allow a few words.

use super::config::{Config, value};

/// Reads `GRAPHQL_INTROSPECTION`: whether clients may query the schema.
///
/// # Errors
/// The allowed values.
pub fn introspection(config: Config<'_>) -> Result<bool, String> {
    flag(config, "GRAPHQL_INTROSPECTION", ["on", "off"]).map(|on| on.unwrap_or(true))
}

/// Reads `STREAMS_HELD`: whether the server in front of the gateway holds the streams of subscriptions.
///
/// # Errors
/// The allowed values.
pub fn streams_held(config: Config<'_>) -> Result<bool, String> {
    flag(config, "STREAMS_HELD", ["true", "false"]).map(Option::unwrap_or_default)
}

/// Returns whether `MERCATO_ENVIRONMENT` is `development`. Any other word is a name for a shop in production.
pub fn is_development(config: Config<'_>) -> bool {
    value(config, "MERCATO_ENVIRONMENT").is_some_and(|word| word.trim() == "development")
}

fn flag(config: Config<'_>, name: &str, [yes, no]: [&str; 2]) -> Result<Option<bool>, String> {
    match value(config, name).as_deref().map(str::trim) {
        None => Ok(None),
        Some(word) if word == yes => Ok(Some(true)),
        Some(word) if word == no => Ok(Some(false)),
        Some(_) => Err(format!("{name} must be {yes} or {no}")),
    }
}
