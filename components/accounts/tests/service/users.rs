//! Registration, sign-in and lists of users.

use std::thread;

use crate::people::{SECRET, accounts, login, register, registration, unknown_client};
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use mercato_shop::services::Accounts;
use mercato_shop::testing::{admin, customer, error_code};
use mercato_shop::types::{Caller, Error, Page, Role};
use serde_json::Value;

#[test]
fn signs_in_after_registration_with_the_name_in_any_case() {
    let (ports, accounts) = accounts();
    let session = register(&accounts, "Alice");
    assert_eq!(
        (session.user.username.as_str(), session.user.role),
        ("Alice", Role::Customer)
    );
    assert_eq!(ports.take_events()[0].kind, "mercato.accounts.user-registered");

    let claims = jsonwebtoken::decode::<Value>(
        &session.access_token,
        &DecodingKey::from_secret(SECRET.as_bytes()),
        &Validation::new(Algorithm::HS256),
    )
    .unwrap()
    .claims;
    assert_eq!(
        (claims["userId"].as_str(), claims["role"].as_str()),
        (Some(session.user.id.as_str()), Some("CUSTOMER"))
    );
    assert_eq!(
        claims["exp"].as_u64().unwrap() - claims["iat"].as_u64().unwrap(),
        60
    );

    assert_eq!(
        login(&accounts, "aLICE", "correct horse").unwrap().user,
        session.user
    );
    let wrong = [
        login(&accounts, "alice", "wrong horse"),
        login(&accounts, "nobody", "correct horse"),
    ];
    assert_eq!(error_code(&wrong[0]), "UNAUTHENTICATED");
    assert_eq!(
        wrong[0], wrong[1],
        "an unknown user name and a wrong password have the same error"
    );
}

#[test]
fn claims_a_user_name_once_in_any_case_even_in_a_race() {
    let (_, accounts) = accounts();
    register(&accounts, "bob");
    assert_eq!(
        error_code(&accounts.register(&registration("BOB"), &unknown_client())),
        "CONFLICT"
    );
    let registered = thread::scope(|scope| {
        let tries: Vec<_> = (0..4)
            .map(|_| scope.spawn(|| accounts.register(&registration("carol"), &unknown_client())))
            .collect();
        tries
            .into_iter()
            .map(|attempt| attempt.join().unwrap())
            .filter(Result::is_ok)
            .count()
    });
    assert_eq!(registered, 1);
    assert_eq!(
        accounts
            .list(&admin(), &Page::first(10, None))
            .unwrap()
            .edges
            .len(),
        2
    );
}

#[test]
fn shows_customers_themselves_and_admins_everybody() {
    let (_, accounts) = accounts();
    let (alice, bob) = (register(&accounts, "alice").user, register(&accounts, "bob").user);
    let ids = [alice.id.clone(), bob.id.clone(), "nobody".into()];
    let page = |first, after| Page::first(first, after);

    assert_eq!(
        error_code(&accounts.get_many(&Caller::Anonymous, &ids)),
        "UNAUTHENTICATED"
    );
    let own = accounts.get_many(&customer(&bob.id), &ids).unwrap();
    assert!(matches!(
        (&own[0], &own[2]),
        (Err(Error::Forbidden(_)), Err(Error::Forbidden(_)))
    ));
    assert_eq!(own[1].as_ref().unwrap(), &bob);
    let all = accounts.get_many(&Caller::ApiKey, &ids).unwrap();
    assert_eq!(
        (all[0].as_ref().unwrap(), all[1].as_ref().unwrap()),
        (&alice, &bob)
    );
    assert_eq!(error_code(&all[2]), "NOT_FOUND");

    assert_eq!(
        error_code(&accounts.list(&Caller::Anonymous, &page(1, None))),
        "UNAUTHENTICATED"
    );
    let own = accounts.list(&customer(&bob.id), &page(10, None)).unwrap();
    assert_eq!(
        (own.edges.len(), &own.edges[0].user, own.has_next),
        (1, &bob, false)
    );
    let after_own = accounts
        .list(&customer(&bob.id), &page(10, Some(own.edges[0].cursor.clone())))
        .unwrap();
    assert_eq!(after_own.edges.len(), 0);
    let first = accounts.list(&admin(), &page(1, None)).unwrap();
    assert_eq!((&first.edges[0].user, first.has_next), (&alice, true));
    let rest = accounts
        .list(&admin(), &page(1, Some(first.edges[0].cursor.clone())))
        .unwrap();
    assert_eq!((&rest.edges[0].user, rest.has_next), (&bob, false));
}
