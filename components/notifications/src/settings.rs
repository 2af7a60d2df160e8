//! The settings of notifications.

use mercato_shop::ports::Ports;
use mercato_shop::settings::{self, sms, text};
use mercato_shop::types::Error;

/// Returns the address for low-stock alerts, if one is set.
pub fn operator_email(ports: &impl Ports) -> Result<Option<String>, Error> {
    settings::read(ports, text::operator_email)
}

/// Returns whether the shop sends SMS.
pub fn sends_sms(ports: &impl Ports) -> bool {
    settings::value(&|name| ports.config(name), "TWILIO_ACCOUNT_SID").is_some()
}

/// Returns the Twilio account, or nothing if the shop sends no SMS.
///
/// # Errors
/// A sentence about the invalid setting, which is logged, too.
pub fn twilio_account(ports: &impl Ports) -> Result<Option<sms::Account>, String> {
    sms::read(&|name| ports.config(name)).map_err(|reason| {
        eprintln!("SMS are misconfigured: {reason}");
        format!("SMS are misconfigured: {reason}.")
    })
}
