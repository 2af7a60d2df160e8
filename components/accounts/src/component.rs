//! Exports the service as the world `mercato:shop/accounts-service`.

use mercato_ports::events::{Event, HandlerFailure};
use mercato_shop::accounts::{
    AuditFilter, AuditPage, Channel, Client, Contact, Credentials, ExternalIdentity, LoginName, PhoneCode,
    Registration, Session, SignIn, TokenClaims, User, UserPage, UserPatch,
};
use mercato_shop::handler;
use mercato_shop::ports::Imports;
use mercato_shop::services::{Accounts, Contacts};
use mercato_shop::types::{Caller, Error, Page, Role};

use crate::AccountsService;

const SERVICE: AccountsService<Imports> = AccountsService::new(Imports);

mercato_shop::export! {
    world: "mercato:shop/accounts-service",
    with: {
        "mercato:platform/events@0.1.0": mercato_ports::wit::events,
        "mercato:shop/account-types@0.1.0": mercato_shop::accounts,
        "mercato:shop/types@0.1.0": mercato_shop::types,
    },
}

struct Component;

impl bindings::exports::mercato::shop::accounts::Guest for Component {
    fn register(input: Registration, client: Client) -> Result<SignIn, Error> {
        SERVICE.register(&input, &client)
    }

    fn login(caller: Caller, input: Credentials, client: Client) -> Result<SignIn, Error> {
        SERVICE.login(&caller, &input, &client)
    }

    fn standing(token: TokenClaims) -> Result<Role, Error> {
        SERVICE.standing(&token)
    }

    fn sign_in_external(identity: ExternalIdentity) -> Result<User, Error> {
        SERVICE.sign_in_external(&identity)
    }

    fn refresh(refresh_token: String, client: Client) -> Result<SignIn, Error> {
        SERVICE.refresh(&refresh_token, &client)
    }

    fn logout(caller: Caller, refresh_token: Option<String>) -> Result<bool, Error> {
        SERVICE.logout(&caller, refresh_token.as_deref())
    }

    fn sessions(caller: Caller, user_id: Option<String>) -> Result<Vec<Session>, Error> {
        SERVICE.sessions(&caller, user_id.as_deref())
    }

    fn revoke_session(caller: Caller, id: String) -> Result<Session, Error> {
        SERVICE.revoke_session(&caller, &id)
    }

    fn get_many(caller: Caller, ids: Vec<String>) -> Result<Vec<Result<User, Error>>, Error> {
        SERVICE.get_many(&caller, &ids)
    }

    fn list(caller: Caller, page: Page) -> Result<UserPage, Error> {
        SERVICE.list(&caller, &page)
    }

    fn find(caller: Caller, name: LoginName) -> Result<Option<User>, Error> {
        SERVICE.find(&caller, &name)
    }

    fn update(caller: Caller, id: String, version: u64, patch: UserPatch) -> Result<User, Error> {
        SERVICE.update(&caller, &id, version, &patch)
    }

    fn change_password(caller: Caller, current: String, new: String) -> Result<User, Error> {
        SERVICE.change_password(&caller, &current, &new)
    }

    fn request_password_reset(email: String, client: Client) -> Result<u32, Error> {
        SERVICE.request_password_reset(&email, &client)
    }

    fn reset_password(token: String, password: String, client: Client) -> Result<User, Error> {
        SERVICE.reset_password(&token, &password, &client)
    }

    fn request_verification(caller: Caller, channel: Channel, client: Client) -> Result<u64, Error> {
        SERVICE.request_verification(&caller, channel, &client)
    }

    fn verify(caller: Caller, channel: Channel, code: String) -> Result<User, Error> {
        SERVICE.verify(&caller, channel, &code)
    }

    fn set_role(caller: Caller, id: String, role: Role) -> Result<User, Error> {
        SERVICE.set_role(&caller, &id, role)
    }

    fn export(caller: Caller, id: String) -> Result<String, Error> {
        SERVICE.export(&caller, &id)
    }

    fn erase(caller: Caller, id: String) -> Result<User, Error> {
        SERVICE.erase(&caller, &id)
    }

    fn audit_log(caller: Caller, filter: AuditFilter, page: Page) -> Result<AuditPage, Error> {
        SERVICE.audit_log(&caller, &filter, &page)
    }
}

impl bindings::exports::mercato::shop::contacts::Guest for Component {
    fn look_up(ids: Vec<String>) -> Result<Vec<Option<Contact>>, Error> {
        SERVICE.look_up(&ids)
    }

    fn look_up_code(user_id: String, verification_id: String) -> Result<Option<PhoneCode>, Error> {
        SERVICE.look_up_code(&user_id, &verification_id)
    }
}

impl bindings::exports::mercato::platform::handler::Guest for Component {
    fn handle(events: Vec<Event>) -> Vec<Result<(), HandlerFailure>> {
        handler::each(&events, |event| SERVICE.handle(event))
    }
}
