//! Lists and replays deliveries.

use mercato_shop::accounts::AuditAction;
use mercato_shop::collection::Stored;
use mercato_shop::id;
use mercato_shop::ports::Ports;
use mercato_shop::query::{self, descending, equal, time};
use mercato_shop::retry::retry_on_conflict;
use mercato_shop::types::{Caller, Error, Page};
use mercato_shop::webhooks::{Delivery, DeliveryEdge, DeliveryFilter, DeliveryPage, DeliveryStatus};

use crate::repository::{DELIVERIES, DeliveryBody, ENDPOINTS, status_name, to_delivery, too_many_changes};
use crate::{audit, events};

/// The name of the list's only sort.
const NEWEST_FIRST: &str = "-created";

/// An attempt that was due less than this ago counts as running, in milliseconds.
const MAX_ATTEMPT: u64 = 60_000;

/// Reads deliveries, for an ADMIN or the API key.
pub fn get_many(
    ports: &impl Ports,
    caller: &Caller,
    ids: &[String],
) -> Result<Vec<Result<Delivery, Error>>, Error> {
    caller.require_admin()?;
    let found = DELIVERIES.get_many(ports, ids)?;
    let answer = |(id, stored): (&String, Option<Stored<DeliveryBody>>)| {
        stored.map(to_delivery).ok_or_else(|| not_found(id))
    };
    Ok(ids.iter().zip(found).map(answer).collect())
}

/// Lists deliveries, newest first, for an ADMIN or the API key.
pub fn deliveries(
    ports: &impl Ports,
    caller: &Caller,
    filter: &DeliveryFilter,
    page: &Page,
) -> Result<DeliveryPage, Error> {
    caller.require_admin()?;
    let mut query = DELIVERIES.query(0);
    let conditions = [
        filter.webhook_id.as_deref().map(|id| equal("endpointId", id)),
        filter.status.map(|status| equal("stage", status_name(status))),
    ];
    query.conditions.extend(conditions.into_iter().flatten());
    query.sort = Some(descending("createdAt"));
    let created_at = |body: &DeliveryBody| time(body.created_at);
    let found = query::page(ports, &DELIVERIES, query, page, NEWEST_FIRST, created_at)?;
    Ok(DeliveryPage {
        has_next: found.has_next,
        has_previous: found.has_previous,
        total: found.total,
        edges: found.map(|cursor, stored| DeliveryEdge {
            cursor,
            delivery: to_delivery(stored),
        }),
    })
}

/// Makes a delivery due at once, with as many attempts as a new one, for an ADMIN or the API key. A delivery
/// that is being attempted stays as it is.
///
/// # Errors
/// [`Error::InvalidTransition`] if the webhook is disabled or deleted.
pub fn replay(ports: &impl Ports, caller: &Caller, id: &str) -> Result<Delivery, Error> {
    caller.require_admin()?;
    let missing = || not_found(id);
    let is_id = |(event, endpoint): (&str, &str)| id::is_valid(event) && id::is_valid(endpoint);
    if !id.split_once('.').is_some_and(is_id) {
        return Err(missing());
    }
    retry_on_conflict(too_many_changes, || {
        let mut delivery = DELIVERIES.get(ports, id)?.ok_or_else(missing)?;
        let now = id::now();
        if delivery.body.is_running(now) {
            return Ok(to_delivery(delivery));
        }
        let endpoint = ENDPOINTS.get(ports, &delivery.body.endpoint_id)?;
        if !endpoint.is_some_and(|endpoint| endpoint.body.enabled) {
            return Err(Error::InvalidTransition(
                "The webhook of this delivery is disabled or deleted. Enable it first.".into(),
            )
            .into());
        }
        delivery.body.replay(now);
        let events = [
            events::timer(&delivery, None)?,
            audit::act(caller, AuditAction::WebhookReplay, id)?,
        ];
        ports.commit(&[DELIVERIES.replace(&delivery)?], &events)?;
        Ok(to_delivery(delivery))
    })
}

impl DeliveryBody {
    fn is_running(&self, now: u64) -> bool {
        let due = self.next_at.filter(|time| *time <= now);
        self.status == DeliveryStatus::Pending
            && due.is_some_and(|time| now.saturating_sub(time) < MAX_ATTEMPT)
    }

    fn replay(&mut self, now: u64) {
        self.status = DeliveryStatus::Pending;
        self.tries = 0;
        self.replays = self.replays.saturating_add(1);
        self.next_at = Some(now);
    }
}

fn not_found(id: &str) -> Error {
    Error::NotFound(format!("There is no delivery {id}."))
}
