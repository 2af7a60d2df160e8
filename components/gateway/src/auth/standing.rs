//! Looks up whether an access token of the shop is still valid. While the cache has the answer, this takes one
//! lookup. Otherwise the accounts service reads one document.

use mercato_shop::accounts::TokenClaims;
use mercato_shop::standing::Standing;
use mercato_shop::types::{Error, Role};

use crate::services::Services;

/// Returns the role that a token gives now.
///
/// # Errors
/// [`Error::Unauthenticated`] if the token has ended. [`Error::Unavailable`] if the store can't tell.
pub fn role_of(services: &Services, token: &TokenClaims) -> Result<Role, Error> {
    let (cache, standing) = (&*services.cache, Standing::of_token(token));
    let cached = standing.recall(cache).and_then(|answer| Role::parse(&answer));
    if let Some(role) = cached {
        return Ok(role);
    }
    let role = services.accounts.standing(token)?;
    standing.remember(cache, role.name().as_bytes());
    Ok(role)
}
