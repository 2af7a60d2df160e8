//! A provider's public keys, as a JSON Web Key Set (RFC 7517) tells them.

use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyAlgorithm, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey};
use mercato_shop::id;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// For how long a set is not asked for again, in milliseconds: an hour.
const FRESH: u64 = 60 * 60 * 1_000;

/// The least length of an RSA key's modulus in base64: 2048 bits (RFC 7518, 3.3).
const RSA_MODULUS: usize = 342;

/// The length of an Ed25519 key in base64: 32 bytes.
const ED25519: usize = 43;

/// The keys that signatures can be checked with, and when they were fetched.
#[derive(Debug, Serialize, Deserialize)]
pub struct KeySet {
    /// Milliseconds since the Unix epoch, UTC.
    fetched_at: u64,
    keys: Vec<Jwk>,
}

/// A key, and the only algorithm that it is for.
pub struct PublicKey {
    pub algorithm: Algorithm,
    pub key: DecodingKey,
}

impl KeySet {
    /// What is of use among the keys that a provider tells now; none where nothing is.
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

    /// One that was kept.
    pub fn read(bytes: &[u8]) -> Option<Self> {
        serde_json::from_slice(bytes).ok()
    }

    /// As it is kept.
    pub fn bytes(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_default()
    }

    /// How long ago it was fetched, in milliseconds.
    pub const fn age(&self, now: u64) -> u64 {
        now.saturating_sub(self.fetched_at)
    }

    /// Whether it need not be fetched again yet.
    pub fn is_fresh(&self) -> bool {
        self.age(id::now()) < FRESH
    }

    /// The key of this id; of no id, the only key that there is.
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

/// What a key is for; none of those that signatures are not checked with here.
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
    fn keys_that_are_of_no_use_do_no_harm_to_the_others() {
        let with = |field: &str, value: &str| {
            let mut key = ed("other");
            key[field] = value.into();
            key
        };
        let useless = [
            json!({ "kty": "oct", "kid": "other", "k": "c2VjcmV0", "alg": "HS256" }),
            json!({ "kty": "EC", "crv": "secp256k1", "kid": "other", "x": "AA", "y": "AA" }),
            json!({ "kty": "EC", "crv": "P-384", "kid": "other", "x": "AA", "y": "AA" }),
            json!({ "kty": "RSA", "kid": "other", "n": "AQAB", "e": "AQAB" }),
            with("use", "enc"),
            with("alg", "ES256"),
            with("x", "AA"),
            json!("key"),
        ];
        for key in useless {
            assert!(KeySet::fetched(vec![key.clone()]).is_none(), "{key}");
            let set = KeySet::fetched(vec![key, ed("good")]).unwrap();
            assert!(set.find(Some("other")).is_none());
            assert_eq!(set.find(Some("good")).unwrap().algorithm, Algorithm::EdDSA);
            assert!(
                KeySet::read(&set.bytes()).unwrap().find(None).is_some(),
                "there is one only"
            );
        }
        assert!(
            KeySet::fetched(vec![ed("a"), ed("b")])
                .unwrap()
                .find(None)
                .is_none()
        );
    }
}
