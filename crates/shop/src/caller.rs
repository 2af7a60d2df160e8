//! The permissions of a caller.

use crate::types::{Caller, Error, Role, SignedIn};

/// The actor in the audit log for requests with the API key.
pub const API_KEY: &str = "api-key";

impl Role {
    /// Returns the name of the role in access tokens and exports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Customer => "CUSTOMER",
            Self::Admin => "ADMIN",
        }
    }

    /// Parses a [`name`](Self::name).
    #[must_use]
    pub fn parse(name: &[u8]) -> Option<Self> {
        [Self::Customer, Self::Admin]
            .into_iter()
            .find(|role| role.name().as_bytes() == name)
    }
}

impl Caller {
    /// Returns whether the caller has all permissions: a user with the role ADMIN, or the API key.
    #[must_use]
    pub fn is_admin(&self) -> bool {
        matches!(
            self,
            Self::ApiKey
                | Self::User(SignedIn {
                    role: Role::Admin,
                    ..
                })
        )
    }

    /// Returns the id of a signed-in user.
    #[must_use]
    pub fn user_id(&self) -> Option<&str> {
        match self {
            Self::User(user) => Some(&user.user_id),
            Self::Anonymous | Self::ApiKey => None,
        }
    }

    /// Returns the name of the caller in the audit log: a user's id, `api-key` or `anonymous`.
    #[must_use]
    pub fn actor(&self) -> &str {
        match self {
            Self::Anonymous => "anonymous",
            Self::ApiKey => API_KEY,
            Self::User(user) => &user.user_id,
        }
    }

    /// Returns the session of the caller's access token.
    #[must_use]
    pub fn session_id(&self) -> Option<&str> {
        match self {
            Self::User(user) => user.session_id.as_deref(),
            Self::Anonymous | Self::ApiKey => None,
        }
    }

    /// Returns whether the caller may see the things of the user with this id. To other callers they do not
    /// exist, so that nobody finds out which ids do.
    #[must_use]
    pub fn may_see(&self, user_id: &str) -> bool {
        self.is_admin() || self.user_id() == Some(user_id)
    }

    /// Allows an ADMIN and the API key.
    ///
    /// # Errors
    /// [`Error::Unauthenticated`] for an anonymous caller, [`Error::Forbidden`] for a customer.
    pub fn require_admin(&self) -> Result<(), Error> {
        match self {
            Self::Anonymous => Err(Error::Unauthenticated(
                "This needs the API key in the header x-api-key, or the access token of a user with the role ADMIN."
                    .into(),
            )),
            _ if self.is_admin() => Ok(()),
            Self::User(_) | Self::ApiKey => Err(Error::Forbidden(
                "This needs the role ADMIN, or the API key in the header x-api-key.".into(),
            )),
        }
    }

    /// Allows an ADMIN, the API key, and the user with this id.
    ///
    /// # Errors
    /// [`Error::Unauthenticated`] for an anonymous caller, [`Error::Forbidden`] with `message` for another
    /// customer.
    pub fn require_admin_or(&self, user_id: &str, message: &str) -> Result<(), Error> {
        self.require_authenticated()?;
        if self.may_see(user_id) {
            Ok(())
        } else {
            Err(Error::Forbidden(message.into()))
        }
    }

    /// Allows a signed-in user, and returns the user's id.
    ///
    /// # Errors
    /// [`Error::Unauthenticated`] for an anonymous caller, [`Error::Forbidden`] with `message` for the API
    /// key.
    pub fn require_user(&self, message: &str) -> Result<&str, Error> {
        self.require_authenticated()?;
        self.user_id().ok_or_else(|| Error::Forbidden(message.into()))
    }

    /// Rejects anonymous callers.
    ///
    /// # Errors
    /// [`Error::Unauthenticated`].
    pub fn require_authenticated(&self) -> Result<(), Error> {
        match self {
            Self::Anonymous => Err(Error::Unauthenticated(
                "Sign in, and send the header Authorization: Bearer <access_token>.".into(),
            )),
            Self::User(_) | Self::ApiKey => Ok(()),
        }
    }
}
