//! Verification of e-mail addresses and phone numbers.

use crate::people::{Service, accounts, change, phone_code, register, unknown_client};
use mercato_shop::accounts::{Channel, UserPatch};
use mercato_shop::services::{Accounts, Contacts};
use mercato_shop::testing::{TestPorts, customer, error_code};
use mercato_shop::types::{Caller, Error};
use serde_json::Value;

/// Registers a user with an e-mail address and a phone number.
fn reachable(accounts: &Service, email: &str) -> Caller {
    let user = register(accounts, "ada").user;
    let patch = UserPatch {
        name: None,
        email: Some(email.into()),
        phone: Some("+4915112345678".into()),
        locale: None,
    };
    accounts.update(&customer(&user.id), &user.id, 1, &patch).unwrap();
    customer(&user.id)
}

/// Returns the code of the only e-mail that was sent.
fn mailed(ports: &TestPorts) -> String {
    let mails = ports.take_mails();
    assert_eq!(mails.len(), 1);
    let digits = |word: &&str| word.len() == 6 && word.bytes().all(|byte| byte.is_ascii_digit());
    let words = mails[0].text.split(|char: char| !char.is_ascii_alphanumeric());
    words.into_iter().find(digits).unwrap().to_owned()
}

#[test]
fn sends_the_code_in_the_users_language() {
    let (ports, accounts) = accounts();
    for (name, locale, subject) in [
        ("ada", None, "Your code"),
        ("bea", Some("fr-CA"), "Your code"),
        ("eva", Some("de-AT"), "Ihr Code"),
    ] {
        let user = register(&accounts, name).user;
        let patch = UserPatch {
            name: None,
            email: Some(format!("{name}@example.com")),
            phone: None,
            locale: locale.map(Into::into),
        };
        let caller = customer(&user.id);
        accounts.update(&caller, &user.id, 1, &patch).unwrap();
        accounts
            .request_verification(&caller, Channel::Email, &unknown_client())
            .unwrap();
        let mail = ports.take_mails().remove(0);
        assert_eq!(mail.subject, subject);
        assert!(mail.text.starts_with(&format!("{subject} is")), "{}", mail.text);
    }
}

fn wrong_code(code: &str) -> String {
    format!("{:06}", (code.parse::<u32>().unwrap() + 1) % 1_000_000)
}

fn invalid_field<T: std::fmt::Debug>(answer: Result<T, Error>) -> String {
    match answer {
        Err(Error::Invalid(violation)) => violation.field,
        other => format!("{other:?}"),
    }
}

#[test]
fn verifies_an_address_until_it_changes() {
    let (ports, accounts) = accounts();
    let ada = reachable(&accounts, "ada@example.com");
    accounts
        .request_verification(&ada, Channel::Email, &unknown_client())
        .unwrap();
    let code = mailed(&ports);
    assert_eq!(
        invalid_field(accounts.verify(&ada, Channel::Email, &wrong_code(&code))),
        "code"
    );
    assert_eq!(
        invalid_field(accounts.verify(&ada, Channel::Phone, &code)),
        "code"
    );
    let user = accounts.verify(&ada, Channel::Email, &code).unwrap();
    assert!(user.email_verified && !user.phone_verified);
    assert_eq!(
        invalid_field(accounts.verify(&ada, Channel::Email, &code)),
        "code",
        "a code can be used once"
    );
    assert_eq!(
        error_code(&accounts.request_verification(&ada, Channel::Email, &unknown_client())),
        "CONFLICT"
    );
    let patch = UserPatch {
        name: None,
        email: Some("ada@example.org".into()),
        phone: None,
        locale: None,
    };
    assert!(
        !accounts
            .update(&ada, &user.id, user.version, &patch)
            .unwrap()
            .email_verified
    );
}

#[test]
fn accepts_five_tries_even_if_the_sixth_is_right() {
    let (ports, accounts) = accounts();
    let ada = reachable(&accounts, "ada@example.com");
    accounts
        .request_verification(&ada, Channel::Email, &unknown_client())
        .unwrap();
    let code = mailed(&ports);
    for _ in 0..5 {
        assert_eq!(
            invalid_field(accounts.verify(&ada, Channel::Email, &wrong_code(&code))),
            "code"
        );
    }
    assert_eq!(
        invalid_field(accounts.verify(&ada, Channel::Email, &code)),
        "code"
    );
}

