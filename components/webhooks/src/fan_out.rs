//! From one event to its deliveries: one for each endpoint that wants it, all in one commit.

use mercato_ports::documents::{CommitFailure, Write};
use mercato_ports::events::Event;
use mercato_shop::collection::Stored;
use mercato_shop::id;
use mercato_shop::ports::Ports;
use mercato_shop::pruning::prune;
use mercato_shop::types::Error;

use crate::delivery::{DELIVERIES, DeliveryBody, Stage, id_of};
use crate::endpoint::ENDPOINTS;
use crate::events;
use crate::service::{MOST_READ, TRIES, WebhooksService, busy};

/// How long deliveries are listed, and can be replayed, in milliseconds: 30 days. One that is still tried then stays until it is not.
const LISTED: u64 = 30 * 24 * 3_600_000;

impl<P: Ports> WebhooksService<P> {
    /// Makes the deliveries of an event. Those that are made already stay as they are.
    pub(crate) fn fan_out(&self, event: &Event, payload: &str) -> Result<(), Error> {
        let mut endpoints = ENDPOINTS.find(&self.ports, &ENDPOINTS.query(MOST_READ))?;
        endpoints.retain(|endpoint| endpoint.body.wants(&event.kind));
        let now = id::now();
        let make = |endpoint_id: &str| {
            let delivery = Stored {
                id: id_of(&event.id, endpoint_id),
                version: 1,
                body: DeliveryBody::new(event, endpoint_id, payload.into(), now),
            };
            let insert = DELIVERIES.insert(&delivery.id, &delivery.body)?;
            Ok((insert, events::timer(&delivery, None)?))
        };
        let made: Result<Vec<_>, Error> = endpoints.iter().map(|endpoint| make(&endpoint.id)).collect();
        let (mut inserts, mut timers): (Vec<Write>, Vec<Event>) = made?.into_iter().unzip();
        for _ in 0..TRIES {
            if inserts.is_empty() {
                return Ok(());
            }
            match self.ports.commit(&inserts, &timers) {
                Ok(()) => {
                    let before = now.saturating_sub(LISTED);
                    // One look for so many deliveries, not events: one event may be many.
                    for endpoint in &endpoints {
                        prune(
                            &self.ports,
                            &DELIVERIES,
                            ("createdAt", before),
                            &id_of(&event.id, &endpoint.id),
                            |delivery| delivery.stage != Stage::Pending,
                        );
                    }
                    return Ok(());
                }
                Err(CommitFailure::Refused(refusals)) => {
                    let taken = |index: usize| {
                        refusals
                            .iter()
                            .any(|refusal| usize::try_from(refusal.write) == Ok(index))
                    };
                    inserts = without(inserts, taken);
                    timers = without(timers, taken);
                }
                Err(failure) => return Err(failure.into()),
            }
        }
        Err(busy())
    }
}

fn without<T>(items: Vec<T>, is_out: impl Fn(usize) -> bool) -> Vec<T> {
    let kept = items.into_iter().enumerate().filter(|(index, _)| !is_out(*index));
    kept.map(|(_, item)| item).collect()
}
