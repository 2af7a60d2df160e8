//! Refresh tokens: opaque, random, and known to the store by hashes only.
//!
//! A token has two random parts: what all tokens of one session have in common, by which the session is found, and 256 bits that
//! only this one has. Whoever shows the first without the present second holds a token that was used already: nobody else
//! knows the first. So all used tokens are recognised, and none has to be kept.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use mercato_shop::id;
use mercato_shop::types::Error;
use sha2::{Digest, Sha256};

const FAMILY: usize = 16;
const TURN: usize = 32;

/// A refresh token.
pub struct RefreshToken {
    family: [u8; FAMILY],
    turn: [u8; TURN],
}

impl RefreshToken {
    /// The first token of a session.
    pub fn first() -> Result<Self, Error> {
        Ok(Self {
            family: id::secret()?,
            turn: id::secret()?,
        })
    }

    /// The token after this one.
    pub fn next(&self) -> Result<Self, Error> {
        Ok(Self {
            family: self.family,
            turn: id::secret()?,
        })
    }

    /// The token that a client sent; none for what can't be one.
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        let (family, turn) = bytes.split_first_chunk()?;
        Some(Self {
            family: *family,
            turn: turn.try_into().ok()?,
        })
    }

    /// As clients get it.
    pub fn text(&self) -> String {
        URL_SAFE_NO_PAD.encode([self.family.as_slice(), &self.turn].concat())
    }

    /// What the store knows of the part that all tokens of a session share.
    pub fn family(&self) -> String {
        hash(&self.family)
    }

    /// What the store knows of the part that is this token's own.
    pub fn turn(&self) -> String {
        hash(&self.turn)
    }
}

/// Random bytes need neither salt nor a slow hash.
fn hash(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_read_as_it_was_written() {
        let token = RefreshToken::first().unwrap();
        let read = RefreshToken::parse(&token.text()).unwrap();
        assert_eq!((read.family(), read.turn()), (token.family(), token.turn()));
        assert_eq!(token.text().len(), 64);
    }

    #[test]
    fn the_next_token_is_of_the_same_family_and_no_other_is() {
        let (token, other) = (RefreshToken::first().unwrap(), RefreshToken::first().unwrap());
        let next = token.next().unwrap();
        assert_eq!(next.family(), token.family());
        assert_ne!(next.turn(), token.turn());
        assert_ne!(other.family(), token.family());
    }

    #[test]
    fn what_is_no_token_is_not_read() {
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
