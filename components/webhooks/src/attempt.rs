//! One attempt of a delivery, and what becomes of it.

use mercato_ports::documents::CommitFailure;
use mercato_ports::http_client::{Header, HttpFailure, Method, Request};
use mercato_shop::cache::Cache;
use mercato_shop::collection::Stored;
use mercato_shop::id;
use mercato_shop::ports::{HttpClient, Ports};
use mercato_shop::types::Error;

use crate::delivery::{DELIVERIES, DeliveryBody, Stage};
use crate::endpoint::{ENDPOINTS, EndpointBody};
use crate::service::{TRIES, WebhooksService, busy};
use crate::{backoff, events, rest, signature};

/// How long an endpoint may take to answer, in milliseconds.
const TIMEOUT: u32 = 10_000;

/// What came of an attempt.
enum Outcome {
    /// It was answered by a status of success.
    Arrived(u16),
    /// It was answered otherwise, or not at all.
    Failed(Option<u16>, String),
    /// Its host may not be called, unless the operator changes that.
    Forbidden(String),
    /// 410: nobody wants it there any more (RFC 9110, section 15.5.11).
    Gone,
    /// It was not made, and won't be.
    Dropped(&'static str),
    /// It was not made, and will be at this time.
    PutOff(u64),
}

/// How a delivery stands after an attempt: with its next time, the status of the answer, and the failure.
type Standing = (Stage, Option<u64>, Option<u16>, Option<String>);

type Pair = (Stored<DeliveryBody>, Option<Stored<EndpointBody>>);

impl<P: Ports + Cache + HttpClient> WebhooksService<P> {
    /// Makes an attempt, if it is still to be made, and notes what came of it.
    pub(crate) fn attempt(&self, delivery_id: &str, attempt: u32) -> Result<(), Error> {
        let Some(pair) = self.waiting(delivery_id, attempt)? else {
            return Ok(());
        };
        let outcome = match &pair.1 {
            None => Outcome::Dropped("The webhook was deleted."),
            Some(endpoint) if !endpoint.body.enabled => Outcome::Dropped("The webhook is disabled."),
            Some(endpoint) => {
                let breaker = rest::breaker(&self.ports, &endpoint.id);
                match breaker.enter() {
                    Err(wait) => Outcome::PutOff(rest::put_off(id::now(), wait)),
                    Ok(pass) => {
                        let outcome = self.send(&pair.0, &endpoint.body)?;
                        // What may not be sent costs no time.
                        let failed = matches!(outcome, Outcome::Failed(..) | Outcome::Gone);
                        breaker.note(&pass, !failed);
                        outcome
                    }
                }
            }
        };
        self.note(pair, attempt, &outcome)
    }

    /// A delivery that waits for this attempt, and its endpoint.
    fn waiting(&self, delivery_id: &str, attempt: u32) -> Result<Option<Pair>, Error> {
        let delivery = DELIVERIES.get(&self.ports, delivery_id)?;
        let Some(delivery) = delivery.filter(|delivery| delivery.body.waits_for(attempt)) else {
            return Ok(None);
        };
        let endpoint = ENDPOINTS.get(&self.ports, &delivery.body.endpoint_id)?;
        Ok(Some((delivery, endpoint)))
    }

    fn send(&self, delivery: &Stored<DeliveryBody>, endpoint: &EndpointBody) -> Result<Outcome, Error> {
        let now = id::now();
        let body = &delivery.body;
        let signature = signature::header(endpoint.secrets(now), now / 1_000, &body.payload)?;
        let request = Request {
            method: Method::Post,
            url: endpoint.url.clone(),
            headers: vec![
                header("content-type", "application/json"),
                header("user-agent", "Mercato-Webhooks"),
                header("mercato-signature", &signature),
                header("mercato-event-id", &body.event_id),
                header("mercato-delivery-attempt", &body.next_attempt().to_string()),
            ],
            body: body.payload.clone().into_bytes(),
            timeout_ms: TIMEOUT,
        };
        Ok(match self.ports.request(&request) {
            Ok(response) => match response.status {
                200..=299 => Outcome::Arrived(response.status),
                410 => Outcome::Gone,
                status => Outcome::Failed(Some(status), format!("It was answered {status}.")),
            },
            Err(HttpFailure::Refused(reason)) => Outcome::Forbidden(format!("It can't be sent: {reason}.")),
            Err(HttpFailure::NotSent(reason)) => Outcome::Failed(None, format!("It was not sent: {reason}.")),
            Err(HttpFailure::Unknown(reason)) => Outcome::Failed(None, format!("No answer came: {reason}.")),
        })
    }

