//! Stripe's REST API, as far as payments need it: PaymentIntents and refunds, form-encoded, with idempotency keys
//! (Stripe's API reference, "Idempotent requests", "PaymentIntents", "Refunds", "Errors").

use std::fmt;

use form_urlencoded::Serializer;
use mercato_ports::http_client::{Header, HttpFailure, Method, Request, Response};
use mercato_shop::ports::HttpClient;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::{Charge, Charged, PaymentGateway, Repaid, Repayment, State, Trouble};

/// How long Stripe may take to answer, in milliseconds: less than a shopper waits, more than a bank mostly takes.
const TIMEOUT: u32 = 10_000;

/// The version of the API that this is written for; else it would be the account's.
const VERSION: &str = "2024-06-20";

/// Stripe behind a client of HTTP.
pub struct Stripe<'a, H> {
    http: &'a H,
    base: String,
    authorization: String,
}

impl<H> fmt::Debug for Stripe<'_, H> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Stripe")
            .field("base", &self.base)
            .finish_non_exhaustive()
    }
}

/// A PaymentIntent, whose webhooks carry it as well.
#[derive(Debug, Deserialize)]
pub struct Intent {
    pub id: String,
    #[serde(default)]
    status: String,
    client_secret: Option<String>,
    last_payment_error: Option<Failure>,
    /// What `charge` gave it.
    #[serde(default)]
    pub metadata: Metadata,
}

/// What a payment writes on its PaymentIntents.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Metadata {
    pub order_id: Option<String>,
    /// A number; Stripe keeps texts only.
    pub attempt: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Failures {
    error: Failure,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Failure {
    r#type: String,
    code: Option<String>,
    param: Option<String>,
    message: Option<String>,
    payment_intent: Option<Box<Intent>>,
}

#[derive(Debug, Deserialize)]
struct RefundObject {
    status: Option<String>,
    #[serde(default)]
    metadata: RefundMetadata,
}

/// What `repay` writes on refunds.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct RefundMetadata {
    refund_id: Option<String>,
}

/// A page of a list, or of what was searched for.
#[derive(Debug, Deserialize)]
struct List<T> {
    data: Vec<T>,
}

/// An answer that was understood.
enum Answer<T> {
    Done(T),
    Failed(u16, Failure),
}

impl<'a, H: HttpClient> Stripe<'a, H> {
    /// Stripe at a base URL, by a secret key.
    pub fn new(http: &'a H, base: &str, key: &str) -> Self {
        Self {
            http,
            base: base.trim_end_matches('/').into(),
            authorization: format!("Bearer {key}"),
        }
    }

    fn post<T: DeserializeOwned>(
        &self,
        path: &str,
        key: Option<&str>,
        form: &[(&str, &str)],
    ) -> Result<Answer<T>, Trouble> {
        let body = Serializer::new(String::new()).extend_pairs(form).finish();
        let mut request = self.request(Method::Post, path);
        request.body = body.into_bytes();
        request
            .headers
            .push(header("content-type", "application/x-www-form-urlencoded"));
        request
            .headers
            .extend(key.map(|key| header("idempotency-key", key)));
        self.send(&request)
    }

    /// A refund that was made before, if it was.
    fn refund_of(&self, repayment: &Repayment<'_>) -> Result<Option<RefundObject>, Trouble> {
        let path = format!(
            "/v1/refunds?limit=100&payment_intent={}",
            escaped(repayment.reference)
        );
        match self.send::<List<RefundObject>>(&self.request(Method::Get, &path))? {
            Answer::Done(made) => Ok(made
                .data
                .into_iter()
                .find(|refund| refund.metadata.refund_id.as_deref() == Some(repayment.refund_id))),
            // Whether it was made is not known, and so it is neither made nor given up.
            Answer::Failed(status, _) => Err(Trouble::Unknown(format!("Stripe answered {status}"))),
        }
    }

    fn request(&self, method: Method, path: &str) -> Request {
        Request {
            method,
            url: format!("{}{path}", self.base),
            headers: vec![
                header("authorization", &self.authorization),
                header("stripe-version", VERSION),
            ],
            body: Vec::new(),
            timeout_ms: TIMEOUT,
        }
    }

    fn send<T: DeserializeOwned>(&self, request: &Request) -> Result<Answer<T>, Trouble> {
        let response = self.http.request(request).map_err(|failure| match failure {
            HttpFailure::Refused(reason) => Trouble::Refused(format!("Stripe can't be asked: {reason}")),
            HttpFailure::NotSent(_) => Trouble::NotDone(
                "The payment gateway was not reached. Nothing was paid; try again in a moment.".into(),
            ),
            HttpFailure::Unknown(reason) => Trouble::Unknown(reason),
        })?;
        read(&response)
    }
}

