//! What stands before the gateway in Spin: the gateway answers each request; then, where the database was used, the events that are due are handed
//! on. So does `POST /outbox/deliver`, for whoever keeps time where no requests come. Dead letters are listed and replayed here, too.

#[cfg(target_arch = "wasm32")]
mod component;

use mercato_ports::events::DeadLetter;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq as _;

/// What a request is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Route {
    /// The shop, which the gateway answers for.
    Shop,
    /// Hand on what is due.
    Deliver,
    /// List the events that nobody took.
    DeadLetters,
    /// Make one of them due again.
    Replay(u64),
    /// Something else about the outbox: its path is wrong, or its method.
    Unknown,
}

impl Route {
    /// What a request of this method and path, which may have a query, is about.
    #[must_use]
    pub fn new(method: &str, path: &str) -> Self {
        let path = path.split('?').next().unwrap_or_default();
        let Some(rest) = path
            .strip_prefix("/outbox")
            .filter(|rest| rest.is_empty() || rest.starts_with('/'))
        else {
            return Self::Shop;
        };
        let replayed = || {
            rest.strip_prefix("/dead-letters/")?
                .strip_suffix("/replay")?
                .parse()
                .ok()
        };
        match (method, rest) {
            ("POST", "/deliver") => Self::Deliver,
            ("GET", "/dead-letters") => Self::DeadLetters,
            ("POST", _) => replayed().map_or(Self::Unknown, Self::Replay),
            _ => Self::Unknown,
        }
    }
}

/// Whether a key is the shop's. Digests have one length, so that the comparison tells nothing of the secret's.
#[must_use]
pub fn is_key(key: &[u8], secret: &str) -> bool {
    Sha256::digest(key).ct_eq(&Sha256::digest(secret)).into()
}

/// Dead letters as they are shown.
#[must_use]
pub fn shown(letters: &[DeadLetter]) -> Value {
    let letter = |letter: &DeadLetter| {
        json!({
            "id": letter.id,
            "subscriber": letter.subscriber,
            "event": letter.event.id,
            "kind": letter.event.kind,
            "subject": letter.event.subject,
            "attempts": letter.attempts,
            "reason": letter.reason,
        })
    };
    letters.iter().map(letter).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_outbox_is_not_the_shops() {
        for path in ["/", "/graphql", "/graphql?query={outbox}", "/outboxes", ""] {
            assert_eq!(Route::new("POST", path), Route::Shop, "{path}");
        }
        assert_eq!(Route::new("POST", "/outbox/deliver"), Route::Deliver);
        assert_eq!(
            Route::new("GET", "/outbox/dead-letters?limit=1"),
            Route::DeadLetters
        );
        assert_eq!(
            Route::new("POST", "/outbox/dead-letters/12/replay"),
            Route::Replay(12)
        );
        for (method, path) in [
            ("GET", "/outbox"),
            ("GET", "/outbox/deliver"),
            ("POST", "/outbox/dead-letters/x/replay"),
            ("POST", "/outbox/dead-letters"),
        ] {
            assert_eq!(Route::new(method, path), Route::Unknown, "{method} {path}");
        }
    }

    #[test]
    fn only_the_key_itself_is_the_key() {
        assert!(is_key(b"a secret of sixteen", "a secret of sixteen"));
        assert!(!is_key(b"a secret of sixteeN", "a secret of sixteen"));
        assert!(!is_key(b"", "a secret of sixteen"));
    }
}
