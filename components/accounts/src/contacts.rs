//! How users can be reached, for the services that write to them.

use mercato_common::accounts::Contact;
use mercato_common::collection::Stored;
use mercato_common::services::Contacts;
use mercato_common::types::Error;

use crate::service::{AccountsService, Platform};
use crate::user::{USERS, UserBody};

impl<P: Platform> Contacts for AccountsService<P> {
    fn look_up(&self, ids: &[String]) -> Result<Vec<Option<Contact>>, Error> {
        let users = USERS.get_many(&self.ports, ids)?;
        Ok(users.into_iter().map(|user| user.and_then(to_contact)).collect())
    }
}

fn to_contact(stored: Stored<UserBody>) -> Option<Contact> {
    let profile = stored.body.profile;
    stored.body.erased_at.is_none().then_some(Contact {
        user_id: stored.id,
        name: profile.name,
        email: profile.email,
        email_verified: profile.email_verified,
        phone: profile.phone,
        phone_verified: profile.phone_verified,
        locale: profile.locale,
    })
}
