//! `CORS_ORIGINS`: the origins whose pages may read responses (the Fetch standard).

use http::Uri;

use super::config::{Config, value};

/// The allowed origins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origins {
    /// All origins.
    Any,
    /// These origins, in lower case.
    Listed(Vec<String>),
}

/// Reads the setting: `*`, or a list with commas. `None` allows no origin.
///
/// # Errors
/// The allowed values.
pub fn read(config: Config<'_>) -> Result<Option<Origins>, String> {
    let Some(text) = value(config, "CORS_ORIGINS") else {
        return Ok(None);
    };
    if text.trim() == "*" {
        return Ok(Some(Origins::Any));
    }
    let origins = text.split(',').map(str::trim).filter(|origin| !origin.is_empty());
    let origins: Vec<_> = origins.map(str::to_ascii_lowercase).collect();
    if origins.iter().all(|origin| is_origin(origin)) {
        Ok(Some(Origins::Listed(origins)))
    } else {
        Err(
            "CORS_ORIGINS must be *, or origins with commas between them, such as https://shop.example: without a path"
                .into(),
        )
    }
}

fn is_origin(text: &str) -> bool {
    let Ok(uri) = text.parse::<Uri>() else {
        return false;
    };
    matches!(uri.scheme_str(), Some("http" | "https"))
        && uri
            .authority()
            .is_some_and(|authority| text.ends_with(authority.as_str()))
}
