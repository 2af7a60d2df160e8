//! The service: what each function of its interface is made of.

use mercato_shop::accounts::{
    AuditFilter, AuditPage, Channel, Client, Credentials, ExternalIdentity, Session, SignIn, User, UserPage,
    UserPatch,
};
use mercato_shop::cache::Cache;
use mercato_shop::ports::{Mail, Ports};
use mercato_shop::services::Accounts;
use mercato_shop::types::{Caller, Error, Page, Role};

/// What the service needs of its platform.
pub trait Platform: Ports + Cache + Mail {}

impl<T: Ports + Cache + Mail> Platform for T {}

/// The accounts service over its ports.
#[derive(Clone, Copy, Debug)]
pub struct AccountsService<P> {
    pub(crate) ports: P,
}

impl<P: Platform> AccountsService<P> {
    /// The service over these ports.
    pub const fn new(ports: P) -> Self {
        Self { ports }
    }
}

impl<P: Platform> Accounts for AccountsService<P> {
    fn register(&self, input: Credentials, client: Client) -> Result<SignIn, Error> {
        self.sign_up(input, client)
    }

    fn login(&self, caller: &Caller, input: Credentials, client: Client) -> Result<SignIn, Error> {
        self.sign_in(caller, &input, client)
    }

    fn sign_in_external(&self, identity: ExternalIdentity) -> Result<User, Error> {
        self.admit(&identity)
    }

    fn refresh(&self, refresh_token: &str, client: Client) -> Result<SignIn, Error> {
        self.go_on(refresh_token, client)
    }

    fn logout(&self, caller: &Caller, refresh_token: Option<&str>) -> Result<bool, Error> {
        self.sign_out(caller, refresh_token)
    }

    fn sessions(&self, caller: &Caller, user_id: Option<&str>) -> Result<Vec<Session>, Error> {
        self.list_sessions(caller, user_id)
    }

    fn revoke_session(&self, caller: &Caller, id: &str) -> Result<Session, Error> {
        self.revoke(caller, id)
    }

    fn get_many(&self, caller: &Caller, ids: &[String]) -> Result<Vec<Result<User, Error>>, Error> {
        self.read_users(caller, ids)
    }

    fn list(&self, caller: &Caller, page: &Page) -> Result<UserPage, Error> {
        self.list_users(caller, page)
    }

    fn update(&self, caller: &Caller, id: &str, version: u64, patch: UserPatch) -> Result<User, Error> {
        self.edit(caller, id, version, patch)
    }

    fn change_password(&self, caller: &Caller, current: &str, new: &str) -> Result<User, Error> {
        self.give_password(caller, current, new)
    }

    fn request_verification(&self, caller: &Caller, channel: Channel) -> Result<u64, Error> {
        self.send_code(caller, channel)
    }

    fn verify(&self, caller: &Caller, channel: Channel, code: &str) -> Result<User, Error> {
        self.take_code(caller, channel, code)
    }

    fn set_role(&self, caller: &Caller, id: &str, role: Role) -> Result<User, Error> {
        self.give_role(caller, id, role)
    }

    fn export(&self, caller: &Caller, id: &str) -> Result<String, Error> {
        self.all_of(caller, id)
    }

    fn erase(&self, caller: &Caller, id: &str) -> Result<User, Error> {
        self.forget(caller, id)
    }

    fn audit_log(&self, caller: &Caller, filter: &AuditFilter, page: &Page) -> Result<AuditPage, Error> {
        self.read_audit_log(caller, filter, page)
    }
}
