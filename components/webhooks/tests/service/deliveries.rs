//! Deliveries: how they are sent, retried, listed and replayed.

use crate::shop::{PAID, Shop, expected, header, shop, signatures};
use mercato_ports::events::HandlerFailure;
use mercato_ports::http_client::HttpFailure;
use mercato_shop::collection::event;
use mercato_shop::id;
use mercato_shop::ports::Ports as _;
use mercato_shop::services::Webhooks;
use mercato_shop::testing::error_code;
use mercato_shop::types::{Caller, Error, Page};
use mercato_shop::webhooks::{Delivery, DeliveryFilter, DeliveryStatus};
use serde_json::{Value, json};

pub const HERE: &str = "https://here.example/in";
pub const THERE: &str = "https://there.example/in";
pub const ENDPOINTS: &str = "webhooks.endpoints";
const DELIVERIES: &str = "webhooks.deliveries";

pub fn only(shop: &Shop) -> Delivery {
    let mut all = shop.deliveries();
    assert_eq!(all.len(), 1, "{all:?}");
    all.remove(0)
}

pub fn replay(shop: &Shop, id: &str) -> Result<Delivery, Error> {
    shop.service.replay(&Caller::ApiKey, id)
}

#[test]
fn sends_an_event_once_to_each_subscribed_endpoint() {
    let shop = shop();
    let here = shop.webhook(HERE, &["mercato.orders.*"]);
    shop.webhook(THERE, &[PAID, "*"]);
    shop.webhook("https://other.example/", &["mercato.catalog.*"]);
    let event = shop.publish(PAID);
    assert_eq!(shop.deliveries().len(), 2);
    assert_eq!(shop.run_timers(), 2, "each delivery has one timer");
    let sent = shop.sent();
    let mut urls: Vec<_> = sent.iter().map(|request| request.url.as_str()).collect();
    urls.sort_unstable();
    assert_eq!(urls, [HERE, THERE]);

    let request = sent.iter().find(|request| request.url == HERE).unwrap();
    let body: Value = serde_json::from_slice(&request.body).unwrap();
    let created = event.time / 1_000;
    assert_eq!(
        body,
        json!({ "id": event.id, "type": PAID, "created": created, "data": { "orderId": "1" } })
    );
    assert_eq!(header(request, "content-type"), "application/json");
    assert_eq!(header(request, "mercato-event-id"), event.id);
    assert_eq!(header(request, "mercato-delivery-attempt"), "1");
    assert_eq!(request.timeout_ms, 10_000);
    assert_eq!(signatures(request).1, [expected(request, &here.secret)]);
    let seconds: u64 = signatures(request).0.parse().unwrap();
    assert!(seconds.abs_diff(id::now() / 1_000) < 10);

    for delivery in shop.deliveries() {
        assert_eq!(delivery.status, DeliveryStatus::Delivered);
        assert_eq!((delivery.attempts, delivery.response_status), (1, Some(200)));
        assert!(delivery.delivered_at.is_some() && delivery.next_attempt_at.is_none());
    }
    assert_eq!(shop.run_timers(), 0);
    shop.publish("mercato.orders.order-shipped");
    assert_eq!(shop.deliveries().len(), 4);
}

#[test]
fn creates_the_missing_deliveries_of_a_repeated_event() {
    let shop = shop();
    shop.webhook(HERE, &["*"]);
    let event = shop.publish(PAID);
    shop.webhook(THERE, &["*"]);
    shop.handle(&event).unwrap();
    assert_eq!(shop.deliveries().len(), 2);
    assert_eq!(shop.run_timers(), 2);
    assert_eq!(shop.sent().len(), 2);
}

