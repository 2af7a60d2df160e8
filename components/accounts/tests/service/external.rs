//! Users of OpenID providers: how they are created, sign in and are erased.

use std::thread;

use crate::people::{PASSWORD, accounts, audit, login};
use mercato_shop::accounts::{AuditAction, ExternalIdentity};
use mercato_shop::id;
use mercato_shop::services::Accounts;
use mercato_shop::testing::{customer, error_code};
use mercato_shop::types::{Caller, Page};

fn identity(subject: &str) -> ExternalIdentity {
    ExternalIdentity {
        issuer: "https://id.example/".into(),
        subject: subject.into(),
        issued_at: id::now(),
        signed_in_at: 1_000,
        email: Some("Ada.L+x@example.com".into()),
        email_verified: true,
        name: Some("Ada".into()),
    }
}

#[test]
fn returns_the_same_user_at_each_sign_in() {
    let (ports, accounts) = accounts();
    let ada = accounts.sign_in_external(&identity("ada")).unwrap();
    assert!(ada.username.starts_with("ada.lx-"), "{}", ada.username);
    assert_eq!(
        (ada.name.as_deref(), ada.email.as_deref(), ada.email_verified),
        (Some("Ada"), Some("Ada.L+x@example.com"), true)
    );
    assert_eq!(accounts.sign_in_external(&identity("ada")).unwrap(), ada);
    assert_ne!(accounts.sign_in_external(&identity("bob")).unwrap().id, ada.id);
    let elsewhere = ExternalIdentity {
        issuer: "https://other.example/".into(),
        ..identity("ada")
    };
    assert_ne!(accounts.sign_in_external(&elsewhere).unwrap().id, ada.id);
    let events = ports.take_events();
    assert_eq!(
        (events.len(), events[0].kind.as_str()),
        (3, "mercato.accounts.user-registered")
    );
    let log = audit(&accounts, AuditAction::Register);
    assert_eq!(log.len(), 3);
    assert_eq!(log[2].detail.as_deref(), Some("signs in at https://id.example/"));
    let export = accounts.export(&customer(&ada.id), &ada.id).unwrap();
    assert!(
        export.contains("\"signsInAt\":\"https://id.example/\""),
        "{export}"
    );
}

#[test]
fn logs_each_sign_in_at_the_provider_once() {
    let (ports, accounts) = accounts();
    let ada = accounts.sign_in_external(&identity("ada")).unwrap().id;
    let unexpected = ports.clone();
    ports.before_next_commit(move || drop(unexpected.take_events()));
    accounts.sign_in_external(&identity("ada")).unwrap();
    assert_eq!(ports.take_events().len(), 1, "there was no other commit");
    let later = ExternalIdentity {
        signed_in_at: 2_000,
        ..identity("ada")
    };
    let (again, same) = (accounts.clone(), later.clone());
    ports.before_next_commit(move || drop(again.sign_in_external(&same).unwrap()));
    accounts.sign_in_external(&later).unwrap();
    let log = audit(&accounts, AuditAction::SignIn);
    let seen: Vec<_> = log
        .iter()
        .map(|entry| (entry.actor.as_str(), entry.detail.as_deref()))
        .collect();
    assert_eq!(seen, [(ada.as_str(), Some("at https://id.example/")); 2]);
}

#[test]
fn creates_one_user_for_concurrent_first_sign_ins() {
    let (ports, accounts) = accounts();
    let ids = thread::scope(|scope| {
        let tries: Vec<_> = (0..6)
            .map(|_| scope.spawn(|| accounts.sign_in_external(&identity("ada")).unwrap().id))
            .collect();
        tries
            .into_iter()
            .map(|attempt| attempt.join().unwrap())
            .collect::<Vec<_>>()
    });
    assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
    assert_eq!(ports.take_events().len(), 1);
    let faster = accounts.clone();
    ports.before_next_commit(move || drop(faster.sign_in_external(&identity("bob")).unwrap()));
    accounts.sign_in_external(&identity("bob")).unwrap();
    let page = Page::first(10, None);
    assert_eq!(accounts.list(&Caller::ApiKey, &page).unwrap().edges.len(), 2);
}

#[test]
fn leaves_out_invalid_parts_of_the_profile() {
    let (_, accounts) = accounts();
    let odd = ExternalIdentity {
        email: Some("nonsense".into()),
        name: Some("a\nb".into()),
        ..identity("odd")
    };
    let user = accounts.sign_in_external(&odd).unwrap();
    assert_eq!((user.name, user.email, user.email_verified), (None, None, false));
    let bare = ExternalIdentity {
        email: None,
        name: None,
        ..identity("bare")
    };
    assert!(
        accounts
            .sign_in_external(&bare)
            .unwrap()
            .username
            .starts_with("user-")
    );
    for subject in ["", &"a".repeat(256)] {
        assert_eq!(
            error_code(&accounts.sign_in_external(&identity(subject))),
            "UNAUTHENTICATED"
        );
    }
}

#[test]
fn has_no_password_to_sign_in_with_or_to_change() {
    let (_, accounts) = accounts();
    let ada = accounts.sign_in_external(&identity("ada")).unwrap();
    for password in ["", PASSWORD] {
        assert_eq!(
            error_code(&login(&accounts, &ada.username, password)),
            "UNAUTHENTICATED"
        );
    }
    assert_eq!(
        error_code(&accounts.change_password(&customer(&ada.id), "", PASSWORD)),
        "CONFLICT"
    );
}

#[test]
fn creates_a_new_user_after_an_erasure_but_not_for_an_old_token() {
    let (_, accounts) = accounts();
    let before = identity("ada");
    let ada = accounts.sign_in_external(&before.clone()).unwrap();
    accounts.erase(&customer(&ada.id), &ada.id).unwrap();
    let export = accounts.export(&Caller::ApiKey, &ada.id).unwrap();
    assert!(export.contains("\"signsInAt\":null"), "{export}");
    assert_eq!(error_code(&accounts.sign_in_external(&before)), "UNAUTHENTICATED");
    let undated = ExternalIdentity {
        issued_at: 0,
        ..identity("ada")
    };
    assert_eq!(
        error_code(&accounts.sign_in_external(&undated)),
        "UNAUTHENTICATED"
    );
    let later = ExternalIdentity {
        issued_at: id::now() + 1_000,
        ..identity("ada")
    };
    let new = accounts.sign_in_external(&later.clone()).unwrap();
    assert_ne!(new.id, ada.id);
    // Repeating the erasure of the old user does not change the new one.
    accounts.erase(&Caller::ApiKey, &ada.id).unwrap();
    assert_eq!(accounts.sign_in_external(&later).unwrap(), new);
}
