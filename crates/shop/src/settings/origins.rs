//! `CORS_ORIGINS`: the pages that may read answers (the Fetch standard).

use http::Uri;

use super::{Config, given};

/// The origins whose pages may read answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origins {
    /// All of them.
    Any,
    /// These, in lower case.
    These(Vec<String>),
}

/// `*`, or a list with commas; none where nobody may.
///
/// # Errors
/// How it is to be written.
pub fn read(config: Config<'_>) -> Result<Option<Origins>, String> {
    let Some(text) = given(config, "CORS_ORIGINS") else {
        return Ok(None);
    };
    if text.trim() == "*" {
        return Ok(Some(Origins::Any));
    }
    let origins = text.split(',').map(str::trim).filter(|origin| !origin.is_empty());
    let origins: Vec<_> = origins.map(str::to_ascii_lowercase).collect();
    if origins.iter().all(|origin| is_origin(origin)) {
        Ok(Some(Origins::These(origins)))
    } else {
        let advice = "CORS_ORIGINS must be *, or origins such as https://shop.example with commas between them: without a path or a slash at the end";
        Err(advice.into())
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