#[test]
fn retries_at_growing_intervals_until_the_delivery_fails_and_is_replayed() {
    let shop = shop();
    let webhook = shop.webhook(HERE, &["*"]).webhook;
    shop.answer(|_| Ok(500));
    shop.publish(PAID);
    let first = shop.timers();
    assert_eq!(
        (first.len(), first[0].due),
        (1, None),
        "the first attempt is due at once"
    );
    let mut timer = first[0].clone();
    for (attempt, wait) in [10, 60, 300, 1_800, 7_200, 43_200].into_iter().enumerate() {
        shop.reset_breaker(&webhook.id);
        let before = id::now();
        shop.handle(&timer).unwrap();
        shop.handle(&timer).unwrap();
        let delivery = only(&shop);
        assert_eq!(delivery.status, DeliveryStatus::Pending);
        assert_eq!(delivery.attempts as usize, attempt + 1);
        assert_eq!(delivery.failure.as_deref(), Some("The endpoint answered 500."));
        let mut timers = shop.timers();
        assert_eq!(timers.len(), 1, "each attempt has one timer");
        timer = timers.remove(0);
        assert_eq!(timer.due, delivery.next_attempt_at);
        let waits = timer.due.unwrap() - before;
        assert!(
            (wait * 1_000..wait * 1_000 + 5_000).contains(&waits),
            "{attempt}: {waits}"
        );
    }
    shop.reset_breaker(&webhook.id);
    shop.handle(&timer).unwrap();
    assert_eq!(shop.run_timers(), 0);
    let failed = only(&shop);
    assert_eq!((failed.status, failed.attempts), (DeliveryStatus::Failed, 7));
    let sent = shop.sent();
    assert_eq!(sent.len(), 7);
    assert_eq!(header(&sent[6], "mercato-delivery-attempt"), "7");
    assert!(sent.iter().all(|request| request.body == sent[0].body));

    shop.reset_breaker(&webhook.id);
    let again = replay(&shop, &failed.id).unwrap();
    assert_eq!(again.status, DeliveryStatus::Pending);
    assert_eq!(shop.run_timers(), 1);
    assert_eq!(
        only(&shop).status,
        DeliveryStatus::Pending,
        "a replay has as many attempts as a new delivery"
    );
    shop.answer(|_| Ok(204));
    shop.run_timers();
    let delivered = only(&shop);
    assert_eq!(
        (delivered.status, delivered.attempts),
        (DeliveryStatus::Delivered, 9)
    );
    assert_eq!(delivered.failure, None);
    // A delivery that succeeded can be replayed, too.
    replay(&shop, &failed.id).unwrap();
    shop.run_timers();
    assert_eq!(only(&shop).attempts, 10);
}

#[test]
fn replays_at_once_and_only_once() {
    let shop = shop();
    shop.webhook(HERE, &["*"]);
    shop.answer(|_| Err(HttpFailure::NotSent("connection refused".into())));
    shop.publish(PAID);
    shop.run_timers();
    let waiting = shop.timers();
    let delivery = only(&shop);
    assert_eq!(
        delivery.failure.as_deref(),
        Some("The request was not sent: connection refused.")
    );
    assert_eq!(delivery.response_status, None);
    shop.answer(|_| Ok(200));
    replay(&shop, &delivery.id).unwrap();
    replay(&shop, &delivery.id).unwrap();
    let timers = shop.timers();
    assert_eq!(timers.len(), 1, "a second replay sends nothing");
    assert_eq!(timers[0].due, None);
    assert_ne!(timers[0].subject, waiting[0].subject);
    shop.sent();
    for timer in [&timers[0], &waiting[0]] {
        shop.handle(timer).unwrap();
    }
    assert_eq!(shop.sent().len(), 1);
    for unknown in ["", "a.b", &id::new(), &format!("{}.{}", id::new(), id::new())] {
        assert_eq!(error_code(&replay(&shop, unknown)), "NOT_FOUND", "{unknown}");
    }
}

#[test]
fn records_an_attempt_in_spite_of_concurrent_changes() {
    let shop = shop();
    let webhook = shop.webhook(HERE, &["*"]).webhook;
    shop.answer(|_| Ok(503));
    shop.publish(PAID);
    let other = shop.clone();
    shop.ports.before_next_commit(move || {
        other.set(ENDPOINTS, &webhook.id, "failingSince", json!(5));
        let id = only(&other).id;
        other.set(DELIVERIES, &id, "replays", json!(1));
    });
    shop.run_timers();
    let delivery = only(&shop);
    assert_eq!((delivery.attempts, delivery.response_status), (1, Some(503)));
    assert_eq!(shop.timers().len(), 1);
}

#[test]
fn reports_a_forbidden_host_in_each_attempt() {
    let shop = shop();
    shop.webhook(HERE, &["*"]);
    shop.answer(|_| Err(HttpFailure::Refused("here.example:443 is not allowed".into())));
    for _ in 0..7 {
        shop.publish(PAID);
        for timer in shop.timers() {
            shop.handle(&timer).unwrap();
        }
        shop.timers();
    }
    let failures = shop.deliveries().into_iter().map(|delivery| delivery.failure);
    let failure = "The request is not allowed: here.example:443 is not allowed.";
    assert_eq!(failures.collect::<Vec<_>>(), vec![Some(failure.to_owned()); 7]);
}

