//! Persisted queries: documents that are named by their SHA-256 digest.
//!
//! `automatic` is Apollo's protocol: a client sends the digest, and the document only if the shop does not
//! know it. `only` is for shops with their own clients: they execute only the documents of a manifest.

use http::StatusCode;
use mercato_shop::cache::Cache;
use mercato_shop::settings::persisted::{PersistedQueries, digest};

use crate::graphql::envelope::{Item, Parameters};
use crate::http::problem::Problem;

/// How long the cache keeps a document, in milliseconds: a day.
const TTL: u64 = 24 * 60 * 60 * 1000;

/// The longest document that is cached, in bytes.
const MAX_BYTES: usize = 64 * 1024;

/// Returns the parameters with the document that they name.
///
/// # Errors
/// PERSISTED_QUERY_NOT_FOUND, PERSISTED_QUERY_NOT_SUPPORTED and PERSISTED_QUERY_ONLY. BAD_REQUEST for a wrong
/// digest.
pub fn resolve(persisted: &PersistedQueries, cache: &dyn Cache, parameters: Parameters) -> Item {
    match persisted {
        PersistedQueries::Off if parameters.query.is_empty() => Err(problem(
            "PERSISTED_QUERY_NOT_SUPPORTED",
            "PersistedQueryNotSupported",
        )),
        PersistedQueries::Off => Ok(parameters),
        PersistedQueries::Automatic => automatic(cache, parameters),
        PersistedQueries::Only(manifest) => {
            let digest = match &parameters.digest {
                Some(digest) if parameters.query.is_empty() => digest.clone(),
                _ => self::digest(&parameters.query),
            };
            match manifest.get(&digest) {
                Some(document) => Ok(Parameters {
                    query: document.clone(),
                    ..parameters
                }),
                None if parameters.query.is_empty() => Err(not_found()),
                None => Err(problem(
                    "PERSISTED_QUERY_ONLY",
                    "This shop executes only the documents of its own clients.",
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
        let cached = cache.get_many(&[key]).pop().flatten();
        let query = cached.and_then(|bytes| String::from_utf8(bytes).ok());
        let query = query
            .filter(|query| self::digest(query) == digest)
            .ok_or_else(not_found)?;
        return Ok(Parameters { query, ..parameters });
    }
    if self::digest(&parameters.query) != digest {
        return Err(Problem::bad_request(
            "`sha256Hash` must be the SHA-256 digest of `query`.",
        ));
    }
    if parameters.query.len() <= MAX_BYTES {
        cache.set(&key, parameters.query.as_bytes(), TTL);
    }
    Ok(parameters)
}

/// Returns the problem of an unknown digest. Clients recognize this message, and send the document.
fn not_found() -> Problem {
    problem("PERSISTED_QUERY_NOT_FOUND", "PersistedQueryNotFound")
}

fn problem(code: &'static str, detail: &str) -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, code, detail)
}
