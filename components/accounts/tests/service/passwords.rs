//! Rules for new passwords, and a port that is busy.

use mercato_shop::accounts::AuditAction;
use mercato_shop::ports::Passwords;
use mercato_shop::services::Accounts;
use mercato_shop::testing::{customer, error_code, invalid_field};
use mercato_shop::types::Error;

use crate::people::{
    PASSWORD, accounts, audit, by_email, change, login, register, registration, unknown_client,
};

const NEW: &str = "battery staple";

#[test]
fn rejects_new_passwords_that_are_guessed_first() {
    let (_, accounts) = accounts();
    let ada = register(&accounts, "ada.lovelace").user;
    for password in ["password", "12345678", "zzzzzzzzz", "mercato2024"] {
        let input = by_email("grace@example.com", password);
        assert_eq!(
            invalid_field(accounts.register(&input, &unknown_client())),
            "password"
        );
    }
    for (input, password) in [
        (registration("gracehopper"), "GraceHopper1"),
        (by_email("grace@navy.example", ""), "grace@navy.example"),
        (by_email("grace@navy.example", ""), "grace-navy-99"),
    ] {
        let input = mercato_shop::accounts::Registration {
            password: password.into(),
            ..input
        };
        let registered = accounts.register(&input, &unknown_client());
        assert_eq!(invalid_field(registered), "password", "{password}");
    }
    for password in ["password1", "lovelace1815"] {
        let changed = accounts.change_password(&customer(&ada.id), PASSWORD, password);
        assert_eq!(invalid_field(changed), "new", "{password}");
    }
}

#[test]
fn keeps_weak_passwords_of_earlier_versions() {
    let (ports, accounts) = accounts();
    let ada = register(&accounts, "ada").user;
    let hash = ports.hash("password1").unwrap();
    change(&ports, "accounts.users", &ada.id, |body| {
        body["passwordHash"] = hash.into()
    });
    assert!(login(&accounts, "ada", "password1").is_ok());
    assert!(
        accounts
            .change_password(&customer(&ada.id), "password1", NEW)
            .is_ok()
    );
}

/// Two failures would lock the account.
#[test]
fn an_attempt_while_hashing_is_busy_is_no_failure() {
    let (ports, accounts) = accounts();
    let ada = customer(&register(&accounts, "ada").user.id);
    ports.set_passwords_busy(true);
    for _ in 0..4 {
        for name in ["ada", "nobody"] {
            assert!(matches!(
                login(&accounts, name, "wrong horse"),
                Err(Error::RateLimited(1))
            ));
        }
        let changed = accounts.change_password(&ada, PASSWORD, NEW);
        assert_eq!(error_code(&changed), "RATE_LIMITED");
        let registered = accounts.register(&registration("grace"), &unknown_client());
        assert_eq!(error_code(&registered), "RATE_LIMITED");
    }
    ports.set_passwords_busy(false);
    for action in [AuditAction::SignIn, AuditAction::PasswordChange] {
        assert!(audit(&accounts, action).is_empty());
    }
    assert!(login(&accounts, "ada", PASSWORD).is_ok());
    assert!(accounts.change_password(&ada, PASSWORD, NEW).is_ok());
    register(&accounts, "grace");
}
