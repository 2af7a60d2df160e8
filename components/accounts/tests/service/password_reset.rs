//! New passwords by a link in a mail.

use crate::people::{
    PASSWORD, Service, accounts, accounts_with, at, audit, by_email, change, login, login_at, login_by_email,
    register, unknown_client, verify_email,
};
use mercato_ports::events::HandlerFailure;
use mercato_ports::mailer::Message;
use mercato_shop::accounts::{AuditAction, AuditOutcome, UserPatch};
use mercato_shop::id;
use mercato_shop::services::Accounts;
use mercato_shop::testing::{TestPorts, customer, error_code, invalid_field};
use mercato_shop::types::Error;

const ADDRESS: &str = "ada@example.com";
const NEW: &str = "battery staple";

/// Registers a user with a verified address. Returns the user's id.
fn reachable(ports: &TestPorts, accounts: &Service, locale: Option<&str>) -> String {
    let user = register(accounts, "ada").user;
    let patch = UserPatch {
        name: None,
        email: Some(ADDRESS.into()),
        phone: None,
        locale: locale.map(Into::into),
    };
    accounts.update(&customer(&user.id), &user.id, 1, &patch).unwrap();
    verify_email(ports, accounts, &user.id).unwrap();
    let _ = (ports.take_events(), ports.take_mails());
    user.id
}

/// Requests a link, delivers the events, and returns the mails.
fn request(ports: &TestPorts, accounts: &Service, email: &str) -> Vec<Message> {
    assert_eq!(
        accounts.request_password_reset(email, &unknown_client()),
        Ok(1_800)
    );
    for event in ports.take_events() {
        accounts.handle(&event).unwrap();
        assert!(!event.data.contains("example"), "{}", event.data);
    }
    ports.take_mails()
}

/// Returns the token in a mail.
fn token(mail: &Message) -> String {
    let is_token = |word: &&str| word.len() == 43;
    mail.text.split_whitespace().find(is_token).unwrap().to_owned()
}

fn reset(accounts: &Service, token: &str) -> Result<mercato_shop::accounts::User, Error> {
    accounts.reset_password(token, NEW, &unknown_client())
}

/// Lets the next link be sent at once.
fn end_pause(ports: &TestPorts, user_id: &str) {
    change(ports, "accounts.password-resets", user_id, |body| {
        body["sentAt"] = 1.into()
    });
}

#[test]
fn sets_a_new_password_once_and_ends_all_sessions() {
    let (ports, accounts) = accounts();
    let id = reachable(&ports, &accounts, None);
    let session = login(&accounts, "ada", PASSWORD).unwrap();
    let mails = request(&ports, &accounts, "ADA@example.com");
    assert_eq!(mails.len(), 1);
    assert_eq!(
        (mails[0].to.as_str(), mails[0].subject.as_str()),
        (ADDRESS, "Set a new password")
    );
    assert!(
        mails[0].text.contains("30 minutes") && mails[0].text.contains("for ada"),
        "{}",
        mails[0].text
    );
    let token = token(&mails[0]);
    assert_eq!(
        invalid_field(accounts.reset_password(&token, "short", &unknown_client())),
        "password"
    );
    assert_eq!(reset(&accounts, &token).unwrap().id, id);
    assert_eq!(error_code(&login(&accounts, "ada", PASSWORD)), "UNAUTHENTICATED");
    assert!(login(&accounts, "ada", NEW).is_ok() && login_by_email(&accounts, ADDRESS, NEW).is_ok());
    assert_eq!(
        error_code(&accounts.refresh(&session.refresh_token, &unknown_client())),
        "UNAUTHENTICATED"
    );
    assert_eq!(invalid_field(reset(&accounts, &token)), "token");
    let log = audit(&accounts, AuditAction::PasswordReset);
    assert_eq!(
        (log.len(), log[0].subject.as_ref(), &log[0].actor),
        (1, Some(&id), &id)
    );
    let log = audit(&accounts, AuditAction::PasswordResetRequest);
    assert_eq!((log.len(), log[0].outcome), (1, AuditOutcome::Success));
    assert!(!format!("{log:?}").contains(&token));
}