    /// Notes an outcome, with what follows from it, in one commit. Where something changed meanwhile, it is looked at anew: of what an
    /// endpoint answered at an address that it had, nothing follows for it.
    fn note(&self, pair: Pair, attempt: u32, outcome: &Outcome) -> Result<(), Error> {
        let id = pair.0.id.clone();
        let asked = pair.1.as_ref().map(|endpoint| endpoint.body.url.clone());
        let mut next = Some(pair);
        for _ in 0..TRIES {
            let Some((mut delivery, endpoint)) = next else {
                return Ok(());
            };
            let now = id::now();
            let here = endpoint.filter(|endpoint| asked.as_ref() == Some(&endpoint.body.url));
            match outcome {
                Outcome::Gone if here.is_none() => {
                    let reason = "It was answered 410 at an address that the webhook no longer has.".into();
                    delivery.body.take(&Outcome::Failed(Some(410), reason), now);
                }
                outcome => delivery.body.take(outcome, now),
            }
            let mut writes = vec![DELIVERIES.replace(&delivery)?];
            if let Some(mut endpoint) = here {
                let before = endpoint.body.clone();
                endpoint.body.take(outcome, now);
                if endpoint.body != before {
                    writes.push(ENDPOINTS.replace(&endpoint)?);
                }
            }
            let timer = delivery
                .body
                .next_at
                .map(|time| events::timer(&delivery, Some(time)));
            let timers: Vec<_> = timer.transpose()?.into_iter().collect();
            match self.ports.commit(&writes, &timers) {
                Ok(()) => return Ok(()),
                Err(CommitFailure::Refused(_)) => next = self.waiting(&id, attempt)?,
                Err(failure) => return Err(failure.into()),
            }
        }
        Err(busy())
    }
}

impl DeliveryBody {
    fn take(&mut self, outcome: &Outcome, now: u64) {
        let (stage, next_at, response, failure): Standing = match outcome {
            Outcome::Arrived(status) => (Stage::Delivered, None, Some(*status), None),
            Outcome::Failed(status, reason) => self.failed(*status, reason, now),
            Outcome::Forbidden(reason) => self.failed(None, reason, now),
            Outcome::Gone => {
                let reason = "It was answered 410: the webhook is disabled.";
                (Stage::Failed, None, Some(410), Some(reason.into()))
            }
            Outcome::Dropped(reason) => (Stage::Failed, None, None, Some((*reason).into())),
            Outcome::PutOff(time) => {
                self.next_at = Some(*time);
                return;
            }
        };
        if !matches!(outcome, Outcome::Dropped(_)) {
            self.attempts = self.attempts.saturating_add(1);
            self.tries = self.tries.saturating_add(1);
        }
        if stage == Stage::Delivered {
            self.delivered_at = Some(now);
        }
        self.stage = stage;
        self.next_at = next_at;
        self.response = response;
        self.failure = failure;
    }

    fn failed(&self, status: Option<u16>, reason: &str, now: u64) -> Standing {
        let next_at = backoff::next(now, self.tries.saturating_add(1));
        let stage = next_at.map_or(Stage::Failed, |_| Stage::Pending);
        (stage, next_at, status, Some(reason.into()))
    }
}

impl EndpointBody {
    fn take(&mut self, outcome: &Outcome, now: u64) {
        match outcome {
            Outcome::Arrived(_) => self.failing_since = None,
            Outcome::Failed(..) | Outcome::Forbidden(_) => self.failed(now),
            Outcome::Gone => self.disable("It answered 410: nobody wants deliveries there any more."),
            Outcome::Dropped(_) | Outcome::PutOff(_) => {}
        }
    }
}

fn header(name: &str, value: &str) -> Header {
    Header {
        name: name.into(),
        value: value.as_bytes().to_vec(),
    }
}
