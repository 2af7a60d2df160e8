//! What of a request is known to the store: digests, and answers that only who has the key can read.

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

/// The length of a nonce of XChaCha20-Poly1305 in bytes: enough for random ones.
const NONCE: usize = 24;

/// Makes digests by which nobody who reads the store can try what the requests said.
#[derive(Clone)]
pub struct Seal(Hmac<Sha256>);

impl Seal {
    /// The seal of this secret.
    pub fn new(secret: &str) -> Self {
        // As long as a block of the other digest, and so a key as it is.
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

    /// The lock of the answer in a record of this id. The store has the key of neither: it takes the shop's secret, and the client's key.
    pub fn lock(&self, id: &str, key: &str) -> Lock {
        let secret = self.mac(["idempotent-answer", id, key].map(str::as_bytes));
        Lock {
            cipher: XChaCha20Poly1305::new(&secret.finalize().into_bytes()),
            id: id.to_owned(),
        }
    }

    /// The id of the record of a key, which is the caller's own.
    pub fn id(&self, caller: &Caller, address: Option<&str>, key: &str) -> String {
        let (kind, whose) = match caller {
            Caller::User(user) => ("user", user.user_id.as_str()),
            Caller::ApiKey => ("api-key", ""),
            Caller::Anonymous => ("anonymous", address.unwrap_or_default()),
        };
        self.digest(["idempotency-key", kind, whose, key].map(str::as_bytes))
    }

    /// The digest of what a request asks.
    pub fn request(&self, request: &Request<Vec<u8>>) -> String {
        let target = request
            .uri()
            .path_and_query()
            .map_or("", |target| target.as_str());
        self.digest([
            b"idempotent-request".as_slice(),
            request.method().as_str().as_bytes(),
            target.as_bytes(),
            // An edit of another version is another edit.
            request
                .headers()
                .get(IF_MATCH)
                .map_or(b"", |value| value.as_bytes()),
            request.body(),
        ])
    }
}

/// A lock of one answer: XChaCha20-Poly1305 (draft-irtf-cfrg-xchacha).
pub struct Lock {
    cipher: XChaCha20Poly1305,
    id: String,
}

impl Lock {
    /// Locks an answer up, as text.
    ///
    /// # Errors
    /// There is no randomness, or it is too large.
    pub fn close(&self, answer: &[u8]) -> Result<String, Error> {
        let nonce: [u8; NONCE] = id::secret()?;
        let payload = Payload {
            msg: answer,
            aad: self.id.as_bytes(),
        };
        let closed = self
            .cipher
            .encrypt(&XNonce::from(nonce), payload)
            .map_err(|_| Error::Internal("an answer can't be locked".into()))?;
        Ok(STANDARD_NO_PAD.encode([nonce.as_slice(), &closed].concat()))
    }

    /// What was locked up; none where it was by another lock, or was changed.
    pub fn open(&self, text: &str) -> Option<Vec<u8>> {
        let bytes = STANDARD_NO_PAD.decode(text).ok()?;
        let (nonce, closed) = bytes.split_first_chunk::<NONCE>()?;
        let payload = Payload {
            msg: closed,
            aad: self.id.as_bytes(),
        };
        self.cipher.decrypt(&XNonce::from(*nonce), payload).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_read_with_its_key_alone() {
        let seal = Seal::new("a secret of more than 16 bytes");
        let lock = seal.lock("id", "k");
        let closed = lock.close(b"a token").unwrap();
        assert_eq!(lock.open(&closed).unwrap(), b"a token");
        assert_ne!(lock.close(b"a token").unwrap(), closed);
        for other in [
            seal.lock("id", "l"),
            seal.lock("other", "k"),
            Seal::new("another secret of some length").lock("id", "k"),
        ] {
            assert_eq!(other.open(&closed), None);
        }
        for wrong in [
            "",
            "A",
            "?",
            &closed.replace(|char: char| char.is_lowercase(), "A"),
        ] {
            assert_eq!(lock.open(wrong), None);
        }
    }

    #[test]
    fn keys_are_their_callers_own() {
        let seal = Seal::new("a secret of more than 16 bytes");
        let nobody = Caller::Anonymous;
        let ids = [
            seal.id(&Caller::ApiKey, None, "k"),
            seal.id(&nobody, None, "k"),
            seal.id(&nobody, Some("192.0.2.1"), "k"),
            seal.id(&nobody, None, "l"),
            Seal::new("another secret of some length").id(&nobody, None, "k"),
        ];
        let different: std::collections::BTreeSet<_> = ids.iter().collect();
        assert_eq!(different.len(), ids.len());
    }
}
