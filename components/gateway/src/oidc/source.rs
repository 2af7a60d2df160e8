//! Where a provider's keys come from, and how seldom they are asked for.
//!
//! The cache has them for a day. After an hour, and for a key that is not among them, they are asked for again, once a minute at the
//! most; where that fails, the old ones go on. While the cache is away, each instance that lives on keeps to the same by itself; one that is
//! made for a request asks for it.

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

use crate::oidc::key_set::{KeySet, PublicKey};

/// For how long keys go on that can't be fetched again, in milliseconds: a day.
const KEPT: u64 = 24 * 60 * 60 * 1_000;

/// How long nobody asks again, in milliseconds.
const COOL_DOWN: u64 = 60_000;

/// The same where there are no keys at all.
const COOL_DOWN_WITHOUT: u64 = 10_000;

/// How long a provider may take to answer, in milliseconds.
const PATIENCE: u32 = 5_000;

/// The longest answer that is read, in bytes.
const LONGEST: usize = 256 * 1024;

/// Where keys come from.
#[derive(Debug)]
pub struct Source {
    issuer: String,
    jwks_uri: Option<String>,
    /// What the places in the cache begin with.
    prefix: String,
    memory: Mutex<Memory>,
}

/// What an instance knows without the cache: the same for everyone.
#[derive(Debug, Default)]
struct Memory {
    /// The keys that it has fetched last.
    set: Option<Arc<KeySet>>,
    /// When it last asked the provider, in milliseconds since the Unix epoch, UTC.
    asked_at: u64,
}

/// What is read of a provider's discovery document (OpenID Connect Discovery 1.0, section 3).
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
    /// The keys of this issuer: at this URL, or where its discovery document says.
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

    /// Where the cache has the keys, and where it has a mark if there were none to be had just now.
    pub fn places(&self) -> [String; 2] {
        ["keys", "trouble"].map(|name| format!("{}.{name}", self.prefix))
    }

    /// The key that a token names, given what the cache has.
    ///
    /// # Errors
    /// [`Error::Unauthenticated`] where the provider has no such key, [`Error::Unavailable`] where its keys can't be had.
    pub fn key(
        &self,
        cache: &dyn Cache,
        http: &dyn HttpClient,
        kid: Option<&str>,
        kept: Option<Vec<u8>>,
        trouble: bool,
    ) -> Result<PublicKey, Error> {
        let now = id::now();
        let (own, asked_at) = {
            let memory = self.memory();
            (memory.set.clone(), memory.asked_at)
        };
        let own = own.filter(|set| set.age(now) < KEPT);
        let kept = kept.and_then(|bytes| KeySet::read(&bytes)).map(Arc::new).or(own);
        let found = kept
            .as_ref()
            .and_then(|set| Some((set.find(kid)?, set.is_fresh())));
        let old = match found {
            Some((key, true)) => return Ok(key),
            Some((key, false)) => Some(key),
            None => None,
        };
        let may_ask = match kept {
            Some(_) => {
                let asked = cache.increment(&format!("{}.asked", self.prefix), 1, COOL_DOWN);
                asked.map_or(now >= asked_at.saturating_add(COOL_DOWN), |times| times == 1)
            }
            None => !trouble && now >= asked_at.saturating_add(COOL_DOWN_WITHOUT),
        };
        let fetched = if may_ask { self.fetch(cache, http) } else { None };
        match (fetched, kept) {
            (Some(set), _) => set.find(kid).ok_or_else(unknown),
            (None, Some(_)) => old.ok_or_else(unknown),
            (None, None) => Err(Error::Unavailable(
                "The keys of the token's issuer can't be fetched. Try again in a moment.".into(),
            )),
        }
    }

    /// Asks the provider, and keeps what it answers.
    fn fetch(&self, cache: &dyn Cache, http: &dyn HttpClient) -> Option<Arc<KeySet>> {
        let [keys, trouble] = self.places();
        self.memory().asked_at = id::now();
        match self.ask(http) {
            Ok(set) => {
                cache.keep(&keys, &set.bytes(), KEPT);
                let set = Arc::new(set);
                self.memory().set = Some(Arc::clone(&set));
                Some(set)
            }
            Err(reason) => {
                eprintln!("the keys of {} can't be fetched: {reason}", self.issuer);
                cache.keep(&trouble, b"1", COOL_DOWN_WITHOUT);
                None
            }
        }
    }

    fn ask(&self, http: &dyn HttpClient) -> Result<KeySet, String> {
        let discovered;
        let uri = match &self.jwks_uri {
            Some(uri) => uri,
            None => {
                discovered = self.discover(http)?;
                &discovered
            }
        };
        let keys: Keys = get(http, uri)?;
        KeySet::fetched(keys.keys)
            .ok_or_else(|| format!("{uri} tells no key for RS256, ES256 or EdDSA that could be used"))
    }

    fn discover(&self, http: &dyn HttpClient) -> Result<String, String> {
        let base = self.issuer.trim_end_matches('/');
        let url = format!("{base}/.well-known/openid-configuration");
        let document: Discovery = get(http, &url)?;
        if document.issuer != self.issuer {
            return Err(format!(
                "{url} is of the issuer {}: OIDC_ISSUER has to be just that",
                document.issuer
            ));
        }
        if self.issuer.starts_with("https://") && !document.jwks_uri.starts_with("https://") {
            return Err(format!("{url} names keys that are not reached by HTTPS"));
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
        timeout_ms: PATIENCE,
    };
    let response = http.request(&request).map_err(|failure| match failure {
        HttpFailure::Refused(reason) | HttpFailure::NotSent(reason) | HttpFailure::Unknown(reason) => {
            format!("{url}: {reason}")
        }
    })?;
    if response.status != 200 {
        return Err(format!("{url} answers {}", response.status));
    }
    if response.body.len() > LONGEST {
        return Err(format!("{url} answers more than {LONGEST} bytes"));
    }
    serde_json::from_slice(&response.body).map_err(|error| format!("{url} can't be read: {error}"))
}

fn unknown() -> Error {
    Error::Unauthenticated(
        "The token was signed with a key that its issuer does not have. Sign in again.".into(),
    )
}
