//! Stripe's webhooks: what they tell of payments is noted once, whatever else has told it before.

use mercato_ports::documents::{Comparison, Condition, Scalar};
use mercato_shop::cache::Cache;
use mercato_shop::collection::{Collection, Stored};
use mercato_shop::id;
use mercato_shop::ports::{HttpClient, Ports};
use mercato_shop::pruning::prune;
use mercato_shop::services::{Orders, Settlement};
use mercato_shop::types::Error;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::gateway::stripe::{Intent, Metadata};
use crate::payment::{PAYMENTS, PaymentBody};
use crate::refunds::{Hearer, Outcome};
use crate::service::PaymentsService;
use crate::{events, settings, signature};

/// The events that were heard of payments; the id is Stripe's.
const HEARD: Collection<Heard> = Collection::new("payments.webhook-events");

/// How long an event is remembered, in milliseconds: 30 days. Stripe sends one again for three.
const REMEMBERED: u64 = 30 * 24 * 3_600_000;

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Heard {
    kind: String,
    heard_at: u64,
}

#[derive(Debug, Deserialize)]
struct Notice {
    id: String,
    r#type: String,
    /// When it happened, in seconds since the Unix epoch.
    #[serde(default)]
    created: u64,
    data: Data,
}

#[derive(Debug, Deserialize)]
struct Data {
    object: Value,
}

#[derive(Debug, Deserialize)]
struct ChargeObject {
    payment_intent: Option<String>,
    amount_refunded: i64,
    #[serde(default)]
    metadata: Metadata,
}

#[derive(Debug, Deserialize)]
struct RefundObject {
    #[serde(default)]
    id: String,
    payment_intent: Option<String>,
    #[serde(default)]
    amount: i64,
    status: Option<String>,
    #[serde(default)]
    metadata: RefundMetadata,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct RefundMetadata {
    order_id: Option<String>,
    refund_id: Option<String>,
}

impl<P: Ports + Cache + HttpClient, O: Orders + Settlement> PaymentsService<P, O> {
    /// Hears a webhook. What is not about this shop's payments is accepted, and has no effect.
    pub(crate) fn hear(&self, body: &[u8], header: &str) -> Result<(), Error> {
        let secret = settings::webhook_secret(&self.ports)?;
        signature::verify(&secret, header, body, id::now() / 1_000).map_err(|reason| {
            Error::invalid("Stripe-Signature", format!("The signature is refused: {reason}."))
        })?;
        let notice: Notice = serde_json::from_slice(body).map_err(|error| unreadable(&error))?;
        if notice.id.is_empty() || notice.id.len() > 255 {
            return Err(Error::invalid("id", "An event has an id."));
        }
        if HEARD.get(&self.ports, &notice.id)?.is_some() {
            return Ok(());
        }
        let heard = match notice.r#type.as_str() {
            "payment_intent.succeeded"
            | "payment_intent.payment_failed"
            | "payment_intent.canceled"
            | "payment_intent.requires_action" => self.hear_intent(&notice),
            "charge.refunded" => self.hear_refunded(&notice),
            "charge.refund.updated" | "refund.updated" | "refund.failed" => self.hear_refund(&notice),
            _ => Ok(()),
        };
        let before = id::now().saturating_sub(REMEMBERED);
        prune(&self.ports, &HEARD, ("heardAt", before), &notice.id, |_| true);
        heard
    }

    fn hear_intent(&self, notice: &Notice) -> Result<(), Error> {
        let intent: Intent = notice.object()?;
        let Some(stored) = self.payment_of(&intent.metadata, Some(&intent.id))? else {
            return Ok(());
        };
        let attempt = stored.body.attempt;
        let other_attempt = intent
            .metadata
            .attempt
            .as_ref()
            .is_some_and(|text| *text != attempt.to_string());
        let other_intent = stored
            .body
            .reference
            .as_ref()
            .is_some_and(|reference| *reference != intent.id);
        if other_attempt || other_intent {
            eprintln!(
                "{} of {} is not about the last attempt of payment {}",
                notice.r#type, intent.id, stored.id
            );
            return Ok(());
        }
        self.note(&stored.id, attempt, &intent.into(), &[notice.claim()?])
            .map(drop)
    }