#[test]
fn wrong_replaced_and_expired_tokens_have_one_error() {
    let (ports, accounts) = accounts();
    let id = reachable(&ports, &accounts, None);
    let first = token(&request(&ports, &accounts, ADDRESS)[0]);
    end_pause(&ports, &id);
    let second = token(&request(&ports, &accounts, ADDRESS)[0]);
    let errors = [
        reset(&accounts, &first),
        reset(&accounts, ""),
        reset(&accounts, &"x".repeat(1_000)),
        reset(&accounts, &second[..42]),
    ];
    assert!(
        errors.iter().all(|error| error.is_err() && *error == errors[0]),
        "{errors:?}"
    );
    change(&ports, "accounts.password-resets", &id, |body| {
        body["expiresAt"] = 1.into()
    });
    assert_eq!(reset(&accounts, &second), errors[0]);
}

#[test]
fn a_token_lives_for_the_configured_time() {
    let (ports, accounts) = accounts_with(&[("PASSWORD_RESET_SECONDS", "600")]);
    let id = reachable(&ports, &accounts, None);
    let requested = accounts.request_password_reset(ADDRESS, &unknown_client());
    assert_eq!(requested, Ok(600));
    ports
        .take_events()
        .iter()
        .for_each(|event| accounts.handle(event).unwrap());
    let token = token(&ports.take_mails()[0]);
    change(&ports, "accounts.password-resets", &id, |body| {
        let time = |field: &str| body[field].as_u64().unwrap();
        assert_eq!(time("expiresAt") - time("sentAt"), 600_000);
        body["expiresAt"] = (id::now() + 60_000).into();
    });
    assert!(reset(&accounts, &token).is_ok());
}

#[test]
fn a_change_of_the_password_or_of_the_address_invalidates_the_token() {
    type Change = fn(&Service, &str);
    let password: Change = |accounts, id| {
        accounts
            .change_password(&customer(id), PASSWORD, "another password")
            .unwrap();
    };
    let address: Change = |accounts, id| {
        let user = accounts
            .get_many(&customer(id), &[id.into()])
            .unwrap()
            .remove(0)
            .unwrap();
        let patch = UserPatch {
            name: None,
            email: Some("eve@example.com".into()),
            phone: None,
            locale: None,
        };
        accounts.update(&customer(id), id, user.version, &patch).unwrap();
    };
    let erasure: Change = |accounts, id| drop(accounts.erase(&customer(id), id).unwrap());
    for change in [password, address, erasure] {
        let (ports, accounts) = accounts();
        let id = reachable(&ports, &accounts, None);
        let token = token(&request(&ports, &accounts, ADDRESS)[0]);
        change(&accounts, &id);
        assert_eq!(invalid_field(reset(&accounts, &token)), "token");
    }
}

#[test]
fn of_two_concurrent_uses_one_succeeds() {
    let (ports, accounts) = accounts();
    reachable(&ports, &accounts, None);
    let token = token(&request(&ports, &accounts, ADDRESS)[0]);
    let (other, same) = (accounts.clone(), token.clone());
    ports.before_next_commit(move || drop(reset(&other, &same).unwrap()));
    assert_eq!(invalid_field(reset(&accounts, &token)), "token");
}

#[test]
fn answers_the_same_for_addresses_without_an_account() {
    let (ports, accounts) = accounts();
    let registered = accounts.register(&by_email("new@example.com", PASSWORD), &unknown_client());
    assert!(registered.is_ok());
    let _ = ports.take_events();
    for address in ["nobody@example.com", "new@example.com"] {
        assert_eq!(request(&ports, &accounts, address), []);
    }
    let log = audit(&accounts, AuditAction::PasswordResetRequest);
    let seen: Vec<_> = log
        .iter()
        .map(|entry| (entry.outcome, entry.subject.as_ref()))
        .collect();
    assert_eq!(seen, [(AuditOutcome::Failure, None); 2]);
    for text in ["", "ada", "a\u{202E}@example.com"] {
        assert_eq!(
            invalid_field(accounts.request_password_reset(text, &unknown_client())),
            "email"
        );
    }
}