#[test]
fn filters_and_pages_deliveries() {
    let shop = shop();
    let here = shop.webhook(HERE, &["*"]).webhook.id;
    shop.webhook(THERE, &["*"]);
    shop.answer(|url| Ok(if url == HERE { 200 } else { 500 }));
    for _ in 0..3 {
        shop.publish(PAID);
    }
    for timer in shop.timers() {
        shop.handle(&timer).unwrap();
    }
    let list = |webhook_id: Option<&str>, status, first, after| {
        let filter = DeliveryFilter {
            webhook_id: webhook_id.map(Into::into),
            status,
        };
        let page = Page::first(first, after);
        shop.service.deliveries(&Caller::ApiKey, &filter, &page).unwrap()
    };
    assert_eq!(list(None, None, 10, None).edges.len(), 6);
    assert_eq!(list(Some(&here), None, 10, None).edges.len(), 3);
    assert_eq!(
        list(None, Some(DeliveryStatus::Delivered), 10, None).edges.len(),
        3
    );
    assert!(
        list(Some(&here), Some(DeliveryStatus::Pending), 10, None)
            .edges
            .is_empty()
    );
    let first = list(None, None, 4, None);
    let rest = list(None, None, 4, Some(first.edges[3].cursor.clone()));
    assert!(first.has_next && !rest.has_next);
    let mut ids: Vec<_> = [first.edges, rest.edges]
        .concat()
        .into_iter()
        .map(|edge| edge.delivery.id)
        .collect();
    ids.dedup();
    assert_eq!(ids.len(), 6);
}

#[test]
fn creates_the_deliveries_of_a_batch_in_one_commit() {
    let shop = shop();
    shop.webhook(HERE, &["*"]);
    shop.webhook(THERE, &["*"]);
    let published =
        |order: &str| event(PAID, format!("order/{order}"), &json!({ "orderId": order })).unwrap();
    let mut events = ["1", "2", "3"].map(published);
    events[1].data = "[".into();
    shop.ports.stop_after(1);
    let results = shop.service.handle(&events);
    shop.ports.restart();
    assert!(
        matches!(&results[..], [Ok(()), Err(HandlerFailure::Reject(_)), Ok(())]),
        "{results:?}"
    );
    let mut deliveries = shop.deliveries();
    deliveries.sort_by(|a, b| a.event_id.cmp(&b.event_id));
    let created: Vec<_> = deliveries.iter().map(|delivery| &delivery.event_id).collect();
    let (first, last) = (&events[0].id, &events[2].id);
    assert_eq!(created, [first, first, last, last]);
    assert!(
        deliveries
            .iter()
            .all(|delivery| delivery.payload.contains(&delivery.event_id))
    );
    assert_eq!(shop.timers().len(), 4);
    events[1].data = "{}".into();
    assert_eq!(shop.service.handle(&events), [Ok(()), Ok(()), Ok(())]);
    assert_eq!(
        shop.deliveries().len(),
        6,
        "deliveries that exist stay as they are"
    );
}

#[test]
fn rejects_other_events() {
    let shop = shop();
    let mut event = shop.publish(PAID);
    event.data = "[".into();
    assert!(matches!(shop.handle(&event), Err(HandlerFailure::Reject(_))));
    event.kind = "mercato.orders.order-due".into();
    assert!(matches!(shop.handle(&event), Err(HandlerFailure::Reject(_))));
}

#[test]
fn deletes_finished_deliveries_after_a_month() {
    const DAY: u64 = 24 * 3_600_000;
    let shop = shop();
    shop.webhook(HERE, &["*"]);
    let kept: Vec<_> = [
        (31, "delivered"),
        (31, "pending"),
        (31, "failed"),
        (29, "delivered"),
    ]
    .into_iter()
    .map(|(days, stage)| {
        let event = shop.publish(PAID);
        let all = shop.deliveries();
        let id = all
            .iter()
            .find(|delivery| delivery.event_id == event.id)
            .unwrap()
            .id
            .clone();
        shop.set(DELIVERIES, &id, "stage", json!(stage));
        shop.set(DELIVERIES, &id, "createdAt", json!(id::now() - days * DAY));
        id
    })
    .collect();
    let there = || {
        let found = shop.ports.get_many(DELIVERIES, &kept).unwrap();
        found.iter().map(Option::is_some).collect::<Vec<_>>()
    };
    // Only some of the new deliveries delete old ones.
    for _ in 0..500 {
        if there() == [false, true, false, true] {
            break;
        }
        shop.publish(PAID);
    }
    assert_eq!(there(), [false, true, false, true]);
    let gone = replay(&shop, &kept[0]);
    assert_eq!(error_code(&gone), "NOT_FOUND", "{gone:?}");
}

#[test]
fn reads_deliveries_by_their_ids() {
    let shop = shop();
    shop.webhook(HERE, &[PAID]);
    shop.publish(PAID);
    let known = only(&shop);
    let ids = ["nonsense".to_owned(), known.id.clone()];
    let found = shop.service.get_deliveries(&Caller::ApiKey, &ids).unwrap();
    assert!(matches!(found[0], Err(Error::NotFound(_))), "{found:?}");
    assert_eq!(found[1].as_ref().unwrap().event_id, known.event_id);
    let refused = shop.service.get_deliveries(&Caller::Anonymous, &ids);
    assert_eq!(error_code(&refused), "UNAUTHENTICATED");
}
