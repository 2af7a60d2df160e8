//! Persisted queries: documents that are named by their SHA-256 digest.
//!
//! `automatic` is Apollo's protocol: a client sends the digest, and the document only where the shop does not know it. `only` is for
//! shops whose clients are all their own: nothing is executed but the documents of a manifest.

use http::StatusCode;
use mercato_shop::cache::Cache;
use mercato_shop::settings::persisted::{Persisted, digest};

use crate::http::envelope::{Item, Parameters, Refused};

/// How long the cache keeps a document, in milliseconds: a day.
const TTL: u64 = 24 * 60 * 60 * 1000;

/// Longer documents are not kept, in bytes.
const LONGEST: usize = 64 * 1024;

/// The request with the document that it means.
pub fn resolve(persisted: &Persisted, cache: &dyn Cache, parameters: Parameters) -> Item {
    match persisted {
        Persisted::Off if parameters.query.is_empty() => Err(refused(
            "PERSISTED_QUERY_NOT_SUPPORTED",
            "PersistedQueryNotSupported",
        )),
        Persisted::Off => Ok(parameters),
        Persisted::Automatic => automatic(cache, parameters),
        Persisted::Only(manifest) => {
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
