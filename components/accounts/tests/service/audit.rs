//! The audit log: actions of other services, filters, and pages.

use crate::people::{ALL, Service, accounts, audit, register};
use mercato_ports::events::{Event, HandlerFailure};
use mercato_shop::accounts::{AuditAction, AuditEntry, AuditFilter, AuditOutcome, UserPatch};
use mercato_shop::audit::{API_KEY, AuditedAction};
use mercato_shop::services::Accounts;
use mercato_shop::testing::{admin, customer, error_code};
use mercato_shop::types::{Caller, Page};

/// Returns the event of an action on a product.
fn audited(actor: &str, action: AuditAction, product: &str, time: u64) -> Event {
    let act = AuditedAction::by(actor, action).on(product).detail("+5");
    Event {
        time,
        ..act.event("catalog").unwrap()
    }
}

fn search(accounts: &Service, filter: AuditFilter) -> Vec<AuditEntry> {
    let page = Page::first(100, None);
    let found = accounts.audit_log(&admin(), &filter, &page).unwrap();
    found.edges.into_iter().map(|edge| edge.entry).collect()
}

fn times(accounts: &Service, filter: AuditFilter) -> Vec<u64> {
    search(accounts, filter).iter().map(|entry| entry.time).collect()
}

#[test]
fn adds_an_action_of_another_service_once() {
    let (_, accounts) = accounts();
    let event = audited("root", AuditAction::StockAdjust, "p1", 7);
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
fn filters_by_action_actor_subject_and_time() {
    let (_, accounts) = accounts();
    let (update, delete) = (AuditAction::ProductUpdate, AuditAction::ProductDelete);
    for (time, actor, action, product) in [
        (1, "root", update, "p1"),
        (2, API_KEY, update, "p1"),
        (3, "root", delete, "p1"),
        (4, "root", update, "p2"),
    ] {
        accounts.handle(&audited(actor, action, product, time)).unwrap();
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
    let page = |after| Page::first(1, after);
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
fn allows_only_admins_and_the_api_key_to_read() {
    let (_, accounts) = accounts();
    let page = Page::first(1, None);
    let read = |caller| accounts.audit_log(&caller, &ALL, &page).map(drop);
    assert_eq!(error_code(&read(Caller::Anonymous)), "UNAUTHENTICATED");
    assert_eq!(error_code(&read(customer("u1"))), "FORBIDDEN");
    assert_eq!((read(admin()), read(Caller::ApiKey)), (Ok(()), Ok(())));
    assert_eq!(search(&accounts, ALL), [], "reading leaves no entry");
}

#[test]
fn rejects_malformed_events_and_retries_unknown_actions() {
    let (_, accounts) = accounts();
    let good = audited("root", AuditAction::StockAdjust, "p1", 7);
    let refused = |event: Event| accounts.handle(&event).unwrap_err();
    for data in ["", "[]", "{}", r#"{ "action": "stock-adjust" }"#] {
        let data = data.into();
        let bad = Event { data, ..good.clone() };
        assert!(matches!(refused(bad), HandlerFailure::Reject(_)));
    }
    let data = r#"{ "action": "teleport", "actor": "root", "more": 1 }"#.into();
    let later = Event { data, ..good.clone() };
    assert!(matches!(refused(later), HandlerFailure::Retry(_)));
    let kind = "mercato.catalog.product-updated".into();
    let other = Event { kind, ..good };
    assert!(matches!(refused(other), HandlerFailure::Reject(_)));
    assert_eq!(search(&accounts, ALL), []);
}

#[test]
fn subscribes_to_the_audit_events_of_all_other_services() {
    let manifest = include_str!("../../service.toml");
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
fn logs_edits_and_exports_of_another_users_data_only() {
    let (_, accounts) = accounts();
    let ada = register(&accounts, "ada").user.id;
    let patch = |name: &str| UserPatch {
        name: Some(name.into()),
        email: None,
        phone: None,
        locale: None,
    };
    let own = customer(&ada);
    accounts.update(&own, &ada, 1, &patch("Ada")).unwrap();
    accounts.export(&own, &ada).unwrap();
    let actions = [AuditAction::ProfileChange, AuditAction::DataExport];
    assert!(actions.iter().all(|action| audit(&accounts, *action).is_empty()));

    accounts.update(&admin(), &ada, 2, &patch("Augusta")).unwrap();
    accounts.update(&admin(), &ada, 3, &patch("Augusta")).unwrap();
    accounts.export(&Caller::ApiKey, &ada).unwrap();
    assert!(accounts.update(&admin(), &ada, 1, &patch("Lovelace")).is_err());
    let found = actions.map(|action| {
        let log = audit(&accounts, action);
        assert_eq!(log.len(), 1, "{action:?}");
        let entry = log.into_iter().next().unwrap();
        assert_eq!((entry.subject.as_ref(), entry.detail), (Some(&ada), None));
        entry.actor
    });
    assert_eq!(found, ["admin", API_KEY]);
}
