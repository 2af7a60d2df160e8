//! Export and erasure of a user's data.

use crate::people::{PASSWORD, accounts, at, audit, login, login_at, register, unknown_client};
use mercato_shop::accounts::{AuditAction, UserPatch};
use mercato_shop::services::Accounts;
use mercato_shop::testing::{customer, error_code};
use mercato_shop::types::{Caller, Error, Role};
use serde_json::Value;

fn profile() -> UserPatch {
    UserPatch {
        name: Some("Ada Lovelace".into()),
        email: Some("ada@example.com".into()),
        phone: Some("+4915112345678".into()),
        locale: Some("en-GB".into()),
    }
}

#[test]
fn exports_all_data_of_a_user_without_secrets() {
    let (_, accounts) = accounts();
    let ada = register(&accounts, "ada");
    let own = customer(&ada.user.id);
    accounts.update(&own, &ada.user.id, 1, &profile()).unwrap();
    let there = login_at(&accounts, at("192.0.2.7"), "ada", PASSWORD).unwrap();
    let text = accounts.export(&own, &ada.user.id).unwrap();
    assert_eq!(accounts.export(&Caller::ApiKey, &ada.user.id).unwrap(), text);
    let export: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(export["user"]["username"], "ada");
    assert_eq!(export["user"]["profile"]["email"], "ada@example.com");
    assert_eq!(export["sessions"][0]["address"], "192.0.2.7");
    let actions: Vec<_> = export["auditLog"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| &entry["action"])
        .collect();
    assert_eq!(actions, ["register", "sign-in"]);
    for secret in [
        "argon2",
        "password",
        "family",
        "turn",
        &there.refresh_token,
        &there.access_token,
    ] {
        assert!(!text.contains(secret), "{secret} in {text}");
    }
    let bob = customer(&register(&accounts, "bob").user.id);
    assert_eq!(error_code(&accounts.export(&bob, &ada.user.id)), "FORBIDDEN");
    assert_eq!(
        error_code(&accounts.export(&Caller::Anonymous, &ada.user.id)),
        "UNAUTHENTICATED"
    );
    assert_eq!(
        error_code(&accounts.export(&Caller::ApiKey, "nobody")),
        "NOT_FOUND"
    );
}

#[test]
fn erases_everything_but_the_id() {
    let (ports, accounts) = accounts();
    let ada = register(&accounts, "Ada");
    let id = &ada.user.id;
    let own = customer(id);
    accounts.update(&own, id, 1, &profile()).unwrap();
    login_at(&accounts, at("192.0.2.7"), "ada", PASSWORD).unwrap();
    let _ = ports.take_events();
    let erased = accounts.erase(&own, id).unwrap();
    assert_eq!(
        (erased.username.as_str(), erased.email.as_deref()),
        ("erased user", None)
    );
    assert!(erased.erased_at.is_some());
    let events = ports.take_events();
    assert_eq!(
        (events.len(), events[0].kind.as_str()),
        (1, "mercato.accounts.user-erased")
    );

    let seen = accounts
        .get_many(&Caller::ApiKey, std::slice::from_ref(id))
        .unwrap();
    assert_eq!(seen[0].as_ref().unwrap(), &erased);
    let export = accounts.export(&Caller::ApiKey, id).unwrap();
    for personal in ["Ada", "ada@", "Lovelace", "+49", "en-GB", "192.0.2.7"] {
        assert!(!export.contains(personal), "{personal} in {export}");
    }
    assert_eq!(error_code(&login(&accounts, "ada", PASSWORD)), "UNAUTHENTICATED");
    assert_eq!(
        error_code(&accounts.refresh(&ada.refresh_token, &unknown_client())),
        "UNAUTHENTICATED"
    );
    let conflicts = [
        accounts.update(&own, id, erased.version, &profile()),
        accounts.set_role(&Caller::ApiKey, id, Role::Admin),
        accounts.change_password(&own, PASSWORD, "battery staple"),
    ];
    assert!(
        conflicts
            .iter()
            .all(|answer| matches!(answer, Err(Error::Conflict(_))))
    );

    let namesake = register(&accounts, "ada");
    assert_ne!(&namesake.user.id, id, "the user name is free again");
    assert_eq!(accounts.erase(&Caller::ApiKey, id).unwrap(), erased);
    assert_eq!(ports.take_events().len(), 1, "the second erasure has no event");
    assert!(
        login(&accounts, "ada", PASSWORD).is_ok(),
        "the new user is not erased"
    );
    assert_eq!(audit(&accounts, AuditAction::Erasure).len(), 1);
    assert_eq!(error_code(&accounts.erase(&own, &namesake.user.id)), "FORBIDDEN");
}
