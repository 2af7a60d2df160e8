//! The codes of verifications: how they are made and kept, and when there may be another one.

use hmac::{Hmac, Mac};
use mercato_common::accounts::Channel;
use mercato_common::collection::Collection;
use mercato_common::id;
use mercato_common::ports::Ports;
use mercato_common::types::Error;
use serde::{Deserialize, Serialize};
use sha2::Sha256;

use crate::settings;

pub const VERIFICATIONS: Collection<VerificationBody> = Collection::new("accounts.verifications");

/// How long a code is good, in milliseconds.
const LIFETIME: u64 = 10 * 60 * 1_000;

const TRIES: i64 = 5;

/// How long it takes until the next code is sent, and how many are sent within a day, so that nobody's mailbox is flooded and
/// nobody guesses for long.
const PAUSE: u64 = 60 * 1_000;
pub const DAY: u64 = 24 * 60 * 60 * 1_000;
const A_DAY: u64 = 10;

/// What is kept of the codes that were sent to one user over one channel.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct VerificationBody {
    /// The keyed hash of the last code and of where it was sent.
    hash: Vec<u8>,
    /// How many tries are left.
    left: i64,
    pub sent_at: u64,
    pub expires_at: u64,
    /// The first of those that count for the limit of a day, and how many there were.
    first_sent_at: u64,
    sent: u64,
}

impl VerificationBody {
    /// For a code that is sent now, after these, if there may be one.
    pub fn after(kept: Option<&Self>, now: u64, hash: Vec<u8>) -> Result<Self, Error> {
        let (first_sent_at, sent) = match kept {
            Some(kept) => kept.day(now)?,
            None => (now, 0),
        };
        Ok(Self {
            hash,
            left: TRIES,
            sent_at: now,
            expires_at: now + LIFETIME,
            first_sent_at,
            sent: sent + 1,
        })
    }

    /// Without the code, which was not sent; whether it counts as if it was.
    pub fn take_back(&mut self, counts: bool) {
        self.left = 0;
        if !counts {
            self.sent = self.sent.saturating_sub(1);
            self.sent_at = 0;
        }
    }

    /// Whether this is the hash of a code that is good now; in constant time.
    pub fn takes(&self, mac: Hmac<Sha256>, now: u64) -> bool {
        mac.verify_slice(&self.hash).is_ok() && now < self.expires_at
    }

    /// When the first code of this day was sent, and how many were, if there may be another one now.
    fn day(&self, now: u64) -> Result<(u64, u64), Error> {
        let wait = |until: u64| {
            let seconds = until.saturating_sub(now).div_ceil(1_000);
            Error::RateLimited(u32::try_from(seconds).unwrap_or(u32::MAX))
        };
        if now < self.sent_at + PAUSE {
            return Err(wait(self.sent_at + PAUSE));
        }
        if now >= self.first_sent_at + DAY {
            return Ok((now, 0));
        }
        if self.sent >= A_DAY {
            return Err(wait(self.first_sent_at + DAY));
        }
        Ok((self.first_sent_at, self.sent))
    }
}

/// A new code.
pub fn new() -> Result<String, Error> {
    Ok(format!("{:06}", u64::from_le_bytes(id::secret()?) % 1_000_000))
}

/// The id of what is kept of a user's codes.
pub fn key(user_id: &str, channel: Channel) -> String {
    format!("{user_id}.{}", name(channel))
}

/// The keyed hash of a code that was sent to this address of this user.
pub fn mac(
    ports: &impl Ports,
    user_id: &str,
    channel: Channel,
    to: &str,
    code: &str,
) -> Result<Hmac<Sha256>, Error> {
    let secret = settings::secret(ports)?;
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes())
        .map_err(|error| Error::Internal(format!("a code can't be hashed: {error}")))?;
    for part in ["verification", user_id, name(channel), to, code] {
        mac.update(&part.len().to_le_bytes());
        mac.update(part.as_bytes());
    }
    Ok(mac)
}

/// A channel as it is stored and told.
pub const fn name(channel: Channel) -> &'static str {
    match channel {
        Channel::Email => "email",
        Channel::Phone => "phone",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_sent_with_pauses_and_so_many_a_day() {
        let body = |sent| VerificationBody {
            hash: Vec::new(),
            left: 0,
            sent_at: 1_000,
            expires_at: 0,
            first_sent_at: 1_000,
            sent,
        };
        assert_eq!(body(1).day(31_000), Err(Error::RateLimited(30)));
        assert_eq!(body(1).day(61_000), Ok((1_000, 1)));
        assert_eq!(body(10).day(61_000), Err(Error::RateLimited(86_340)));
        assert_eq!(body(10).day(DAY + 1_000), Ok((DAY + 1_000, 0)));
    }

    #[test]
    fn a_code_has_six_digits() {
        for _ in 0..100 {
            let code = new().unwrap();
            assert!(
                code.len() == 6 && code.bytes().all(|byte| byte.is_ascii_digit()),
                "{code}"
            );
        }
    }
}