#[test]
fn limits_requests_for_an_address_and_mails_to_a_user() {
    let (ports, accounts) = accounts();
    reachable(&ports, &accounts, None);
    assert_eq!(request(&ports, &accounts, ADDRESS).len(), 1);
    assert_eq!(
        request(&ports, &accounts, ADDRESS).len(),
        0,
        "a minute has not passed"
    );
    for address in [ADDRESS, "nobody@example.com"] {
        let answers: Vec<_> = (0..3)
            .map(|_| error_code(&accounts.request_password_reset(address, &unknown_client())))
            .collect();
        assert_eq!(answers.last(), Some(&"RATE_LIMITED"), "{address}");
    }
    // One client, many addresses.
    let answer = |number| {
        let address = format!("a{number}@example.org");
        error_code(&accounts.request_password_reset(&address, &at("192.0.2.9")))
    };
    let answers: Vec<_> = (0..21).map(answer).collect();
    assert_eq!(answers.last(), Some(&"RATE_LIMITED"));
}

#[test]
fn signs_in_after_a_reset_although_earlier_failures_reached_the_limit() {
    let (ports, accounts) = accounts();
    reachable(&ports, &accounts, None);
    for _ in 0..3 {
        login_at(&accounts, at("192.0.2.9"), "ada", "wrong horse").unwrap_err();
    }
    let token = token(&request(&ports, &accounts, ADDRESS)[0]);
    accounts.reset_password(&token, NEW, &at("192.0.2.9")).unwrap();
    assert!(login_at(&accounts, at("192.0.2.9"), "ada", NEW).is_ok());
}

#[test]
fn mails_a_link_in_the_users_language_and_tries_again() {
    let (ports, accounts) = accounts_with(&[(
        "PASSWORD_RESET_URL",
        "https://shop.example/#/reset?token={token}&from=mail",
    )]);
    let id = reachable(&ports, &accounts, Some("de-AT"));
    accounts
        .request_password_reset(ADDRESS, &unknown_client())
        .unwrap();
    let event = ports.take_events().remove(0);
    assert_eq!(event.kind, "mercato.accounts.password-reset-requested");
    for _ in 0..2 {
        accounts.handle(&event).unwrap();
    }
    let mails = ports.take_mails();
    assert_eq!((mails.len(), mails[0].subject.as_str()), (2, "Neues Passwort"));
    assert_eq!(mails[0], mails[1], "a repeated delivery sends the same mail");
    let (_, link) = mails[0]
        .text
        .split_once("https://shop.example/#/reset?token=")
        .unwrap();
    let (token, _) = link.split_once("&from=mail").unwrap();
    assert!(reset(&accounts, token).is_ok());
    accounts.handle(&event).unwrap();
    assert_eq!(ports.take_mails(), [], "the link is used");
    let export = accounts.export(&customer(&id), &id).unwrap();
    assert!(export.contains(r#""resetRequest":null"#), "{export}");
}

#[test]
fn retries_a_mail_while_the_server_is_unavailable() {
    let (ports, accounts) = accounts();
    let user = register(&accounts, "ada").user;
    let address = "ada@unavailable.example";
    let patch = UserPatch {
        name: None,
        email: Some(address.into()),
        phone: None,
        locale: None,
    };
    accounts.update(&customer(&user.id), &user.id, 1, &patch).unwrap();
    change(&ports, "accounts.users", &user.id, |body| {
        body["profile"]["emailVerified"] = true.into();
    });
    login(&accounts, "ada", PASSWORD).unwrap();
    let _ = ports.take_events();
    accounts
        .request_password_reset(address, &unknown_client())
        .unwrap();
    let event = ports.take_events().remove(0);
    assert!(matches!(accounts.handle(&event), Err(HandlerFailure::Retry(_))));
}
