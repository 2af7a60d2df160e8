//! Stripe's REST API, as far as payments need it: PaymentIntents and refunds, form-encoded, with idempotency
//! keys (Stripe's API reference, "Idempotent requests", "PaymentIntents", "Refunds", "Errors").

use form_urlencoded::Serializer;
use mercato_ports::http_client::{Header, HttpFailure, Method, Request, Response};
use mercato_shop::breaker::Breaker;
use mercato_shop::cache::Cache;
use mercato_shop::ports::HttpClient;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::{Charge, ChargeState, Charged, GatewayError, PaymentGateway, RefundRequest, RefundState, STRIPE};

/// In milliseconds: most banks answer faster, and most customers wait longer.
const TIMEOUT: u32 = 10_000;

/// The version of Stripe's API. Without it, Stripe would use the version of the account.
const VERSION: &str = "2024-06-20";

/// A client of Stripe. All instances of the service share the state of its circuit breaker in the cache.
pub struct Stripe<'a, P> {
    ports: &'a P,
    breaker: Breaker<'a, P>,
    base: String,
    authorization: String,
}

/// A PaymentIntent, in answers and in webhook events.
#[derive(Debug, Deserialize)]
pub struct Intent {
    pub id: String,
    #[serde(default)]
    status: String,
    client_secret: Option<String>,
    last_payment_error: Option<Failure>,
    #[serde(default)]
    pub metadata: Metadata,
}

/// The metadata that `charge` sets on PaymentIntents.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Metadata {
    pub order_id: Option<String>,
    /// A number. Metadata are texts.
    pub attempt: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
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
struct Refund {
    status: Option<String>,
    #[serde(default)]
    metadata: RefundMetadata,
}

/// The metadata that `refund` sets on refunds.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct RefundMetadata {
    refund_id: Option<String>,
}

/// A page of a list or of a search.
#[derive(Debug, Deserialize)]
struct List<T> {
    data: Vec<T>,
}

/// An answer from which it is clear what Stripe did.
enum Answer<T> {
    Done(T),
    Failed(u16, Failure),
}

impl<T> Answer<T> {
    fn done(self) -> Result<T, GatewayError> {
        match self {
            Self::Done(object) => Ok(object),
            Self::Failed(status, failure) => Err(failure.rejected(status)),
        }
    }
}

impl<'a, P: Cache + HttpClient> Stripe<'a, P> {
    /// Creates a client of the API at a base URL, with a secret key.
    pub fn new(ports: &'a P, base: &str, key: &str) -> Self {
        Self {
            ports,
            breaker: Breaker::new(ports, "payments.stripe"),
            base: base.trim_end_matches('/').into(),
            authorization: format!("Bearer {key}"),
        }
    }

    fn fetch<T: DeserializeOwned>(&self, path: &str) -> Result<Answer<T>, GatewayError> {
        self.send(&self.request(Method::Get, path))
    }

    fn post<T: DeserializeOwned>(
        &self,
        path: &str,
        key: Option<&str>,
        form: &[(&str, &str)],
    ) -> Result<Answer<T>, GatewayError> {
        let mut request = self.request(Method::Post, path);
        let body = Serializer::new(String::new()).extend_pairs(form).finish();
        request.body = body.into_bytes();
        let content_type = header("content-type", "application/x-www-form-urlencoded");
        request.headers.push(content_type);
        let key = key.map(|key| header("idempotency-key", key));
        request.headers.extend(key);
        self.send(&request)
    }

    /// Finds a refund that was made before.
    fn find_refund(&self, request: &RefundRequest<'_>) -> Result<Option<Refund>, GatewayError> {
        let intent = escape(request.reference);
        match self.fetch::<List<Refund>>(&format!("/v1/refunds?limit=100&payment_intent={intent}"))? {
            Answer::Done(made) => Ok(made
                .data
                .into_iter()
                .find(|refund| refund.metadata.refund_id.as_deref() == Some(request.refund_id))),
            // Without the list it is unknown whether the refund was made.
            Answer::Failed(status, _) => Err(GatewayError::Unknown(format!("Stripe answered {status}"))),
        }
    }