#[test]
fn rejects_a_code_after_the_address_changed() {
    let (ports, accounts) = accounts();
    let ada = reachable(&accounts, "ada@example.com");
    accounts
        .request_verification(&ada, Channel::Email, &unknown_client())
        .unwrap();
    let code = mailed(&ports);
    let patch = UserPatch {
        name: None,
        email: Some("eve@example.com".into()),
        phone: None,
        locale: None,
    };
    let id = ada.user_id().unwrap();
    accounts.update(&ada, id, 2, &patch).unwrap();
    assert_eq!(
        invalid_field(accounts.verify(&ada, Channel::Email, &code)),
        "code"
    );
}

#[test]
fn requests_a_code_for_a_phone_by_an_event() {
    let (ports, accounts) = accounts();
    let ada = reachable(&accounts, "ada@example.com");
    let _ = ports.take_events();
    accounts
        .request_verification(&ada, Channel::Phone, &unknown_client())
        .unwrap();
    assert!(ports.take_mails().is_empty());
    let event = ports.take_events().remove(0);
    assert_eq!(event.kind, "mercato.accounts.verification-requested");
    let sent = phone_code(&accounts, &event);
    assert_eq!((sent.to.as_str(), sent.code.len()), ("+4915112345678", 6));
    assert!(sent.code.bytes().all(|byte| byte.is_ascii_digit()));
    let secrets = [sent.code.as_str(), "15112345678"];
    assert!(
        !secrets.iter().any(|secret| event.data.contains(secret)),
        "{}",
        event.data
    );
    assert_eq!(phone_code(&accounts, &event), sent, "the code does not change");
    assert!(
        accounts
            .verify(&ada, Channel::Phone, &sent.code)
            .unwrap()
            .phone_verified
    );
}

#[test]
fn returns_the_code_for_a_phone_while_it_can_be_used() {
    type Change = fn(&TestPorts, &Service, &Caller);
    const VERIFICATIONS: &str = "accounts.verifications";
    let is_tried: Change = |_, accounts, ada| {
        for _ in 0..5 {
            assert_eq!(
                invalid_field(accounts.verify(ada, Channel::Phone, "nonsense")),
                "code"
            );
        }
    };
    let is_followed: Change = |ports, accounts, ada| {
        change(
            ports,
            VERIFICATIONS,
            &format!("{}.phone", ada.user_id().unwrap()),
            |body| {
                body["sentAt"] = 1.into();
            },
        );
        accounts
            .request_verification(ada, Channel::Phone, &unknown_client())
            .unwrap();
    };
    let expires: Change = |ports, _, ada| {
        change(
            ports,
            VERIFICATIONS,
            &format!("{}.phone", ada.user_id().unwrap()),
            |body| {
                body["expiresAt"] = 1.into();
            },
        );
    };
    let is_erased: Change = |_, accounts, ada| {
        accounts.erase(ada, ada.user_id().unwrap()).unwrap();
    };
    for change in [is_tried, is_followed, expires, is_erased] {
        let (ports, accounts) = accounts();
        let ada = reachable(&accounts, "ada@example.com");
        drop(ports.take_events());
        accounts
            .request_verification(&ada, Channel::Phone, &unknown_client())
            .unwrap();
        let requested: Value = serde_json::from_str(&ports.take_events()[0].data).unwrap();
        let [user_id, id] = ["userId", "verificationId"].map(|field| requested[field].as_str().unwrap());
        let has_code = |user_id: &str, id: &str| accounts.look_up_code(user_id, id).unwrap().is_some();
        assert!(has_code(user_id, id));
        assert!(!has_code(user_id, "another") && !has_code("nobody", id) && !has_code(user_id, ""));
        change(&ports, &accounts, &ada);
        assert!(!has_code(user_id, id));
    }
}

#[test]
fn computes_a_different_code_for_each_number() {
    let (ports, accounts) = accounts();
    let ada = reachable(&accounts, "ada@example.com");
    drop(ports.take_events());
    accounts
        .request_verification(&ada, Channel::Phone, &unknown_client())
        .unwrap();
    let event = ports.take_events().remove(0);
    let first = phone_code(&accounts, &event);
    let patch = UserPatch {
        name: None,
        email: None,
        phone: Some("+4915187654321".into()),
        locale: Some("de".into()),
    };
    accounts.update(&ada, ada.user_id().unwrap(), 2, &patch).unwrap();
    assert_eq!(
        invalid_field(accounts.verify(&ada, Channel::Phone, &first.code)),
        "code"
    );
    let second = phone_code(&accounts, &event);
    assert_eq!(
        (second.to.as_str(), second.locale.as_deref()),
        ("+4915187654321", Some("de"))
    );
    assert!(
        accounts
            .verify(&ada, Channel::Phone, &second.code)
            .unwrap()
            .phone_verified
    );
}

