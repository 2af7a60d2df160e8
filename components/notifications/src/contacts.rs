//! The contacts of the users that a batch of events is about, read in one call.

use std::collections::{BTreeSet, HashMap};

use mercato_ports::events::Event;
use mercato_shop::accounts::{Contact, PhoneCode};
use mercato_shop::services::Contacts;
use mercato_shop::types::Error;

use crate::events::{self, Request};

/// Contacts that were read together. Other contacts are looked up when they are needed.
pub struct PrefetchedContacts<'a, C> {
    contacts: &'a C,
    /// Has nothing for a user without contacts.
    found: HashMap<String, Option<Contact>>,
}

impl<'a, C: Contacts> PrefetchedContacts<'a, C> {
    /// Reads the contacts for several events. If that fails, each event looks up its own contact.
    pub fn of(contacts: &'a C, events: &[Event]) -> Self {
        let ids: Vec<_> = match events {
            [] | [_] => Vec::new(),
            _ => events
                .iter()
                .filter_map(user_id)
                .collect::<BTreeSet<_>>()
                .into_iter()
                .collect(),
        };
        let found = match ids.is_empty() {
            true => Vec::new(),
            false => contacts.look_up(&ids).unwrap_or_default(),
        };
        let found = ids.into_iter().zip(found).collect();
        Self { contacts, found }
    }
}

fn user_id(event: &Event) -> Option<String> {
    match events::parse(event).ok()? {
        Request::Notify { occasion, .. } => occasion.user_id().map(ToOwned::to_owned),
        Request::SendPending { .. } | Request::Erase { .. } => None,
    }
}

impl<C: Contacts> Contacts for PrefetchedContacts<'_, C> {
    fn look_up(&self, ids: &[String]) -> Result<Vec<Option<Contact>>, Error> {
        let found = ids.iter().map(|id| self.found.get(id).cloned());
        match found.collect() {
            Some(found) => Ok(found),
            None => self.contacts.look_up(ids),
        }
    }

    fn look_up_code(&self, user_id: &str, verification_id: &str) -> Result<Option<PhoneCode>, Error> {
        self.contacts.look_up_code(user_id, verification_id)
    }
}
