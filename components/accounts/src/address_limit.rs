//! Limits what a stranger can do often: registrations, and requests for mails and codes.
//!
//! `REGISTRATION_LIMIT` is the number for one address in a minute, each kind counted separately. The counters
//! are in the cache, since a lost one does no harm. Clients whose address is unknown are not limited.
//! Otherwise one of them could block all of them.

use std::net::{IpAddr, Ipv6Addr};

use mercato_shop::accounts::Client;
use mercato_shop::cache::Cache;
use mercato_shop::id;
use mercato_shop::ports::Ports;
use mercato_shop::settings::number;
use mercato_shop::types::Error;

/// In milliseconds.
const MINUTE: u64 = 60_000;

/// What is counted.
#[derive(Clone, Copy, Debug)]
pub enum Kind {
    Registration,
    PasswordReset,
    Verification,
}

impl Kind {
    const fn name(self) -> &'static str {
        match self {
            Self::Registration => "registrations",
            Self::PasswordReset => "password-resets",
            Self::Verification => "verifications",
        }
    }
}

/// Counts a request of a client.
///
/// # Errors
/// [`Error::RateLimited`] with the seconds until the next minute, if the client exceeds the limit.
pub fn count(ports: &(impl Ports + Cache), kind: Kind, client: &Client) -> Result<(), Error> {
    let (Some(limit), Some(address)) = (number::REGISTRATION_LIMIT.of(ports)?, &client.address) else {
        return Ok(());
    };
    let now = id::now();
    let key = format!("accounts.{}.{}.{}", kind.name(), now / MINUTE, network(address));
    match ports.increment(&key, 1, MINUTE) {
        Some(count) if count > i64::from(limit) => {
            let left = (MINUTE - now % MINUTE).div_ceil(1_000);
            Err(Error::RateLimited(u32::try_from(left).unwrap_or(u32::MAX)))
        }
        _ => Ok(()),
    }
}

/// Returns what an address counts as. One client can have many IPv6 addresses, so the first 64 bits of those
/// count.
pub fn network(address: &str) -> String {
    match address.parse() {
        Ok(IpAddr::V6(address)) => match address.to_ipv4_mapped() {
            Some(address) => address.to_string(),
            None => Ipv6Addr::from_bits(address.to_bits() >> 64 << 64).to_string(),
        },
        _ => address.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_an_address_by_its_network() {
        assert_eq!(network("192.0.2.7"), "192.0.2.7");
        assert_eq!(network("::ffff:192.0.2.7"), "192.0.2.7");
        assert_eq!(network("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::");
        assert_eq!(network("2001:db8:1:2::9"), network("2001:db8:1:2:3:4:5:6"));
        assert_eq!(network("unix:"), "unix:");
    }
}
