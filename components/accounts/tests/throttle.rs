//! The throttle: guessing is slow, and no stranger locks an owner out.
#![allow(clippy::unwrap_used, missing_docs, reason = "tests")]

mod people;

use mercato_shop::accounts::AuditAction;
use mercato_shop::services::Accounts;
use mercato_shop::types::Error;
use people::{
    PASSWORD, Service, accounts, at, audit, bearer, credentials, login, login_at, nowhere, register,
};

fn fail(accounts: &Service, address: &str, username: &str) -> Error {
    login_at(accounts, at(address), username, "wrong horse").unwrap_err()
}

#[test]
fn too_many_failures_have_to_wait_whether_or_not_there_is_such_a_user() {
    let (_, accounts) = accounts();
    register(&accounts, "ada");
    for name in ["ada", "nobody"] {
        for _ in 0..2 {
            assert!(matches!(
                login(&accounts, name, "wrong horse"),
                Err(Error::Unauthenticated(_))
            ));
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
        "of those that are refused unheard, the first is told"
    );
}

#[test]
fn an_owner_is_not_locked_out_by_strangers() {
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
    assert!(matches!(
        login(&accounts, "ada", PASSWORD),
        Err(Error::RateLimited(_))
    ));
    // Where no address is told, the token of a session does.
    let caller = bearer(&accounts, &ada);
    accounts
        .login(&caller, credentials("ada", PASSWORD), nowhere())
        .unwrap();
}

#[test]
fn success_takes_nothing_off_the_count_but_itself() {
    let (_, accounts) = accounts();
    register(&accounts, "ada");
    for _ in 0..5 {
        login(&accounts, "ada", PASSWORD).unwrap();
    }
    login(&accounts, "ada", "wrong horse").unwrap_err();
    login(&accounts, "ada", PASSWORD).unwrap();
    login(&accounts, "ada", "wrong horse").unwrap_err();
    assert!(matches!(
        login(&accounts, "ada", PASSWORD),
        Err(Error::RateLimited(_))
    ));
}

#[test]
fn many_addresses_together_meet_the_count_of_the_account_and_the_owner_does_not() {
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
fn one_address_meets_its_count_at_many_accounts_and_who_is_at_home_there_does_not() {
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