    fn create_refund(&self, request: &RefundRequest<'_>) -> Result<RefundState, GatewayError> {
        if request.is_late
            && let Some(made) = self.find_refund(request)?
        {
            return Ok(made.into());
        }
        let form = [
            ("payment_intent", request.reference),
            ("amount", &*request.amount.to_string()),
            ("metadata[order_id]", request.payment_id),
            ("metadata[refund_id]", request.refund_id),
        ];
        match self.post::<Refund>("/v1/refunds", Some(request.refund_id), &form)? {
            // The shop's key is wrong. The money is still owed when the key is right again.
            Answer::Failed(status @ (401 | 403), _) => {
                Err(GatewayError::Unknown(format!("Stripe answered {status}")))
            }
            answer => Ok(answer.done()?.into()),
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

    fn send<T: DeserializeOwned>(&self, request: &Request) -> Result<Answer<T>, GatewayError> {
        let response = self.ports.send(request).map_err(|failure| match failure {
            HttpFailure::Refused(reason) => {
                GatewayError::Rejected(format!("requests to Stripe are not allowed: {reason}"))
            }
            HttpFailure::NotSent(_) => not_done("is unreachable"),
            HttpFailure::Unknown(reason) => GatewayError::Unknown(reason),
        })?;
        parse(&response)
    }

    /// Executes an operation unless the breaker is open. An operation without a clear result counts as a
    /// failure.
    fn guard<T>(&self, operation: impl FnOnce() -> Result<T, GatewayError>) -> Result<T, GatewayError> {
        let is_failure =
            |error: &GatewayError| matches!(error, GatewayError::NotDone(_) | GatewayError::Unknown(_));
        self.breaker
            .call(operation, is_failure, |_| not_done("fails at the moment"))
    }

    fn fetch_intent(&self, reference: &str) -> Result<Charged, GatewayError> {
        let path = format!("/v1/payment_intents/{}", escape(reference));
        Ok(self.fetch::<Intent>(&path)?.done()?.into())
    }
}

impl<P: Cache + HttpClient> PaymentGateway for Stripe<'_, P> {
    fn name(&self) -> &'static str {
        STRIPE
    }

    fn charge(&self, charge: &Charge<'_>) -> Result<Charged, GatewayError> {
        let form = [
            ("amount", &*charge.amount.to_string()),
            ("currency", &*charge.currency.to_lowercase()),
            ("payment_method", charge.method),
            ("payment_method_types[]", "card"),
            ("confirm", "true"),
            ("metadata[order_id]", charge.order_id),
            ("metadata[attempt]", &*charge.attempt.to_string()),
        ];
        let answer = self.guard(|| self.post::<Intent>("/v1/payment_intents", Some(&charge.key()), &form))?;
        match answer {
            Answer::Failed(402, failure) => Ok(Charged {
                state: ChargeState::Failed(failure.customer_message()),
                reference: failure.payment_intent.map(|intent| intent.id),
            }),
            Answer::Failed(_, failure) if failure.param.as_deref() == Some("payment_method") => Ok(Charged {
                state: ChargeState::Failed(failure.customer_message()),
                reference: None,
            }),
            Answer::Failed(_, failure) if failure.is_about_amount() => Ok(Charged {
                state: ChargeState::Failed(failure.amount_message()),
                reference: None,
            }),
            answer => Ok(answer.done()?.into()),
        }
    }

    fn find(&self, charge: &Charge<'_>) -> Result<Option<Charged>, GatewayError> {
        let query = format!(
            r#"metadata["order_id"]:"{}" AND metadata["attempt"]:"{}""#,
            charge.order_id, charge.attempt
        );
        let path = format!("/v1/payment_intents/search?query={}", escape(&query));
        let found = self.guard(|| self.fetch::<List<Intent>>(&path))?.done()?;
        Ok(found.data.into_iter().next().map(Into::into))
    }

    fn get(&self, reference: &str) -> Result<Charged, GatewayError> {
        self.guard(|| self.fetch_intent(reference))
    }

