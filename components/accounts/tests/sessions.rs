//! Sessions: how they go on, who sees them, and how they end.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs, reason = "tests")]

mod people;

use mercato_ports::documents::Query;
use mercato_shop::accounts::{AuditAction, AuditOutcome};
use mercato_shop::cache::Revocation;
use mercato_shop::ports::Ports as _;
use mercato_shop::services::Accounts;
use mercato_shop::testing::customer;
use mercato_shop::types::{Caller, Error};
use people::{PASSWORD, Service, accounts, at, audit, bearer, login, login_at, nowhere, register};

fn is_over<T: std::fmt::Debug>(answer: &Result<T, Error>) -> bool {
    matches!(answer, Err(Error::Unauthenticated(_)))
}

#[test]
fn each_refresh_token_is_good_for_one_pair() {
    let (_, accounts) = accounts();
    let first = register(&accounts, "ada");
    let second = accounts.refresh(&first.refresh_token, at("192.0.2.7")).unwrap();
    assert_ne!(first.refresh_token, second.refresh_token);
    assert_eq!(second.user, first.user);
    let third = accounts.refresh(&second.refresh_token, at("192.0.2.8")).unwrap();
    let sessions = accounts.sessions(&customer(&first.user.id), None).unwrap();
    assert_eq!(sessions.len(), 1, "it is one session all the time");
    assert_eq!(sessions[0].client, at("192.0.2.8"));
    assert!(accounts.refresh(&third.refresh_token, nowhere()).is_ok());
    for text in ["", "nonsense", &"A".repeat(64)] {
        assert!(is_over(&accounts.refresh(text, nowhere())), "{text}");
    }
}

#[test]
fn a_used_token_that_comes_again_ends_the_session() {
    let (ports, accounts) = accounts();
    let first = register(&accounts, "ada");
    let session = accounts.sessions(&customer(&first.user.id), None).unwrap()[0].clone();
    let second = accounts.refresh(&first.refresh_token, nowhere()).unwrap();
    let third = accounts.refresh(&second.refresh_token, nowhere()).unwrap();
    assert!(is_over(&accounts.refresh(&first.refresh_token, nowhere())));
    assert!(
        is_over(&accounts.refresh(&third.refresh_token, nowhere())),
        "for all"
    );
    assert!(Revocation::of(&session.id).is_marked(&ports));
    let log = audit(&accounts, AuditAction::RefreshTokenReuse);
    assert_eq!(log.len(), 1);
    assert_eq!(log[0].subject.as_deref(), Some(first.user.id.as_str()));
    assert_eq!(log[0].detail, Some(format!("session {}", session.id)));
}

#[test]
fn who_signs_in_while_all_sessions_are_ended_is_not_signed_in() {
    type Meanwhile = fn(&Service, &Caller);
    let another_password: Meanwhile = |accounts, ada| {
        accounts.change_password(ada, PASSWORD, "battery staple").unwrap();
    };
    let erasure: Meanwhile = |accounts, ada| {
        accounts.erase(ada, ada.user_id().unwrap()).unwrap();
    };
    for meanwhile in [another_password, erasure] {
        let (ports, accounts) = accounts();
        let ada = customer(&register(&accounts, "ada").user.id);
        let others = accounts.clone();
        // After the password was right, before the session is there.
        ports.before_next_commit(move || meanwhile(&others, &ada));
        assert!(is_over(&login_at(&accounts, at("192.0.2.7"), "ada", PASSWORD)));
        let kept = ports.find(&Query::all("accounts.sessions", 10)).unwrap();
        assert!(kept.is_empty(), "{kept:?}");
        let log = audit(&accounts, AuditAction::SessionRevocation);
        let session = log[0].detail.as_ref().unwrap().strip_prefix("session ").unwrap();
        assert!(Revocation::of(session).is_marked(&ports));
    }
}

#[test]
fn two_uses_at_the_same_moment_end_nothing() {
    let (ports, accounts) = accounts();
    let first = register(&accounts, "ada");
    let (other, token) = (accounts.clone(), first.refresh_token.clone());
    let (sender, receiver) = std::sync::mpsc::channel();
    ports.before_next_commit(move || sender.send(other.refresh(&token, nowhere()).unwrap()).unwrap());
    assert!(matches!(
        accounts.refresh(&first.refresh_token, nowhere()),
        Err(Error::Conflict(_))
    ));
    assert!(matches!(
        accounts.refresh(&first.refresh_token, nowhere()),
        Err(Error::Conflict(_))
    ));
    let faster = receiver.recv().unwrap();
    assert!(accounts.refresh(&faster.refresh_token, nowhere()).is_ok());
}

