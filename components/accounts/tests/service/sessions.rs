//! Sessions: how they are refreshed, listed and ended.

use crate::people::{
    PASSWORD, Service, accounts, accounts_with, at, audit, bearer, change, is_marked, login, login_at,
    register, unknown_client,
};
use mercato_ports::documents::Query;
use mercato_shop::accounts::{AuditAction, AuditOutcome};
use mercato_shop::id;
use mercato_shop::ports::Ports as _;
use mercato_shop::services::Accounts;
use mercato_shop::testing::{customer, error_code};
use mercato_shop::types::{Caller, Error};

const SESSIONS: &str = "accounts.sessions";

fn is_unauthenticated<T: std::fmt::Debug>(answer: &Result<T, Error>) -> bool {
    matches!(answer, Err(Error::Unauthenticated(_)))
}

#[test]
fn accepts_each_refresh_token_once() {
    let (_, accounts) = accounts();
    let first = register(&accounts, "ada");
    let second = accounts.refresh(&first.refresh_token, &at("192.0.2.7")).unwrap();
    assert_ne!(first.refresh_token, second.refresh_token);
    assert_eq!(second.user, first.user);
    let third = accounts.refresh(&second.refresh_token, &at("192.0.2.8")).unwrap();
    let sessions = accounts.sessions(&customer(&first.user.id), None).unwrap();
    assert_eq!(sessions.len(), 1, "all tokens belong to one session");
    assert_eq!(sessions[0].client, at("192.0.2.8"));
    assert!(accounts.refresh(&third.refresh_token, &unknown_client()).is_ok());
    for text in ["", "nonsense", &"A".repeat(64)] {
        assert!(
            is_unauthenticated(&accounts.refresh(text, &unknown_client())),
            "{text}"
        );
    }
}

#[test]
fn ends_the_session_when_a_refresh_token_is_reused() {
    let (ports, accounts) = accounts();
    let first = register(&accounts, "ada");
    let session = accounts.sessions(&customer(&first.user.id), None).unwrap()[0].clone();
    let second = accounts.refresh(&first.refresh_token, &unknown_client()).unwrap();
    let third = accounts
        .refresh(&second.refresh_token, &unknown_client())
        .unwrap();
    assert!(is_unauthenticated(
        &accounts.refresh(&first.refresh_token, &unknown_client())
    ));
    assert!(
        is_unauthenticated(&accounts.refresh(&third.refresh_token, &unknown_client())),
        "the current token is refused, too"
    );
    assert!(is_marked(&ports, &session.id));
    let log = audit(&accounts, AuditAction::RefreshTokenReuse);
    assert_eq!(log.len(), 1);
    assert_eq!(log[0].subject.as_deref(), Some(first.user.id.as_str()));
    assert_eq!(log[0].detail, Some(format!("session {}", session.id)));
}

#[test]
fn rejects_a_sign_in_while_all_sessions_are_ended() {
    type Concurrent = fn(&Service, &Caller);
    let another_password: Concurrent = |accounts, ada| {
        accounts.change_password(ada, PASSWORD, "battery staple").unwrap();
    };
    let erasure: Concurrent = |accounts, ada| {
        accounts.erase(ada, ada.user_id().unwrap()).unwrap();
    };
    for concurrent in [another_password, erasure] {
        let (ports, accounts) = accounts();
        let ada = customer(&register(&accounts, "ada").user.id);
        let others = accounts.clone();
        // The password has been verified, and the session has not been inserted.
        ports.before_next_commit(move || concurrent(&others, &ada));
        assert!(is_unauthenticated(&login_at(
            &accounts,
            at("192.0.2.7"),
            "ada",
            PASSWORD
        )));
        let kept = ports.find(&Query::all(SESSIONS, 10)).unwrap();
        assert!(kept.is_empty(), "{kept:?}");
        let log = audit(&accounts, AuditAction::SessionRevocation);
        let session = log[0].detail.as_ref().unwrap().strip_prefix("session ").unwrap();
        assert!(is_marked(&ports, session));
    }
}

#[test]
fn a_password_changes_although_a_session_is_refreshed_at_the_same_moment() {
    let (ports, accounts) = accounts();
    let session = register(&accounts, "ada");
    let ada = customer(&session.user.id);
    let (first, second, others) = (ports.clone(), ports.clone(), accounts.clone());
    let refresh = move || drop(others.refresh(&session.refresh_token, &unknown_client()).unwrap());
    // The first two commits count the attempt and take it back. The third one is that of the change.
    ports.before_next_commit(move || {
        first.before_next_commit(move || second.before_next_commit(refresh));
    });
    accounts
        .change_password(&ada, PASSWORD, "battery staple")
        .unwrap();
    assert!(ports.find(&Query::all(SESSIONS, 10)).unwrap().is_empty());
}

#[test]
fn keeps_the_session_after_two_uses_at_the_same_moment() {
    let (ports, accounts) = accounts();
    let first = register(&accounts, "ada");
    let (other, token) = (accounts.clone(), first.refresh_token.clone());
    let (sender, receiver) = std::sync::mpsc::channel();
    ports.before_next_commit(move || {
        sender
            .send(other.refresh(&token, &unknown_client()).unwrap())
            .unwrap()
    });
    assert_eq!(
        error_code(&accounts.refresh(&first.refresh_token, &unknown_client())),
        "CONFLICT"
    );
    assert_eq!(
        error_code(&accounts.refresh(&first.refresh_token, &unknown_client())),
        "CONFLICT"
    );
    let faster = receiver.recv().unwrap();
    assert!(accounts.refresh(&faster.refresh_token, &unknown_client()).is_ok());
}

