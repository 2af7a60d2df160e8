//! The service's configuration.

use mercato_common::ports::Ports;
use mercato_common::types::Error;

/// A whole number that may be configured, and what it is where it is not.
#[derive(Clone, Copy, Debug)]
pub struct Number {
    name: &'static str,
    default: u64,
}

impl Number {
    /// How long an access token is good, in seconds.
    pub const ACCESS_TOKEN_SECONDS: Self = Self {
        name: "ACCESS_TOKEN_SECONDS",
        default: 900,
    };

    /// How long a refresh token is good, and so a session that nobody uses, in seconds: 30 days.
    pub const REFRESH_TOKEN_SECONDS: Self = Self {
        name: "REFRESH_TOKEN_SECONDS",
        default: 2_592_000,
    };

    /// How many sign-ins to one account may fail from one address within 15 minutes.
    pub const SIGN_IN_FAILURES: Self = Self {
        name: "SIGN_IN_FAILURES",
        default: 10,
    };

    /// Its value.
    pub fn of(self, ports: &impl Ports) -> Result<u64, Error> {
        match ports.config(self.name) {
            None => Ok(self.default),
            Some(text) => text
                .parse()
                .map_err(|_| Error::Internal(format!("{} is no whole number", self.name))),
        }
    }
}

/// The shop's secret.
pub fn secret(ports: &impl Ports) -> Result<String, Error> {
    ports
        .config("API_SECRET")
        .ok_or_else(|| Error::Internal("API_SECRET is not configured".into()))
}

/// The keys of access tokens, as they are written; none where the shop's secret signs them.
pub fn token_keys(ports: &impl Ports) -> Option<String> {
    ports.config("TOKEN_KEYS").filter(|text| !text.trim().is_empty())
}
