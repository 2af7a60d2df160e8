//! Reads users.

use mercato_shop::accounts::{Contact, User, UserEdge, UserPage};
use mercato_shop::collection::Stored;
use mercato_shop::cursor;
use mercato_shop::ports::Ports;
use mercato_shop::types::{Caller, Error, Page};

use crate::repository::{USERS, UserBody, no_user, to_contact, to_user};

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
    let mut query = USERS.query(0);
    cursor::apply(page, BY_REGISTRATION, &mut query)?;
    let mut users = match caller.user_id() {
        Some(own) if !caller.is_admin() => {
            // The caller's record is the whole list. It follows the cursors of older users only.
            let is_after = query.after.is_none_or(|position| position.id.as_str() < own);
            let user = USERS.get(ports, own)?;
            user.into_iter().filter(|_| is_after).collect()
        }
        _ => USERS.find(ports, &query)?,
    };
    let has_next = cursor::truncate_page(page, &mut users);
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

/// Reads how users can be reached. An erased user has no contact.
pub fn look_up(ports: &impl Ports, ids: &[String]) -> Result<Vec<Option<Contact>>, Error> {
    let users = USERS.get_many(ports, ids)?;
    Ok(users.into_iter().map(|user| user.and_then(to_contact)).collect())
}