#[test]
fn sends_codes_to_users_with_an_address_and_with_pauses() {
    let (ports, accounts) = accounts();
    let unreachable = customer(&register(&accounts, "bob").user.id);
    assert_eq!(
        invalid_field(accounts.request_verification(&unreachable, Channel::Email, &unknown_client())),
        "channel"
    );
    assert_eq!(
        error_code(&accounts.request_verification(&Caller::ApiKey, Channel::Email, &unknown_client())),
        "FORBIDDEN"
    );
    assert_eq!(
        error_code(&accounts.verify(&Caller::Anonymous, Channel::Email, "000000")),
        "UNAUTHENTICATED"
    );
    let ada = reachable(&accounts, "ada@example.com");
    accounts
        .request_verification(&ada, Channel::Email, &unknown_client())
        .unwrap();
    assert!(matches!(
        accounts.request_verification(&ada, Channel::Email, &unknown_client()),
        Err(Error::RateLimited(1..=60))
    ));
    assert_eq!(ports.take_mails().len(), 1);
    for text in ["", "12345", "nonsense", &"1".repeat(1_000)] {
        assert_eq!(invalid_field(accounts.verify(&ada, Channel::Email, text)), "code");
    }
}

#[test]
fn allows_a_new_request_at_once_if_mail_is_unavailable() {
    let (_, accounts) = accounts();
    let ada = reachable(&accounts, "ada@unavailable.example");
    for _ in 0..20 {
        let error = accounts
            .request_verification(&ada, Channel::Email, &unknown_client())
            .unwrap_err();
        assert!(matches_unavailable(&error), "{error:?}");
    }
}

#[test]
fn reports_unavailable_mail_in_spite_of_concurrent_changes() {
    type Concurrent = fn(&Service, &Caller);
    let tries_a_code: Concurrent = |accounts, ada| {
        assert_eq!(
            invalid_field(accounts.verify(ada, Channel::Email, "000000")),
            "code"
        );
    };
    let erases: Concurrent = |accounts, ada| {
        accounts.erase(ada, ada.user_id().unwrap()).unwrap();
    };
    for concurrent in [tries_a_code, erases] {
        let (ports, accounts) = accounts();
        let ada = reachable(&accounts, "ada@unavailable.example");
        let (others, user, inner) = (accounts.clone(), ada.clone(), ports.clone());
        // Right before the code is withdrawn.
        ports.after_next_commit(move || inner.before_next_commit(move || concurrent(&others, &user)));
        let error = accounts
            .request_verification(&ada, Channel::Email, &unknown_client())
            .unwrap_err();
        assert!(matches_unavailable(&error), "{error:?}");
    }
}

#[test]
fn allows_a_new_request_at_once_after_a_try_of_the_unsent_code() {
    let (ports, accounts) = accounts();
    let ada = reachable(&accounts, "ada@unavailable.example");
    let (others, user, inner) = (accounts.clone(), ada.clone(), ports.clone());
    ports.after_next_commit(move || {
        inner.before_next_commit(move || {
            assert_eq!(
                invalid_field(others.verify(&user, Channel::Email, "000000")),
                "code"
            );
        });
    });
    for _ in 0..2 {
        let error = accounts
            .request_verification(&ada, Channel::Email, &unknown_client())
            .unwrap_err();
        assert!(matches_unavailable(&error), "{error:?}");
    }
}

#[test]
fn counts_a_rejected_address_for_the_limit() {
    let (_, accounts) = accounts();
    let ada = reachable(&accounts, "ada@rejected.example");
    let error = accounts
        .request_verification(&ada, Channel::Email, &unknown_client())
        .unwrap_err();
    assert!(matches_rejected(&error), "{error:?}");
    let again = accounts.request_verification(&ada, Channel::Email, &unknown_client());
    assert!(matches!(again, Err(Error::RateLimited(1..=60))), "{again:?}");
}

fn matches_unavailable(error: &Error) -> bool {
    matches!(error, Error::Unavailable(_))
}

fn matches_rejected(error: &Error) -> bool {
    matches!(error, Error::Invalid(violation) if violation.field == "email")
}
