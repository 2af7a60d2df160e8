//! Where something that is told goes to.

use mercato_shop::accounts::Contact;
use mercato_shop::notifications::{Kind, Medium};
use mercato_shop::services::{Contacts, Orders};
use mercato_shop::settings::{self, text};
use mercato_shop::types::Error;

use crate::events::Occasion;
use crate::letters::Reader;
use crate::preferences;
use crate::senders::{self, UNCONFIGURED};
use crate::service::{NotificationsService, Platform};

/// Whom something is told, and how. Not shown: it may hold a code.
#[derive(Default)]
pub struct Recipient {
    pub name: Option<String>,
    pub locale: Option<String>,
    /// By which media, where to; or why there is nowhere.
    pub ways: Vec<Way>,
    /// The text of the code that is told.
    pub code: Option<String>,
}

/// One way to somebody.
#[derive(Debug)]
pub struct Way {
    pub medium: Medium,
    pub to: Result<String, &'static str>,
}

impl Recipient {
    /// How letters speak to them.
    pub fn reader(&self) -> Reader<'_> {
        Reader {
            name: self.name.as_deref(),
            locale: self.locale.as_deref(),
            code: self.code.as_deref(),
        }
    }
}

impl<P: Platform, C: Contacts, O: Orders> NotificationsService<P, C, O> {
    /// Whom an occasion is told, and how. Who has given no address, or does not want to hear of it, is told in no way.
    pub(crate) fn recipient(&self, occasion: &Occasion) -> Result<Recipient, Error> {
        match occasion {
            Occasion::Code(code) => {
                let found = self.contacts.look_up_code(&code.user_id, &code.verification_id)?;
                Ok(match found {
                    Some(sent) => Recipient {
                        name: None,
                        locale: sent.locale,
                        ways: vec![self.by_sms(&sent.to, true)],
                        code: Some(sent.code),
                    },
                    None => Recipient {
                        ways: vec![Way {
                            medium: Medium::Sms,
                            to: Err("The code is no longer good."),
                        }],
                        ..Recipient::default()
                    },
                })
            }
            Occasion::LowStock(_) => {
                let keeper = settings::of(&self.ports, text::keeper)?;
                Ok(Recipient {
                    ways: keeper.map(|keeper| by_email(&keeper, true)).into_iter().collect(),
                    ..Recipient::default()
                })
            }
            Occasion::Welcome { user_id } | Occasion::Order { user_id, .. } => {
                let found = self.contacts.look_up(std::slice::from_ref(user_id))?;
                match found.into_iter().next().flatten() {
                    Some(contact) => self.user(contact, occasion.kind()),
                    None => Ok(Recipient::default()),
                }
            }
        }
    }

    fn user(&self, contact: Contact, kind: Kind) -> Result<Recipient, Error> {
        let mut ways = Vec::new();
        if contact.email.is_some() || contact.phone.is_some() {
            let choices = preferences::of(&self.ports, &contact.user_id)?;
            if let Some(email) = contact.email.filter(|_| choices.wants(kind, Medium::Email)) {
                ways.push(by_email(&email, contact.email_verified));
            }
            if let Some(phone) = contact.phone.filter(|_| choices.wants(kind, Medium::Sms)) {
                ways.push(self.by_sms(&phone, contact.phone_verified));
            }
        }
        Ok(Recipient {
            name: contact.name,
            locale: contact.locale,
            ways,
            code: None,
        })
    }

    /// The way to a phone, where the shop sends SMS.
    pub(crate) fn by_sms(&self, phone: &str, proved: bool) -> Way {
        let to = match (senders::sends_sms(&self.ports), proved) {
            (false, _) => Err(UNCONFIGURED),
            (true, false) => Err("The phone number is not verified."),
            (true, true) => Ok(phone.to_owned()),
        };
        Way {
            medium: Medium::Sms,
            to,
        }
    }
}

fn by_email(address: &str, proved: bool) -> Way {
    Way {
        medium: Medium::Email,
        to: if proved {
            Ok(address.to_owned())
        } else {
            Err("The e-mail address is not verified.")
        },
    }
}