    fn cancel(&self, reference: &str) -> Result<Charged, GatewayError> {
        let path = format!("/v1/payment_intents/{}/cancel", escape(reference));
        // There is no idempotency key: with one, Stripe would repeat an error even after the attempt has
        // changed.
        self.guard(|| match self.post::<Intent>(&path, None, &[])? {
            // It has succeeded, or was cancelled before.
            Answer::Failed(400, _) => self.fetch_intent(reference),
            answer => Ok(answer.done()?.into()),
        })
    }

    fn refund(&self, request: &RefundRequest<'_>) -> Result<RefundState, GatewayError> {
        self.guard(|| self.create_refund(request))
    }
}

impl From<Intent> for Charged {
    fn from(intent: Intent) -> Self {
        let state = match intent.status.as_str() {
            "succeeded" => ChargeState::Succeeded,
            "requires_action" => ChargeState::RequiresAction(intent.client_secret.unwrap_or_default()),
            "requires_payment_method" => {
                ChargeState::Failed(intent.last_payment_error.unwrap_or_default().customer_message())
            }
            "canceled" => ChargeState::Cancelled,
            _ => ChargeState::Processing,
        };
        Self {
            reference: Some(intent.id),
            state,
        }
    }
}

impl From<Refund> for RefundState {
    fn from(refund: Refund) -> Self {
        match refund.status.as_deref() {
            Some("succeeded") => Self::Succeeded,
            Some("failed" | "canceled") => Self::Failed,
            _ => Self::Pending,
        }
    }
}

impl Failure {
    /// Returns the message for the customer. Only Stripe's messages about cards are written for customers.
    fn customer_message(&self) -> String {
        match (self.r#type.as_str(), &self.message) {
            ("card_error", Some(message)) => message.clone(),
            _ => "The payment was declined. Pay with another card.".into(),
        }
    }

    /// Returns whether Stripe does not charge this amount or this currency, such as an amount below the minimum
    /// of the account.
    fn is_about_amount(&self) -> bool {
        matches!(self.param.as_deref(), Some("amount" | "currency"))
            || matches!(
                self.code.as_deref(),
                Some("amount_too_large" | "amount_too_small" | "invalid_charge_amount")
            )
    }

    /// Returns the message for the customer about an amount. Stripe's message names its limit.
    fn amount_message(&self) -> String {
        let reason = self.message.as_deref().unwrap_or("It gave no reason.");
        format!("The payment gateway does not take this amount. {reason} Pay in another way.")
    }

    /// Returns the error for the operator. It leaves out Stripe's message, which may repeat what was sent.
    fn rejected(&self, status: u16) -> GatewayError {
        let code = self.code.as_deref().unwrap_or("no code");
        GatewayError::Rejected(format!("Stripe answered {status}: {} ({code})", self.r#type))
    }
}

/// Parses a response. After an error inside Stripe it is unknown whether the request was executed.
fn parse<T: DeserializeOwned>(response: &Response) -> Result<Answer<T>, GatewayError> {
    let status = response.status;
    match status {
        200..=299 => serde_json::from_slice(&response.body)
            .map(Answer::Done)
            .map_err(|_| GatewayError::Unknown(format!("Stripe's answer {status} is invalid"))),
        429 => Err(not_done("is too busy")),
        // 409: the same request is being executed.
        409 | 500..=599 => Err(GatewayError::Unknown(format!("Stripe answered {status}"))),
        status => {
            let failures: Failures = serde_json::from_slice(&response.body).unwrap_or_default();
            Ok(Answer::Failed(status, failures.error))
        }
    }
}

fn not_done(reason: &str) -> GatewayError {
    GatewayError::NotDone(format!(
        "The payment gateway {reason}, so nothing was paid. Try again in a moment."
    ))
}

fn header(name: &str, value: &str) -> Header {
    Header {
        name: name.into(),
        value: value.as_bytes().to_vec(),
    }
}

/// Escapes a part of a path, or the value of a parameter.
fn escape(text: &str) -> String {
    form_urlencoded::byte_serialize(text.as_bytes()).collect()
}
