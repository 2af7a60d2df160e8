//! A provider's public keys: a JSON Web Key Set (RFC 7517).

use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyAlgorithm, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey};
use mercato_shop::id;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// How long a set is fresh, in milliseconds: an hour.
const FRESH: u64 = 60 * 60 * 1_000;

/// The shortest modulus of an RSA key in base64: 2048 bits (RFC 7518, section 3.3).
const RSA_MODULUS: usize = 342;

/// The length of an Ed25519 key in base64: 32 bytes.
const ED25519: usize = 43;

/// The usable keys of a provider.
#[derive(Debug, Serialize, Deserialize)]
pub struct KeySet {
    /// In milliseconds since 1970.
    fetched_at: u64,
    keys: Vec<Jwk>,
}

/// A key with its only algorithm.
pub struct PublicKey {
    pub algorithm: Algorithm,
    pub key: DecodingKey,
}

impl KeySet {
    /// Returns the usable keys of a set that was just fetched. `None` if no key is usable.
    pub fn fetched(keys: Vec<Value>) -> Option<Self> {
        let keys = keys
            .into_iter()
            .filter_map(|key| serde_json::from_value::<Jwk>(key).ok());
        let keys: Vec<_> = keys.filter(|key| algorithm(key).is_some()).collect();
        (!keys.is_empty()).then(|| Self {
            fetched_at: id::now(),
            keys,
        })
    }

    /// Parses a cached set.
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        serde_json::from_slice(bytes).ok()
    }

    /// Returns the set for the cache.
    pub fn to_bytes(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_default()
    }

    /// Returns the time since the set was fetched, in milliseconds.
    pub const fn age(&self, now: u64) -> u64 {
        now.saturating_sub(self.fetched_at)
    }

    /// Returns whether the set is too young to be fetched again.
    pub fn is_fresh(&self) -> bool {
        self.age(id::now()) < FRESH
    }

    /// Returns the key with this id. Without an id, returns the only key.
    pub fn find(&self, kid: Option<&str>) -> Option<PublicKey> {
        let key = match (kid, self.keys.as_slice()) {
            (Some(kid), keys) => keys
                .iter()
                .find(|key| key.common.key_id.as_deref() == Some(kid))?,
            (None, [only]) => only,
            (None, _) => return None,
        };
        Some(PublicKey {
            algorithm: algorithm(key)?,
            key: DecodingKey::from_jwk(key).ok()?,
        })
    }
}

/// Returns the algorithm of a key. `None` if this shop does not verify signatures with such keys.
fn algorithm(key: &Jwk) -> Option<Algorithm> {
    if !matches!(key.common.public_key_use, None | Some(PublicKeyUse::Signature)) {
        return None;
    }
    let (algorithm, named) = match &key.algorithm {
        AlgorithmParameters::RSA(rsa) if rsa.n.len() >= RSA_MODULUS => {
            (Algorithm::RS256, KeyAlgorithm::RS256)
        }
        AlgorithmParameters::EllipticCurve(curve) if curve.curve == EllipticCurve::P256 => {
            (Algorithm::ES256, KeyAlgorithm::ES256)
        }
        AlgorithmParameters::OctetKeyPair(pair)
            if pair.curve == EllipticCurve::Ed25519 && pair.x.len() == ED25519 =>
        {
            (Algorithm::EdDSA, KeyAlgorithm::EdDSA)
        }
        _ => return None,
    };
    key.common
        .key_algorithm
        .is_none_or(|alg| alg == named)
        .then_some(algorithm)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn ed(kid: &str) -> Value {
        json!({ "kty": "OKP", "crv": "Ed25519", "kid": kid, "x": "4KnS_Nl9l2GMkoLi6UQbeH8iTmLvUA93qCa255VGKKI" })
    }

    #[test]
    fn ignores_unusable_keys() {
        let with = |field: &str, value: &str| {
            let mut key = ed("other");
            key[field] = value.into();
            key
        };
        let unusable = [
            json!({ "kty": "oct", "kid": "other", "k": "c2VjcmV0", "alg": "HS256" }),
            json!({ "kty": "EC", "crv": "secp256k1", "kid": "other", "x": "AA", "y": "AA" }),
            json!({ "kty": "EC", "crv": "P-384", "kid": "other", "x": "AA", "y": "AA" }),
            json!({ "kty": "RSA", "kid": "other", "n": "AQAB", "e": "AQAB" }),
            with("use", "enc"),
            with("alg", "ES256"),
            with("x", "AA"),
            json!("key"),
        ];
        for key in unusable {
            assert!(KeySet::fetched(vec![key.clone()]).is_none(), "{key}");
            let set = KeySet::fetched(vec![key, ed("good")]).unwrap();
            assert!(set.find(Some("other")).is_none());
            assert_eq!(set.find(Some("good")).unwrap().algorithm, Algorithm::EdDSA);
            let read = KeySet::parse(&set.to_bytes()).unwrap();
            assert!(read.find(None).is_some(), "there is only one key");
        }
        let two = KeySet::fetched(vec![ed("a"), ed("b")]).unwrap();
        assert!(two.find(None).is_none());
    }
}
