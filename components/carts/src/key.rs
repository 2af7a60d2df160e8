//! Which cart a caller may use.
//!
//! The id of a guest's cart is 256 random bits. A caller that knows the id may use the cart. The store keeps
//! only a hash of the id, so that a leak of the store opens no carts.
//!
//! The id of a user's cart is [`USER_PREFIX`] and the user's id. It opens the cart only to the user and staff.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use mercato_shop::carts::Owner;
use mercato_shop::id;
use mercato_shop::types::{Caller, Error};
use sha2::{Digest, Sha256};

/// The start of the id of a user's cart. The id of a guest's cart has no colon.
const USER_PREFIX: &str = "user:";

/// Identifies the cart of a guest or of a user.
#[derive(Clone)]
pub enum CartKey {
    Guest(GuestId),
    /// By user id.
    User(String),
}

/// The id of a guest's cart. It is a secret, so it has no `Debug`.
#[derive(Clone, Copy)]
pub struct GuestId([u8; 32]);

impl CartKey {
    /// Returns the key of an owner's cart, or nothing for a guest without a cart.
    ///
    /// # Errors
    /// [`Error::Forbidden`] or [`Error::Unauthenticated`] if the caller may not use the cart of this user.
    /// [`Error::NotFound`] for the id of another user's cart.
    pub fn of(caller: &Caller, owner: &Owner) -> Result<Option<Self>, Error> {
        match owner {
            Owner::Caller if *caller == Caller::Anonymous => Ok(None),
            Owner::Caller => Ok(Some(Self::User(own_user_id(caller)?.into()))),
            Owner::Cart(id) => Ok(Some(match id.strip_prefix(USER_PREFIX) {
                Some(user_id) => {
                    caller.require_authenticated()?;
                    if !caller.may_see(user_id) {
                        return Err(Error::NotFound(format!("There is no cart {id}.")));
                    }
                    Self::User(user_id.into())
                }
                None => Self::Guest(GuestId::parse(id)?),
            })),
            Owner::User(id) => Ok(Some(Self::User(allowed_user_id(caller, id)?.into()))),
        }
    }

    /// Returns the id of the cart in the form for clients.
    pub fn text(&self) -> String {
        match self {
            Self::Guest(id) => id.text(),
            Self::User(id) => format!("{USER_PREFIX}{id}"),
        }
    }

    /// Returns the id of the cart's document.
    pub fn document_id(&self) -> String {
        match self {
            Self::Guest(id) => format!("guest/{}", URL_SAFE_NO_PAD.encode(Sha256::digest(id.0))),
            Self::User(id) => format!("user/{id}"),
        }
    }
}

/// Returns the user id of the caller.
pub fn own_user_id(caller: &Caller) -> Result<&str, Error> {
    caller.require_user("A cart belongs to a user or a guest. Sign in instead of using the API key.")
}

/// Returns the user id, if the caller may use the cart of that user.
pub fn allowed_user_id<'a>(caller: &Caller, user_id: &'a str) -> Result<&'a str, Error> {
    caller.require_admin_or(user_id, "You can use only your own cart.")?;
    Ok(user_id)
}

impl GuestId {
    /// Returns a new random id.
    pub fn new() -> Result<Self, Error> {
        id::secret().map(Self)
    }

    /// Parses the id that a client sent.
    pub fn parse(text: &str) -> Result<Self, Error> {
        URL_SAFE_NO_PAD
            .decode(text)
            .ok()
            .and_then(|bytes| bytes.try_into().ok())
            .map(Self)
            .ok_or_else(|| {
                Error::invalid(
                    "cartId",
                    "`cartId` must be the id of a guest's cart, which the first addition of a product returns.",
                )
            })
    }

    /// Returns the id in the form for clients.
    pub fn text(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parses_the_id_of_a_guest_and_stores_only_its_hash() {
        let id = GuestId::new().unwrap();
        let text = id.text();
        assert_eq!(text.len(), 43);
        let document = CartKey::Guest(GuestId::parse(&text).unwrap()).document_id();
        assert_eq!(document, CartKey::Guest(id).document_id());
        assert!(!document.contains(&text));
        assert_ne!(document, CartKey::Guest(GuestId::new().unwrap()).document_id());
        for wrong in ["", "x", &text[1..], &format!("{text}A"), "user/u1"] {
            assert!(GuestId::parse(wrong).is_err(), "{wrong}");
        }
    }
}
