//! `TOKEN_KEYS`: the Ed25519 keys of the shop's own access tokens, as a set of JSON Web Keys (RFC 7517, RFC 8037).
//!
//! The first key signs, all of them verify: to change keys, the new one is put first, and the old one is taken away when no token
//! that it has signed can still be good.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde_json::{Value, json};

/// The bytes of each half of a key.
const LENGTH: usize = 32;

/// What a private key is told as: it names nothing of the text, which is a secret.
const WRONG: &str = "TOKEN_KEYS must be a JSON Web Key Set: {\"keys\": [{\"kty\": \"OKP\", \"crv\": \"Ed25519\", \"kid\": \"…\", \"x\": \"…\", \"d\": \"…\"}]}, the key that signs first";

/// The keys, at least one.
#[allow(missing_debug_implementations, reason = "it holds a secret")]
pub struct TokenKeys {
    keys: Vec<TokenKey>,
}

/// The key that signs.
#[allow(missing_debug_implementations, reason = "it holds a secret")]
pub struct Signer {
    /// What tokens name it by, as `kid`.
    pub id: String,
    /// Both halves in PKCS #8's DER (RFC 5958, RFC 8410), by which a reader sees whether they belong together.
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
    /// Reads the setting. Who only verifies needs no private halves, `d`.
    ///
    /// # Errors
    /// What would be right, and nothing of what was given.
    pub fn parse(text: &str) -> Result<Self, String> {
        let set: Set = serde_json::from_str(text).map_err(|_| WRONG)?;
        let keys: Option<Vec<_>> = set.keys.into_iter().map(Key::read).collect();
        let keys = keys.filter(|keys| !keys.is_empty()).ok_or(WRONG)?;
        let unique = |key: &TokenKey| keys.iter().filter(|other| other.id == key.id).count() == 1;
        if keys.iter().all(unique) {
            Ok(Self { keys })
        } else {
            Err("TOKEN_KEYS must give each key a `kid` of its own".into())
        }
    }

    /// The first, which signs.
    ///
    /// # Errors
    /// What would be right, where it has no private half.
    pub fn signer(&self) -> Result<Signer, String> {
        let first = self.keys.first();
        let signer = first.and_then(|key| {
            Some(Signer {
                id: key.id.clone(),
                pkcs8: key.pkcs8()?,
            })
        });
        signer.ok_or_else(|| "TOKEN_KEYS must give its first key, which signs, a private half, `d`".into())
    }

    /// All of them, the one that signs first.
    pub fn iter(&self) -> impl Iterator<Item = &TokenKey> {
        self.keys.iter()
    }

    /// The public halves as a set of JSON Web Keys, for everybody who wants to verify.
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
    /// What tokens name it by, as `kid`.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Its public half (RFC 8032).
    #[must_use]
    pub const fn public(&self) -> &[u8] {
        &self.public
    }

    /// Both halves; none of a key without its private one.
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
    fn the_published_set_has_all_keys_and_nothing_private() {
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
    fn a_key_without_its_private_half_verifies_only() {
        let mut key = key("a");
        key.as_object_mut().unwrap().remove("d");
        let keys = parse(&[key]).map_err(|_| ()).unwrap();
        assert!(
            keys.iter()
                .all(|key| key.pkcs8().is_none() && key.public().len() == LENGTH)
        );
        let refused = keys.signer().err().unwrap();
        assert!(refused.contains("TOKEN_KEYS"), "{refused}");
    }

    #[test]
    fn what_is_no_set_of_such_keys_is_refused_without_repeating_it() {
        let with = |field: &str, value: &str| {
            let mut key = key("a");
            key[field] = value.into();
            key
        };
        let wrong = [
            vec![],
            vec![key("a"), key("a")],
            vec![with("kty", "RSA")],
            vec![with("crv", "X25519")],
            vec![with("kid", "")],
            vec![with("x", &X[1..])],
            vec![with("d", &D[1..])],
            vec![with("d", "j5/mCNsZISkI8c0RxK3MDcPP2zr5RbDVqWXUGvVJKkA")],
        ];
        for keys in wrong {
            let refused = parse(&keys).err().unwrap();
            assert!(
                refused.contains("TOKEN_KEYS") && !refused.contains(&D[1..]),
                "{refused}"
            );
        }
        assert!(
            TokenKeys::parse(&format!("\"{D}\""))
                .err()
                .is_some_and(|refused| !refused.contains(D))
        );
    }
}
