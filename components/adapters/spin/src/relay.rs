//! The relay delivers the events of the outbox to their subscribers. An instance runs it after its response.
//! At most four instances run it at the same time, because an instance that still works occupies one of
//! Spin's instances.

use mercato_ports::events::{DeliveryFailure, Event};
use mercato_sql::Connection;
use mercato_sql::connection::transaction;
use mercato_sql::outbox::{self, Delivery, Outcome, RetryPolicy};

/// The duration of the lease on a delivery or on a relay's slot, in milliseconds. It is longer than a
/// subscriber may take. After it, another relay takes over from a relay that ended without releasing its
/// lease.
const LEASE: i64 = 30_000;

/// One of this number of relays shortens waits that a wrong clock has set.
const SHORTEN_EACH: i64 = 32;

/// The subscribers, as the relay reaches them.
pub trait Consumers {
    /// Delivers an event to a subscriber.
    ///
    /// # Errors
    /// The failure that the subscriber returned, or [`DeliveryFailure::Unreachable`] if it was not reached.
    fn deliver(&self, subscriber: &str, event: &Event) -> Result<(), DeliveryFailure>;
}

/// A lease on one of the slots for relays.
struct Lease {
    slot: i64,
    until: i64,
}

/// Delivers all due events, unless enough other instances do so. Returns the number of attempted deliveries.
///
/// # Errors
/// Fails if the store fails. Unsettled deliveries are attempted again later.
pub fn deliver<C: Connection<Error = String>>(
    connection: &C,
    consumers: &impl Consumers,
    policy: &RetryPolicy,
) -> Result<u32, String> {
    let now = crate::now();
    // Rarely, because only a clock that jumped needs it.
    if now % SHORTEN_EACH == 0 {
        transaction(connection, || outbox::shorten_waits(connection, policy, now))?;
    }
    let mut attempted = 0;
    // Repeats after the lease is released: instances that found no free slot have left their due events.
    while outbox::is_due(connection, crate::now())?
        && let Some(mut lease) = acquire(connection)?
    {
        let result = deliver_due(connection, consumers, policy, &mut lease, &mut attempted);
        let release = "UPDATE relays SET until = 0 WHERE n = ? AND until = ?";
        connection.execute(release, &[lease.slot.into(), lease.until.into()])?;
        result?;
    }
    Ok(attempted)
}

fn deliver_due<C: Connection<Error = String>>(
    connection: &C,
    consumers: &impl Consumers,
    policy: &RetryPolicy,
    lease: &mut Lease,
    attempted: &mut u32,
) -> Result<(), String> {
    loop {
        let now = crate::now();
        if now > lease.until - LEASE / 2 {
            let renew = "UPDATE relays SET until = ? WHERE n = ? AND until = ? RETURNING 1";
            let until = now.saturating_add(LEASE);
            let values = [until.into(), lease.slot.into(), lease.until.into()];
            if connection.first(renew, &values, |_| Ok(()))?.is_none() {
                // The lease has expired, and another relay has taken the slot.
                return Ok(());
            }
            lease.until = until;
        }
        let Some(delivery) = outbox::claim(connection, now, now.saturating_add(LEASE))? else {
            return Ok(());
        };
        let result = consumers.deliver(&delivery.subscriber, &delivery.event);
        let outcome = policy.outcome(&delivery, result, crate::now());
        log(&delivery, &outcome);
        transaction(connection, || outbox::settle(connection, &delivery, &outcome))?;
        *attempted += 1;
    }
}

/// Acquires a free slot, if there is one.
fn acquire<C: Connection<Error = String>>(connection: &C) -> Result<Option<Lease>, String> {
    let now = crate::now();
    // Reads first, because a read does not wait for writers.
    let free = "SELECT n FROM relays WHERE until < ? LIMIT 1";
    if connection.first(free, &[now.into()], |_| Ok(()))?.is_none() {
        return Ok(None);
    }
    let until = now.saturating_add(LEASE);
    let take = format!("UPDATE relays SET until = ? WHERE n = ({free}) RETURNING n");
    let slot = connection.first(&take, &[until.into(), now.into()], |row| {
        Ok(row.cell(0)?.integer())
    })?;
    Ok(slot.map(|slot| Lease { slot, until }))
}

fn log(delivery: &Delivery, outcome: &Outcome) {
    let (subscriber, event) = (&delivery.subscriber, &delivery.event.id);
    match outcome {
        Outcome::Delivered => {}
        Outcome::PostponedTo(_) => eprintln!("{subscriber} was not reached for the event {event}: it waits"),
        Outcome::RetryAt(_) => eprintln!("{subscriber} did not handle the event {event}: it will be retried"),
        Outcome::DeadLetter(reason) => {
            eprintln!("{subscriber} did not handle the event {event}: it is now a dead letter: {reason}");
        }
    }
}
