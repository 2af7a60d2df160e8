//! What changes of a user: the profile, the password, the role.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs, reason = "tests")]

mod people;

use mercato_shop::accounts::{AuditAction, AuditOutcome, UserPatch};
use mercato_shop::cache::Revocation;
use mercato_shop::services::Accounts;
use mercato_shop::testing::{admin, customer};
use mercato_shop::types::{Caller, Error, Role};
use people::{PASSWORD, accounts, audit, bearer, login, nowhere, register};

fn named(name: &str) -> UserPatch {
    UserPatch {
        name: Some(name.into()),
        email: None,
        phone: None,
        locale: None,
    }
}

#[test]
fn a_profile_is_edited_at_its_version_by_its_owner_or_by_those_who_keep_the_shop() {
    let (_, accounts) = accounts();
    let (ada, bob) = (register(&accounts, "ada").user, register(&accounts, "bob").user);
    let own = customer(&ada.id);
    let edited = accounts.update(&own, &ada.id, 1, named("Ada")).unwrap();
    assert_eq!((edited.name.as_deref(), edited.version), (Some("Ada"), 2));
    let stale = accounts.update(&own, &ada.id, 1, named("Eve"));
    assert_eq!(stale, Err(Error::StaleVersion(2)));
    let same = accounts.update(&own, &ada.id, 2, named("Ada")).unwrap();
    assert_eq!(same.version, 2, "nothing has changed");
    let edited = accounts.update(&Caller::ApiKey, &ada.id, 2, named("")).unwrap();
    assert_eq!((edited.name, edited.version), (None, 3));

    let stranger = accounts.update(&customer(&bob.id), &ada.id, 3, named("Bob"));
    assert!(matches!(stranger, Err(Error::Forbidden(_))));
    let nobody = accounts.update(&Caller::Anonymous, &ada.id, 3, named("Bob"));
    assert!(matches!(nobody, Err(Error::Unauthenticated(_))));
    let unknown = accounts.update(&admin(), "nobody", 1, named("Bob"));
    assert!(matches!(unknown, Err(Error::NotFound(_))));
    let invalid = accounts.update(&own, &ada.id, 3, named("a\nb"));
    assert!(matches!(invalid, Err(Error::Invalid(violation)) if violation.field == "name"));
}

#[test]
fn another_password_ends_the_other_sessions() {
    let (ports, accounts) = accounts();
    let here = register(&accounts, "ada");
    let caller = bearer(&accounts, &here);
    let there = login(&accounts, "ada", PASSWORD).unwrap();
    let other = accounts.sessions(&caller, None).unwrap()[0].id.clone();
    accounts
        .change_password(&caller, PASSWORD, "battery staple")
        .unwrap();
    assert!(matches!(
        accounts.refresh(&there.refresh_token, nowhere()),
        Err(Error::Unauthenticated(_))
    ));
    assert!(Revocation::of(&other).is_marked(&ports));
    assert!(accounts.refresh(&here.refresh_token, nowhere()).is_ok());
    assert!(login(&accounts, "ada", PASSWORD).is_err());
    assert!(login(&accounts, "ada", "battery staple").is_ok());
    let log = audit(&accounts, AuditAction::PasswordChange);
    assert_eq!((log.len(), log[0].outcome), (1, AuditOutcome::Success));
}

#[test]
fn who_signs_in_with_the_old_password_meanwhile_does_not_end_the_session_that_changed_it() {
    let (ports, accounts) = accounts();
    let ada = register(&accounts, "ada");
    let caller = bearer(&accounts, &ada);
    let changing = accounts.clone();
    ports.before_next_commit(move || {
        changing
            .change_password(&caller, PASSWORD, "battery staple")
            .unwrap();
    });
    assert!(matches!(
        login(&accounts, "ada", PASSWORD),
        Err(Error::Unauthenticated(_))
    ));
    assert_eq!(accounts.sessions(&customer(&ada.user.id), None).unwrap().len(), 1);
}

#[test]
fn a_password_is_changed_by_who_knows_it_only() {
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
    assert!(matches!(
        accounts.change_password(&own, PASSWORD, "battery staple"),
        Err(Error::RateLimited(_))
    ));
    assert!(matches!(
        accounts.change_password(&Caller::ApiKey, PASSWORD, "battery staple"),
        Err(Error::Forbidden(_))
    ));
    let log = audit(&accounts, AuditAction::PasswordChange);
    assert_eq!((log.len(), log[0].outcome), (2, AuditOutcome::Failure));
    assert!(!format!("{log:?}").contains("horse"));
}

#[test]
fn a_role_is_given_by_those_who_keep_the_shop_and_told_by_the_next_tokens() {
    let (_, accounts) = accounts();
    let ada = register(&accounts, "ada");
    let id = &ada.user.id;
    assert!(matches!(
        accounts.set_role(&customer(id), id, Role::Admin),
        Err(Error::Forbidden(_))
    ));
    accounts.set_role(&Caller::ApiKey, id, Role::Admin).unwrap();
    accounts.set_role(&Caller::ApiKey, id, Role::Admin).unwrap();
    let next = accounts.refresh(&ada.refresh_token, nowhere()).unwrap();
    assert_eq!(next.user.role, Role::Admin);
    let log = audit(&accounts, AuditAction::RoleChange);
    assert_eq!(log.len(), 1, "the second time changed nothing");
    assert_eq!(log[0].detail.as_deref(), Some("CUSTOMER became ADMIN"));
    assert_eq!(
        (log[0].actor.as_str(), log[0].subject.as_ref()),
        ("api-key", Some(id))
    );
    accounts.set_role(&admin(), id, Role::Customer).unwrap();
    assert!(matches!(
        accounts.set_role(&admin(), "nobody", Role::Admin),
        Err(Error::NotFound(_))
    ));
}
