//! What could not be delivered.

use super::{ATTEMPTS, Answer, Post, ids};
use crate::conformance::cases;

cases! { Post:
    a_rejected_event_goes_to_the_dead_letters_and_the_next_one_passes,
    an_event_that_is_tried_too_often_goes_to_the_dead_letters,
    a_replayed_dead_letter_is_delivered_again,
    a_replayed_dead_letter_has_all_its_attempts_again,
    what_is_no_dead_letter_is_not_replayed,
    dead_letters_come_oldest_first_up_to_the_limit,
}

async fn a_rejected_event_goes_to_the_dead_letters_and_the_next_one_passes(post: Post) {
    let [bad, good] = [post.event("a"), post.event("a")];
    post.stage.answer(&bad, [Answer::Reject("no such order")]);
    post.publish([&bad, &good]).await;
    assert_eq!(post.ids(2).await, ids(&[bad.clone(), good]));
    let letters = post.dead(1).await;
    assert_eq!(letters.len(), 1);
    let letter = &letters[0];
    assert_eq!(
        (&letter.event, letter.attempts, letter.reason.as_str()),
        (&bad, 1, "no such order")
    );
}

async fn an_event_that_is_tried_too_often_goes_to_the_dead_letters(post: Post) {
    let [bad, good] = [post.event("a"), post.event("a")];
    post.stage.answer(&bad, (0..100).map(|_| Answer::Retry));
    post.publish([&bad, &good]).await;
    let tries = ATTEMPTS as usize;
    let seen = post.ids(tries + 1).await;
    assert_eq!(seen[tries], good.id);
    assert!(seen[..tries].iter().all(|id| *id == bad.id), "{seen:?}");
    let letters = post.dead(1).await;
    assert_eq!(
        (letters[0].attempts, letters[0].reason.as_str()),
        (ATTEMPTS, "not now")
    );
}

async fn a_replayed_dead_letter_is_delivered_again(post: Post) {
    let event = post.event("a");
    post.stage.answer(&event, [Answer::Reject("not yet")]);
    post.publish([&event]).await;
    let letter = post.dead(1).await.remove(0);
    assert_eq!(post.dead_letters.replay(letter.id).await, Ok(true));
    assert_eq!(post.seen(2).await[1].event, event);
    assert_eq!(post.dead_letters.replay(letter.id).await, Ok(false));
    assert_eq!(post.dead(0).await, []);
}

async fn a_replayed_dead_letter_has_all_its_attempts_again(post: Post) {
    let event = post.event("a");
    post.stage
        .answer(&event, (0..2 * ATTEMPTS - 1).map(|_| Answer::Retry));
    post.publish([&event]).await;
    let letter = post.dead(1).await.remove(0);
    assert_eq!(post.dead_letters.replay(letter.id).await, Ok(true));
    let tries = 2 * ATTEMPTS as usize;
    assert_eq!(post.seen(tries).await.len(), tries);
    // What was taken at the last attempt is no dead letter; the next event shows that the attempt is over.
    let next = post.event("a");
    post.publish([&next]).await;
    post.seen(tries + 1).await;
    assert_eq!(post.dead(0).await, []);
}

async fn what_is_no_dead_letter_is_not_replayed(post: Post) {
    assert_eq!(post.dead_letters.replay(u64::MAX >> 1).await, Ok(false));
}

async fn dead_letters_come_oldest_first_up_to_the_limit(post: Post) {
    let events = [post.event("a"), post.event("b"), post.event("c")];
    for (event, count) in events.iter().zip(1..) {
        post.stage.answer(event, [Answer::Reject("no")]);
        post.publish([event]).await;
        post.dead(count).await;
    }
    let letters = post.dead(3).await;
    assert_eq!(
        letters
            .into_iter()
            .map(|letter| letter.event.id)
            .collect::<Vec<_>>(),
        ids(&events)
    );
    assert_eq!(post.dead_letters.list(2).await.unwrap().len(), 2);
    assert_eq!(post.dead_letters.list(0).await.unwrap(), []);
}