impl<H: HttpClient> PaymentGateway for Stripe<'_, H> {
    fn name(&self) -> &'static str {
        "stripe"
    }

    fn charge(&self, charge: &Charge<'_>) -> Result<Charged, Trouble> {
        let form = [
            ("amount", &*charge.amount.amount.to_string()),
            ("currency", &*charge.amount.currency.to_lowercase()),
            ("payment_method", charge.method),
            ("payment_method_types[]", "card"),
            ("confirm", "true"),
            ("metadata[order_id]", charge.order_id),
            ("metadata[attempt]", &*charge.attempt.to_string()),
        ];
        match self.post::<Intent>("/v1/payment_intents", Some(&charge.key()), &form)? {
            Answer::Done(intent) => Ok(intent.into()),
            Answer::Failed(402, failure) => Ok(Charged {
                state: State::Failed(failure.said()),
                reference: failure.payment_intent.map(|intent| intent.id),
            }),
            Answer::Failed(_, failure) if failure.param.as_deref() == Some("payment_method") => Ok(Charged {
                state: State::Failed(failure.said()),
                reference: None,
            }),
            Answer::Failed(status, failure) => Err(failure.refused(status)),
        }
    }

    fn find(&self, charge: &Charge<'_>) -> Result<Option<Charged>, Trouble> {
        let query = format!(
            r#"metadata["order_id"]:"{}" AND metadata["attempt"]:"{}""#,
            charge.order_id, charge.attempt
        );
        let path = format!("/v1/payment_intents/search?query={}", escaped(&query));
        match self.send::<List<Intent>>(&self.request(Method::Get, &path))? {
            Answer::Done(found) => Ok(found.data.into_iter().next().map(Into::into)),
            Answer::Failed(status, failure) => Err(failure.refused(status)),
        }
    }

    fn look(&self, reference: &str) -> Result<Charged, Trouble> {
        let path = format!("/v1/payment_intents/{}", escaped(reference));
        match self.send::<Intent>(&self.request(Method::Get, &path))? {
            Answer::Done(intent) => Ok(intent.into()),
            Answer::Failed(status, failure) => Err(failure.refused(status)),
        }
    }

    fn cancel(&self, reference: &str) -> Result<Charged, Trouble> {
        let path = format!("/v1/payment_intents/{}/cancel", escaped(reference));
        // Without a key: Stripe would repeat a refusal by it, whatever has become of the attempt since.
        match self.post::<Intent>(&path, None, &[])? {
            Answer::Done(intent) => Ok(intent.into()),
            // It has succeeded, or was cancelled before.
            Answer::Failed(400, _) => self.look(reference),
            Answer::Failed(status, failure) => Err(failure.refused(status)),
        }
    }

    fn repay(&self, repayment: &Repayment<'_>) -> Result<Repaid, Trouble> {
        if repayment.late
            && let Some(made) = self.refund_of(repayment)?
        {
            return Ok(made.into());
        }
        let form = [
            ("payment_intent", repayment.reference),
            ("amount", &*repayment.amount.to_string()),
            ("metadata[order_id]", repayment.payment_id),
            ("metadata[refund_id]", repayment.refund_id),
        ];
        match self.post::<RefundObject>("/v1/refunds", Some(repayment.refund_id), &form)? {
            Answer::Done(refund) => Ok(refund.into()),
            // The shop's key, and not this refund: the money is still owed once the key is right.
            Answer::Failed(status @ (401 | 403), _) => {
                Err(Trouble::Unknown(format!("Stripe answered {status}")))
            }
            Answer::Failed(status, failure) => Err(failure.refused(status)),
        }
    }
}

impl From<Intent> for Charged {
    fn from(intent: Intent) -> Self {
        let state = match intent.status.as_str() {
            "succeeded" => State::Succeeded,
            "requires_action" => State::RequiresAction(intent.client_secret.unwrap_or_default()),
            "requires_payment_method" => State::Failed(intent.last_payment_error.unwrap_or_default().said()),
            "canceled" => State::Cancelled,
            _ => State::Processing,
        };
        Self {
            reference: Some(intent.id),
            state,
        }
    }
}

impl From<RefundObject> for Repaid {
    fn from(refund: RefundObject) -> Self {
        match refund.status.as_deref() {
            Some("succeeded") => Self::Succeeded,
            Some("failed" | "canceled") => Self::Failed,
            _ => Self::Pending,
        }
    }
}

impl Failure {
    /// What Stripe has to say to the customer. Only its messages about cards are written for them.
    fn said(&self) -> String {
        match (self.r#type.as_str(), &self.message) {
            ("card_error", Some(message)) => message.clone(),
            _ => "The payment was declined. Pay with another card.".into(),
        }
    }

    /// For the operator. Not Stripe's message: it may repeat what was sent.
    fn refused(&self, status: u16) -> Trouble {
        let code = self.code.as_deref().unwrap_or("no code");
        Trouble::Refused(format!("Stripe answered {status}: {} ({code})", self.r#type))
    }
}

/// Understands a response. What went wrong at Stripe itself leaves open what was done.
fn read<T: DeserializeOwned>(response: &Response) -> Result<Answer<T>, Trouble> {
    let unreadable = |_| Trouble::Unknown(format!("Stripe's answer {} can't be read", response.status));
    match response.status {
        200..=299 => serde_json::from_slice(&response.body)
            .map(Answer::Done)
            .map_err(unreadable),
        429 => Err(Trouble::NotDone(
            "The payment gateway is too busy. Nothing was paid; try again in a moment.".into(),
        )),
        // 409: the same request is under way.
        409 | 500..=599 => Err(Trouble::Unknown(format!("Stripe answered {}", response.status))),
        status => {
            let failures: Failures = serde_json::from_slice(&response.body).unwrap_or_else(|_| Failures {
                error: Failure::default(),
            });
            Ok(Answer::Failed(status, failures.error))
        }
    }
}

fn header(name: &str, value: &str) -> Header {
    Header {
        name: name.into(),
        value: value.as_bytes().to_vec(),
    }
}

/// A part of a path, or the value of a parameter. Ids of Stripe's need no escaping; nothing else gets out of its place.
fn escaped(reference: &str) -> String {
    form_urlencoded::byte_serialize(reference.as_bytes()).collect()
}
