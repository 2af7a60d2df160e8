//! The relay: takes events from the outbox to those that subscribe to them. It runs after a request was answered, beside at most three
//! others: each instance that works on holds its share of what Spin gives to all.

use mercato_ports::events::{Event, HandlerFailure};
use mercato_sql::Connection;
use mercato_sql::connection::transaction;
use mercato_sql::outbox::{self, Delivery, Outcome, Patience};

/// How long a delivery, and the place of a relay, are their taker's, in milliseconds: longer than a subscriber may take. After this, one that
/// has ended without a word is replaced.
const TERM: i64 = 30_000;

/// Those who subscribe, as the relay reaches them.
pub trait Consumers {
    /// Hands one event to one subscriber.
    ///
    /// # Errors
    /// What the subscriber answered, or [`HandlerFailure::Retry`] where it could not be reached.
    fn hand(&self, subscriber: &str, event: &Event) -> Result<(), HandlerFailure>;
}

/// One of the places.
struct Place {
    number: i64,
    until: i64,
}

/// Delivers what is due, unless enough others do; how many deliveries it tried.
///
/// # Errors
/// As the store fails; what was not settled is delivered again.
pub fn deliver<C: Connection<Error = String>>(
    connection: &C,
    consumers: &impl Consumers,
    patience: &Patience,
) -> Result<u32, String> {
    let mut tried = 0;
    // Once more after its place is given free: what became due before is not seen by those who found none.
    while outbox::is_due(connection, crate::now())?
        && let Some(mut place) = take(connection)?
    {
        let worked = work(connection, consumers, patience, &mut place, &mut tried);
        let free = "UPDATE relays SET until = 0 WHERE n = ? AND until = ?";
        connection.execute(free, &[place.number.into(), place.until.into()])?;
        worked?;
    }
    Ok(tried)
}

fn work<C: Connection<Error = String>>(
    connection: &C,
    consumers: &impl Consumers,
    patience: &Patience,
    place: &mut Place,
    tried: &mut u32,
) -> Result<(), String> {
    loop {
        let now = crate::now();
        if now > place.until - TERM / 2 {
            let keep = "UPDATE relays SET until = ? WHERE n = ? AND until = ? RETURNING 1";
            let until = now.saturating_add(TERM);
            let values = [until.into(), place.number.into(), place.until.into()];
            if connection.first(keep, &values, |_| Ok(()))?.is_none() {
                // It was too slow, and another has its place.
                return Ok(());
            }
            place.until = until;
        }
        let Some(delivery) = outbox::claim(connection, now, now.saturating_add(TERM))? else {
            return Ok(());
        };
        let answer = consumers.hand(&delivery.subscriber, &delivery.event);
        let outcome = patience.judge(&delivery, answer, crate::now());
        tell(&delivery, &outcome);
        transaction(connection, || outbox::settle(connection, &delivery, &outcome))?;
        *tried += 1;
    }
}

/// Takes a free place.
fn take<C: Connection<Error = String>>(connection: &C) -> Result<Option<Place>, String> {
    let now = crate::now();
    // A look first: it waits for no one who writes.
    let free = "SELECT n FROM relays WHERE until < ? LIMIT 1";
    if connection.first(free, &[now.into()], |_| Ok(()))?.is_none() {
        return Ok(None);
    }
    let until = now.saturating_add(TERM);
    let take = format!("UPDATE relays SET until = ? WHERE n = ({free}) RETURNING n");
    let place = connection.first(&take, &[until.into(), now.into()], |row| {
        Ok(row.cell(0)?.integer())
    })?;
    Ok(place.map(|number| Place { number, until }))
}

fn tell(delivery: &Delivery, outcome: &Outcome) {
    let (subscriber, event) = (&delivery.subscriber, &delivery.event.id);
    match outcome {
        Outcome::Done => {}
        Outcome::Again(_) => eprintln!("{subscriber} did not take event {event}: to be retried"),
        Outcome::Dead(reason) => {
            eprintln!("{subscriber} did not take event {event}, now a dead letter: {reason}");
        }
    }
}
