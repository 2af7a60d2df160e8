//! What a caller may do.

use crate::types::{Caller, Error, Role, SignedIn};

/// What the audit log calls a holder of the API key.
pub const API_KEY: &str = "api-key";

impl Caller {
    /// Whether the caller may do everything: a user with the role ADMIN, or a holder of the API key.
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

    /// The caller's user id, if it is a user.
    #[must_use]
    pub fn user_id(&self) -> Option<&str> {
        match self {
            Self::User(user) => Some(&user.user_id),
            Self::Anonymous | Self::ApiKey => None,
        }
    }

    /// What the audit log calls the caller: a user's id, `api-key` or `anonymous`.
    #[must_use]
    pub fn actor(&self) -> &str {
        match self {
            Self::Anonymous => "anonymous",
            Self::ApiKey => API_KEY,
            Self::User(user) => &user.user_id,
        }
    }

    /// The session of the caller's access token, if it has one.
    #[must_use]
    pub fn session_id(&self) -> Option<&str> {
        match self {
            Self::User(user) => user.session_id.as_deref(),
            Self::Anonymous | Self::ApiKey => None,
        }
    }

    /// Passes an ADMIN or the API key.
    ///
    /// # Errors
    /// [`Error::Unauthenticated`] for nobody, [`Error::Forbidden`] for everybody else.
    pub fn require_admin(&self) -> Result<(), Error> {
        self.require_known()?;
        if self.is_admin() {
            Ok(())
        } else {
            Err(Error::Forbidden(
                "This needs the role ADMIN, or the header x-api-key.".into(),
            ))
        }
    }

    /// Passes those who keep the shop, and the user of this id.
    ///
    /// # Errors
    /// [`Error::Unauthenticated`] for nobody, [`Error::Forbidden`] with this message for everybody else.
    pub fn require_admin_or(&self, user_id: &str, message: &str) -> Result<(), Error> {
        self.require_known()?;
        if self.is_admin() || self.user_id() == Some(user_id) {
            Ok(())
        } else {
            Err(Error::Forbidden(message.into()))
        }
    }

    /// Passes a signed-in user, and tells the id.
    ///
    /// # Errors
    /// [`Error::Unauthenticated`] for nobody, [`Error::Forbidden`] with this message for the API key.
    pub fn require_user(&self, message: &str) -> Result<&str, Error> {
        self.require_known()?;
        self.user_id().ok_or_else(|| Error::Forbidden(message.into()))
    }

    /// Passes everybody but the anonymous.
    ///
    /// # Errors
    /// [`Error::Unauthenticated`].
    pub fn require_known(&self) -> Result<(), Error> {
        match self {
            Self::Anonymous => Err(Error::Unauthenticated(
                "Sign in, and send the header Authorization: Bearer <access_token>.".into(),
            )),
            Self::User(_) | Self::ApiKey => Ok(()),
        }
    }
}
