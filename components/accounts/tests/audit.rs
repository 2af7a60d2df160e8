//! The audit log: what other services tell it, once each, and how it is searched.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs,
    reason = "tests"
)]

mod people;

use mercato_accounts::Failure;
use mercato_ports::events::Event;
use mercato_shop::accounts::{AuditAction, AuditEntry, AuditFilter, AuditOutcome, UserPatch};
use mercato_shop::audit::{API_KEY, Act};
use mercato_shop::services::Accounts;
use mercato_shop::testing::{admin, customer};
use mercato_shop::types::{Caller, Error, Page};
use people::{ALL, Service, accounts, audit, register};

/// What somebody did to a product at a time.
fn told(actor: &str, action: AuditAction, product: &str, time: u64) -> Event {
    let act = Act::by(actor, action).on(product).detail("+5");
    Event {
        time,
        ..act.event("catalog").unwrap()
    }
}

fn search(accounts: &Service, filter: AuditFilter) -> Vec<AuditEntry> {
    let page = Page {
        first: 100,
        after: None,
    };
    let found = accounts.audit_log(&admin(), &filter, &page).unwrap();
    found.edges.into_iter().map(|edge| edge.entry).collect()
}

fn times(accounts: &Service, filter: AuditFilter) -> Vec<u64> {
    search(accounts, filter).iter().map(|entry| entry.time).collect()
}

#[test]
fn an_act_of_another_service_is_one_entry_however_often_it_is_told() {
    let (_, accounts) = accounts();
    let event = told("root", AuditAction::StockAdjust, "p1", 7);
    accounts.handle(&event).unwrap();
    accounts.handle(&event).unwrap();
    let expected = AuditEntry {
        id: event.id,
        time: 7,
        action: AuditAction::StockAdjust,
        outcome: AuditOutcome::Success,
        actor: "root".into(),
        subject: Some("p1".into()),
        detail: Some("+5".into()),
    };
    assert_eq!(search(&accounts, ALL), [expected]);
}

#[test]
fn it_is_searched_by_action_actor_subject_and_time_together() {
    let (_, accounts) = accounts();
    let (update, delete) = (AuditAction::ProductUpdate, AuditAction::ProductDelete);
    for (time, actor, action, product) in [
        (1, "root", update, "p1"),
        (2, API_KEY, update, "p1"),
        (3, "root", delete, "p1"),
        (4, "root", update, "p2"),
    ] {
        accounts.handle(&told(actor, action, product, time)).unwrap();
    }
    let action = AuditFilter {
        action: Some(update),
        ..ALL
    };
    assert_eq!(times(&accounts, ALL), [4, 3, 2, 1]);
    assert_eq!(times(&accounts, action.clone()), [4, 2, 1]);
    let actor = AuditFilter {
        actor: Some("root".into()),
        ..action
    };
    assert_eq!(times(&accounts, actor.clone()), [4, 1]);
    let subject = AuditFilter {
        subject: Some("p1".into()),
        ..actor
    };
    assert_eq!(times(&accounts, subject), [1]);
    let between = |since, until| AuditFilter { since, until, ..ALL };
    assert_eq!(times(&accounts, between(Some(2), None)), [4, 3, 2]);
    assert_eq!(times(&accounts, between(None, Some(2))), [1]);
    assert_eq!(times(&accounts, between(Some(2), Some(4))), [3, 2]);
    assert_eq!(times(&accounts, between(Some(u64::MAX), None)), [0; 0]);
    let page = |after| Page { first: 1, after };
    let first = accounts
        .audit_log(&admin(), &between(Some(2), Some(4)), &page(None))
        .unwrap();
    assert!(first.has_next);
    let after = Some(first.edges[0].cursor.clone());
    let second = accounts
        .audit_log(&admin(), &between(Some(2), Some(4)), &page(after))
        .unwrap();
    assert_eq!((second.edges[0].entry.time, second.has_next), (2, false));
}

#[test]
fn only_an_admin_and_the_key_read_it() {
    let (_, accounts) = accounts();
    let page = Page {
        first: 1,
        after: None,
    };
    let read = |caller| accounts.audit_log(&caller, &ALL, &page).map(drop);
    assert!(matches!(read(Caller::Anonymous), Err(Error::Unauthenticated(_))));
    assert!(matches!(read(customer("u1")), Err(Error::Forbidden(_))));
    assert_eq!((read(admin()), read(Caller::ApiKey)), (Ok(()), Ok(())));
    assert_eq!(search(&accounts, ALL), [], "who reads it leaves no entry");
}

#[test]
fn what_can_not_be_read_is_for_a_person_and_what_is_of_a_later_version_waits_for_it() {
    let (_, accounts) = accounts();
    let good = told("root", AuditAction::StockAdjust, "p1", 7);
    let refused = |event: Event| accounts.handle(&event).unwrap_err();
    for data in ["", "[]", "{}", r#"{ "action": "stock-adjust" }"#] {
        let data = data.into();
        let bad = Event { data, ..good.clone() };
        assert!(matches!(refused(bad), Failure::Reject(_)));
    }
    let data = r#"{ "action": "teleport", "actor": "root", "more": 1 }"#.into();
    let later = Event { data, ..good.clone() };
    assert!(matches!(refused(later), Failure::Retry(_)));
    let kind = "mercato.catalog.product-updated".into();
    let other = Event { kind, ..good };
    assert!(matches!(refused(other), Failure::Reject(_)));
    assert_eq!(search(&accounts, ALL), []);
}

#[test]
fn the_manifest_subscribes_to_all_who_tell() {
    let manifest = include_str!("../service.toml");
    let handled: Vec<_> = manifest
        .lines()
        .filter_map(|line| line.trim().strip_suffix(".audited\","))
        .collect();
    let services = [
        "carts",
        "catalog",
        "notifications",
        "orders",
        "payments",
        "webhooks",
    ];
    assert_eq!(handled, services.map(|service| format!("\"mercato.{service}")));
}

#[test]
fn who_edits_or_exports_what_is_anothers_is_logged_and_who_does_so_with_the_own_is_not() {
    let (_, accounts) = accounts();
    let ada = register(&accounts, "ada").user.id;
    let patch = |name: &str| UserPatch {
        name: Some(name.into()),
        email: None,
        phone: None,
        locale: None,
    };
    let own = customer(&ada);
    accounts.update(&own, &ada, 1, patch("Ada")).unwrap();
    accounts.export(&own, &ada).unwrap();
    let actions = [AuditAction::ProfileChange, AuditAction::DataExport];
    assert!(actions.iter().all(|action| audit(&accounts, *action).is_empty()));

    accounts.update(&admin(), &ada, 2, patch("Augusta")).unwrap();
    accounts.update(&admin(), &ada, 3, patch("Augusta")).unwrap();
    accounts.export(&Caller::ApiKey, &ada).unwrap();
    assert!(accounts.update(&admin(), &ada, 1, patch("Lovelace")).is_err());
    let found = actions.map(|action| {
        let log = audit(&accounts, action);
        assert_eq!(log.len(), 1, "{action:?}");
        let entry = log.into_iter().next().unwrap();
        assert_eq!((entry.subject.as_ref(), entry.detail), (Some(&ada), None));
        entry.actor
    });
    assert_eq!(found, ["admin", API_KEY]);
}
