//! The content, the order and the time of deliveries.

use std::sync::Arc;

use tokio::sync::Semaphore;

use super::{Fixture, OTHER, Response, ids, now};
use crate::conformance::case::cases;
use crate::documents::{CommitFailure, Failure};
use crate::events::Event;

cases! { Fixture:
    delivers_an_event_unchanged,
    delivers_an_event_to_every_subscriber,
    accepts_an_event_without_subscribers,
    publishes_nothing_for_a_refused_commit,
    rejects_data_that_is_not_an_object_and_writes_nothing,
    makes_a_change_readable_before_its_event_arrives,
    delivers_events_of_one_subject_in_the_order_of_their_commits,
    retries_an_event_before_later_events_of_its_subject,
    does_not_delay_other_subjects,
    delivers_an_event_when_it_is_due,
    delivers_an_overdue_event_at_once,
}

async fn delivers_an_event_unchanged(fixture: Fixture) {
    let event = Event {
        due: Some(now() - 1),
        data: r#"{"text":"Größe \"42\" 😀","list":[1,null]}"#.into(),
        ..fixture.event("a")
    };
    fixture.publish([&event]).await;
    assert_eq!(fixture.wait_for_deliveries(1).await[0].event, event);
}

async fn delivers_an_event_to_every_subscriber(fixture: Fixture) {
    let event = fixture.event("a");
    fixture.handlers.respond_to(&event, [Response::Retry]);
    fixture.publish([&event]).await;
    fixture.wait_for_deliveries(2).await;
    assert_eq!(
        fixture
            .handlers
            .wait_for_deliveries(OTHER, &fixture.kind, 1)
            .await
            .len(),
        1
    );
}

async fn accepts_an_event_without_subscribers(fixture: Fixture) {
    let unhandled = Event {
        kind: "mercato.conformance.unhandled".into(),
        ..fixture.event("a")
    };
    let event = fixture.event("a");
    fixture.publish([&unhandled, &event]).await;
    assert_eq!(fixture.wait_for_ids(1).await, ids(&[event]));
}

async fn publishes_nothing_for_a_refused_commit(fixture: Fixture) {
    let [refused, accepted] = [fixture.event("a"), fixture.event("a")];
    fixture.commit([fixture.insertion("x")], []).await.unwrap();
    let result = fixture
        .commit([fixture.insertion("x"), fixture.insertion("y")], [&refused])
        .await;
    assert!(matches!(result, Err(CommitFailure::Refused(_))), "{result:?}");
    fixture.publish([&accepted]).await;
    assert_eq!(fixture.wait_for_ids(1).await, ids(&[accepted]));
}

async fn rejects_data_that_is_not_an_object_and_writes_nothing(fixture: Fixture) {
    let [bad, accepted] = [
        Event {
            data: "[]".into(),
            ..fixture.event("a")
        },
        fixture.event("a"),
    ];
    let result = fixture.commit([fixture.insertion("x")], [&bad]).await;
    assert!(
        matches!(result, Err(CommitFailure::Failed(Failure::Invalid(_)))),
        "{result:?}"
    );
    fixture
        .commit([fixture.insertion("x")], [&accepted])
        .await
        .unwrap();
    assert_eq!(fixture.wait_for_ids(1).await, ids(&[accepted]));
}

async fn makes_a_change_readable_before_its_event_arrives(fixture: Fixture) {
    let write = fixture.insertion("x");
    let (collection, id) = (write.collection().to_owned(), write.id().to_owned());
    let event = fixture.event("a");
    let (documents, handlers, kind) = (
        Arc::clone(&fixture.documents),
        Arc::clone(&fixture.handlers),
        fixture.kind.clone(),
    );
    // Starts before the commit, and reads as soon as the event arrives.
    let reader = tokio::spawn(async move {
        handlers.wait_for_deliveries(super::SUBSCRIBER, &kind, 1).await;
        documents.get_many(collection, vec![id]).await.unwrap().remove(0)
    });
    fixture.commit([write], [&event]).await.unwrap();
    assert!(reader.await.unwrap().is_some());
}

async fn delivers_events_of_one_subject_in_the_order_of_their_commits(fixture: Fixture) {
    let [mut first, mut second] = [Vec::new(), Vec::new()];
    for _ in 0..20 {
        let batch = [
            fixture.event("a"),
            fixture.event("b"),
            fixture.event("a"),
            fixture.event("b"),
        ];
        fixture.publish(&batch).await;
        let [a, b, c, d] = batch;
        first.extend([a, c]);
        second.extend([b, d]);
    }
    let deliveries = fixture.wait_for_deliveries(80).await;
    assert_eq!(deliveries.len(), 80);
    for events in [first, second] {
        let of_subject = deliveries
            .iter()
            .filter(|delivery| delivery.event.subject == events[0].subject);
        assert_eq!(
            of_subject
                .map(|delivery| delivery.event.id.clone())
                .collect::<Vec<_>>(),
            ids(&events)
        );
    }
}

async fn retries_an_event_before_later_events_of_its_subject(fixture: Fixture) {
    let [first, second] = [fixture.event("a"), fixture.event("a")];
    fixture
        .handlers
        .respond_to(&first, [Response::Retry, Response::Retry]);
    fixture.publish([&first, &second]).await;
    assert_eq!(
        fixture.wait_for_ids(4).await,
        ids(&[first.clone(), first.clone(), first, second])
    );
}

async fn does_not_delay_other_subjects(fixture: Fixture) {
    let [blocked, later, other] = [fixture.event("a"), fixture.event("a"), fixture.event("b")];
    let permit = Arc::new(Semaphore::new(0));
    fixture
        .handlers
        .respond_to(&blocked, [Response::Block(Arc::clone(&permit))]);
    fixture.publish([&blocked, &later, &other]).await;
    let mut first_two = fixture.wait_for_ids(2).await;
    first_two.sort();
    assert_eq!(first_two, ids(&[blocked, other]));
    permit.add_permits(1);
    assert_eq!(fixture.wait_for_ids(3).await.pop(), Some(later.id));
}

async fn delivers_an_event_when_it_is_due(fixture: Fixture) {
    let due = now() + 300;
    let timer = Event {
        due: Some(due),
        ..fixture.event("timer")
    };
    let [later, other] = [fixture.event("timer"), fixture.event("other")];
    fixture.publish([&timer, &later, &other]).await;
    let deliveries = fixture.wait_for_deliveries(3).await;
    let order = deliveries
        .iter()
        .map(|delivery| delivery.event.id.clone())
        .collect::<Vec<_>>();
    assert_eq!(order, ids(&[other, timer, later]));
    assert!(deliveries[1].at >= due, "{} is before {due}", deliveries[1].at);
}

async fn delivers_an_overdue_event_at_once(fixture: Fixture) {
    let event = Event {
        due: Some(0),
        ..fixture.event("a")
    };
    fixture.publish([&event]).await;
    assert_eq!(fixture.wait_for_ids(1).await, ids(&[event]));
}
