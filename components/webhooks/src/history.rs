//! The deliveries, listed and replayed.

use mercato_ports::documents::{CommitFailure, Comparison, Condition, Direction, Scalar, Sort};
use mercato_shop::accounts::AuditAction;
use mercato_shop::collection::Stored;
use mercato_shop::ports::Ports;
use mercato_shop::types::{Caller, Error, Page};
use mercato_shop::webhooks::{Delivery, DeliveryEdge, DeliveryFilter, DeliveryPage};
use mercato_shop::{cursor, id};

use crate::delivery::{self, DELIVERIES, DeliveryBody, Stage, to_delivery};
use crate::endpoint::ENDPOINTS;
use crate::events;
use crate::service::{TRIES, WebhooksService, act, busy};

/// The name of the only sort that the list has.
const NEWEST_FIRST: &str = "-created";

/// An attempt that was to be made less than this ago, in milliseconds, is being made.
const UNDER_WAY: u64 = 60_000;

impl<P: Ports> WebhooksService<P> {
    pub(crate) fn page_of_deliveries(
        &self,
        filter: &DeliveryFilter,
        page: &Page,
    ) -> Result<DeliveryPage, Error> {
        let mut query = DELIVERIES.query(0);
        let conditions = [
            ("endpointId", filter.webhook_id.as_deref()),
            ("stage", filter.status.map(delivery::name)),
        ];
        let given = conditions.into_iter().filter_map(|(field, value)| {
            Some(Condition {
                field: field.into(),
                comparison: Comparison::Equal,
                value: Scalar::Text(value?.into()),
            })
        });
        query.conditions.extend(given);
        query.sort = Some(Sort {
            field: "createdAt".into(),
            direction: Direction::Descending,
        });
        cursor::apply(page, NEWEST_FIRST, &mut query)?;
        let mut found = DELIVERIES.find(&self.ports, &query)?;
        let has_next = cursor::split(page, &mut found);
        let edge = |stored: Stored<DeliveryBody>| {
            let created_at = Scalar::Integer(i64::try_from(stored.body.created_at).unwrap_or(i64::MAX));
            Ok(DeliveryEdge {
                cursor: cursor::encode(NEWEST_FIRST, Some(created_at), &stored.id)?,
                delivery: to_delivery(stored),
            })
        };
        Ok(DeliveryPage {
            edges: found.into_iter().map(edge).collect::<Result<_, Error>>()?,
            has_next,
        })
    }

    /// Has a delivery tried at once, and then as often as a new one. One that is being tried stays as it is.
    pub(crate) fn try_again(&self, caller: &Caller, id: &str) -> Result<Delivery, Error> {
        if !delivery::is_id(id) {
            return Err(delivery::missing(id));
        }
        for _ in 0..TRIES {
            let stored = DELIVERIES.get(&self.ports, id)?;
            let mut stored = stored.ok_or_else(|| delivery::missing(id))?;
            let now = id::now();
            if stored.body.is_under_way(now) {
                return Ok(to_delivery(stored));
            }
            let endpoint = ENDPOINTS.get(&self.ports, &stored.body.endpoint_id)?;
            if !endpoint.is_some_and(|endpoint| endpoint.body.enabled) {
                return Err(Error::InvalidTransition(
                    "The webhook of this delivery is disabled or deleted. Enable it, and replay the delivery then."
                        .into(),
                ));
            }
            stored.body.replay(now);
            let timer = events::timer(&stored, None)?;
            let act = act(caller, AuditAction::WebhookReplay, id)?;
            match self.ports.commit(&[DELIVERIES.replace(&stored)?], &[timer, act]) {
                Ok(()) => return Ok(to_delivery(stored)),
                Err(CommitFailure::Refused(_)) => {}
                Err(failure) => return Err(failure.into()),
            }
        }
        Err(busy())
    }
}

impl DeliveryBody {
    fn is_under_way(&self, now: u64) -> bool {
        let asked = self.next_at.filter(|time| *time <= now);
        self.stage == Stage::Pending && asked.is_some_and(|time| now.saturating_sub(time) < UNDER_WAY)
    }

    fn replay(&mut self, now: u64) {
        self.stage = Stage::Pending;
        self.tries = 0;
        self.replays = self.replays.saturating_add(1);
        self.next_at = Some(now);
    }
}
