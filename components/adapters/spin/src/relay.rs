//! The relay: takes events from the outbox to those that subscribe to them. It runs after a request was answered, beside the
//! relays of other requests, so it takes one delivery at a time, and for itself alone.

use mercato_ports::events::{Event, HandlerFailure};
use mercato_sql::Connection;
use mercato_sql::connection::transaction;
use mercato_sql::outbox::{self, Outcome, Patience};

/// How long a delivery is its taker's, in milliseconds: longer than a subscriber may take.
const TAKEN: i64 = 30_000;

/// How long a relay goes on to take deliveries, in milliseconds. The rest is for the next one.
const SHIFT: i64 = 5_000;

/// Those who subscribe, as the relay reaches them.
pub trait Consumers {
    /// Hands one event to one subscriber.
    ///
    /// # Errors
    /// What the subscriber answered, or [`HandlerFailure::Retry`] where it could not be reached.
    fn hand(&self, subscriber: &str, event: &Event) -> Result<(), HandlerFailure>;
}

/// Delivers what is due; how many deliveries it tried.
///
/// # Errors
/// As the store fails; what was taken is due again later.
pub fn deliver<C: Connection<Error = String>>(
    connection: &C,
    consumers: &impl Consumers,
    patience: &Patience,
) -> Result<u32, String> {
    let begun = crate::now();
    let mut tried = 0;
    loop {
        let now = crate::now();
        if now - begun > SHIFT {
            return Ok(tried);
        }
        let Some(delivery) = outbox::claim(connection, now, now.saturating_add(TAKEN))? else {
            return Ok(tried);
        };
        let answer = consumers.hand(&delivery.subscriber, &delivery.event);
        let outcome = patience.judge(&delivery, answer, crate::now());
        match &outcome {
            Outcome::Done => {}
            Outcome::Again(_) => eprintln!(
                "{} did not take event {}: to be retried",
                delivery.subscriber, delivery.event.id
            ),
            Outcome::Dead(reason) => eprintln!(
                "{} did not take event {}, now a dead letter: {reason}",
                delivery.subscriber, delivery.event.id
            ),
        }
        transaction(connection, || outbox::settle(connection, &delivery, &outcome))?;
        tried += 1;
    }
}
