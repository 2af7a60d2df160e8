//! Whose a cart is, and who may use it.
//!
//! A guest's cart belongs to whoever knows its id, 256 random bits. The store knows the id's hash only, so that its carts are
//! of no use to who reads it.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use mercato_ports::events::Event;
use mercato_shop::accounts::AuditAction;
use mercato_shop::audit::Act;
use mercato_shop::carts::Whose;
use mercato_shop::id;
use mercato_shop::types::{Caller, Error};
use sha2::{Digest, Sha256};

const LENGTH: usize = 32;

/// The id of a guest's cart: a secret, which is never printed.
#[derive(Clone, Copy)]
pub struct GuestId([u8; LENGTH]);

/// The one whose cart it is.
#[derive(Clone)]
pub enum Holder {
    Guest(GuestId),
    /// By the user's id.
    User(String),
}

impl GuestId {
    /// An id that nobody can guess.
    pub fn new() -> Result<Self, Error> {
        id::secret().map(Self)
    }

    /// The id that a client sent.
    pub fn parse(text: &str) -> Result<Self, Error> {
        URL_SAFE_NO_PAD
            .decode(text)
            .ok()
            .and_then(|bytes| bytes.try_into().ok())
            .map(Self)
            .ok_or_else(|| {
                Error::invalid(
                    "cartId",
                    "This is no id of a cart. Take the one that was answered when something was added.",
                )
            })
    }

    /// As clients get it.
    pub fn text(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.0)
    }
}

impl Holder {
    /// The one whose cart a caller means and may use; none for a guest who has none yet.
    pub fn of(caller: &Caller, whose: &Whose) -> Result<Option<Self>, Error> {
        match whose {
            Whose::Callers if *caller == Caller::Anonymous => Ok(None),
            Whose::Callers => Self::own(caller).map(Some),
            Whose::Guest(id) => Ok(Some(Self::Guest(GuestId::parse(id)?))),
            Whose::User(id) => Self::user(caller, id).map(Some),
        }
    }

    /// The caller, who must be a user.
    pub fn own(caller: &Caller) -> Result<Self, Error> {
        let id = caller
            .require_user("A cart belongs to a user or a guest: sign in instead of using the API key.")?;
        Ok(Self::User(id.into()))
    }

    /// A user whose cart the caller may use.
    pub fn user(caller: &Caller, id: &str) -> Result<Self, Error> {
        caller.require_admin_or(id, "A customer uses only the own cart.")?;
        Ok(Self::User(id.into()))
    }

    /// What the audit log is told where a caller changes another user's cart.
    pub fn act(&self, caller: &Caller) -> Result<Option<Event>, Error> {
        match self {
            Self::User(id) if caller.user_id() != Some(id) => {
                let act = Act::by(caller.actor(), AuditAction::CartChange).on(id);
                act.event("carts").map(Some)
            }
            Self::User(_) | Self::Guest(_) => Ok(None),
        }
    }

    /// The id of the cart's document.
    pub fn document(&self) -> String {
        match self {
            Self::Guest(id) => format!("guest/{}", URL_SAFE_NO_PAD.encode(Sha256::digest(id.0))),
            Self::User(id) => format!("user/{id}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_guests_id_is_read_as_it_was_written_and_kept_as_a_hash() {
        let id = GuestId::new().unwrap();
        let text = id.text();
        assert_eq!(text.len(), 43);
        let document = Holder::Guest(GuestId::parse(&text).unwrap()).document();
        assert_eq!(document, Holder::Guest(id).document());
        assert!(!document.contains(&text));
        assert_ne!(document, Holder::Guest(GuestId::new().unwrap()).document());
        for wrong in ["", "x", &text[1..], &format!("{text}A"), "user/u1"] {
            assert!(GuestId::parse(wrong).is_err(), "{wrong}");
        }
    }
}
