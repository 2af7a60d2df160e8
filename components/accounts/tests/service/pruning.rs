//! Expired sessions and verification codes are deleted, a few at a time.

use crate::people::{PASSWORD, Service, accounts, login, register, unknown_client};
use mercato_ports::documents::{Query, Replacement, Write};
use mercato_shop::accounts::{Channel, UserPatch};
use mercato_shop::id;
use mercato_shop::ports::Ports as _;
use mercato_shop::services::Accounts;
use mercato_shop::testing::{TestPorts, customer};
use serde_json::Value;

const SESSIONS: &str = "accounts.sessions";
const CODES: &str = "accounts.verifications";
const ATTEMPTS: &str = "accounts.attempts";
const HOUR: u64 = 3_600_000;

fn ids(ports: &TestPorts, collection: &str) -> Vec<String> {
    let found = ports.find(&Query::all(collection, 1_000)).unwrap();
    found.into_iter().map(|document| document.id).collect()
}

/// Changes the expiry of the only document, and returns its id.
fn expire(ports: &TestPorts, collection: &str, time: u64) -> String {
    let document = ports.find(&Query::all(collection, 2)).unwrap().remove(0);
    let mut body: Value = serde_json::from_str(&document.body).unwrap();
    body["expiresAt"] = time.into();
    let write = Write::Replace(Replacement {
        collection: collection.into(),
        id: document.id.clone(),
        expected: document.version,
        body: body.to_string(),
    });
    ports.commit(&[write], &[]).unwrap();
    document.id
}

#[test]
fn deletes_expired_sessions_of_other_users() {
    let (ports, accounts) = accounts();
    register(&accounts, "ada");
    let expired = expire(&ports, SESSIONS, id::now() - 1);
    register(&accounts, "bob");
    let mut opened = 1;
    // Only some of the new sessions delete expired ones.
    while ids(&ports, SESSIONS).contains(&expired) && opened < 300 {
        login(&accounts, "bob", PASSWORD).unwrap();
        opened += 1;
    }
    assert!(!ids(&ports, SESSIONS).contains(&expired));
    assert_eq!(ids(&ports, SESSIONS).len(), opened, "no other session is deleted");
}

fn request_code(accounts: &Service, name: &str) {
    let user = register(accounts, name).user;
    let patch = UserPatch {
        name: None,
        email: Some("ada@example.com".into()),
        phone: None,
        locale: None,
    };
    let caller = customer(&user.id);
    accounts.update(&caller, &user.id, 1, &patch).unwrap();
    accounts
        .request_verification(&caller, Channel::Email, &unknown_client())
        .unwrap();
}

#[test]
fn deletes_verification_codes_that_no_longer_count_for_the_limit() {
    for (hours, is_deleted, requests) in [(25, true, 500), (23, false, 60)] {
        let (ports, accounts) = accounts();
        request_code(&accounts, "ada");
        let expired = expire(&ports, CODES, id::now() - hours * HOUR);
        for number in 0..requests {
            request_code(&accounts, &format!("user-{number}"));
            if !ids(&ports, CODES).contains(&expired) {
                break;
            }
        }
        assert_eq!(
            ids(&ports, CODES).contains(&expired),
            !is_deleted,
            "after {hours} hours"
        );
    }
}

#[test]
fn deletes_attempts_to_sign_in_after_their_window() {
    let (ports, accounts) = accounts();
    login(&accounts, "ada", PASSWORD).unwrap_err();
    let expired = expire(&ports, ATTEMPTS, id::now() - 1);
    for number in 0..300 {
        login(&accounts, &format!("user-{number}"), PASSWORD).unwrap_err();
        if !ids(&ports, ATTEMPTS).contains(&expired) {
            return;
        }
    }
    panic!("{expired} was not deleted");
}
