//! The limits of failed sign-ins.

use std::thread;

use crate::people::{
    PASSWORD, Service, accounts, accounts_with, at, audit, bearer, credentials, login, login_at, register,
    unknown_client,
};
use mercato_ports::documents::{Deletion, Query, Write};
use mercato_shop::accounts::AuditAction;
use mercato_shop::ports::Ports as _;
use mercato_shop::services::Accounts;
use mercato_shop::testing::{TestPorts, error_code};
use mercato_shop::types::Error;

fn fail(accounts: &Service, address: &str, username: &str) -> Error {
    login_at(accounts, at(address), username, "wrong horse").unwrap_err()
}

#[test]
fn limits_failures_for_known_and_unknown_user_names_alike() {
    let (_, accounts) = accounts();
    register(&accounts, "ada");
    for name in ["ada", "nobody"] {
        for _ in 0..2 {
            assert_eq!(
                error_code(&login(&accounts, name, "wrong horse")),
                "UNAUTHENTICATED"
            );
        }
        for _ in 0..3 {
            let refused = login(&accounts, name, PASSWORD);
            assert!(matches!(refused, Err(Error::RateLimited(1..=900))), "{refused:?}");
        }
    }
    let log = audit(&accounts, AuditAction::SignIn);
    assert_eq!(
        log.len(),
        2 * 3,
        "of the limited attempts, only the first is logged"
    );
}

#[test]
fn does_not_lock_owners_out() {
    let (_, accounts) = accounts();
    let ada = register(&accounts, "ada");
    login_at(&accounts, at("198.51.100.1"), "ada", PASSWORD).unwrap();
    for _ in 0..5 {
        fail(&accounts, "203.0.113.9", "ada");
        login(&accounts, "ada", "wrong horse").unwrap_err();
    }
    assert!(matches!(
        fail(&accounts, "203.0.113.9", "ada"),
        Error::RateLimited(_)
    ));
    login_at(&accounts, at("198.51.100.1"), "ada", PASSWORD).unwrap();
    login_at(&accounts, at("198.51.100.77"), "ada", PASSWORD).unwrap();
    assert_eq!(error_code(&login(&accounts, "ada", PASSWORD)), "RATE_LIMITED");
    // Without an address, the access token of a session proves the owner.
    let caller = bearer(&accounts, &ada);
    accounts
        .login(&caller, &credentials("ada", PASSWORD), &unknown_client())
        .unwrap();
}

#[test]
fn does_not_forgive_earlier_failures_after_a_success() {
    let (_, accounts) = accounts();
    register(&accounts, "ada");
    for _ in 0..5 {
        login(&accounts, "ada", PASSWORD).unwrap();
    }
    login(&accounts, "ada", "wrong horse").unwrap_err();
    login(&accounts, "ada", PASSWORD).unwrap();
    login(&accounts, "ada", "wrong horse").unwrap_err();
    assert_eq!(error_code(&login(&accounts, "ada", PASSWORD)), "RATE_LIMITED");
}

#[test]
fn limits_an_account_over_many_addresses_but_not_its_owner() {
    let (_, accounts) = accounts();
    register(&accounts, "ada");
    login_at(&accounts, at("198.51.100.1"), "ada", PASSWORD).unwrap();
    for host in 0..20 {
        let refused = fail(&accounts, &format!("203.0.113.{host}"), "ada");
        assert!(matches!(refused, Error::Unauthenticated(_)), "{host}");
    }
    assert!(matches!(
        fail(&accounts, "203.0.113.99", "ada"),
        Error::RateLimited(_)
    ));
    login_at(&accounts, at("198.51.100.1"), "ada", PASSWORD).unwrap();
}

#[test]
fn limits_an_address_over_many_accounts_but_not_a_user_with_a_session_there() {
    let (_, accounts) = accounts();
    for name in ["ada", "bob"] {
        register(&accounts, name);
    }
    login_at(&accounts, at("2001:db8::1"), "ada", PASSWORD).unwrap();
    for account in 0..20 {
        fail(
            &accounts,
            &format!("2001:db8::{account:x}"),
            &format!("user-{account}"),
        );
    }
    assert!(matches!(
        fail(&accounts, "2001:db8::ff", "bob"),
        Error::RateLimited(_)
    ));
    login_at(&accounts, at("2001:db8::1"), "ada", PASSWORD).unwrap();
}

#[test]
fn counts_concurrent_attempts_before_their_passwords_are_checked() {
    let (_, accounts) = accounts_with(&[("SIGN_IN_FAILURES", "3")]);
    register(&accounts, "ada");
    let outcomes = thread::scope(|scope| {
        let attempt = || login_at(&accounts, at("192.0.2.7"), "ada", "wrong horse");
        let tries: Vec<_> = (0..12).map(|_| scope.spawn(attempt)).collect();
        let outcomes = tries.into_iter().map(|attempt| attempt.join().unwrap());
        outcomes.collect::<Vec<_>>()
    });
    let checked = outcomes
        .iter()
        .filter(|outcome| error_code(outcome) == "UNAUTHENTICATED");
    assert_eq!(checked.count(), 3);
    let limited = outcomes
        .iter()
        .filter(|outcome| error_code(outcome) == "RATE_LIMITED");
    assert_eq!(limited.count(), 9);
}

#[test]
fn takes_an_attempt_back_if_its_password_was_not_checked() {
    let (ports, accounts) = accounts();
    register(&accounts, "ada");
    ports.set_passwords_busy(true);
    for _ in 0..5 {
        let busy = login_at(&accounts, at("192.0.2.7"), "ada", PASSWORD);
        assert_eq!(busy, Err(Error::RateLimited(1)));
    }
    ports.set_passwords_busy(false);
    login_at(&accounts, at("192.0.2.7"), "ada", PASSWORD).unwrap();
}

#[test]
fn signs_in_although_the_window_ended_meanwhile() {
    let (ports, accounts) = accounts();
    register(&accounts, "ada");
    let (first, then) = (ports.clone(), ports.clone());
    // The first commit counts the attempt. The second one is that of the success.
    ports.before_next_commit(move || first.before_next_commit(move || delete_attempts(&then)));
    login_at(&accounts, at("192.0.2.7"), "ada", PASSWORD).unwrap();
    assert_eq!(attempts(&ports), 0);
}

#[test]
fn stores_neither_names_nor_addresses() {
    let (ports, accounts) = accounts();
    fail(&accounts, "192.0.2.7", "ada");
    let found = ports.find(&Query::all(ATTEMPTS, 10)).unwrap();
    assert_eq!(found.len(), 3);
    let text = format!("{found:?}");
    assert!(!text.contains("ada") && !text.contains("192.0.2.7"), "{text}");
}

const ATTEMPTS: &str = "accounts.attempts";

fn attempts(ports: &TestPorts) -> usize {
    ports.find(&Query::all(ATTEMPTS, 100)).unwrap().len()
}

fn delete_attempts(ports: &TestPorts) {
    let found = ports.find(&Query::all(ATTEMPTS, 100)).unwrap();
    let deletion = |document: &mercato_ports::documents::Document| {
        Write::Delete(Deletion {
            collection: ATTEMPTS.into(),
            id: document.id.clone(),
            expected: document.version,
        })
    };
    let writes: Vec<_> = found.iter().map(deletion).collect();
    ports.commit(&writes, &[]).unwrap();
}
