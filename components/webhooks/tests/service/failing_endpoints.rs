//! Endpoints that fail: when they are paused or disabled.

use std::sync::{Arc, Mutex};

use crate::deliveries::{ENDPOINTS, HERE, THERE, only, replay};
use crate::shop::{PAID, shop};
use mercato_ports::http_client::HttpFailure;
use mercato_shop::breaker::Breaker;
use mercato_shop::id;
use mercato_shop::services::Webhooks;
use mercato_shop::testing::error_code;
use mercato_shop::types::Caller;
use mercato_shop::webhooks::{DeliveryStatus, WebhookPatch};
use serde_json::json;

#[test]
fn disables_an_endpoint_that_answers_410() {
    let shop = shop();
    let id = shop.webhook(HERE, &["*"]).webhook.id;
    shop.answer(|_| Ok(410));
    shop.publish(PAID);
    shop.run_timers();
    let webhook = shop.read(&id);
    assert!(!webhook.enabled);
    assert!(webhook.disabled_reason.unwrap().contains("410"));
    let failed = only(&shop);
    assert_eq!(
        (failed.status, failed.response_status),
        (DeliveryStatus::Failed, Some(410))
    );
    assert_eq!(shop.timers().len(), 0);
    shop.publish(PAID);
    assert_eq!(shop.deliveries().len(), 1, "no delivery is created");

    let refused = replay(&shop, &failed.id);
    assert_eq!(error_code(&refused), "INVALID_TRANSITION", "{refused:?}");
    let webhook = shop.enable(&id, true);
    assert_eq!((webhook.enabled, webhook.disabled_reason), (true, None));
    shop.answer(|_| Ok(200));
    replay(&shop, &failed.id).unwrap();
    shop.run_timers();
    assert_eq!(only(&shop).status, DeliveryStatus::Delivered);
}

#[test]
fn does_not_send_to_disabled_or_deleted_endpoints() {
    let shop = shop();
    let id = shop.webhook(HERE, &["*"]).webhook.id;
    shop.publish(PAID);
    shop.enable(&id, false);
    shop.run_timers();
    let dropped = only(&shop);
    assert_eq!((dropped.status, dropped.attempts), (DeliveryStatus::Failed, 0));
    assert_eq!(dropped.failure.as_deref(), Some("The webhook is disabled."));
    shop.enable(&id, true);
    replay(&shop, &dropped.id).unwrap();
    shop.service.delete(&Caller::ApiKey, &id).unwrap();
    shop.run_timers();
    assert_eq!(only(&shop).failure.as_deref(), Some("The webhook was deleted."));
    assert!(shop.sent().is_empty());
    assert_eq!(error_code(&replay(&shop, &dropped.id)), "INVALID_TRANSITION");
}

#[test]
fn disables_an_endpoint_after_three_days_of_failures() {
    let shop = shop();
    let id = shop.webhook(HERE, &["*"]).webhook.id;
    let day = 24 * 3_600_000;
    let fails = |since: u64| {
        shop.answer(|_| Ok(500));
        shop.set(ENDPOINTS, &id, "failingSince", json!(since));
        shop.publish(PAID);
        shop.run_timers();
        shop.timers();
        shop.read(&id)
    };
    let webhook = fails(id::now() - 3 * day + 60_000);
    assert!(webhook.enabled && webhook.failing_since.is_some());
    // A success resets the time of failures.
    shop.answer(|_| Ok(200));
    shop.publish(PAID);
    shop.run_timers();
    assert_eq!(shop.read(&id).failing_since, None);
    let webhook = fails(id::now() - 3 * day - 60_000);
    assert!(!webhook.enabled);
    assert!(webhook.disabled_reason.unwrap().contains("three days"));
    assert_eq!(shop.enable(&id, true).failing_since, None);
}

#[test]
fn pauses_a_failing_endpoint_without_delaying_others() {
    let shop = shop();
    shop.webhook(HERE, &["*"]);
    shop.webhook(THERE, &["*"]);
    shop.answer(|url| {
        if url == HERE {
            Err(HttpFailure::Unknown("timeout".into()))
        } else {
            Ok(200)
        }
    });
    for _ in 0..8 {
        shop.publish(PAID);
        for timer in shop.timers() {
            shop.handle(&timer).unwrap();
        }
        let set = shop.timers();
        assert_eq!(set.len(), 1, "the next attempt, or the postponed one");
        assert!(set[0].due.unwrap() > id::now());
    }
    let sent = shop.sent();
    let to = |wanted: &str| sent.iter().filter(|request| request.url == wanted).count();
    assert_eq!((to(HERE), to(THERE)), (5, 8));
    let pending: Vec<_> = shop
        .deliveries()
        .into_iter()
        .filter(|delivery| delivery.status == DeliveryStatus::Pending)
        .collect();
    assert_eq!(pending.len(), 8);
    assert_eq!(
        pending.iter().filter(|delivery| delivery.attempts == 0).count(),
        3
    );
}

#[test]
fn sends_one_probe_after_a_pause_and_then_all_deliveries() {
    let shop = shop();
    let id = shop.webhook(HERE, &["*"]).webhook.id;
    shop.answer(|_| Ok(503));
    let publish = || {
        shop.publish(PAID);
        shop.run_timers();
        shop.timers();
        shop.sent().len()
    };
    for _ in 0..5 {
        assert_eq!(publish(), 1);
    }
    assert_eq!(publish(), 0);
    shop.end_pause(&id);
    assert_eq!((publish(), publish()), (1, 0), "the probe failed");
    shop.end_pause(&id);
    let (ports, others) = (shop.ports.clone(), Arc::new(Mutex::new(Vec::new())));
    let log = Arc::clone(&others);
    shop.answer(move |_| {
        let other = Breaker::new(&ports, &format!("webhooks.{id}")).acquire();
        log.lock().unwrap().push(other.is_ok());
        Ok(200)
    });
    assert_eq!((publish(), publish()), (1, 1));
    assert_eq!(
        *others.lock().unwrap(),
        [false, true],
        "no other request during the probe"
    );
}

#[test]
fn ignores_a_410_from_the_previous_url() {
    let shop = shop();
    let id = shop.webhook(HERE, &["*"]).webhook.id;
    shop.answer(|url| Ok(if url == HERE { 410 } else { 200 }));
    shop.publish(PAID);
    let (other, webhook) = (shop.clone(), id.clone());
    // The endpoint has answered, and the outcome is not recorded yet.
    shop.ports.before_next_commit(move || {
        let patch = WebhookPatch {
            url: Some(THERE.into()),
            events: None,
            enabled: None,
        };
        other.service.update(&Caller::ApiKey, &webhook, &patch).unwrap();
    });
    let timer = shop.timers().remove(0);
    shop.handle(&timer).unwrap();
    let webhook = shop.read(&id);
    assert_eq!(
        (webhook.enabled, webhook.failing_since, webhook.url.as_str()),
        (true, None, THERE)
    );
    let waits = only(&shop);
    assert_eq!(
        (waits.status, waits.response_status),
        (DeliveryStatus::Pending, Some(410))
    );
    shop.run_timers();
    assert_eq!(only(&shop).status, DeliveryStatus::Delivered);
}
