//! The codes of verifications: how they are made, what is kept of them, and when there may be another one.

use hmac::{Hmac, Mac};
use mercato_shop::accounts::Channel;
use mercato_shop::collection::Collection;
use mercato_shop::id;
use mercato_shop::ports::Ports;
use mercato_shop::settings::{self, secret};
use mercato_shop::types::Error;
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use subtle::ConstantTimeEq;

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
    /// Of the last code; see [`of`].
    #[serde(default)]
    pub id: String,
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
    pub fn after(kept: Option<&Self>, now: u64) -> Result<Self, Error> {
        let (first_sent_at, sent) = match kept {
            Some(kept) => kept.day(now)?,
            None => (now, 0),
        };
        Ok(Self {
            id: id::new(),
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

    /// Whether a code is the one that was sent, and good now; in constant time.
    pub fn takes(&self, code: &str, sent: &str, now: u64) -> bool {
        bool::from(code.as_bytes().ct_eq(sent.as_bytes())) && now < self.expires_at
    }

    /// Whether the code of this id is the last one, and somebody may still come back with it.
    pub fn is_good(&self, id: &str, now: u64) -> bool {
        self.id == id && self.left > 0 && now < self.expires_at
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

/// The id of what is kept of a user's codes.
pub fn key(user_id: &str, channel: Channel) -> String {
    format!("{user_id}.{}", name(channel))
}

/// The code of this id that goes to this address of this user: a keyed hash (RFC 2104), cut to six digits. The key
/// is the shop's secret; so the code need not be kept, and who knows all the rest knows nothing of it.
pub fn of(ports: &impl Ports, user_id: &str, channel: Channel, to: &str, id: &str) -> Result<String, Error> {
    let wrong = || Error::Internal("a code can't be made".into());
    let secret = settings::of(ports, secret::api_secret)?;
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).map_err(|_| wrong())?;
    for part in ["verification", user_id, name(channel), to, id] {
        let length = u64::try_from(part.len()).unwrap_or(u64::MAX);
        mac.update(&length.to_le_bytes());
        mac.update(part.as_bytes());
    }
    let hash = mac.finalize().into_bytes();
    let (first, _) = hash.split_first_chunk().ok_or_else(wrong)?;
    Ok(format!("{:06}", u64::from_le_bytes(*first) % 1_000_000))
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
            id: String::new(),
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
    fn what_is_kept_of_codes_from_before_they_had_ids_is_read() {
        let text = r#"{"hash":[1,2],"left":5,"sentAt":7,"expiresAt":9,"firstSentAt":7,"sent":1}"#;
        let body: VerificationBody = serde_json::from_str(text).unwrap();
        assert!(!body.is_good("0198c0de-0000-7000-8000-000000000000", 8));
    }
}
