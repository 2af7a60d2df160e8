//! Digests of requests, and the encryption of replies. The store alone reveals neither.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use chacha20poly1305::aead::{Aead, Payload};
use chacha20poly1305::{KeyInit, XChaCha20Poly1305, XNonce};
use hmac::{Hmac, Mac};
use http::Request;
use http::header::IF_MATCH;
use mercato_shop::id;
use mercato_shop::types::{Caller, Error};
use sha2::{Digest, Sha256, Sha512};

/// The length of a nonce of XChaCha20-Poly1305, in bytes. It is long enough for random nonces.
const NONCE: usize = 24;

/// Computes keyed digests. Without the shop's secret, nobody can test guesses of a request against a digest.
pub struct Seal(Hmac<Sha256>);

impl Seal {
    /// Returns the seal of this secret.
    pub fn new(secret: &str) -> Self {
        // This digest is as long as a block of SHA-256, so HMAC uses it as its key unchanged.
        Self(<Hmac<Sha256> as Mac>::new(&Sha512::digest(secret)))
    }

    fn mac<'a>(&self, parts: impl IntoIterator<Item = &'a [u8]>) -> Hmac<Sha256> {
        let mut mac = self.0.clone();
        for part in parts {
            mac.update(&(part.len() as u64).to_le_bytes());
            mac.update(part);
        }
        mac
    }

    fn digest<'a>(&self, parts: impl IntoIterator<Item = &'a [u8]>) -> String {
        format!("{:x}", self.mac(parts).finalize().into_bytes())
    }

    /// Returns the cipher of a record's reply. Its key depends on the shop's secret and the client's key.
    pub fn cipher(&self, id: &str, key: &str) -> Cipher {
        let secret = self.mac(["idempotent-answer", id, key].map(str::as_bytes));
        Cipher {
            cipher: XChaCha20Poly1305::new(&secret.finalize().into_bytes()),
            id: id.to_owned(),
        }
    }

    /// Returns the id of the record of a caller's key.
    pub fn record_id(&self, caller: &Caller, address: Option<&str>, key: &str) -> String {
        let (kind, owner) = match caller {
            Caller::User(user) => ("user", user.user_id.as_str()),
            Caller::ApiKey => ("api-key", ""),
            Caller::Anonymous => ("anonymous", address.unwrap_or_default()),
        };
        self.digest(["idempotency-key", kind, owner, key].map(str::as_bytes))
    }

    /// Returns the digest of a request.
    pub fn request_digest(&self, request: &Request<Vec<u8>>) -> String {
        let target = request
            .uri()
            .path_and_query()
            .map_or("", |target| target.as_str());
        let if_match = request.headers().get(IF_MATCH);
        self.digest([
            b"idempotent-request".as_slice(),
            request.method().as_str().as_bytes(),
            target.as_bytes(),
            // An edit of another version is another request.
            if_match.map_or(b"", |value| value.as_bytes()),
            request.body(),
        ])
    }
}

/// Encrypts the reply of one record with XChaCha20-Poly1305 (draft-irtf-cfrg-xchacha).
pub struct Cipher {
    cipher: XChaCha20Poly1305,
    id: String,
}

impl Cipher {
    /// Encrypts a reply, as text.
    ///
    /// # Errors
    /// [`Error::Internal`] without randomness.
    pub fn encrypt(&self, reply: &[u8]) -> Result<String, Error> {
        let nonce: [u8; NONCE] = id::secret()?;
        let payload = Payload {
            msg: reply,
            aad: self.id.as_bytes(),
        };
        let encrypted = self
            .cipher
            .encrypt(&XNonce::from(nonce), payload)
            .map_err(|_| Error::Internal("a reply cannot be encrypted".into()))?;
        Ok(STANDARD_NO_PAD.encode([nonce.as_slice(), &encrypted].concat()))
    }

    /// Decrypts a reply. Returns `None` if another cipher encrypted it, or if it was changed.
    pub fn decrypt(&self, text: &str) -> Option<Vec<u8>> {
        let bytes = STANDARD_NO_PAD.decode(text).ok()?;
        let (nonce, encrypted) = bytes.split_first_chunk::<NONCE>()?;
        let payload = Payload {
            msg: encrypted,
            aad: self.id.as_bytes(),
        };
        self.cipher.decrypt(&XNonce::from(*nonce), payload).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decrypts_only_with_the_same_key() {
        let seal = Seal::new("a secret of more than 16 bytes");
        let cipher = seal.cipher("id", "k");
        let encrypted = cipher.encrypt(b"a token").unwrap();
        assert_eq!(cipher.decrypt(&encrypted).unwrap(), b"a token");
        assert_ne!(cipher.encrypt(b"a token").unwrap(), encrypted);
        for other in [
            seal.cipher("id", "l"),
            seal.cipher("other", "k"),
            Seal::new("another secret of some length").cipher("id", "k"),
        ] {
            assert_eq!(other.decrypt(&encrypted), None);
        }
        let changed = encrypted.replace(|char: char| char.is_lowercase(), "A");
        for wrong in ["", "A", "?", &changed] {
            assert_eq!(cipher.decrypt(wrong), None);
        }
    }

    #[test]
    fn separates_the_keys_of_callers() {
        let seal = Seal::new("a secret of more than 16 bytes");
        let guest = Caller::Anonymous;
        let ids = [
            seal.record_id(&Caller::ApiKey, None, "k"),
            seal.record_id(&guest, None, "k"),
            seal.record_id(&guest, Some("192.0.2.1"), "k"),
            seal.record_id(&guest, None, "l"),
            Seal::new("another secret of some length").record_id(&guest, None, "k"),
        ];
        let different: std::collections::BTreeSet<_> = ids.iter().collect();
        assert_eq!(different.len(), ids.len());
    }
}
