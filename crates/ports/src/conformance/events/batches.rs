//! Kinds of events that may arrive several at a time.

use std::collections::HashMap;

use super::{Fixture, Response, ids};
use crate::conformance::case::cases;
use crate::events::Event;

cases! { Fixture:
    batches_keep_the_order_of_each_subject,
    batches_with_a_failed_event_repeat_only_that_event,
    batches_that_leave_out_events_deliver_them_again,
}

async fn batches_keep_the_order_of_each_subject(fixture: Fixture) {
    let mut expected: HashMap<String, Vec<String>> = HashMap::new();
    for _ in 0..4 {
        let events: Vec<_> = (0..50)
            .map(|number| fixture.event(&(number % 40).to_string()))
            .collect();
        fixture.publish(&events).await;
        for event in events {
            expected.entry(event.subject).or_default().push(event.id);
        }
    }
    let mut arrived: HashMap<String, Vec<String>> = HashMap::new();
    for delivery in fixture.wait_for_deliveries(200).await {
        let event = delivery.event;
        arrived.entry(event.subject).or_default().push(event.id);
    }
    assert_eq!(arrived, expected);
}

async fn batches_with_a_failed_event_repeat_only_that_event(fixture: Fixture) {
    let events = events(&fixture);
    fixture.handlers.respond_to(&events[4], [Response::Retry]);
    fixture.publish(&events).await;
    let mut arrived = fixture.wait_for_ids(11).await;
    arrived.sort();
    let mut expected = ids(&events);
    expected.insert(4, events[4].id.clone());
    assert_eq!(arrived, expected);
}

async fn batches_that_leave_out_events_deliver_them_again(fixture: Fixture) {
    let events = events(&fixture);
    for event in &events[3..6] {
        fixture.handlers.respond_to(event, [Response::LeaveOut]);
    }
    fixture.publish(&events).await;
    let mut arrived = fixture.wait_for_ids(10).await;
    arrived.sort();
    assert_eq!(arrived, ids(&events));
}

/// Returns ten events of different subjects. Their ids are sorted.
fn events(fixture: &Fixture) -> Vec<Event> {
    (0..10).map(|number| fixture.event(&number.to_string())).collect()
}
