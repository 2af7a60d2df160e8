//! Persisted queries: documents that are named by their SHA-256 digest.
//!
//! `automatic` is Apollo's protocol: a client sends the digest, and the document only if the shop does not
//! know it. `only` is for shops with their own clients: they execute only the documents of a manifest.

use http::StatusCode;
use mercato_shop::cache::Cache;
use mercato_shop::http::client_address;
use mercato_shop::id;
use mercato_shop::settings::persisted::{PersistedQueries, digest};

use crate::graphql::envelope::{Item, Parameters};
use crate::http::problem::Problem;

/// How long the cache keeps a document, in milliseconds: a day.
const TTL: u64 = 24 * 60 * 60 * 1000;

/// The longest document that is cached, in bytes: a few times as long as the largest of a client.
const MAX_BYTES: usize = 32 * 1024;

/// The most documents that the cache takes from one client in an hour. Further ones are executed only.
const MAX_DOCUMENTS: i64 = 200;

/// In milliseconds.
const HOUR: u64 = 60 * 60 * 1000;

/// Returns the parameters with the document that they name. `client` returns the address of the client.
///
/// # Errors
/// PERSISTED_QUERY_NOT_FOUND, PERSISTED_QUERY_NOT_SUPPORTED and PERSISTED_QUERY_ONLY. BAD_REQUEST for a wrong
/// digest.
pub fn resolve(
    persisted: &PersistedQueries,
    cache: &dyn Cache,
    client: impl FnOnce() -> Option<String>,
    parameters: Parameters,
) -> Item {
    match persisted {
        PersistedQueries::Off if parameters.query.is_empty() => Err(problem(
            "PERSISTED_QUERY_NOT_SUPPORTED",
            "PersistedQueryNotSupported",
        )),
        PersistedQueries::Off => Ok(parameters),
        PersistedQueries::Automatic => automatic(cache, client, parameters),
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

fn automatic(cache: &dyn Cache, client: impl FnOnce() -> Option<String>, parameters: Parameters) -> Item {
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
    if parameters.query.len() <= MAX_BYTES && has_room(cache, client()) {
        cache.set(&key, parameters.query.as_bytes(), TTL);
    }
    Ok(parameters)
}

/// Returns whether the cache takes another document from a client. Clients without an address share their
/// number.
fn has_room(cache: &dyn Cache, address: Option<String>) -> bool {
    let client = address.map_or_else(
        || "unknown".to_owned(),
        |address| address.parse().map_or(address, client_address::network),
    );
    let key = format!("gateway.documents.{}.{client}", id::now() / HOUR);
    let count = cache.increment(&key, 1, HOUR);
    count.is_some_and(|count| count <= MAX_DOCUMENTS)
}

/// Returns the problem of an unknown digest. Clients recognize this message, and send the document.
fn not_found() -> Problem {
    problem("PERSISTED_QUERY_NOT_FOUND", "PersistedQueryNotFound")
}

fn problem(code: &'static str, detail: &str) -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, code, detail)
}
