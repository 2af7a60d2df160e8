//! The number of registrations, and of requests for codes and for new passwords, from one address.

use std::cell::Cell;

use crate::people::{Service, accounts_with, at, registration, unknown_client};
use mercato_shop::accounts::{Channel, Client, UserPatch};
use mercato_shop::services::Accounts;
use mercato_shop::testing::{customer, error_code};
use mercato_shop::types::Error;

/// Returns the number of calls that succeed before one is refused, at most 300.
fn allowed<T>(call: impl Fn(usize) -> Result<T, Error>) -> usize {
    for number in 0..300 {
        match call(number) {
            Ok(_) => {}
            Err(Error::RateLimited(seconds)) => {
                assert!((1..=60).contains(&seconds), "{seconds}");
                return number;
            }
            Err(error) => panic!("{error:?}"),
        }
    }
    300
}

/// Registers users until one is refused. Each has another name.
fn registrations(accounts: &Service, client: impl Fn(usize) -> Client) -> usize {
    thread_local!(static NEXT: Cell<usize> = const { Cell::new(0) });
    allowed(|number| {
        let name = NEXT.replace(NEXT.get() + 1);
        accounts.register(&registration(&format!("user-{name}")), &client(number))
    })
}

/// A minute may end meanwhile, so that twice the limit is allowed.
fn is_limit(count: usize, limit: usize) -> bool {
    (limit..=2 * limit).contains(&count)
}

#[test]
fn limits_registrations_by_network() {
    let (_, accounts) = accounts_with(&[("REGISTRATION_LIMIT", "3")]);
    for client in [at("127.0.0.1"), at("192.0.2.7")] {
        assert!(is_limit(registrations(&accounts, |_| client.clone()), 3));
    }
    let in_network = |host| at(&format!("2001:db8::{host:x}"));
    assert!(is_limit(registrations(&accounts, in_network), 3));
    let networks = |network| at(&format!("2001:db8:1:{network:x}::1"));
    assert_eq!(registrations(&accounts, networks), 300);
    assert_eq!(registrations(&accounts, |_| unknown_client()), 300);
}

#[test]
fn limits_registrations_by_default_unless_the_limit_is_off() {
    let (_, accounts) = accounts_with(&[]);
    assert!(is_limit(registrations(&accounts, |_| at("127.0.0.1")), 100));
    let (_, accounts) = accounts_with(&[("REGISTRATION_LIMIT", "off")]);
    assert_eq!(registrations(&accounts, |_| at("127.0.0.1")), 300);
}

#[test]
fn does_not_count_invalid_registrations() {
    let (_, accounts) = accounts_with(&[("REGISTRATION_LIMIT", "1")]);
    for _ in 0..5 {
        let invalid = accounts.register(&registration("a"), &at("192.0.2.7"));
        assert_eq!(error_code(&invalid), "INVALID");
    }
    assert!(is_limit(registrations(&accounts, |_| at("192.0.2.7")), 1));
}

#[test]
fn limits_requests_for_new_passwords_and_for_codes_separately() {
    let (_, accounts) = accounts_with(&[("REGISTRATION_LIMIT", "4")]);
    let client = at("192.0.2.7");
    let reset = |number| accounts.request_password_reset(&format!("{number}@example.com"), &client);
    assert!(is_limit(allowed(reset), 4));
    let code = |number| {
        let user = accounts.register(&registration(&format!("guest-{number}")), &unknown_client())?;
        let patch = UserPatch {
            name: None,
            email: Some("ada@example.com".into()),
            phone: None,
            locale: None,
        };
        let own = customer(&user.user.id);
        accounts.update(&own, &user.user.id, 1, &patch)?;
        accounts.request_verification(&own, Channel::Email, &client)
    };
    assert!(is_limit(allowed(code), 4));
    assert!(is_limit(registrations(&accounts, |_| client.clone()), 4));
}
