//! Fetches a provider's keys, and limits how often.
//!
//! The cache has the keys for a day. After an hour, or for an unknown key, they are fetched again, at most
//! once a minute. If that fails, the old keys stay valid. Without the cache, each instance keeps the same
//! limits in memory.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use mercato_ports::http_client::{Header, HttpFailure, Method, Request};
use mercato_shop::cache::Cache;
use mercato_shop::id;
use mercato_shop::ports::HttpClient;
use mercato_shop::types::Error;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::auth::oidc::key_set::{KeySet, PublicKey};

/// How long keys stay valid if they cannot be fetched again, in milliseconds: a day.
const TTL: u64 = 24 * 60 * 60 * 1_000;

/// The shortest time between two fetches, in milliseconds.
const COOL_DOWN: u64 = 60_000;

/// The shortest time between two fetches without any keys, in milliseconds.
const COOL_DOWN_WITHOUT_KEYS: u64 = 10_000;

/// The timeout of a fetch, in milliseconds.
const TIMEOUT: u32 = 5_000;

/// The longest response, in bytes.
const MAX_BYTES: usize = 256 * 1024;

/// The keys of a provider.
#[derive(Debug)]
pub struct Source {
    issuer: String,
    jwks_uri: Option<String>,
    /// The prefix of the cache keys.
    prefix: String,
    memory: Mutex<Memory>,
}

/// What the cache has of a provider's keys.
pub struct CachedKeys {
    /// The keys.
    pub set: Option<Vec<u8>>,
    /// Whether the last fetch failed.
    pub has_failed: bool,
}

/// What an instance remembers without the cache.
#[derive(Debug, Default)]
struct Memory {
    /// The keys that it fetched last.
    set: Option<Arc<KeySet>>,
    /// When it last fetched keys, in milliseconds since 1970.
    fetched_at: u64,
}

/// A part of a provider's discovery document (OpenID Connect Discovery 1.0, section 3).
#[derive(Deserialize)]
struct Discovery {
    issuer: String,
    jwks_uri: String,
}

#[derive(Deserialize)]
struct Keys {
    keys: Vec<Value>,
}

impl Source {
    /// Returns the keys of an issuer. Their URL is `jwks_uri`, or else is in the issuer's discovery document.
    pub fn new(issuer: &str, jwks_uri: Option<String>) -> Self {
        let mut hash = Sha256::new();
        hash.update(issuer);
        hash.update([0]);
        hash.update(jwks_uri.as_deref().unwrap_or_default());
        Self {
            issuer: issuer.into(),
            jwks_uri,
            prefix: format!("gateway.oidc.{:x}", hash.finalize()),
            memory: Mutex::default(),
        }
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the cache keys of the key set, and of the mark that the last fetch failed.
    pub fn cache_keys(&self) -> [String; 2] {
        ["keys", "failure"].map(|name| format!("{}.{name}", self.prefix))
    }

    /// Returns the key that a token names.
    ///
    /// # Errors
    /// [`Error::Unauthenticated`] for an unknown key. [`Error::Unavailable`] if the keys cannot be fetched.
    pub fn key(
        &self,
        cache: &dyn Cache,
        http: &dyn HttpClient,
        kid: Option<&str>,
        cached: CachedKeys,
    ) -> Result<PublicKey, Error> {
        let now = id::now();
        let (own, fetched_at) = {
            let memory = self.memory();
            (memory.set.clone(), memory.fetched_at)
        };
        let own = own.filter(|set| set.age(now) < TTL);
        let set = cached.set.and_then(|bytes| KeySet::parse(&bytes));
        let set = set.map(Arc::new).or(own);
        let found = set
            .as_ref()
            .and_then(|set| Some((set.find(kid)?, set.is_fresh())));
        let old = match found {
            Some((key, true)) => return Ok(key),
            Some((key, false)) => Some(key),
            None => None,
        };
        let may_fetch = match set {
            Some(_) => {
                let fetches = cache.increment(&format!("{}.fetches", self.prefix), 1, COOL_DOWN);
                fetches.map_or(now >= fetched_at.saturating_add(COOL_DOWN), |count| count == 1)
            }
            None => !cached.has_failed && now >= fetched_at.saturating_add(COOL_DOWN_WITHOUT_KEYS),
        };
        let fetched = if may_fetch {
            self.refresh(cache, http)
        } else {
            None
        };
        match (fetched, set) {
            (Some(set), _) => set.find(kid).ok_or_else(unknown_key),
            (None, Some(_)) => old.ok_or_else(unknown_key),
            (None, None) => Err(Error::Unavailable(
                "The keys of the token's issuer cannot be fetched. Try again in a moment.".into(),
            )),
        }
    }

    /// Fetches the keys, and stores them in the cache and in memory. Logs a failure, and marks it in the
    /// cache.
    fn refresh(&self, cache: &dyn Cache, http: &dyn HttpClient) -> Option<Arc<KeySet>> {
        let [keys, failure] = self.cache_keys();
        self.memory().fetched_at = id::now();
        match self.fetch(http) {
            Ok(set) => {
                cache.set(&keys, &set.to_bytes(), TTL);
                let set = Arc::new(set);
                self.memory().set = Some(Arc::clone(&set));
                Some(set)
            }
            Err(reason) => {
                eprintln!("the keys of {} cannot be fetched: {reason}", self.issuer);
                cache.set(&failure, b"1", COOL_DOWN_WITHOUT_KEYS);
                None
            }
        }
    }

    fn fetch(&self, http: &dyn HttpClient) -> Result<KeySet, String> {
        let uri = match &self.jwks_uri {
            Some(uri) => uri.clone(),
            None => self.discover(http)?,
        };
        let keys: Keys = get(http, &uri)?;
        KeySet::fetched(keys.keys).ok_or_else(|| format!("{uri} has no usable key for RS256, ES256 or EdDSA"))
    }

    fn discover(&self, http: &dyn HttpClient) -> Result<String, String> {
        let base = self.issuer.trim_end_matches('/');
        let url = format!("{base}/.well-known/openid-configuration");
        let document: Discovery = get(http, &url)?;
        if document.issuer != self.issuer {
            return Err(format!(
                "{url} names the issuer {}: set OIDC_ISSUER to exactly that",
                document.issuer
            ));
        }
        if self.issuer.starts_with("https://") && !document.jwks_uri.starts_with("https://") {
            return Err(format!("the jwks_uri in {url} must use https"));
        }
        Ok(document.jwks_uri)
    }
}

fn get<T: DeserializeOwned>(http: &dyn HttpClient, url: &str) -> Result<T, String> {
    let request = Request {
        method: Method::Get,
        url: url.into(),
        headers: vec![Header {
            name: "accept".into(),
            value: b"application/json".to_vec(),
        }],
        body: Vec::new(),
        timeout_ms: TIMEOUT,
    };
    let response = http.send(&request).map_err(|failure| match failure {
        HttpFailure::Refused(reason) | HttpFailure::NotSent(reason) | HttpFailure::Unknown(reason) => {
            format!("{url}: {reason}")
        }
    })?;
    if response.status != 200 {
        return Err(format!("{url} answers {}", response.status));
    }
    if response.body.len() > MAX_BYTES {
        return Err(format!("{url} answers more than {MAX_BYTES} bytes"));
    }
    serde_json::from_slice(&response.body).map_err(|error| format!("{url} cannot be parsed: {error}"))
}

fn unknown_key() -> Error {
    Error::Unauthenticated(
        "The token was signed with a key that its issuer does not have. Sign in again.".into(),
    )
}
