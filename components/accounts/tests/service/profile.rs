//! Changes of the profile, the password and the role.

use crate::people::{PASSWORD, accounts, audit, bearer, is_marked, login, register, unknown_client};
use mercato_shop::accounts::{AuditAction, AuditOutcome, UserPatch};
use mercato_shop::services::Accounts;
use mercato_shop::testing::{admin, customer, error_code};
use mercato_shop::types::{Caller, Error, Role};

fn named(name: &str) -> UserPatch {
    UserPatch {
        name: Some(name.into()),
        email: None,
        phone: None,
        locale: None,
    }
}

#[test]
fn lets_the_owner_and_admins_edit_a_profile_at_its_version() {
    let (_, accounts) = accounts();
    let (ada, bob) = (register(&accounts, "ada").user, register(&accounts, "bob").user);
    let own = customer(&ada.id);
    let edited = accounts.update(&own, &ada.id, 1, &named("Ada")).unwrap();
    assert_eq!((edited.name.as_deref(), edited.version), (Some("Ada"), 2));
    let stale = accounts.update(&own, &ada.id, 1, &named("Eve"));
    assert_eq!(stale, Err(Error::StaleVersion(2)));
    let same = accounts.update(&own, &ada.id, 2, &named("Ada")).unwrap();
    assert_eq!(same.version, 2, "nothing has changed");
    let edited = accounts.update(&Caller::ApiKey, &ada.id, 2, &named("")).unwrap();
    assert_eq!((edited.name, edited.version), (None, 3));

    let stranger = accounts.update(&customer(&bob.id), &ada.id, 3, &named("Bob"));
    assert_eq!(error_code(&stranger), "FORBIDDEN");
    let nobody = accounts.update(&Caller::Anonymous, &ada.id, 3, &named("Bob"));
    assert_eq!(error_code(&nobody), "UNAUTHENTICATED");
    let unknown = accounts.update(&admin(), "nobody", 1, &named("Bob"));
    assert_eq!(error_code(&unknown), "NOT_FOUND");
    let invalid = accounts.update(&own, &ada.id, 3, &named("a\nb"));
    assert!(matches!(invalid, Err(Error::Invalid(violation)) if violation.field == "name"));
}

#[test]
fn ends_the_other_sessions_when_the_password_changes() {
    let (ports, accounts) = accounts();
    let here = register(&accounts, "ada");
    let caller = bearer(&accounts, &here);
    let there = login(&accounts, "ada", PASSWORD).unwrap();
    let other = accounts.sessions(&caller, None).unwrap()[0].id.clone();
    accounts
        .change_password(&caller, PASSWORD, "battery staple")
        .unwrap();
    assert_eq!(
        error_code(&accounts.refresh(&there.refresh_token, &unknown_client())),
        "UNAUTHENTICATED"
    );
    assert!(is_marked(&ports, &other));
    assert!(accounts.refresh(&here.refresh_token, &unknown_client()).is_ok());
    assert!(login(&accounts, "ada", PASSWORD).is_err());
    assert!(login(&accounts, "ada", "battery staple").is_ok());
    let log = audit(&accounts, AuditAction::PasswordChange);
    assert_eq!((log.len(), log[0].outcome), (1, AuditOutcome::Success));
}

#[test]
fn keeps_the_session_that_changed_the_password_during_a_sign_in_with_the_old_one() {
    let (ports, accounts) = accounts();
    let ada = register(&accounts, "ada");
    let caller = bearer(&accounts, &ada);
    let changing = accounts.clone();
    ports.before_next_commit(move || {
        changing
            .change_password(&caller, PASSWORD, "battery staple")
            .unwrap();
    });
    assert_eq!(error_code(&login(&accounts, "ada", PASSWORD)), "UNAUTHENTICATED");
    assert_eq!(accounts.sessions(&customer(&ada.user.id), None).unwrap().len(), 1);
}

#[test]
fn requires_the_current_password_to_change_it() {
    let (_, accounts) = accounts();
    let ada = register(&accounts, "ada").user;
    let own = customer(&ada.id);
    let field = |answer: Result<_, Error>| match answer {
        Err(Error::Invalid(violation)) => violation.field,
        other => format!("{other:?}"),
    };
    assert_eq!(field(accounts.change_password(&own, PASSWORD, "short")), "new");
    for _ in 0..2 {
        assert_eq!(
            field(accounts.change_password(&own, "wrong horse", "battery staple")),
            "current"
        );
    }
    assert_eq!(
        error_code(&accounts.change_password(&own, PASSWORD, "battery staple")),
        "RATE_LIMITED"
    );
    assert_eq!(
        error_code(&accounts.change_password(&Caller::ApiKey, PASSWORD, "battery staple")),
        "FORBIDDEN"
    );
    let log = audit(&accounts, AuditAction::PasswordChange);
    assert_eq!((log.len(), log[0].outcome), (2, AuditOutcome::Failure));
    assert!(!format!("{log:?}").contains("horse"));
}

#[test]
fn lets_admins_set_a_role() {
    let (_, accounts) = accounts();
    let ada = register(&accounts, "ada");
    let id = &ada.user.id;
    assert_eq!(
        error_code(&accounts.set_role(&customer(id), id, Role::Admin)),
        "FORBIDDEN"
    );
    accounts.set_role(&Caller::ApiKey, id, Role::Admin).unwrap();
    accounts.set_role(&Caller::ApiKey, id, Role::Admin).unwrap();
    let refreshed = accounts.refresh(&ada.refresh_token, &unknown_client());
    assert_eq!(error_code(&refreshed), "UNAUTHENTICATED", "the session has ended");
    let next = login(&accounts, "ada", PASSWORD).unwrap();
    assert_eq!(next.user.role, Role::Admin);
    let log = audit(&accounts, AuditAction::RoleChange);
    assert_eq!(log.len(), 1, "the second time changed nothing");
    assert_eq!(log[0].detail.as_deref(), Some("CUSTOMER became ADMIN"));
    assert_eq!(
        (log[0].actor.as_str(), log[0].subject.as_ref()),
        ("api-key", Some(id))
    );
    accounts.set_role(&admin(), id, Role::Customer).unwrap();
    assert_eq!(
        error_code(&accounts.set_role(&admin(), "nobody", Role::Admin)),
        "NOT_FOUND"
    );
}
