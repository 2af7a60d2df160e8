//! Who sees which users.

use mercato_shop::accounts::{User, UserEdge, UserPage};
use mercato_shop::collection::Stored;
use mercato_shop::cursor;
use mercato_shop::types::{Caller, Error, Page};

use crate::service::{AccountsService, Platform};
use crate::user::{USERS, UserBody, to_user};

/// The name of the only sort that the list of users has: by id, which is by registration.
const BY_REGISTRATION: &str = "registered";

impl<P: Platform> AccountsService<P> {
    pub(crate) fn read_users(
        &self,
        caller: &Caller,
        ids: &[String],
    ) -> Result<Vec<Result<User, Error>>, Error> {
        caller.require_known()?;
        let mine = |id: &String| caller.is_admin() || caller.user_id() == Some(id);
        let wanted: Vec<_> = ids.iter().filter(|id| mine(id)).cloned().collect();
        let mut users = USERS.get_many(&self.ports, &wanted)?.into_iter();
        let answer = |id| {
            if !mine(id) {
                return Err(Error::Forbidden(
                    "A customer sees only the own user record.".into(),
                ));
            }
            users
                .next()
                .flatten()
                .map(to_user)
                .ok_or_else(|| Error::NotFound(format!("There is no user {id}.")))
        };
        Ok(ids.iter().map(answer).collect())
    }

    pub(crate) fn list_users(&self, caller: &Caller, page: &Page) -> Result<UserPage, Error> {
        caller.require_known()?;
        let mut query = USERS.query(0);
        cursor::apply(page, BY_REGISTRATION, &mut query)?;
        let mut users = match caller.user_id() {
            Some(own) if !caller.is_admin() => {
                // The one own record comes after no cursor but those of older users.
                let after = query.after.is_none_or(|position| position.id.as_str() < own);
                USERS
                    .get(&self.ports, own)?
                    .into_iter()
                    .filter(|_| after)
                    .collect()
            }
            _ => USERS.find(&self.ports, &query)?,
        };
        let has_next = cursor::split(page, &mut users);
        let edge = |stored: Stored<UserBody>| {
            Ok(UserEdge {
                cursor: cursor::encode(BY_REGISTRATION, None, &stored.id)?,
                user: to_user(stored),
            })
        };
        Ok(UserPage {
            edges: users.into_iter().map(edge).collect::<Result<_, Error>>()?,
            has_next,
        })
    }
}
