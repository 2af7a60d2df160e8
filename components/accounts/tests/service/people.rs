//! The service over a fresh store, and its users.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use mercato_accounts::AccountsService;
use mercato_ports::documents::{Replacement, Write};
use mercato_ports::events::Event;
use mercato_shop::accounts::{
    AuditAction, AuditEntry, AuditFilter, Channel, Client, Credentials, LoginName, PhoneCode, Registration,
    SignIn, TokenClaims, User,
};
use mercato_shop::ports::Ports;
use mercato_shop::services::{Accounts, Contacts};
use mercato_shop::standing::Standing;
use mercato_shop::testing::{TestPorts, customer};
use mercato_shop::types::{Caller, Error, Page, Role, SignedIn};
use serde_json::Value;

pub const SECRET: &str = "a secret of more than 16 bytes";
pub const PASSWORD: &str = "correct horse";

pub type Service = AccountsService<TestPorts>;

pub fn accounts() -> (TestPorts, Service) {
    accounts_with(&[])
}

/// Returns the service with more settings.
pub fn accounts_with(settings: &[(&'static str, &str)]) -> (TestPorts, Service) {
    let usual = [
        ("API_SECRET", SECRET),
        ("ACCESS_TOKEN_SECONDS", "60"),
        ("SIGN_IN_FAILURES", "2"),
    ];
    let ports = TestPorts::new(
        &[("accounts", include_str!("../../service.toml"))],
        &[&usual, settings].concat(),
    );
    (ports.clone(), AccountsService::new(ports))
}

/// Changes a document directly in the store.
pub fn change(ports: &TestPorts, collection: &str, id: &str, change: impl FnOnce(&mut Value)) {
    let found = ports.get_many(collection, &[id.to_owned()]).unwrap();
    let document = found[0].clone().unwrap();
    let mut body: Value = serde_json::from_str(&document.body).unwrap();
    change(&mut body);
    let write = Write::Replace(Replacement {
        collection: collection.into(),
        id: id.into(),
        expected: document.version,
        body: body.to_string(),
    });
    ports.commit(&[write], &[]).unwrap();
}

pub fn credentials(username: &str, password: &str) -> Credentials {
    Credentials {
        login: LoginName::Username(username.into()),
        password: password.into(),
    }
}

pub fn registration(username: &str) -> Registration {
    Registration {
        username: Some(username.into()),
        email: None,
        name: None,
        password: PASSWORD.into(),
    }
}

/// Returns a registration by an e-mail address, without a user name.
pub fn by_email(email: &str, password: &str) -> Registration {
    Registration {
        username: None,
        email: Some(email.into()),
        name: Some("Ada".into()),
        password: password.into(),
    }
}

pub fn login_by_email(accounts: &Service, email: &str, password: &str) -> Result<SignIn, Error> {
    let credentials = Credentials {
        login: LoginName::Email(email.into()),
        password: password.into(),
    };
    accounts.login(&Caller::Anonymous, &credentials, &unknown_client())
}

/// Verifies a user's e-mail address with the code of the mail.
pub fn verify_email(ports: &TestPorts, accounts: &Service, user_id: &str) -> Result<User, Error> {
    let caller = customer(user_id);
    let _ = ports.take_mails();
    accounts
        .request_verification(&caller, Channel::Email, &unknown_client())
        .unwrap();
    let mail = ports.take_mails().remove(0);
    let code: String = mail.text.chars().filter(char::is_ascii_digit).take(6).collect();
    accounts.verify(&caller, Channel::Email, &code)
}

/// Returns the code that an event asks another service to send.
pub fn phone_code(accounts: &Service, requested: &Event) -> PhoneCode {
    let data: serde_json::Value = serde_json::from_str(&requested.data).unwrap();
    let [user_id, id] = ["userId", "verificationId"].map(|field| data.get(field).unwrap().as_str().unwrap());
    accounts.look_up_code(user_id, id).unwrap().unwrap()
}

/// Returns a client without an address.
pub fn unknown_client() -> Client {
    Client {
        address: None,
        user_agent: None,
    }
}

/// Returns a client at an address.
pub fn at(address: &str) -> Client {
    Client {
        address: Some(address.into()),
        user_agent: Some("curl/8".into()),
    }
}

pub fn register(accounts: &Service, username: &str) -> SignIn {
    accounts
        .register(&registration(username), &unknown_client())
        .unwrap()
}

pub fn login(accounts: &Service, username: &str, password: &str) -> Result<SignIn, Error> {
    login_at(accounts, unknown_client(), username, password)
}

pub fn login_at(accounts: &Service, client: Client, username: &str, password: &str) -> Result<SignIn, Error> {
    accounts.login(&Caller::Anonymous, &credentials(username, password), &client)
}

/// Returns the caller whose access token belongs to a sign-in.
pub fn bearer(accounts: &Service, signed_in: &SignIn) -> Caller {
    let user_id = signed_in.user.id.clone();
    let caller = |session_id| {
        Caller::User(SignedIn {
            user_id: user_id.clone(),
            role: Role::Customer,
            session_id,
        })
    };
    // The newest session is the first.
    let newest = accounts.sessions(&caller(None), None).unwrap();
    caller(newest.first().map(|session| session.id.clone()))
}

/// Returns what the access token of a sign-in says.
pub fn claims(signed_in: &SignIn) -> TokenClaims {
    let payload = signed_in.access_token.split('.').nth(1).unwrap();
    let claims: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap();
    TokenClaims {
        user_id: claims["userId"].as_str().unwrap().into(),
        session_id: claims["sid"].as_str().map(Into::into),
        role: Role::parse(claims["role"].as_str().unwrap().as_bytes()).unwrap(),
        issued_at: claims["iat"].as_u64().unwrap() * 1_000,
    }
}

/// Returns whether gateways read the store again before they accept a token of this session.
pub fn is_marked(ports: &TestPorts, session_id: &str) -> bool {
    let standing = Standing::of_session(session_id);
    standing.remember(ports, b"CUSTOMER");
    standing.recall(ports).is_none()
}

/// Selects the whole log.
pub const ALL: AuditFilter = AuditFilter {
    action: None,
    actor: None,
    subject: None,
    since: None,
    until: None,
};

/// Reads the entries of one action, newest first.
pub fn audit(accounts: &Service, action: AuditAction) -> Vec<AuditEntry> {
    let filter = AuditFilter {
        action: Some(action),
        ..ALL
    };
    let page = Page::first(100, None);
    let log = accounts.audit_log(&Caller::ApiKey, &filter, &page).unwrap();
    log.edges.into_iter().map(|edge| edge.entry).collect()
}
