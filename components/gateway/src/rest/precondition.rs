//! `If-Match`: a change of what somebody has seen, and of nothing else (RFC 9110, section 13.1.1).
//!
//! Tags are made of versions: `"3"`. What changes without an edit, such as a product's stock, stands behind a dot, `"3.47"`, and is
//! nothing to an editor: it is left out of the comparison.

use http::header::IF_MATCH;
use mercato_shop::types::Error;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::http::Problem;
use crate::rest::call::Call;
use crate::rest::operation::Refusal;

/// The entity tag of this version.
pub fn tag(version: u64) -> String {
    format!("\"{version}\"")
}

/// The entity tag of this version, and of a number that moves without an edit.
pub fn tag_with(version: u64, moving: u32) -> String {
    format!("\"{version}.{moving}\"")
}

/// What is to be taken away.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Deletion {
    /// The version that is meant, where `If-Match` does not tell it.
    pub version: Option<u64>,
}

/// What a change is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expected {
    /// Whatever version there is.
    Any,
    /// One of these.
    Versions(Vec<u64>),
}

/// The version that a change is made of: by `If-Match`, or else by the body.
pub fn expected(call: &Call<'_>, in_body: Option<u64>) -> Result<Expected, Refusal> {
    let mut versions = Vec::new();
    let mut lists = call.request.headers().get_all(IF_MATCH).iter().peekable();
    if lists.peek().is_none() {
        return Ok(in_body.map_or(Expected::Any, |version| Expected::Versions(vec![version])));
    }
    for list in lists {
        for tag in list.to_str().unwrap_or_default().split(',').map(str::trim) {
            if tag == "*" {
                return Ok(Expected::Any);
            }
            versions.push(version_in(tag).ok_or_else(malformed)?);
        }
    }
    Ok(Expected::Versions(versions))
}

fn version_in(tag: &str) -> Option<u64> {
    let quoted = tag.strip_prefix('"')?.strip_suffix('"')?;
    quoted.split('.').next()?.parse().ok()
}

fn malformed() -> Refusal {
    Error::invalid("If-Match", "Send the ETag that this shop told, such as \"3\".").into()
}

impl Expected {
    /// The version that is expected if it is one; else `current` is asked which there is.
    pub fn version(&self, current: impl FnOnce() -> Result<u64, Refusal>) -> Result<u64, Refusal> {
        if let Self::Versions(versions) = self
            && let [version] = versions.as_slice()
        {
            return Ok(*version);
        }
        let current = current()?;
        self.check(current)?;
        Ok(current)
    }

    /// Passes this version if it is expected.
    pub fn check(&self, current: u64) -> Result<(), Refusal> {
        match self {
            Self::Any => Ok(()),
            Self::Versions(versions) if versions.contains(&current) => Ok(()),
            Self::Versions(_) => Err(stale(current)),
        }
    }
}

/// The refusal of a change that was made of another version than this.
pub fn stale(current: u64) -> Refusal {
    let message = format!("It is at version {current} now. Read it again, and repeat the change.");
    Problem::from(Error::Conflict(message))
        .at_version(current, &tag(current))
        .into()
}

/// Tells a service's conflict together with the version that there is now, where that is another one.
pub fn conflict(error: Error, expected: u64, current: impl FnOnce() -> Result<u64, Refusal>) -> Refusal {
    match error {
        Error::StaleVersion(version) => stale(version),
        Error::Conflict(_) => match current() {
            Ok(version) if version != expected => stale(version),
            _ => error.into(),
        },
        error => error.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_is_known_by_its_version() {
        assert_eq!(version_in(&tag(3)), Some(3));
        assert_eq!(version_in(&tag_with(3, 47)), Some(3));
        for other in ["3", "\"\"", "\"x\"", "W/\"3\"", "\"3", "\"-1\""] {
            assert_eq!(version_in(other), None, "{other}");
        }
    }
}
