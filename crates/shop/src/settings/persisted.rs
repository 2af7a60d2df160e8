//! `PERSISTED_QUERIES` and `PERSISTED_QUERIES_MANIFEST`: the GraphQL documents that are executed.

use std::collections::HashMap;
use std::sync::Arc;

use sha2::{Digest, Sha256};

use super::config::{Config, value};

/// The documents that are executed.
#[derive(Clone, Debug, Default)]
pub enum PersistedQueries {
    /// Documents in requests.
    #[default]
    Off,
    /// Documents in requests, and digests of earlier ones.
    Automatic,
    /// Documents of the manifest, by their digests.
    Only(Arc<HashMap<String, String>>),
}

/// Reads the mode and the manifest, a JSON object of documents by their digests.
///
/// # Errors
/// The missing setting, or the allowed values.
pub fn read(config: Config<'_>) -> Result<PersistedQueries, String> {
    let invalid = "PERSISTED_QUERIES_MANIFEST must be a JSON object of GraphQL documents by their SHA-256 digests in hexadecimal";
    let manifest: Option<HashMap<String, String>> = value(config, "PERSISTED_QUERIES_MANIFEST")
        .map(|text| serde_json::from_str(&text))
        .transpose()
        .map_err(|_| invalid)?;
    let has_other_digest = |(name, document): (&String, &String)| *name != digest(document);
    if let Some(manifest) = &manifest
        && manifest.iter().any(has_other_digest)
    {
        return Err(invalid.into());
    }
    let mode = value(config, "PERSISTED_QUERIES");
    match (mode.as_deref().map(str::trim), manifest) {
        (None | Some("off"), _) => Ok(PersistedQueries::Off),
        (Some("automatic"), _) => Ok(PersistedQueries::Automatic),
        (Some("only"), Some(manifest)) => Ok(PersistedQueries::Only(Arc::new(manifest))),
        (Some("only"), None) => Err(
            "PERSISTED_QUERIES=only needs PERSISTED_QUERIES_MANIFEST: a JSON object of GraphQL documents by their SHA-256 digests"
                .into(),
        ),
        (Some(_), _) => Err("PERSISTED_QUERIES must be off, automatic or only".into()),
    }
}

/// Returns the SHA-256 digest of a document, in hexadecimal.
#[must_use]
pub fn digest(document: &str) -> String {
    format!("{:x}", Sha256::digest(document))
}