#[test]
fn a_session_ends_by_its_token_or_by_its_access_token() {
    let (_, accounts) = accounts();
    let one = register(&accounts, "ada");
    assert!(
        accounts
            .logout(&Caller::Anonymous, Some(&one.refresh_token))
            .unwrap()
    );
    assert!(
        !accounts
            .logout(&Caller::Anonymous, Some(&one.refresh_token))
            .unwrap()
    );
    assert!(!accounts.logout(&Caller::Anonymous, Some("nonsense")).unwrap());
    assert!(is_over(&accounts.refresh(&one.refresh_token, nowhere())));

    let other = login(&accounts, "ada", PASSWORD).unwrap();
    let caller = bearer(&accounts, &other);
    assert!(accounts.logout(&caller, None).unwrap());
    assert!(!accounts.logout(&caller, None).unwrap());
    assert!(is_over(&accounts.refresh(&other.refresh_token, nowhere())));
    assert!(is_over(&accounts.logout(&Caller::Anonymous, None)));
    assert!(matches!(
        accounts.logout(&customer(&one.user.id), None),
        Err(Error::Invalid(_))
    ));
    assert_eq!(audit(&accounts, AuditAction::SignOut).len(), 2);
}

#[test]
fn a_session_ends_also_while_it_goes_on() {
    let (ports, accounts) = accounts();
    let first = register(&accounts, "ada");
    let (other, token) = (accounts.clone(), first.refresh_token.clone());
    ports.before_next_commit(move || drop(other.refresh(&token, nowhere()).unwrap()));
    assert!(accounts.logout(&bearer(&accounts, &first), None).unwrap());
    assert_eq!(accounts.sessions(&customer(&first.user.id), None).unwrap(), []);
}

#[test]
fn sessions_are_their_owners_and_those_who_keep_the_shop_may_end_them() {
    let (ports, accounts) = accounts();
    let (ada, bob) = (register(&accounts, "ada"), register(&accounts, "bob"));
    login_at(&accounts, at("192.0.2.7"), "ada", PASSWORD).unwrap();
    let (own, stranger) = (customer(&ada.user.id), customer(&bob.user.id));
    let sessions = accounts.sessions(&own, None).unwrap();
    assert_eq!(sessions.len(), 2);
    assert_eq!(sessions[0].client, at("192.0.2.7"), "the newest comes first");
    assert_eq!(
        accounts.sessions(&Caller::ApiKey, Some(&ada.user.id)).unwrap(),
        sessions
    );

    let of_ada = Some(ada.user.id.as_str());
    assert!(matches!(
        accounts.sessions(&stranger, of_ada),
        Err(Error::Forbidden(_))
    ));
    assert!(matches!(
        accounts.sessions(&Caller::ApiKey, None),
        Err(Error::Forbidden(_))
    ));
    assert!(is_over(&accounts.sessions(&Caller::Anonymous, of_ada)));
    let id = &sessions[0].id;
    assert!(matches!(
        accounts.revoke_session(&stranger, id),
        Err(Error::Forbidden(_))
    ));
    assert!(is_over(&accounts.revoke_session(&Caller::Anonymous, id)));
    assert_eq!(accounts.revoke_session(&Caller::ApiKey, id).unwrap(), sessions[0]);
    assert!(Revocation::of(id).is_marked(&ports));
    assert!(matches!(
        accounts.revoke_session(&own, id),
        Err(Error::NotFound(_))
    ));
    assert_eq!(accounts.sessions(&own, None).unwrap(), sessions[1..]);
    let log = audit(&accounts, AuditAction::SessionRevocation);
    assert_eq!((log.len(), log[0].actor.as_str()), (1, "api-key"));
}

#[test]
fn sign_ins_are_in_the_audit_log_with_their_outcome() {
    let (_, accounts) = accounts();
    let ada = register(&accounts, "ada");
    login(&accounts, "ada", "wrong horse").unwrap_err();
    login(&accounts, "a password, typed too early", "wrong horse").unwrap_err();
    login(&accounts, "ada", PASSWORD).unwrap();
    let log = audit(&accounts, AuditAction::SignIn);
    let told: Vec<_> = log
        .iter()
        .map(|entry| (entry.outcome, entry.actor.as_str(), entry.subject.as_deref()))
        .collect();
    let id = ada.user.id.as_str();
    assert_eq!(
        told,
        [
            (AuditOutcome::Success, id, Some(id)),
            (AuditOutcome::Failure, "anonymous", None),
            (AuditOutcome::Failure, "anonymous", Some(id)),
        ]
    );
    assert!(!format!("{log:?}").contains("typed too early"));
    assert_eq!(audit(&accounts, AuditAction::Register).len(), 1);
}
