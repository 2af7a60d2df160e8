//! Creates the deliveries of an event: one for each endpoint that subscribes to it, in one commit.

use mercato_ports::documents::{CommitFailure, Refusal, Write};
use mercato_ports::events::{Event, HandlerFailure};
use mercato_shop::collection::Stored;
use mercato_shop::ports::Ports;
use mercato_shop::pruning::prune;
use mercato_shop::retry::retry_on_conflict;
use mercato_shop::types::Error;
use mercato_shop::webhooks::DeliveryStatus;
use mercato_shop::{handler, id};
use serde::Serialize;
use serde_json::Value;

use crate::events;
use crate::repository::{DELIVERIES, DeliveryBody, delivery_id, read_endpoints, too_many_changes};

/// How long deliveries are kept, in milliseconds: 30 days. A delivery that is still pending is kept longer.
const LIFETIME: u64 = 30 * 24 * 3_600_000;

/// The body of a delivery.
#[derive(Serialize)]
struct Payload<'a> {
    id: &'a str,
    r#type: &'a str,
    /// In seconds since the Unix epoch.
    created: u64,
    data: Value,
}

/// Creates the deliveries of an event. Deliveries that exist already stay as they are.
///
/// # Errors
/// [`HandlerFailure::Reject`] if the data of the event are not JSON.
pub fn fan_out(ports: &impl Ports, event: &Event) -> Result<(), HandlerFailure> {
    let payload = Payload {
        id: &event.id,
        r#type: &event.kind,
        created: event.time / 1_000,
        data: handler::data(event)?,
    };
    let payload = serde_json::to_string(&payload)
        .map_err(|error| Error::Internal(format!("failed to write a delivery: {error}")))?;
    Ok(create(ports, event, &payload)?)
}

fn create(ports: &impl Ports, event: &Event, payload: &str) -> Result<(), Error> {
    let mut endpoints = read_endpoints(ports)?;
    endpoints.retain(|endpoint| endpoint.body.subscribes_to(&event.kind));
    let now = id::now();
    let mut inserts = Vec::new();
    let mut timers = Vec::new();
    for endpoint in &endpoints {
        let delivery = Stored {
            id: delivery_id(&event.id, &endpoint.id),
            version: 1,
            body: DeliveryBody::new(event, &endpoint.id, payload.into(), now),
        };
        inserts.push(DELIVERIES.insert(&delivery.id, &delivery.body)?);
        timers.push(events::timer(&delivery, None)?);
    }
    retry_on_conflict(too_many_changes, || {
        if inserts.is_empty() {
            return Ok(());
        }
        let committed = ports.commit(&inserts, &timers);
        if let Err(CommitFailure::Refused(refusals)) = &committed {
            let exists = |index: usize| {
                let is_it = |refusal: &Refusal| usize::try_from(refusal.write) == Ok(index);
                refusals.iter().any(is_it)
            };
            inserts = without(&inserts, exists);
            timers = without(&timers, exists);
        }
        Ok(committed?)
    })?;
    inserts
        .iter()
        .for_each(|insert| prune_deliveries(ports, insert, now));
    Ok(())
}

/// Deletes old deliveries, if it is the turn of a new delivery to do so.
fn prune_deliveries(ports: &impl Ports, insert: &Write, now: u64) {
    let before = now.saturating_sub(LIFETIME);
    prune(
        ports,
        &DELIVERIES,
        ("createdAt", before),
        insert.id(),
        |delivery| delivery.status != DeliveryStatus::Pending,
    );
}

fn without<T: Clone>(items: &[T], is_out: impl Fn(usize) -> bool) -> Vec<T> {
    let kept = items.iter().enumerate().filter(|(index, _)| !is_out(*index));
    kept.map(|(_, item)| item.clone()).collect()
}

impl DeliveryBody {
    fn new(event: &Event, endpoint_id: &str, payload: String, now: u64) -> Self {
        Self {
            endpoint_id: endpoint_id.into(),
            event_id: event.id.clone(),
            kind: event.kind.clone(),
            payload,
            status: DeliveryStatus::Pending,
            attempts: 0,
            tries: 0,
            replays: 0,
            next_at: Some(now),
            response: None,
            failure: None,
            delivered_at: None,
            created_at: now,
        }
    }
}
