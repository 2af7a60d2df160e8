//! The recipient of a notification, with the addresses to send to.

use mercato_shop::accounts::Contact;
use mercato_shop::notifications::{Kind, Medium};
use mercato_shop::ports::Ports;
use mercato_shop::services::Contacts;
use mercato_shop::types::Error;

use crate::occasion::Occasion;
use crate::sender::SMS_DISABLED;
use crate::{preferences, settings};

/// A recipient. It may hold a code, so it has no `Debug`.
#[derive(Default)]
pub struct Recipient {
    pub name: Option<String>,
    /// As a BCP 47 tag.
    pub locale: Option<String>,
    /// At most one for each medium. A user without an address, or with the kind disabled, has none.
    pub routes: Vec<Route>,
    /// The verification code to be sent.
    pub code: Option<String>,
}

/// One medium to reach a recipient.
#[derive(Debug)]
pub struct Route {
    pub medium: Medium,
    /// The address, or the reason why it cannot be used.
    pub to: Result<String, &'static str>,
}

impl Recipient {
    /// Finds the recipient of an occasion.
    pub fn of(ports: &impl Ports, contacts: &impl Contacts, occasion: &Occasion) -> Result<Self, Error> {
        match occasion {
            Occasion::VerificationCode(request) => {
                let found = contacts.look_up_code(&request.user_id, &request.verification_id)?;
                let Some(code) = found else {
                    let to = Err("The code is no longer valid.");
                    return Ok(Self::with_routes(vec![Route {
                        medium: Medium::Sms,
                        to,
                    }]));
                };
                Ok(Self {
                    locale: code.locale,
                    code: Some(code.code),
                    ..Self::with_routes(vec![by_sms(ports, code.to, true)])
                })
            }
            Occasion::LowStock(_) => {
                let operator = settings::operator_email(ports)?;
                let route = operator.map(|address| by_email(address, true));
                Ok(Self::with_routes(route.into_iter().collect()))
            }
            Occasion::Welcome { user_id } | Occasion::Order { user_id, .. } => {
                let found = contacts.look_up(std::slice::from_ref(user_id))?;
                match found.into_iter().next().flatten() {
                    Some(contact) => Self::user(ports, contact, occasion.kind()),
                    None => Ok(Self::default()),
                }
            }
        }
    }

    fn user(ports: &impl Ports, contact: Contact, kind: Kind) -> Result<Self, Error> {
        let mut routes = Vec::new();
        if contact.email.is_some() || contact.phone.is_some() {
            let preferences = preferences::of(ports, &contact.user_id)?;
            let email = contact
                .email
                .filter(|_| preferences.is_enabled(kind, Medium::Email));
            routes.extend(email.map(|email| by_email(email, contact.email_verified)));
            let phone = contact
                .phone
                .filter(|_| preferences.is_enabled(kind, Medium::Sms));
            routes.extend(phone.map(|phone| by_sms(ports, phone, contact.phone_verified)));
        }
        Ok(Self {
            name: contact.name,
            locale: contact.locale,
            ..Self::with_routes(routes)
        })
    }

    fn with_routes(routes: Vec<Route>) -> Self {
        Self {
            routes,
            ..Self::default()
        }
    }
}

fn by_email(address: String, is_verified: bool) -> Route {
    let to = if is_verified {
        Ok(address)
    } else {
        Err("The e-mail address is not verified.")
    };
    Route {
        medium: Medium::Email,
        to,
    }
}

fn by_sms(ports: &impl Ports, phone: String, is_verified: bool) -> Route {
    let to = if !settings::sends_sms(ports) {
        Err(SMS_DISABLED)
    } else if is_verified {
        Ok(phone)
    } else {
        Err("The phone number is not verified.")
    };
    Route {
        medium: Medium::Sms,
        to,
    }
}