    fn hear_refunded(&self, notice: &Notice) -> Result<(), Error> {
        let charge: ChargeObject = notice.object()?;
        let Some(stored) = self.payment_of(&charge.metadata, charge.payment_intent.as_deref())? else {
            return Ok(());
        };
        if stored.body.reference != charge.payment_intent {
            return Ok(());
        }
        let refund_id = id::new();
        self.change_refunds(&stored.id, &[notice.claim()?], |body| {
            body.count_refunded(charge.amount_refunded, notice.time(), &refund_id);
            Ok(Vec::new())
        })
        .map(drop)
    }

    fn hear_refund(&self, notice: &Notice) -> Result<(), Error> {
        let refund: RefundObject = notice.object()?;
        let (Some(order_id), Some(refund_id)) = (&refund.metadata.order_id, &refund.metadata.refund_id)
        else {
            return self.hear_foreign_refund(notice, &refund);
        };
        let outcome = match refund.status.as_deref() {
            Some("succeeded") => Outcome::Succeeded,
            Some("failed" | "canceled") => Outcome::Failed(Some(notice.time())),
            _ => return Ok(()),
        };
        match self.note_refund(order_id, refund_id, outcome, Hearer::Nobody, &[notice.claim()?]) {
            Ok(_) | Err(Error::NotFound(_)) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Hears of a refund that was not made here: only that it has failed, since what succeeds is counted in by the charge's events.
    fn hear_foreign_refund(&self, notice: &Notice, refund: &RefundObject) -> Result<(), Error> {
        let failed = matches!(refund.status.as_deref(), Some("failed" | "canceled"));
        if !failed || refund.amount < 1 || !(1..=255).contains(&refund.id.len()) {
            return Ok(());
        }
        let Some(intent) = refund.payment_intent.as_deref() else {
            return Ok(());
        };
        let Some(stored) = self.payment_of(&Metadata::default(), Some(intent))? else {
            return Ok(());
        };
        self.change_refunds(&stored.id, &[notice.claim()?], |body| {
            if body.count_failed(refund.amount, notice.time(), &refund.id) {
                let failed = events::of_refund(events::REFUND_FAILED, &stored.id, &refund.id)?;
                return Ok(vec![failed]);
            }
            Ok(Vec::new())
        })
        .map(drop)
    }

    /// The payment that something of Stripe's is about: by what it was given, or else by the id of its PaymentIntent.
    fn payment_of(
        &self,
        metadata: &Metadata,
        reference: Option<&str>,
    ) -> Result<Option<Stored<PaymentBody>>, Error> {
        if let Some(order_id) = metadata.order_id.as_deref().filter(|id| id::is_valid(id)) {
            return PAYMENTS.get(&self.ports, order_id);
        }
        let Some(reference) = reference else {
            return Ok(None);
        };
        let mut query = PAYMENTS.query(1);
        query.conditions.push(Condition {
            field: "reference".into(),
            comparison: Comparison::Equal,
            value: Scalar::Text(reference.into()),
        });
        Ok(PAYMENTS.find(&self.ports, &query)?.pop())
    }
}

impl Notice {
    fn object<T: DeserializeOwned>(&self) -> Result<T, Error> {
        T::deserialize(&self.data.object).map_err(|error| unreadable(&error))
    }

    /// In milliseconds.
    fn time(&self) -> u64 {
        self.created.saturating_mul(1_000)
    }

    /// The write that a second delivery finds made.
    fn claim(&self) -> Result<mercato_ports::documents::Write, Error> {
        HEARD.insert(
            &self.id,
            &Heard {
                kind: self.r#type.clone(),
                heard_at: id::now(),
            },
        )
    }
}

fn unreadable(error: &serde_json::Error) -> Error {
    Error::invalid("body", format!("The body is no event of Stripe's: {error}."))
}
