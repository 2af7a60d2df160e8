//! Settings that are whole numbers.

use super::config::{Config, read, value};
use crate::ports::Ports;
use crate::types::Error;

/// A number with a default.
#[derive(Clone, Copy, Debug)]
pub struct Number {
    name: &'static str,
    meaning: &'static str,
    default: u32,
}

/// A number that can be `off`.
#[derive(Clone, Copy, Debug)]
pub struct OptionalNumber {
    name: &'static str,
    meaning: &'static str,
    min: u32,
    /// `None` is `off`.
    default: Option<u32>,
}

/// The lifetime of an access token, in seconds.
pub const ACCESS_TOKEN_SECONDS: Number = Number {
    name: "ACCESS_TOKEN_SECONDS",
    meaning: "the lifetime of an access token in seconds",
    default: 900,
};

/// The lifetime of a refresh token, and of a session without requests, in seconds. The default is 30 days.
pub const REFRESH_TOKEN_SECONDS: Number = Number {
    name: "REFRESH_TOKEN_SECONDS",
    meaning: "the lifetime of a refresh token in seconds",
    default: 2_592_000,
};

/// The lifetime of the token by which a user sets a new password, in seconds.
pub const PASSWORD_RESET_SECONDS: Number = Number {
    name: "PASSWORD_RESET_SECONDS",
    meaning: "the lifetime of a link to set a new password in seconds",
    default: 1_800,
};

/// The number of failed sign-ins to one account from one address within 15 minutes.
pub const SIGN_IN_FAILURES: Number = Number {
    name: "SIGN_IN_FAILURES",
    meaning: "the number of sign-ins that may fail",
    default: 10,
};

/// The number of registrations from one address in a minute, and of requests for mails and codes.
pub const REGISTRATION_LIMIT: OptionalNumber = OptionalNumber {
    name: "REGISTRATION_LIMIT",
    meaning: "the number of registrations from one address in a minute",
    min: 1,
    default: Some(100),
};

/// The lifetime of a cart without changes, in seconds. The default is 30 days.
pub const CART_EXPIRY_SECONDS: Number = Number {
    name: "CART_EXPIRY_SECONDS",
    meaning: "the lifetime of a cart without changes in seconds",
    default: 2_592_000,
};

/// After how many seconds a reservation without an order is released.
pub const RESERVATION_SECONDS: Number = Number {
    name: "RESERVATION_SECONDS",
    meaning: "after how many seconds a reservation without an order is released",
    default: 60,
};

/// After how many seconds an unpaid order is cancelled.
pub const ORDER_EXPIRY_SECONDS: OptionalNumber = OptionalNumber {
    name: "ORDER_EXPIRY_SECONDS",
    meaning: "after how many seconds an unpaid order is cancelled",
    min: 1,
    default: None,
};

/// The number of units on hand at which a product is low in stock.
pub const LOW_STOCK: OptionalNumber = OptionalNumber {
    name: "LOW_STOCK",
    meaning: "the number of units at which a product is low in stock",
    min: 0,
    default: None,
};

/// The number of requests of one caller in a minute. No honest client meets the default.
const RATE_LIMIT: OptionalNumber = OptionalNumber {
    name: "RATE_LIMIT",
    meaning: "the number of requests of one caller in a minute",
    min: 1,
    default: Some(6_000),
};

/// The limit of requests, and who is limited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RateLimit {
    /// No client is limited.
    Off,
    /// The default: clients at public addresses are limited, apart from the holders of the API key.
    PublicClients(u32),
    /// A limit that the operator has set: all clients are limited.
    AllClients(u32),
}

/// How many seconds browsers use only HTTPS.
pub const HSTS_SECONDS: OptionalNumber = OptionalNumber {
    name: "HSTS_SECONDS",
    meaning: "how many seconds browsers use only HTTPS",
    min: 1,
    default: None,
};

/// Reads `RATE_LIMIT`.
///
/// # Errors
/// The allowed values.
pub fn rate_limit(config: Config<'_>) -> Result<RateLimit, String> {
    let is_set = value(config, RATE_LIMIT.name).is_some();
    Ok(match RATE_LIMIT.read(config)? {
        None => RateLimit::Off,
        Some(limit) if is_set => RateLimit::AllClients(limit),
        Some(limit) => RateLimit::PublicClients(limit),
    })
}

impl Number {
    /// Reads the number, which is at least 1.
    ///
    /// # Errors
    /// The allowed values.
    pub fn read(&self, config: Config<'_>) -> Result<u32, String> {
        let Some(text) = value(config, self.name) else {
            return Ok(self.default);
        };
        parse(&text, 1).ok_or_else(|| {
            let (name, meaning, max) = (self.name, self.meaning, u32::MAX);
            format!("{name} must be a whole number from 1 to {max}: {meaning}")
        })
    }

    /// Reads the number from the configuration of a service.
    ///
    /// # Errors
    /// The error of [`read`].
    pub fn of(&self, ports: &impl Ports) -> Result<u32, Error> {
        read(ports, |config| self.read(config))
    }
}

impl OptionalNumber {
    /// Reads the number, or `None` if it is off.
    ///
    /// # Errors
    /// The allowed values.
    pub fn read(&self, config: Config<'_>) -> Result<Option<u32>, String> {
        let Some(text) = value(config, self.name) else {
            return Ok(self.default);
        };
        if text.trim() == "off" {
            return Ok(None);
        }
        parse(&text, self.min).map(Some).ok_or_else(|| {
            let (name, meaning, min, max) = (self.name, self.meaning, self.min, u32::MAX);
            format!("{name} must be off, or a whole number from {min} to {max}: {meaning}")
        })
    }

    /// Reads the number from the configuration of a service.
    ///
    /// # Errors
    /// The error of [`read`].
    pub fn of(&self, ports: &impl Ports) -> Result<Option<u32>, Error> {
        read(ports, |config| self.read(config))
    }
}

fn parse(text: &str, min: u32) -> Option<u32> {
    text.trim().parse().ok().filter(|number| *number >= min)
}
