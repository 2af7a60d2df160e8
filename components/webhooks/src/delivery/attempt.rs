//! Makes one attempt of a delivery, and records its outcome.

use mercato_ports::http_client::{Header, HttpFailure, Method, Request};
use mercato_shop::breaker::Breaker;
use mercato_shop::cache::Cache;
use mercato_shop::collection::Stored;
use mercato_shop::id;
use mercato_shop::ports::{HttpClient, Ports};
use mercato_shop::retry::retry_on_conflict;
use mercato_shop::types::Error;
use mercato_shop::webhooks::DeliveryStatus;

use super::schedule;
use crate::repository::{DELIVERIES, DeliveryBody, ENDPOINTS, EndpointBody, too_many_changes};
use crate::{events, signature};

/// How long an endpoint may take to answer, in milliseconds.
const TIMEOUT: u32 = 10_000;

/// How long the circuit breaker of an endpoint stays open, in milliseconds.
const BREAKER_PAUSE: u64 = 60_000;

enum Outcome {
    /// The endpoint answered with a status of success.
    Delivered(u16),
    /// The endpoint answered with another status, or not at all.
    Failed(Option<u16>, String),
    /// The runtime does not allow requests to this host.
    Forbidden(String),
    /// The endpoint answered 410: it wants no deliveries any more (RFC 9110, section 15.5.11).
    Gone,
    /// The request was not sent, and never will be.
    Dropped(&'static str),
    /// The request will be sent at this time.
    Postponed(u64),
}

type Pair = (Stored<DeliveryBody>, Option<Stored<EndpointBody>>);

/// Makes an attempt of a delivery, unless it was made before.
pub fn attempt(
    ports: &(impl Ports + Cache + HttpClient),
    delivery_id: &str,
    attempt: u32,
) -> Result<(), Error> {
    let Some(pair) = read_pending(ports, delivery_id, attempt)? else {
        return Ok(());
    };
    let outcome = match &pair.1 {
        None => Outcome::Dropped("The webhook was deleted."),
        Some(endpoint) if !endpoint.body.enabled => Outcome::Dropped("The webhook is disabled."),
        Some(endpoint) => send_guarded(ports, &pair.0, endpoint)?,
    };
    record(ports, pair, attempt, &outcome)
}

/// Reads a delivery that waits for this attempt, and its endpoint.
fn read_pending(ports: &impl Ports, delivery_id: &str, attempt: u32) -> Result<Option<Pair>, Error> {
    let is_due =
        |body: &DeliveryBody| body.status == DeliveryStatus::Pending && body.next_attempt() == attempt;
    let delivery = DELIVERIES.get(ports, delivery_id)?;
    let Some(delivery) = delivery.filter(|delivery| is_due(&delivery.body)) else {
        return Ok(None);
    };
    let endpoint = ENDPOINTS.get(ports, &delivery.body.endpoint_id)?;
    Ok(Some((delivery, endpoint)))
}

/// Sends a delivery through the circuit breaker of its endpoint, so that a slow endpoint that fails does not
/// hold up the others.
fn send_guarded(
    ports: &(impl Ports + Cache + HttpClient),
    delivery: &Stored<DeliveryBody>,
    endpoint: &Stored<EndpointBody>,
) -> Result<Outcome, Error> {
    let breaker = Breaker::new(ports, &format!("webhooks.{}", endpoint.id)).with_pause(BREAKER_PAUSE);
    match breaker.acquire() {
        Ok(permit) => {
            let outcome = send(ports, &delivery.body, &endpoint.body)?;
            // A forbidden request takes no time, so it does not count as a failure.
            let has_failed = matches!(outcome, Outcome::Failed(..) | Outcome::Gone);
            breaker.record(&permit, !has_failed);
            Ok(outcome)
        }
        Err(wait) => {
            // The deliveries that wait are spread over the minute that follows.
            let [low, high, ..] = id::random_bytes();
            let spread = u64::from(u16::from_le_bytes([low, high]));
            let time = id::now().saturating_add(wait).saturating_add(spread);
            Ok(Outcome::Postponed(time))
        }
    }
}

fn send(http: &impl HttpClient, delivery: &DeliveryBody, endpoint: &EndpointBody) -> Result<Outcome, Error> {
    let now = id::now();
    let signature = signature::header(endpoint.secrets(now), now / 1_000, &delivery.payload)?;
    let request = Request {
        method: Method::Post,
        url: endpoint.url.clone(),
        headers: vec![
            header("content-type", "application/json"),
            header("user-agent", "Mercato-Webhooks"),
            header("mercato-signature", &signature),
            header("mercato-event-id", &delivery.event_id),
            header("mercato-delivery-attempt", &delivery.next_attempt().to_string()),
        ],
        body: delivery.payload.clone().into_bytes(),
        timeout_ms: TIMEOUT,
    };
    Ok(match http.send(&request) {
        Ok(response) => match response.status {
            status @ 200..=299 => Outcome::Delivered(status),
            410 => Outcome::Gone,
            status => Outcome::Failed(Some(status), format!("The endpoint answered {status}.")),
        },
        Err(HttpFailure::Refused(reason)) => {
            Outcome::Forbidden(format!("The request is not allowed: {reason}."))
        }
        Err(HttpFailure::NotSent(reason)) => {
            Outcome::Failed(None, format!("The request was not sent: {reason}."))
        }
        Err(HttpFailure::Unknown(reason)) => {
            Outcome::Failed(None, format!("The endpoint gave no answer: {reason}."))
        }
    })
}

/// Records an outcome and sets the next timer, in one commit. An answer from a URL that the endpoint no
/// longer has does not change the endpoint.
fn record(ports: &impl Ports, pair: Pair, attempt: u32, outcome: &Outcome) -> Result<(), Error> {
    let id = pair.0.id.clone();
    let url = pair.1.as_ref().map(|endpoint| endpoint.body.url.clone());
    let mut next = Some(pair);
    retry_on_conflict(too_many_changes, || {
        let pair = match next.take() {
            Some(pair) => Some(pair),
            None => read_pending(ports, &id, attempt)?,
        };
        let Some((mut delivery, endpoint)) = pair else {
            return Ok(());
        };
        let now = id::now();
        let endpoint = endpoint.filter(|endpoint| url.as_ref() == Some(&endpoint.body.url));
        match outcome {
            Outcome::Gone if endpoint.is_none() => {
                let reason = "The endpoint answered 410 at its previous URL.".into();
                delivery.body.apply(&Outcome::Failed(Some(410), reason), now);
            }
            outcome => delivery.body.apply(outcome, now),
        }
        let mut writes = vec![DELIVERIES.replace(&delivery)?];
        if let Some(mut endpoint) = endpoint {
            let before = endpoint.body.clone();
            endpoint.body.apply(outcome, now);
            if endpoint.body != before {
                writes.push(ENDPOINTS.replace(&endpoint)?);
            }
        }
        let timer = delivery
            .body
            .next_at
            .map(|time| events::timer(&delivery, Some(time)));
        Ok(ports.commit(&writes, timer.transpose()?.as_slice())?)
    })
}

impl DeliveryBody {
    fn apply(&mut self, outcome: &Outcome, now: u64) {
        self.next_at = match outcome {
            Outcome::Postponed(time) => Some(*time),
            _ => None,
        };
        match outcome {
            Outcome::Delivered(status) => {
                self.record_attempt(Some(*status), None);
                self.status = DeliveryStatus::Delivered;
                self.delivered_at = Some(now);
            }
            Outcome::Failed(status, reason) => self.fail(*status, reason, now),
            Outcome::Forbidden(reason) => self.fail(None, reason, now),
            Outcome::Gone => {
                let reason = "The endpoint answered 410, so the webhook was disabled.";
                self.record_attempt(Some(410), Some(reason));
                self.status = DeliveryStatus::Failed;
            }
            Outcome::Dropped(reason) => {
                self.status = DeliveryStatus::Failed;
                self.response = None;
                self.failure = Some((*reason).into());
            }
            Outcome::Postponed(_) => {}
        }
    }

    fn fail(&mut self, status: Option<u16>, reason: &str, now: u64) {
        self.record_attempt(status, Some(reason));
        self.next_at = schedule::next(now, self.tries);
        if self.next_at.is_none() {
            self.status = DeliveryStatus::Failed;
        }
    }

    fn record_attempt(&mut self, response: Option<u16>, failure: Option<&str>) {
        self.attempts = self.attempts.saturating_add(1);
        self.tries = self.tries.saturating_add(1);
        self.response = response;
        self.failure = failure.map(Into::into);
    }
}

impl EndpointBody {
    fn apply(&mut self, outcome: &Outcome, now: u64) {
        match outcome {
            Outcome::Delivered(_) => self.failing_since = None,
            Outcome::Failed(..) | Outcome::Forbidden(_) => self.record_failure(now),
            Outcome::Gone => self.disable("The endpoint answered 410 (Gone)."),
            Outcome::Dropped(_) | Outcome::Postponed(_) => {}
        }
    }
}

fn header(name: &str, value: &str) -> Header {
    Header {
        name: name.into(),
        value: value.as_bytes().to_vec(),
    }
}
