//! What is delivered, in which order, and when.

use std::sync::Arc;

use tokio::sync::Semaphore;

use super::{Answer, OTHER, Post, ids, now};
use crate::conformance::cases;
use crate::documents::{CommitFailure, Failure};
use crate::events::Event;

cases! { Post:
    an_event_arrives_as_it_was_committed,
    every_subscriber_gets_an_event,
    an_event_nobody_subscribes_to_is_no_failure,
    a_refused_commit_publishes_nothing,
    data_that_is_no_object_is_invalid_and_nothing_is_written,
    when_an_event_arrives_its_change_can_be_read,
    events_of_one_subject_arrive_in_the_order_of_their_commits,
    a_retried_event_comes_again_before_the_later_ones_of_its_subject,
    a_subject_that_is_held_up_holds_up_no_other,
    an_event_arrives_when_it_is_due_and_not_before,
    an_event_that_was_due_long_ago_arrives_at_once,
}

async fn an_event_arrives_as_it_was_committed(post: Post) {
    let event = Event {
        due: Some(now() - 1),
        data: r#"{"text":"Größe \"42\" 😀","list":[1,null]}"#.into(),
        ..post.event("a")
    };
    post.publish([&event]).await;
    assert_eq!(post.seen(1).await[0].event, event);
}

async fn every_subscriber_gets_an_event(post: Post) {
    let event = post.event("a");
    post.stage.answer(&event, [Answer::Retry]);
    post.publish([&event]).await;
    post.seen(2).await;
    assert_eq!(post.stage.seen(OTHER, &post.kind, 1).await.len(), 1);
}

async fn an_event_nobody_subscribes_to_is_no_failure(post: Post) {
    let nobodys = Event {
        kind: "mercato.conformance.nobodys".into(),
        ..post.event("a")
    };
    let event = post.event("a");
    post.publish([&nobodys, &event]).await;
    assert_eq!(post.ids(1).await, ids(&[event]));
}

async fn a_refused_commit_publishes_nothing(post: Post) {
    let [lost, kept] = [post.event("a"), post.event("a")];
    post.commit([post.inserting("x")], []).await.unwrap();
    let answer = post
        .commit([post.inserting("x"), post.inserting("y")], [&lost])
        .await;
    assert!(matches!(answer, Err(CommitFailure::Refused(_))), "{answer:?}");
    post.publish([&kept]).await;
    assert_eq!(post.ids(1).await, ids(&[kept]));
}

async fn data_that_is_no_object_is_invalid_and_nothing_is_written(post: Post) {
    let [bad, kept] = [
        Event {
            data: "[]".into(),
            ..post.event("a")
        },
        post.event("a"),
    ];
    let answer = post.commit([post.inserting("x")], [&bad]).await;
    assert!(
        matches!(answer, Err(CommitFailure::Failed(Failure::Invalid(_)))),
        "{answer:?}"
    );
    post.commit([post.inserting("x")], [&kept]).await.unwrap();
    assert_eq!(post.ids(1).await, ids(&[kept]));
}

async fn when_an_event_arrives_its_change_can_be_read(post: Post) {
    let write = post.inserting("x");
    let (collection, id) = (write.collection().to_owned(), write.id().to_owned());
    let event = post.event("a");
    let (documents, stage, kind) = (
        Arc::clone(&post.documents),
        Arc::clone(&post.stage),
        post.kind.clone(),
    );
    // Waits for the event from before the commit, and reads as soon as it comes.
    let reader = tokio::spawn(async move {
        stage.seen(super::SUBSCRIBER, &kind, 1).await;
        documents.get_many(collection, vec![id]).await.unwrap().remove(0)
    });
    post.commit([write], [&event]).await.unwrap();
    assert!(reader.await.unwrap().is_some());
}

async fn events_of_one_subject_arrive_in_the_order_of_their_commits(post: Post) {
    let [mut first, mut second] = [Vec::new(), Vec::new()];
    for _ in 0..20 {
        let batch = [post.event("a"), post.event("b"), post.event("a"), post.event("b")];
        post.publish(&batch).await;
        let [a, b, c, d] = batch;
        first.extend([a, c]);
        second.extend([b, d]);
    }
    let seen = post.seen(80).await;
    assert_eq!(seen.len(), 80);
    for events in [first, second] {
        let of_subject = seen.iter().filter(|seen| seen.event.subject == events[0].subject);
        assert_eq!(
            of_subject.map(|seen| seen.event.id.clone()).collect::<Vec<_>>(),
            ids(&events)
        );
    }
}

async fn a_retried_event_comes_again_before_the_later_ones_of_its_subject(post: Post) {
    let [first, second] = [post.event("a"), post.event("a")];
    post.stage.answer(&first, [Answer::Retry, Answer::Retry]);
    post.publish([&first, &second]).await;
    assert_eq!(
        post.ids(4).await,
        ids(&[first.clone(), first.clone(), first, second])
    );
}

async fn a_subject_that_is_held_up_holds_up_no_other(post: Post) {
    let [held, behind, other] = [post.event("a"), post.event("a"), post.event("b")];
    let permit = Arc::new(Semaphore::new(0));
    post.stage.answer(&held, [Answer::Hold(Arc::clone(&permit))]);
    post.publish([&held, &behind, &other]).await;
    let mut first_two = post.ids(2).await;
    first_two.sort();
    assert_eq!(first_two, ids(&[held, other]));
    permit.add_permits(1);
    assert_eq!(post.ids(3).await.pop(), Some(behind.id));
}

async fn an_event_arrives_when_it_is_due_and_not_before(post: Post) {
    let due = now() + 300;
    let timer = Event {
        due: Some(due),
        ..post.event("timer")
    };
    let [behind, other] = [post.event("timer"), post.event("other")];
    post.publish([&timer, &behind, &other]).await;
    let seen = post.seen(3).await;
    let order = seen.iter().map(|seen| seen.event.id.clone()).collect::<Vec<_>>();
    assert_eq!(order, ids(&[other, timer, behind]));
    assert!(seen[1].at >= due, "{} is before {due}", seen[1].at);
}

async fn an_event_that_was_due_long_ago_arrives_at_once(post: Post) {
    let event = Event {
        due: Some(0),
        ..post.event("a")
    };
    post.publish([&event]).await;
    assert_eq!(post.ids(1).await, ids(&[event]));
}
