//! Sessions and codes that are over go by and by, whoever had them.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs, reason = "tests")]

mod people;

use mercato_ports::documents::{Query, Replacement, Write};
use mercato_shop::accounts::{Channel, UserPatch};
use mercato_shop::id;
use mercato_shop::ports::Ports as _;
use mercato_shop::services::Accounts;
use mercato_shop::testing::{TestPorts, customer};
use people::{PASSWORD, Service, accounts, login, register};
use serde_json::Value;

const SESSIONS: &str = "accounts.sessions";
const CODES: &str = "accounts.verifications";
const HOUR: u64 = 3_600_000;

fn ids(ports: &TestPorts, collection: &str) -> Vec<String> {
    let found = ports.find(&Query::all(collection, 1_000)).unwrap();
    found.into_iter().map(|document| document.id).collect()
}

/// Has the only document there expire at this time.
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
fn a_session_that_is_over_goes_though_its_user_never_comes_again() {
    let (ports, accounts) = accounts();
    register(&accounts, "ada");
    let over = expire(&ports, SESSIONS, id::now() - 1);
    register(&accounts, "bob");
    let mut opened = 1;
    // One in so many sessions looks for them.
    while ids(&ports, SESSIONS).contains(&over) && opened < 300 {
        login(&accounts, "bob", PASSWORD).unwrap();
        opened += 1;
    }
    assert!(!ids(&ports, SESSIONS).contains(&over));
    assert_eq!(ids(&ports, SESSIONS).len(), opened, "no other has gone");
}

fn ask_for_code(accounts: &Service, name: &str) {
    let user = register(accounts, name).user;
    let patch = UserPatch {
        name: None,
        email: Some("ada@example.com".into()),
        phone: None,
        locale: None,
    };
    let caller = customer(&user.id);
    accounts.update(&caller, &user.id, 1, patch).unwrap();
    accounts.request_verification(&caller, Channel::Email).unwrap();
}

#[test]
fn a_code_goes_when_it_counts_for_no_limit_any_more() {
    for (hours, goes, asked) in [(25, true, 500), (23, false, 60)] {
        let (ports, accounts) = accounts();
        ask_for_code(&accounts, "ada");
        let over = expire(&ports, CODES, id::now() - hours * HOUR);
        for number in 0..asked {
            ask_for_code(&accounts, &format!("user-{number}"));
            if !ids(&ports, CODES).contains(&over) {
                break;
            }
        }
        assert_eq!(ids(&ports, CODES).contains(&over), !goes, "after {hours} hours");
    }
}
