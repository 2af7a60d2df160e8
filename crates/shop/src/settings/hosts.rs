//! `HTTP_CLIENT_HOSTS`: the hosts that the shop may call. The runtime checks each request. Services read the
//! setting to refuse a URL early.

use mercato_ports::hosts::Hosts;

use super::config::{Config, value};

/// The name of the setting.
pub const NAME: &str = "HTTP_CLIENT_HOSTS";

/// The hosts of the payment gateway and of the SMS service.
const DEFAULT: &str = "api.stripe.com,api.twilio.com";

/// Reads the setting.
///
/// # Errors
/// The allowed values.
pub fn read(config: Config<'_>) -> Result<Hosts, String> {
    let list = value(config, NAME);
    Hosts::parse(list.as_deref().unwrap_or(DEFAULT)).map_err(|_| {
        format!("{NAME} must be hosts with commas between them, such as api.example.com,127.0.0.1:8080")
    })
}
