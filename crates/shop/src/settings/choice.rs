//! Settings that are one of a few words.

use super::{Config, given};

/// `GRAPHQL_INTROSPECTION`: whether clients may ask for the schema.
///
/// # Errors
/// How it is to be written.
pub fn introspection(config: Config<'_>) -> Result<bool, String> {
    either(config, "GRAPHQL_INTROSPECTION", ["on", "off"]).map(|found| found.unwrap_or(true))
}

/// `STREAMS_HELD`: whether the server before the gateway holds the streams of those who watch.
///
/// # Errors
/// How it is to be written.
pub fn streams_held(config: Config<'_>) -> Result<bool, String> {
    either(config, "STREAMS_HELD", ["true", "false"]).map(Option::unwrap_or_default)
}

/// `MERCATO_ENVIRONMENT`: whether this is a shop that somebody works on. Any other word is the name of one that is not.
pub fn is_development(config: Config<'_>) -> bool {
    given(config, "MERCATO_ENVIRONMENT").is_some_and(|word| word.trim() == "development")
}

/// Whether a setting is the first of two words.
fn either(config: Config<'_>, name: &str, [yes, no]: [&str; 2]) -> Result<Option<bool>, String> {
    match given(config, name).as_deref().map(str::trim) {
        None => Ok(None),
        Some(word) if word == yes => Ok(Some(true)),
        Some(word) if word == no => Ok(Some(false)),
        Some(_) => Err(format!("{name} must be {yes} or {no}")),
    }
}
