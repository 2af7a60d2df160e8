//! The service: one function for each function of its interfaces.

use mercato_ports::events::{Event, HandlerFailure};
use mercato_shop::accounts::{
    AuditFilter, AuditPage, Channel, Client, Contact, Credentials, ExternalIdentity, LoginName, PhoneCode,
    Registration, Session, SignIn, TokenClaims, User, UserPage, UserPatch,
};
use mercato_shop::cache::Cache;
use mercato_shop::ports::{Mail, Passwords, Ports};
use mercato_shop::services::{Accounts, Contacts};
use mercato_shop::types::{Caller, Error, Page, Role};

use crate::{audit, events, password_reset, session, user, verification};

/// The ports that the service needs.
pub trait Platform: Ports + Cache + Mail + Passwords {}

impl<T: Ports + Cache + Mail + Passwords> Platform for T {}

/// The accounts service over its ports.
#[derive(Clone, Copy, Debug)]
pub struct AccountsService<P> {
    ports: P,
}

impl<P: Platform> AccountsService<P> {
    /// Creates the service over these ports.
    pub const fn new(ports: P) -> Self {
        Self { ports }
    }

    /// Handles an event: mails a link to set a new password, or enters an action of another service into the
    /// audit log.
    ///
    /// # Errors
    /// [`HandlerFailure::Retry`] if the event can be handled later, [`HandlerFailure::Reject`] if it never
    /// can.
    pub fn handle(&self, event: &Event) -> Result<(), HandlerFailure> {
        match event.kind.as_str() {
            events::PASSWORD_RESET_REQUESTED => password_reset::send(&self.ports, event),
            _ => audit::record(&self.ports, event),
        }
    }
}

impl<P: Platform> Accounts for AccountsService<P> {
    fn register(&self, input: &Registration, client: &Client) -> Result<SignIn, Error> {
        user::register(&self.ports, input, client)
    }

    fn login(&self, caller: &Caller, input: &Credentials, client: &Client) -> Result<SignIn, Error> {
        user::login(&self.ports, caller, input, client)
    }

    fn standing(&self, token: &TokenClaims) -> Result<Role, Error> {
        session::standing(&self.ports, token)
    }

    fn sign_in_external(&self, identity: &ExternalIdentity) -> Result<User, Error> {
        user::sign_in_external(&self.ports, identity)
    }

    fn refresh(&self, refresh_token: &str, client: &Client) -> Result<SignIn, Error> {
        session::refresh(&self.ports, refresh_token, client)
    }

    fn logout(&self, caller: &Caller, refresh_token: Option<&str>) -> Result<bool, Error> {
        session::logout(&self.ports, caller, refresh_token)
    }

    fn sessions(&self, caller: &Caller, user_id: Option<&str>) -> Result<Vec<Session>, Error> {
        session::sessions(&self.ports, caller, user_id)
    }

    fn revoke_session(&self, caller: &Caller, id: &str) -> Result<Session, Error> {
        session::revoke_session(&self.ports, caller, id)
    }

    fn get_many(&self, caller: &Caller, ids: &[String]) -> Result<Vec<Result<User, Error>>, Error> {
        user::get_many(&self.ports, caller, ids)
    }

    fn list(&self, caller: &Caller, page: &Page) -> Result<UserPage, Error> {
        user::list(&self.ports, caller, page)
    }

    fn find(&self, caller: &Caller, name: &LoginName) -> Result<Option<User>, Error> {
        user::find(&self.ports, caller, name)
    }

    fn update(&self, caller: &Caller, id: &str, version: u64, patch: &UserPatch) -> Result<User, Error> {
        user::update(&self.ports, caller, id, version, patch)
    }

    fn change_password(&self, caller: &Caller, current: &str, new: &str) -> Result<User, Error> {
        user::change_password(&self.ports, caller, current, new)
    }

    fn request_password_reset(&self, email: &str, client: &Client) -> Result<u32, Error> {
        password_reset::request_password_reset(&self.ports, email, client)
    }

    fn reset_password(&self, token: &str, password: &str, client: &Client) -> Result<User, Error> {
        password_reset::reset_password(&self.ports, token, password, client)
    }

    fn request_verification(&self, caller: &Caller, channel: Channel, client: &Client) -> Result<u64, Error> {
        verification::request_verification(&self.ports, caller, channel, client)
    }

    fn verify(&self, caller: &Caller, channel: Channel, code: &str) -> Result<User, Error> {
        verification::verify(&self.ports, caller, channel, code)
    }

    fn set_role(&self, caller: &Caller, id: &str, role: Role) -> Result<User, Error> {
        user::set_role(&self.ports, caller, id, role)
    }

    fn export(&self, caller: &Caller, id: &str) -> Result<String, Error> {
        user::export(&self.ports, caller, id)
    }

    fn erase(&self, caller: &Caller, id: &str) -> Result<User, Error> {
        user::erase(&self.ports, caller, id)
    }

    fn audit_log(&self, caller: &Caller, filter: &AuditFilter, page: &Page) -> Result<AuditPage, Error> {
        audit::audit_log(&self.ports, caller, filter, page)
    }
}

impl<P: Platform> Contacts for AccountsService<P> {
    fn look_up(&self, ids: &[String]) -> Result<Vec<Option<Contact>>, Error> {
        user::look_up(&self.ports, ids)
    }

    fn look_up_code(&self, user_id: &str, verification_id: &str) -> Result<Option<PhoneCode>, Error> {
        verification::look_up_code(&self.ports, user_id, verification_id)
    }
}
