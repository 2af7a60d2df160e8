//! Creates the deliveries of events: one for each event and each endpoint that subscribes to it.

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
use crate::repository::{
    DELIVERIES, DeliveryBody, EndpointBody, delivery_id, read_endpoints, too_many_changes,
};

/// How long deliveries are kept, in milliseconds: 30 days. A delivery that is still pending is kept longer.
const LIFETIME: u64 = 30 * 24 * 3_600_000;

/// The maximum number of deliveries that one commit creates.
const MAX_COMMIT: usize = 500;

/// The body of a delivery.
#[derive(Serialize)]
struct Payload<'a> {
    id: &'a str,
    r#type: &'a str,
    /// In seconds since the Unix epoch.
    created: u64,
    data: Value,
}

/// Creates the deliveries of events. Deliveries that exist already stay as they are. Returns a result for each
/// event: [`HandlerFailure::Reject`] if its data are not JSON. If a commit fails, all other events get its error.
pub fn fan_out(ports: &impl Ports, events: &[Event]) -> Vec<Result<(), HandlerFailure>> {
    let payloads: Vec<_> = events.iter().map(payload).collect();
    let pairs = events.iter().zip(&payloads);
    let valid = pairs.filter_map(|(event, payload)| Some((event, payload.as_ref().ok()?)));
    let created = create(ports, &valid.collect::<Vec<_>>());
    let result = |payload: Result<String, HandlerFailure>| {
        payload?;
        Ok(created.clone()?)
    };
    payloads.into_iter().map(result).collect()
}

fn payload(event: &Event) -> Result<String, HandlerFailure> {
    let payload = Payload {
        id: &event.id,
        r#type: &event.kind,
        created: event.time / 1_000,
        data: handler::data(event)?,
    };
    Ok(serde_json::to_string(&payload)
        .map_err(|error| Error::Internal(format!("failed to write a delivery: {error}")))?)
}

/// Creates the deliveries of events with these payloads.
fn create(ports: &impl Ports, events: &[(&Event, &String)]) -> Result<(), Error> {
    let endpoints = read_endpoints(ports)?;
    let now = id::now();
    let mut deliveries = Vec::new();
    for (event, payload) in events {
        let subscribed = |endpoint: &&Stored<EndpointBody>| endpoint.body.subscribes_to(&event.kind);
        for endpoint in endpoints.iter().filter(subscribed) {
            let delivery = Stored {
                id: delivery_id(&event.id, &endpoint.id),
                version: 1,
                body: DeliveryBody::new(event, &endpoint.id, (*payload).clone(), now),
            };
            let insert = DELIVERIES.insert(&delivery.id, &delivery.body)?;
            deliveries.push((insert, events::timer(&delivery, None)?));
        }
    }
    deliveries
        .chunks(MAX_COMMIT)
        .try_for_each(|deliveries| insert(ports, deliveries.to_vec(), now))
}

/// Inserts deliveries, each with its timer.
fn insert(ports: &impl Ports, deliveries: Vec<(Write, Event)>, now: u64) -> Result<(), Error> {
    let (mut inserts, mut timers): (Vec<_>, Vec<_>) = deliveries.into_iter().unzip();
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
