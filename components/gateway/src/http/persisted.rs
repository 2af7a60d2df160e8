//! Persisted queries: documents that are named by their SHA-256 digest.
//!
//! `automatic` is Apollo's protocol: a client sends the digest, and the document only where the shop does not know it. `only` is for
//! shops whose clients are all their own: nothing is executed but the documents of a manifest.

use std::collections::HashMap;
use std::sync::Arc;

use http::StatusCode;
use mercato_common::cache::Cache;
use sha2::{Digest, Sha256};

use crate::http::envelope::{Item, Parameters, Refused};

/// How long the cache keeps a document, in milliseconds: a day.
const TTL: u64 = 24 * 60 * 60 * 1000;

/// Longer documents are not kept, in bytes.
const LONGEST: usize = 64 * 1024;

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

impl Persisted {
    /// Reads the mode, and the manifest: a JSON object of documents by their digests.
    pub fn parse(mode: Option<&str>, manifest: Option<&str>) -> Result<Self, String> {
        let wrong = "PERSISTED_QUERIES_MANIFEST must be a JSON object of GraphQL documents by their SHA-256 digests in hexadecimal";
        let manifest: Option<HashMap<String, String>> = manifest
            .map(serde_json::from_str)
            .transpose()
            .map_err(|_| wrong)?;
        let of_others = |(digest, document): (&String, &String)| *digest != self::digest(document);
        if let Some(manifest) = &manifest
            && manifest.iter().any(of_others)
        {
            return Err(wrong.into());
        }
        match (mode, manifest) {
            (None | Some("off"), _) => Ok(Self::Off),
            (Some("automatic"), _) => Ok(Self::Automatic),
            (Some("only"), Some(manifest)) => Ok(Self::Only(Arc::new(manifest))),
            (Some("only"), None) => Err("PERSISTED_QUERIES=only needs PERSISTED_QUERIES_MANIFEST".into()),
            (Some(_), _) => Err("PERSISTED_QUERIES must be off, automatic or only".into()),
        }
    }

    /// The request with the document that it means.
    pub fn resolve(&self, cache: &dyn Cache, parameters: Parameters) -> Item {
        match self {
            Self::Off if parameters.query.is_empty() => Err(refused(
                "PERSISTED_QUERY_NOT_SUPPORTED",
                "PersistedQueryNotSupported",
            )),
            Self::Off => Ok(parameters),
            Self::Automatic => automatic(cache, parameters),
            Self::Only(manifest) => {
                let digest = match &parameters.digest {
                    Some(digest) if parameters.query.is_empty() => digest.clone(),
                    _ => self::digest(&parameters.query),
                };
                match manifest.get(&digest) {
                    Some(document) => Ok(Parameters {
                        query: document.clone(),
                        ..parameters
                    }),
                    None if parameters.query.is_empty() => Err(unknown()),
                    None => Err(refused(
                        "PERSISTED_QUERY_ONLY",
                        "This shop executes the documents of its own clients only.",
                    )),
                }
            }
        }
    }
}

fn automatic(cache: &dyn Cache, parameters: Parameters) -> Item {
    let Some(digest) = parameters.digest.clone() else {
        return Ok(parameters);
    };
    let key = format!("gateway.query.{digest}");
    if parameters.query.is_empty() {
        let kept = cache.cached(&[key]).pop().flatten();
        let query = kept.and_then(|bytes| String::from_utf8(bytes).ok());
        let query = query
            .filter(|query| self::digest(query) == digest)
            .ok_or_else(unknown)?;
        return Ok(Parameters { query, ..parameters });
    }
    if self::digest(&parameters.query) != digest {
        return Err(refused(
            "BAD_REQUEST",
            "The sha256Hash is not the digest of the query.",
        ));
    }
    if parameters.query.len() <= LONGEST {
        cache.keep(&key, parameters.query.as_bytes(), TTL);
    }
    Ok(parameters)
}

fn digest(document: &str) -> String {
    format!("{:x}", Sha256::digest(document))
}

/// By these words, clients know that they have to send the document.
fn unknown() -> Refused {
    refused("PERSISTED_QUERY_NOT_FOUND", "PersistedQueryNotFound")
}

fn refused(code: &'static str, message: &str) -> Refused {
    Refused {
        status: StatusCode::BAD_REQUEST,
        code,
        message: message.into(),
    }
}
