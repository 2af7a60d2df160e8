//! How users can be reached, for the services that write to them.

use mercato_shop::accounts::{Channel, Contact, PhoneCode};
use mercato_shop::collection::Stored;
use mercato_shop::id;
use mercato_shop::services::Contacts;
use mercato_shop::types::Error;

use crate::code::{self, VERIFICATIONS};
use crate::service::{AccountsService, Platform};
use crate::user::{USERS, UserBody};

impl<P: Platform> Contacts for AccountsService<P> {
    fn look_up(&self, ids: &[String]) -> Result<Vec<Option<Contact>>, Error> {
        let users = USERS.get_many(&self.ports, ids)?;
        Ok(users.into_iter().map(|user| user.and_then(to_contact)).collect())
    }

    fn look_up_code(&self, user_id: &str, verification_id: &str) -> Result<Option<PhoneCode>, Error> {
        let kept = VERIFICATIONS.get(&self.ports, &code::key(user_id, Channel::Phone))?;
        if !kept.is_some_and(|kept| kept.body.is_good(verification_id, id::now())) {
            return Ok(None);
        }
        let user = USERS.get(&self.ports, user_id)?;
        let profile = user.map(|user| user.body.profile).unwrap_or_default();
        let Some(to) = profile.phone else {
            return Ok(None);
        };
        Ok(Some(PhoneCode {
            code: code::of(&self.ports, user_id, Channel::Phone, &to, verification_id)?,
            to,
            locale: profile.locale,
        }))
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
