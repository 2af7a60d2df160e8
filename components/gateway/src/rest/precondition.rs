//! `If-Match`: a change is made only to the version that the client has seen (RFC 9110, section 13.1.1).
//!
//! Entity tags are versions: `"3"`. The tag of a product also has its quantity, which changes without an
//! edit: `"3.47"`. `If-Match` ignores the quantity, and the coding of the body: `"3.47-gzip"`.

use http::HeaderMap;
use http::header::IF_MATCH;
use mercato_shop::types::Error;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::http::encoding::Coding;

/// A resource to delete.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Deletion {
    /// The version of the resource. The header `If-Match` takes precedence.
    pub version: Option<u64>,
}

/// The versions that a change is based on.
#[derive(Debug, PartialEq, Eq)]
pub enum Expected {
    Any,
    OneOf(Vec<u64>),
}

/// Returns the versions that a change is based on, from `If-Match` or else from the body.
///
/// # Errors
/// [`Error::Invalid`] for a malformed header.
pub fn expected(headers: &HeaderMap, in_body: Option<u64>) -> Result<Expected, Error> {
    let mut versions = Vec::new();
    let mut lists = headers.get_all(IF_MATCH).iter().peekable();
    if lists.peek().is_none() {
        return Ok(in_body.map_or(Expected::Any, |version| Expected::OneOf(vec![version])));
    }
    for list in lists {
        for tag in list.to_str().unwrap_or_default().split(',').map(str::trim) {
            if tag == "*" {
                return Ok(Expected::Any);
            }
            let malformed = || {
                Error::invalid(
                    "If-Match",
                    "Send the ETag that this shop returned, such as \"3\".",
                )
            };
            versions.push(parse(tag).ok_or_else(malformed)?);
        }
    }
    Ok(Expected::OneOf(versions))
}

fn parse(tag: &str) -> Option<u64> {
    let (tag, _) = Coding::of_tag(tag);
    let quoted = tag.strip_prefix('"')?.strip_suffix('"')?;
    quoted.split('.').next()?.parse().ok()
}

impl Expected {
    /// Returns the only expected version. Otherwise reads the current version and checks it.
    ///
    /// # Errors
    /// [`Error::StaleVersion`], and the errors of `current`.
    pub fn version(&self, current: impl FnOnce() -> Result<u64, Error>) -> Result<u64, Error> {
        if let Self::OneOf(versions) = self
            && let [version] = versions.as_slice()
        {
            return Ok(*version);
        }
        let current = current()?;
        self.check(|| Ok(current))?;
        Ok(current)
    }

    /// Rejects another version than those that are expected. Reads the current version only if it matters.
    ///
    /// # Errors
    /// [`Error::StaleVersion`], and the errors of `current`.
    pub fn check(&self, current: impl FnOnce() -> Result<u64, Error>) -> Result<(), Error> {
        let Self::OneOf(versions) = self else {
            return Ok(());
        };
        let current = current()?;
        if versions.contains(&current) {
            return Ok(());
        }
        Err(Error::StaleVersion(current))
    }
}

/// Adds the current version to a conflict, if it is not the expected one.
pub fn conflict(error: Error, expected: u64, current: impl FnOnce() -> Result<u64, Error>) -> Error {
    match error {
        Error::Conflict(_) => match current() {
            Ok(version) if version != expected => Error::StaleVersion(version),
            _ => error,
        },
        error => error,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_version_of_a_tag() {
        assert_eq!(parse("\"3\""), Some(3));
        assert_eq!(parse("\"3.47\""), Some(3));
        assert_eq!(parse("\"3.47-gzip\""), Some(3));
        for other in ["3", "\"\"", "\"x\"", "W/\"3\"", "\"3", "\"-1\""] {
            assert_eq!(parse(other), None, "{other}");
        }
    }
}
