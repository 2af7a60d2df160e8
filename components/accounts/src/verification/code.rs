//! Computes verification codes, and limits how many are sent.

use mercato_shop::accounts::Channel;
use mercato_shop::id;
use mercato_shop::ports::Ports;
use mercato_shop::types::Error;
use subtle::ConstantTimeEq;

use crate::mac;
use crate::repository::{VerificationBody, channel_name};

/// How long a code is valid, in milliseconds.
const LIFETIME: u64 = 10 * 60 * 1_000;

const MAX_TRIES: i64 = 5;

/// The time between two codes, in milliseconds. Together with [`MAX_PER_DAY`] it keeps a mailbox from being
/// flooded, and a code from being guessed.
const PAUSE: u64 = 60 * 1_000;

/// In milliseconds.
pub const DAY: u64 = 24 * 60 * 60 * 1_000;

const MAX_PER_DAY: u64 = 10;

impl VerificationBody {
    /// Creates the document of a code that is sent now, after the codes of the previous document.
    ///
    /// # Errors
    /// [`Error::RateLimited`] if no code can be sent now.
    pub fn next(previous: Option<&Self>, now: u64) -> Result<Self, Error> {
        let (first_sent_at, sent) = match previous {
            Some(previous) => previous.sent_today(now)?,
            None => (now, 0),
        };
        Ok(Self {
            id: id::new(),
            left: MAX_TRIES,
            sent_at: now,
            expires_at: now + LIFETIME,
            first_sent_at,
            sent: sent + 1,
        })
    }

    /// Invalidates a code that could not be sent. A code that does not count can be requested again at once.
    pub fn withdraw(&mut self, counts: bool) {
        self.left = 0;
        if !counts {
            self.sent = self.sent.saturating_sub(1);
            self.sent_at = 0;
        }
    }

    /// Whether a user's code equals the sent one and is still valid. Compares in constant time.
    pub fn matches(&self, code: &str, sent: &str, now: u64) -> bool {
        bool::from(code.as_bytes().ct_eq(sent.as_bytes())) && now < self.expires_at
    }

    /// Whether the code of this id is the last one and can still be used.
    pub fn is_usable(&self, id: &str, now: u64) -> bool {
        self.id == id && self.left > 0 && now < self.expires_at
    }

    /// Returns when the first code of the current day was sent, and how many were sent since.
    fn sent_today(&self, now: u64) -> Result<(u64, u64), Error> {
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
        if self.sent >= MAX_PER_DAY {
            return Err(wait(self.first_sent_at + DAY));
        }
        Ok((self.first_sent_at, self.sent))
    }
}

/// Computes the code of this id for an address of a user: six digits of a [`mac`].
pub fn compute(
    ports: &impl Ports,
    user_id: &str,
    channel: Channel,
    address: &str,
    id: &str,
) -> Result<String, Error> {
    let parts = ["verification", user_id, channel_name(channel), address, id];
    let [a, b, c, d, e, f, g, h, ..] = mac::compute(ports, &parts)?;
    let number = u64::from_le_bytes([a, b, c, d, e, f, g, h]);
    Ok(format!("{:06}", number % 1_000_000))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_codes_by_a_pause_and_by_day() {
        let body = |sent| VerificationBody {
            id: String::new(),
            left: 0,
            sent_at: 1_000,
            expires_at: 0,
            first_sent_at: 1_000,
            sent,
        };
        assert_eq!(body(1).sent_today(31_000), Err(Error::RateLimited(30)));
        assert_eq!(body(1).sent_today(61_000), Ok((1_000, 1)));
        assert_eq!(body(10).sent_today(61_000), Err(Error::RateLimited(86_340)));
        assert_eq!(body(10).sent_today(DAY + 1_000), Ok((DAY + 1_000, 0)));
    }

    #[test]
    fn reads_documents_that_have_no_code_id() {
        let text = r#"{"hash":[1,2],"left":5,"sentAt":7,"expiresAt":9,"firstSentAt":7,"sent":1}"#;
        let body: VerificationBody = serde_json::from_str(text).unwrap();
        assert!(!body.is_usable("0198c0de-0000-7000-8000-000000000000", 8));
    }
}
