//! Refresh tokens: opaque and random. The store has hashes of them only.
//!
//! A token has two random parts. All tokens of a session share the family, by which the session is found. The
//! rotation, of 256 bits, belongs to one token. If the family is known and the rotation is not the current
//! one, the token was used before, because no other holder knows the family. So reuse is detected although
//! used tokens are not stored.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use mercato_shop::id;
use mercato_shop::types::Error;
use sha2::{Digest, Sha256};

const FAMILY_BYTES: usize = 16;
const ROTATION_BYTES: usize = 32;

pub struct RefreshToken {
    family: [u8; FAMILY_BYTES],
    rotation: [u8; ROTATION_BYTES],
}

impl RefreshToken {
    /// Generates the first token of a session.
    pub fn first() -> Result<Self, Error> {
        Ok(Self {
            family: id::secret()?,
            rotation: id::secret()?,
        })
    }

    /// Generates the token that follows this one.
    pub fn next(&self) -> Result<Self, Error> {
        Ok(Self {
            family: self.family,
            rotation: id::secret()?,
        })
    }

    /// Parses the token that a client sent. Returns `None` if the text does not have the form of a token.
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        let (family, rotation) = bytes.split_first_chunk()?;
        Some(Self {
            family: *family,
            rotation: rotation.try_into().ok()?,
        })
    }

    /// Returns the token as clients get it.
    pub fn text(&self) -> String {
        URL_SAFE_NO_PAD.encode([self.family.as_slice(), &self.rotation].concat())
    }

    /// Returns the hash of the family.
    pub fn family(&self) -> String {
        hash(&self.family)
    }

    /// Returns the hash of the rotation.
    pub fn rotation(&self) -> String {
        hash(&self.rotation)
    }
}

/// Hashes random bytes, which need neither salt nor a slow hash.
fn hash(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parses_the_text_of_a_token() {
        let token = RefreshToken::first().unwrap();
        let parsed = RefreshToken::parse(&token.text()).unwrap();
        assert_eq!(
            (parsed.family(), parsed.rotation()),
            (token.family(), token.rotation())
        );
        assert_eq!(token.text().len(), 64);
    }

    #[test]
    fn keeps_the_family_in_the_next_token_and_changes_the_rotation() {
        let (token, other) = (RefreshToken::first().unwrap(), RefreshToken::first().unwrap());
        let next = token.next().unwrap();
        assert_eq!(next.family(), token.family());
        assert_ne!(next.rotation(), token.rotation());
        assert_ne!(other.family(), token.family());
    }

    #[test]
    fn rejects_a_text_that_is_not_a_token() {
        let good = RefreshToken::first().unwrap().text();
        for text in [
            "",
            "x",
            &good[1..],
            &format!("{good}A"),
            &good.replace(&good[..1], "%"),
        ] {
            assert!(RefreshToken::parse(text).is_none(), "{text}");
        }
    }
}
