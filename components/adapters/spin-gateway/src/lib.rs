//! The front of the gateway in Spin. The gateway responds to each request. If the request used the database,
//! the due events are delivered after the response.
//!
//! `POST /outbox/deliver` delivers due events too, for a timer in times without requests. The other paths
//! below `/outbox` list and replay dead letters.

#[cfg(target_arch = "wasm32")]
mod component;

use mercato_ports::events::DeadLetter;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq as _;

/// The operation that a request selects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Route {
    /// Pass the request to the gateway.
    Gateway,
    /// Deliver the due events.
    Deliver,
    /// List the dead letters.
    DeadLetters,
    /// Deliver a dead letter again.
    Replay(u64),
    /// Another path or method below `/outbox`.
    Unknown,
}

impl Route {
    /// Returns the route of a method and a path, which may have a query.
    #[must_use]
    pub fn new(method: &str, path: &str) -> Self {
        let path = path.split('?').next().unwrap_or_default();
        let Some(rest) = path
            .strip_prefix("/outbox")
            .filter(|rest| rest.is_empty() || rest.starts_with('/'))
        else {
            return Self::Gateway;
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

/// Returns whether a key is the secret. Compares digests of one length, so that the duration does not reveal
/// the length of the secret.
#[must_use]
pub fn is_secret(key: &[u8], secret: &str) -> bool {
    Sha256::digest(key).ct_eq(&Sha256::digest(secret)).into()
}

/// Returns the JSON of a list of dead letters.
#[must_use]
pub fn dead_letters_json(letters: &[DeadLetter]) -> Value {
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
    fn routes_every_path_outside_of_the_outbox_to_the_gateway() {
        for path in ["/", "/graphql", "/graphql?query={outbox}", "/outboxes", ""] {
            assert_eq!(Route::new("POST", path), Route::Gateway, "{path}");
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
    fn accepts_only_the_secret_itself() {
        assert!(is_secret(b"a secret of sixteen", "a secret of sixteen"));
        assert!(!is_secret(b"a secret of sixteeN", "a secret of sixteen"));
        assert!(!is_secret(b"", "a secret of sixteen"));
    }
}
