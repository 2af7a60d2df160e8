//! Reads users.

use mercato_shop::accounts::{Contact, LoginName, User, UserEdge, UserPage};
use mercato_shop::address::email_key;
use mercato_shop::ports::Ports;
use mercato_shop::query;
use mercato_shop::types::{Caller, Error, Page};

use super::sign_in::find_by_username;
use crate::email;
use crate::repository::{USERS, no_user, to_contact, to_user};

/// The name of the list's only sort. It is by id, which is the order of registration.
const BY_REGISTRATION: &str = "registered";

/// Reads users: the caller's own record, or everyone's for an ADMIN or the API key.
pub fn get_many(
    ports: &impl Ports,
    caller: &Caller,
    ids: &[String],
) -> Result<Vec<Result<User, Error>>, Error> {
    caller.require_authenticated()?;
    let is_visible = |id: &String| caller.is_admin() || caller.user_id() == Some(id);
    let visible: Vec<_> = ids.iter().filter(|id| is_visible(id)).cloned().collect();
    let mut users = USERS.get_many(ports, &visible)?.into_iter();
    let answer = |id: &String| {
        if !is_visible(id) {
            return Err(Error::Forbidden("You can see only your own user record.".into()));
        }
        users.next().flatten().map(to_user).ok_or_else(|| no_user(id))
    };
    Ok(ids.iter().map(answer).collect())
}

/// Lists users: the caller's own record, or everyone's for an ADMIN or the API key.
pub fn list(ports: &impl Ports, caller: &Caller, page: &Page) -> Result<UserPage, Error> {
    caller.require_authenticated()?;
    let found = match caller.user_id() {
        Some(own) if !caller.is_admin() => {
            let user = USERS.get(ports, own)?;
            query::page_of(user.into_iter().collect(), page, BY_REGISTRATION)?
        }
        _ => query::page(ports, &USERS, USERS.query(0), page, BY_REGISTRATION, |_| None)?,
    };
    Ok(UserPage {
        has_next: found.has_next,
        has_previous: found.has_previous,
        total: found.total,
        edges: found.map(|cursor, stored| UserEdge {
            cursor,
            user: to_user(stored),
        }),
    })
}

/// Returns the user with a user name or a verified e-mail address, for an ADMIN or the API key.
pub fn find(ports: &impl Ports, caller: &Caller, name: &LoginName) -> Result<Option<User>, Error> {
    caller.require_admin()?;
    let found = match name {
        LoginName::Username(username) => find_by_username(ports, username)?,
        LoginName::Email(address) => email::verified_user(ports, &email_key(address))?,
    };
    Ok(found.map(to_user))
}

/// Reads how users can be reached. An erased user has no contact.
pub fn look_up(ports: &impl Ports, ids: &[String]) -> Result<Vec<Option<Contact>>, Error> {
    let users = USERS.get_many(ports, ids)?;
    Ok(users.into_iter().map(|user| user.and_then(to_contact)).collect())
}
