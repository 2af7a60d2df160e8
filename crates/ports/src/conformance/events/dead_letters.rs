//! Events that could not be delivered.

use super::{ATTEMPTS, Fixture, Response, ids};
use crate::conformance::case::cases;

cases! { Fixture:
    moves_a_rejected_event_to_the_dead_letters_and_delivers_the_next_one,
    moves_an_event_to_the_dead_letters_after_its_last_attempt,
    delivers_a_replayed_dead_letter_again,
    gives_a_replayed_dead_letter_all_attempts_again,
    does_not_replay_an_unknown_dead_letter,
    lists_the_oldest_dead_letters_up_to_the_limit,
}

async fn moves_a_rejected_event_to_the_dead_letters_and_delivers_the_next_one(fixture: Fixture) {
    let [bad, good] = [fixture.event("a"), fixture.event("a")];
    fixture
        .handlers
        .respond_to(&bad, [Response::Reject("no such order")]);
    fixture.publish([&bad, &good]).await;
    assert_eq!(fixture.wait_for_ids(2).await, ids(&[bad.clone(), good]));
    let letters = fixture.wait_for_dead_letters(1).await;
    assert_eq!(letters.len(), 1);
    let letter = &letters[0];
    assert_eq!(
        (&letter.event, letter.attempts, letter.reason.as_str()),
        (&bad, 1, "no such order")
    );
}

async fn moves_an_event_to_the_dead_letters_after_its_last_attempt(fixture: Fixture) {
    let [bad, good] = [fixture.event("a"), fixture.event("a")];
    fixture
        .handlers
        .respond_to(&bad, (0..100).map(|_| Response::Retry));
    fixture.publish([&bad, &good]).await;
    let attempts = ATTEMPTS as usize;
    let received = fixture.wait_for_ids(attempts + 1).await;
    assert_eq!(received[attempts], good.id);
    assert!(
        received[..attempts].iter().all(|id| *id == bad.id),
        "{received:?}"
    );
    let letters = fixture.wait_for_dead_letters(1).await;
    assert_eq!(
        (letters[0].attempts, letters[0].reason.as_str()),
        (ATTEMPTS, "not now")
    );
}

async fn delivers_a_replayed_dead_letter_again(fixture: Fixture) {
    let event = fixture.event("a");
    fixture.handlers.respond_to(&event, [Response::Reject("not yet")]);
    fixture.publish([&event]).await;
    let letter = fixture.wait_for_dead_letters(1).await.remove(0);
    assert_eq!(fixture.dead_letters.replay(letter.id).await, Ok(true));
    assert_eq!(fixture.wait_for_deliveries(2).await[1].event, event);
    assert_eq!(fixture.dead_letters.replay(letter.id).await, Ok(false));
    assert_eq!(fixture.wait_for_dead_letters(0).await, []);
}

async fn gives_a_replayed_dead_letter_all_attempts_again(fixture: Fixture) {
    let event = fixture.event("a");
    fixture
        .handlers
        .respond_to(&event, (0..2 * ATTEMPTS - 1).map(|_| Response::Retry));
    fixture.publish([&event]).await;
    let letter = fixture.wait_for_dead_letters(1).await.remove(0);
    assert_eq!(fixture.dead_letters.replay(letter.id).await, Ok(true));
    let attempts = 2 * ATTEMPTS as usize;
    assert_eq!(fixture.wait_for_deliveries(attempts).await.len(), attempts);
    // The last attempt succeeded, so there is no dead letter. The next event shows that the attempt is over.
    let next = fixture.event("a");
    fixture.publish([&next]).await;
    fixture.wait_for_deliveries(attempts + 1).await;
    assert_eq!(fixture.wait_for_dead_letters(0).await, []);
}

async fn does_not_replay_an_unknown_dead_letter(fixture: Fixture) {
    assert_eq!(fixture.dead_letters.replay(u64::MAX >> 1).await, Ok(false));
}

async fn lists_the_oldest_dead_letters_up_to_the_limit(fixture: Fixture) {
    let events = [fixture.event("a"), fixture.event("b"), fixture.event("c")];
    for (event, count) in events.iter().zip(1..) {
        fixture.handlers.respond_to(event, [Response::Reject("no")]);
        fixture.publish([event]).await;
        fixture.wait_for_dead_letters(count).await;
    }
    let letters = fixture.wait_for_dead_letters(3).await;
    assert_eq!(
        letters
            .into_iter()
            .map(|letter| letter.event.id)
            .collect::<Vec<_>>(),
        ids(&events)
    );
    assert_eq!(fixture.dead_letters.list(2).await.unwrap().len(), 2);
    assert_eq!(fixture.dead_letters.list(0).await.unwrap(), []);
}
