//! The service over a fresh store, and its users.

use mercato_accounts::AccountsService;
use mercato_ports::events::Event;
use mercato_shop::accounts::{AuditAction, AuditEntry, AuditFilter, Client, Credentials, PhoneCode, SignIn};
use mercato_shop::services::{Accounts, Contacts};
use mercato_shop::testing::TestPorts;
use mercato_shop::types::{Caller, Error, Page, Role, SignedIn};

pub const SECRET: &str = "a secret of more than 16 bytes";
pub const PASSWORD: &str = "correct horse";

pub type Service = AccountsService<TestPorts>;

pub fn accounts() -> (TestPorts, Service) {
    let ports = TestPorts::new(
        &[("accounts", include_str!("../../service.toml"))],
        &[
            ("API_SECRET", SECRET),
            ("ACCESS_TOKEN_SECONDS", "60"),
            ("SIGN_IN_FAILURES", "2"),
        ],
    );
    (ports.clone(), AccountsService::new(ports))
}

pub fn credentials(username: &str, password: &str) -> Credentials {
    Credentials {
        username: username.into(),
        password: password.into(),
    }
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
        .register(&credentials(username, PASSWORD), &unknown_client())
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
    let page = Page {
        first: 100,
        after: None,
    };
    let log = accounts.audit_log(&Caller::ApiKey, &filter, &page).unwrap();
    log.edges.into_iter().map(|edge| edge.entry).collect()
}
