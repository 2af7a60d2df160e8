//! Settings that are whole numbers.

use super::{Config, given, of};
use crate::ports::Ports;
use crate::types::Error;

/// A number that is always there.
#[derive(Clone, Copy, Debug)]
pub struct Number {
    name: &'static str,
    meaning: &'static str,
    default: u32,
}

/// A number that may be `off`, which is what it is unless it is set.
#[derive(Clone, Copy, Debug)]
pub struct Limit {
    name: &'static str,
    meaning: &'static str,
    least: u32,
}

/// How long an access token is good, in seconds.
pub const ACCESS_TOKEN_SECONDS: Number = Number {
    name: "ACCESS_TOKEN_SECONDS",
    meaning: "how many seconds an access token is good",
    default: 900,
};

/// How long a refresh token is good, and so a session that nobody uses, in seconds: 30 days.
pub const REFRESH_TOKEN_SECONDS: Number = Number {
    name: "REFRESH_TOKEN_SECONDS",
    meaning: "how many seconds a refresh token is good",
    default: 2_592_000,
};

/// How many sign-ins to one account may fail from one address within 15 minutes.
pub const SIGN_IN_FAILURES: Number = Number {
    name: "SIGN_IN_FAILURES",
    meaning: "how many sign-ins may fail",
    default: 10,
};

/// After what time a cart that nobody changes is emptied, in seconds: 30 days.
pub const CART_EXPIRY_SECONDS: Number = Number {
    name: "CART_EXPIRY_SECONDS",
    meaning: "after how many seconds a cart is emptied",
    default: 2_592_000,
};

/// After what time a reservation without an order is given back, in seconds.
pub const RESERVATION_SECONDS: Number = Number {
    name: "RESERVATION_SECONDS",
    meaning: "after how many seconds a reservation is given back",
    default: 60,
};

/// After what time an order that is not paid is cancelled, in seconds.
pub const ORDER_EXPIRY_SECONDS: Limit = Limit {
    name: "ORDER_EXPIRY_SECONDS",
    meaning: "after how many seconds an order that is not paid is cancelled",
    least: 1,
};

/// At how many pieces on hand a product runs low.
pub const LOW_STOCK: Limit = Limit {
    name: "LOW_STOCK",
    meaning: "at how many pieces a product runs low",
    least: 0,
};

/// How many requests each caller may send in a minute.
pub const RATE_LIMIT: Limit = Limit {
    name: "RATE_LIMIT",
    meaning: "how many requests each caller may send in a minute",
    least: 1,
};

/// For how long browsers shall use nothing but HTTPS, in seconds.
pub const HSTS_SECONDS: Limit = Limit {
    name: "HSTS_SECONDS",
    meaning: "for how many seconds browsers shall use nothing but HTTPS",
    least: 1,
};

impl Number {
    /// Its value, 1 or more.
    ///
    /// # Errors
    /// How it is to be written.
    pub fn read(&self, config: Config<'_>) -> Result<u32, String> {
        let Some(text) = given(config, self.name) else {
            return Ok(self.default);
        };
        number(&text, 1).ok_or_else(|| {
            let (name, meaning, most) = (self.name, self.meaning, u32::MAX);
            format!("{name} must be a whole number from 1 to {most}: {meaning}")
        })
    }

    /// Its value for a service.
    ///
    /// # Errors
    /// As [`of`].
    pub fn of(&self, ports: &impl Ports) -> Result<u32, Error> {
        of(ports, |config| self.read(config))
    }
}

impl Limit {
    /// Its value; none where it is off.
    ///
    /// # Errors
    /// How it is to be written.
    pub fn read(&self, config: Config<'_>) -> Result<Option<u32>, String> {
        let Some(text) = given(config, self.name).filter(|text| text.trim() != "off") else {
            return Ok(None);
        };
        number(&text, self.least).map(Some).ok_or_else(|| {
            let (name, meaning, least, most) = (self.name, self.meaning, self.least, u32::MAX);
            format!("{name} must be off, or a whole number from {least} to {most}: {meaning}")
        })
    }

    /// Its value for a service.
    ///
    /// # Errors
    /// As [`of`].
    pub fn of(&self, ports: &impl Ports) -> Result<Option<u32>, Error> {
        of(ports, |config| self.read(config))
    }
}

fn number(text: &str, least: u32) -> Option<u32> {
    text.trim().parse().ok().filter(|number| *number >= least)
}
