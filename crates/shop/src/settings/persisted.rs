//! `PERSISTED_QUERIES` and `PERSISTED_QUERIES_MANIFEST`: which documents of GraphQL are executed.

use std::collections::HashMap;
use std::sync::Arc;

use sha2::{Digest, Sha256};

use super::{Config, given};

/// Which documents are executed.
#[derive(Clone, Debug, Default)]
pub enum Persisted {
    /// Those that are sent.
    #[default]
    Off,
    /// Those that are sent, or were before.
    Automatic,
    /// Those of the manifest, by their digests.
    Only(Arc<HashMap<String, String>>),
}

/// The mode, and the manifest: a JSON object of documents by their digests.
///
/// # Errors
/// How they are to be written.
pub fn read(config: Config<'_>) -> Result<Persisted, String> {
    let wrong = "PERSISTED_QUERIES_MANIFEST must be a JSON object of GraphQL documents by their SHA-256 digests in hexadecimal";
    let manifest: Option<HashMap<String, String>> = given(config, "PERSISTED_QUERIES_MANIFEST")
        .map(|text| serde_json::from_str(&text))
        .transpose()
        .map_err(|_| wrong)?;
    let of_others = |(name, document): (&String, &String)| *name != digest(document);
    if let Some(manifest) = &manifest
        && manifest.iter().any(of_others)
    {
        return Err(wrong.into());
    }
    let mode = given(config, "PERSISTED_QUERIES");
    match (mode.as_deref().map(str::trim), manifest) {
        (None | Some("off"), _) => Ok(Persisted::Off),
        (Some("automatic"), _) => Ok(Persisted::Automatic),
        (Some("only"), Some(manifest)) => Ok(Persisted::Only(Arc::new(manifest))),
        (Some("only"), None) => Err(
            "PERSISTED_QUERIES=only needs PERSISTED_QUERIES_MANIFEST: a JSON object of GraphQL documents by their SHA-256 digests"
                .into(),
        ),
        (Some(_), _) => Err("PERSISTED_QUERIES must be off, automatic or only".into()),
    }
}

/// The SHA-256 digest of a document, in hexadecimal.
#[must_use]
pub fn digest(document: &str) -> String {
    format!("{:x}", Sha256::digest(document))
}