#[test]
fn ends_a_session_by_refresh_token_or_access_token() {
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
    assert!(is_unauthenticated(
        &accounts.refresh(&one.refresh_token, &unknown_client())
    ));

    let other = login(&accounts, "ada", PASSWORD).unwrap();
    let caller = bearer(&accounts, &other);
    assert!(accounts.logout(&caller, None).unwrap());
    assert!(!accounts.logout(&caller, None).unwrap());
    assert!(is_unauthenticated(
        &accounts.refresh(&other.refresh_token, &unknown_client())
    ));
    assert!(is_unauthenticated(&accounts.logout(&Caller::Anonymous, None)));
    assert_eq!(
        error_code(&accounts.logout(&customer(&one.user.id), None)),
        "INVALID"
    );
    assert_eq!(audit(&accounts, AuditAction::SignOut).len(), 2);
}

#[test]
fn ends_a_session_that_is_refreshed_at_the_same_time() {
    let (ports, accounts) = accounts();
    let first = register(&accounts, "ada");
    let (other, token) = (accounts.clone(), first.refresh_token.clone());
    ports.before_next_commit(move || drop(other.refresh(&token, &unknown_client()).unwrap()));
    assert!(accounts.logout(&bearer(&accounts, &first), None).unwrap());
    assert_eq!(accounts.sessions(&customer(&first.user.id), None).unwrap(), []);
}

#[test]
fn shows_sessions_to_their_owner_and_lets_admins_end_them() {
    let (ports, accounts) = accounts();
    let (ada, bob) = (register(&accounts, "ada"), register(&accounts, "bob"));
    login_at(&accounts, at("192.0.2.7"), "ada", PASSWORD).unwrap();
    let (own, stranger) = (customer(&ada.user.id), customer(&bob.user.id));
    let sessions = accounts.sessions(&own, None).unwrap();
    assert_eq!(sessions.len(), 2);
    assert_eq!(
        sessions[0].client,
        at("192.0.2.7"),
        "the newest session is the first"
    );
    assert_eq!(
        accounts.sessions(&Caller::ApiKey, Some(&ada.user.id)).unwrap(),
        sessions
    );

    let of_ada = Some(ada.user.id.as_str());
    assert_eq!(error_code(&accounts.sessions(&stranger, of_ada)), "FORBIDDEN");
    assert_eq!(error_code(&accounts.sessions(&Caller::ApiKey, None)), "FORBIDDEN");
    assert!(is_unauthenticated(&accounts.sessions(&Caller::Anonymous, of_ada)));
    let id = &sessions[0].id;
    assert_eq!(error_code(&accounts.revoke_session(&stranger, id)), "NOT_FOUND");
    assert!(is_unauthenticated(
        &accounts.revoke_session(&Caller::Anonymous, id)
    ));
    assert_eq!(accounts.revoke_session(&Caller::ApiKey, id).unwrap(), sessions[0]);
    assert!(is_marked(&ports, id));
    assert_eq!(error_code(&accounts.revoke_session(&own, id)), "NOT_FOUND");
    assert_eq!(accounts.sessions(&own, None).unwrap(), sessions[1..]);
    let log = audit(&accounts, AuditAction::SessionRevocation);
    assert_eq!((log.len(), log[0].actor.as_str()), (1, "api-key"));
}

#[test]
fn a_session_lives_as_long_as_its_refresh_token() {
    let (ports, accounts) = accounts_with(&[("REFRESH_TOKEN_SECONDS", "600")]);
    let first = register(&accounts, "ada");
    let ada = customer(&first.user.id);
    login(&accounts, "ada", PASSWORD).unwrap();
    let lifetimes = || {
        let sessions = accounts.sessions(&ada, None).unwrap().into_iter();
        sessions
            .map(|session| session.expires_at - session.last_used_at)
            .collect::<Vec<_>>()
    };
    assert_eq!(lifetimes(), [600_000; 2]);
    let session = accounts.sessions(&ada, None).unwrap().remove(1);
    change(&ports, SESSIONS, &session.id, |body| {
        body["expiresAt"] = (id::now() + 60_000).into();
    });
    let second = accounts.refresh(&first.refresh_token, &unknown_client()).unwrap();
    assert_eq!(lifetimes(), [600_000; 2], "a refresh prolongs the session");
    change(&ports, SESSIONS, &session.id, |body| {
        body["expiresAt"] = (id::now() - 1).into();
    });
    assert!(is_unauthenticated(
        &accounts.refresh(&second.refresh_token, &unknown_client())
    ));
    assert_eq!(lifetimes().len(), 1, "an expired session is not shown");
}

#[test]
fn logs_sign_ins_with_their_outcome() {
    let (_, accounts) = accounts();
    let ada = register(&accounts, "ada");
    login(&accounts, "ada", "wrong horse").unwrap_err();
    login(&accounts, "a password, typed too early", "wrong horse").unwrap_err();
    login(&accounts, "ada", PASSWORD).unwrap();
    let log = audit(&accounts, AuditAction::SignIn);
    let logged: Vec<_> = log
        .iter()
        .map(|entry| (entry.outcome, entry.actor.as_str(), entry.subject.as_deref()))
        .collect();
    let id = ada.user.id.as_str();
    assert_eq!(
        logged,
        [
            (AuditOutcome::Success, id, Some(id)),
            (AuditOutcome::Failure, "anonymous", None),
            (AuditOutcome::Failure, "anonymous", Some(id)),
        ]
    );
    assert!(!format!("{log:?}").contains("typed too early"));
    assert_eq!(audit(&accounts, AuditAction::Register).len(), 1);
}
