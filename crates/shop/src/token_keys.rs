//! `TOKEN_KEYS`: the Ed25519 keys of the shop's access tokens, as a JSON Web Key Set (RFC 7517, RFC 8037).
//!
//! The first key signs, and all keys verify. To change the key, put a new one in front. Remove the old one
//! when the tokens that it signed have expired.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde_json::{Value, json};

/// The length of a private or public key, in bytes.
const LENGTH: usize = 32;

/// The error for an invalid set. It does not repeat the text, which is a secret.
const INVALID: &str = "TOKEN_KEYS must be a JSON Web Key Set: {\"keys\": [{\"kty\": \"OKP\", \"crv\": \"Ed25519\", \"kid\": \"…\", \"x\": \"…\", \"d\": \"…\"}]}, with the signing key first";

/// The keys, at least one.
#[allow(missing_debug_implementations, reason = "it holds a secret")]
pub struct TokenKeys {
    keys: Vec<TokenKey>,
}

/// The signing key.
#[allow(missing_debug_implementations, reason = "it holds a secret")]
pub struct Signer {
    /// The `kid` of its tokens.
    pub id: String,
    /// The private and the public key, in PKCS #8 DER (RFC 5958, RFC 8410).
    pub pkcs8: Vec<u8>,
}

/// One key.
#[allow(missing_debug_implementations, reason = "it holds a secret")]
pub struct TokenKey {
    id: String,
    public: [u8; LENGTH],
    private: Option<[u8; LENGTH]>,
}

#[derive(Deserialize)]
struct Set {
    keys: Vec<Key>,
}

#[derive(Deserialize)]
struct Key {
    kty: String,
    crv: String,
    kid: String,
    x: String,
    d: Option<String>,
}

impl TokenKeys {
    /// Parses the setting. Private keys, `d`, are optional, because verification does not need them.
    ///
    /// # Errors
    /// The expected form.
    pub fn parse(text: &str) -> Result<Self, String> {
        let set: Set = serde_json::from_str(text).map_err(|_| INVALID)?;
        let keys: Option<Vec<_>> = set.keys.into_iter().map(Key::read).collect();
        let keys = keys.filter(|keys| !keys.is_empty()).ok_or(INVALID)?;
        let unique = |key: &TokenKey| keys.iter().filter(|other| other.id == key.id).count() == 1;
        if keys.iter().all(unique) {
            Ok(Self { keys })
        } else {
            Err("TOKEN_KEYS must have a unique `kid` for each key".into())
        }
    }

    /// Returns the first key, which signs.
    ///
    /// # Errors
    /// A sentence for the operator if it has no private key.
    pub fn signer(&self) -> Result<Signer, String> {
        let first = self.keys.first();
        let signer = first.and_then(|key| {
            Some(Signer {
                id: key.id.clone(),
                pkcs8: key.pkcs8()?,
            })
        });
        signer.ok_or_else(|| "TOKEN_KEYS must have a private key, `d`, in its first key, which signs".into())
    }

    /// Returns all keys, the signing key first.
    pub fn iter(&self) -> impl Iterator<Item = &TokenKey> {
        self.keys.iter()
    }

    /// Returns the public keys as a JSON Web Key Set.
    #[must_use]
    pub fn public_set(&self) -> Value {
        let public = |key: &TokenKey| {
            json!({
                "kty": "OKP", "crv": "Ed25519", "use": "sig", "alg": "EdDSA", "kid": key.id,
                "x": URL_SAFE_NO_PAD.encode(key.public),
            })
        };
        json!({ "keys": self.keys.iter().map(public).collect::<Vec<_>>() })
    }
}

impl TokenKey {
    /// Returns the `kid` of its tokens.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Returns the public key (RFC 8032).
    #[must_use]
    pub const fn public(&self) -> &[u8] {
        &self.public
    }

    /// Returns the private and the public key, if there is a private one.
    fn pkcs8(&self) -> Option<Vec<u8>> {
        const BEFORE_PRIVATE: [u8; 16] = [
            0x30, 0x51, 0x02, 0x01, 0x01, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20,
        ];
        const BEFORE_PUBLIC: [u8; 3] = [0x81, 0x21, 0x00];
        let private = self.private.as_ref()?;
        Some([&BEFORE_PRIVATE[..], private, &BEFORE_PUBLIC, &self.public].concat())
    }
}

impl Key {
    fn read(self) -> Option<TokenKey> {
        let bytes = |text: &str| URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok();
        if self.kty != "OKP" || self.crv != "Ed25519" || self.kid.is_empty() {
            return None;
        }
        Some(TokenKey {
            public: bytes(&self.x)?,
            private: match &self.d {
                Some(text) => Some(bytes(text)?),
                None => None,
            },
            id: self.kid,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const D: &str = "j59mCNsZISkI8c0RxK3MDcPP2zr5RbDVqWXUGvVJKkA";
    const X: &str = "4KnS_Nl9l2GMkoLi6UQbeH8iTmLvUA93qCa255VGKKI";

    fn key(id: &str) -> Value {
        json!({ "kty": "OKP", "crv": "Ed25519", "kid": id, "d": D, "x": X })
    }

    fn parse(keys: &[Value]) -> Result<TokenKeys, String> {
        TokenKeys::parse(&json!({ "keys": keys }).to_string())
    }

    #[test]
    fn the_public_set_has_all_keys_and_no_private_one() {
        let keys = parse(&[key("b"), key("a")]).map_err(|_| ()).unwrap();
        assert_eq!(keys.iter().map(TokenKey::id).collect::<Vec<_>>(), ["b", "a"]);
        let public = keys.public_set();
        assert_eq!(
            (&public["keys"][0]["kid"], &public["keys"][1]["x"]),
            (&json!("b"), &json!(X))
        );
        assert!(!public.to_string().contains(D), "{public}");
    }

    #[test]
    fn a_key_without_a_private_key_only_verifies() {
        let mut key = key("a");
        key.as_object_mut().unwrap().remove("d");
        let keys = parse(&[key]).map_err(|_| ()).unwrap();
        assert!(
            keys.iter()
                .all(|key| key.pkcs8().is_none() && key.public().len() == LENGTH)
        );
        let error = keys.signer().err().unwrap();
        assert!(error.contains("TOKEN_KEYS"), "{error}");
    }

    #[test]
    fn rejects_an_invalid_set_without_repeating_it() {
        let with = |field: &str, value: &str| {
            let mut key = key("a");
            key[field] = value.into();
            key
        };
        let invalid = [
            vec![],
            vec![key("a"), key("a")],
            vec![with("kty", "RSA")],
            vec![with("crv", "X25519")],
            vec![with("kid", "")],
            vec![with("x", &X[1..])],
            vec![with("d", &D[1..])],
            vec![with("d", "j5/mCNsZISkI8c0RxK3MDcPP2zr5RbDVqWXUGvVJKkA")],
        ];
        for keys in invalid {
            let error = parse(&keys).err().unwrap();
            assert!(
                error.contains("TOKEN_KEYS") && !error.contains(&D[1..]),
                "{error}"
            );
        }
        assert!(
            TokenKeys::parse(&format!("\"{D}\""))
                .err()
                .is_some_and(|error| !error.contains(D))
        );
    }
}
