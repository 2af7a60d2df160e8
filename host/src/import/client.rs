//! The shop's API, as far as importing needs it.

use std::thread::sleep;
use std::time::Duration;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use ureq::Agent;
use uuid::Uuid;

use mercato_feeds::product::Refusal;

const MUTATION: &str = "mutation($rows: [ImportProductInput!]!) { \
    importProducts(products: $rows) { outcomes { outcome code field message } } }";

/// So often a batch is tried.
const ATTEMPTS: u32 = 6;

/// The wait after the first failed attempt; doubled after each further one.
const BACKOFF: Duration = Duration::from_millis(500);

/// The longest that one request may take.
const TIME: Duration = Duration::from_secs(60);

/// A shop that runs.
pub struct Client {
    agent: Agent,
    base: String,
    endpoint: String,
    key: String,
}

/// What became of a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The product is new.
    Created,
    /// The product was known, and has changed.
    Updated,
    /// The product was known as it is.
    Unchanged,
    /// The shop did not take it.
    Refused(Refusal),
}

/// Why a batch was not imported.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It may work later.
    #[error("{0}")]
    Transient(String),
    /// It will not work so.
    #[error("{0}")]
    Permanent(String),
}

impl Client {
    /// A client of the shop at a base URL such as `http://127.0.0.1:3000`.
    pub fn new(url: &str, key: String) -> Self {
        let config = Agent::config_builder()
            .timeout_global(Some(TIME))
            .http_status_as_error(false);
        let base = url.trim_end_matches('/').to_owned();
        Self {
            agent: config.build().new_agent(),
            endpoint: format!("{base}/graphql"),
            base,
            key,
        }
    }

    /// Imports a batch of products, each given as JSON. Repeating it is safe, so what may work later is tried again.
    ///
    /// # Errors
    /// Where the shop did not take it in spite of that.
    pub fn import(&self, products: &[String]) -> Result<Vec<Outcome>, Error> {
        let query = serde_json::Value::from(MUTATION);
        let body = format!(
            r#"{{"query":{query},"variables":{{"rows":[{}]}}}}"#,
            products.join(",")
        );
        patiently(|| outcomes(self.post(&body, None)?, products.len()))
    }

    /// Asks something else of the shop by GraphQL, once, however often it has to be sent: its answer, or why it is refused.
    ///
    /// # Errors
    /// Where the shop can't be asked.
    pub fn ask<D: DeserializeOwned>(
        &self,
        query: &str,
        variables: &Value,
    ) -> Result<Result<D, Refusal>, Error> {
        let body = json!({ "query": query, "variables": variables }).to_string();
        let key = Uuid::now_v7().to_string();
        patiently(|| answer(self.post(&body, Some(&key))?))
    }

    /// Reads something by REST, at this path.
    ///
    /// # Errors
    /// Where the shop can't be asked.
    pub fn read<D: DeserializeOwned>(&self, path: &str) -> Result<D, Error> {
        let url = format!("{}{path}", self.base);
        patiently(|| {
            let request = self.agent.get(&url).header("x-api-key", &self.key);
            self.json(request.call())
        })
    }

    fn post<D: DeserializeOwned>(&self, body: &str, key: Option<&str>) -> Result<D, Error> {
        let mut request = self.agent.post(&self.endpoint);
        request = request
            .header("content-type", "application/json")
            .header("x-api-key", &self.key);
        if let Some(key) = key {
            request = request.header("idempotency-key", key);
        }
        self.json(request.send(body))
    }

    fn json<D: DeserializeOwned>(
        &self,
        response: Result<ureq::http::Response<ureq::Body>, ureq::Error>,
    ) -> Result<D, Error> {
        let mut response = response.map_err(|error| self.unreachable(&error))?;
        let status = response.status().as_u16();
        if matches!(status, 408 | 429 | 500..) {
            return Err(Error::Transient(format!(
                "the shop answered with status {status}; its log says why"
            )));
        }
        response.body_mut().read_json().map_err(|error| {
            let what = format!(
                "{} answered with status {status} and not as a shop does",
                self.base
            );
            Error::Permanent(format!(
                "{what} ({error}): check --url, and try a smaller --batch if it is right"
            ))
        })
    }

    fn unreachable(&self, error: &ureq::Error) -> Error {
        let message = format!("can't reach the shop at {} ({error})", self.endpoint);
        match error {
            ureq::Error::BadUri(_) | ureq::Error::Http(_) | ureq::Error::TlsRequired => {
                Error::Permanent(format!("{message}: --url must be of the form http://HOST:PORT"))
            }
            _ => Error::Transient(format!("{message}: is it running, and is --url right?")),
        }
    }
}

/// Tries again what may work later.
fn patiently<T>(attempt: impl Fn() -> Result<T, Error>) -> Result<T, Error> {
    let mut wait = BACKOFF;
    for _ in 1..ATTEMPTS {
        match attempt() {
            Err(Error::Transient(_)) => sleep(wait),
            done => return done,
        }
        wait *= 2;
    }
    attempt()
}

/// What the shop answers, or why it refuses.
fn answer<D>(answer: Answer<D>) -> Result<Result<D, Refusal>, Error> {
    if let Some(error) = answer.errors.into_iter().next() {
        let extensions = error.extensions;
        return match extensions.code.as_deref() {
            Some("UNAUTHENTICATED" | "FORBIDDEN") => Err(Error::Permanent(format!(
                "the shop does not accept the API key ({}): give its API_SECRET with --key, in the environment, or by --data",
                error.message
            ))),
            Some("UNAVAILABLE" | "INTERNAL" | "IDEMPOTENCY_KEY_IN_USE") => {
                Err(Error::Transient(format!("the shop failed: {}", error.message)))
            }
            code => Ok(Err(Refusal {
                code: code.unwrap_or_default().to_owned(),
                field: extensions.field.unwrap_or_default(),
                message: error.message,
            })),
        };
    }
    let nothing = || Error::Permanent("the shop's answer has no data: is it of the same version?".into());
    answer.data.map(Ok).ok_or_else(nothing)
}

fn outcomes(batch: Answer<Data>, count: usize) -> Result<Vec<Outcome>, Error> {
    let data = answer(batch)?
        .map_err(|refusal| Error::Permanent(format!("the shop refused the batch: {}", refusal.message)))?;
    let outcomes = data.import_products.map(|result| result.outcomes);
    match outcomes {
        Some(outcomes) if outcomes.len() == count => Ok(outcomes.into_iter().map(Into::into).collect()),
        _ => Err(Error::Permanent(
            "the shop's answer does not tell what became of the rows: is it of the same version?".into(),
        )),
    }
}

/// A GraphQL response.
#[derive(Deserialize)]
#[serde(bound = "D: DeserializeOwned")]
struct Answer<D> {
    data: Option<D>,
    #[serde(default)]
    errors: Vec<GraphQlError>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Data {
    import_products: Option<Imported>,
}

#[derive(Deserialize)]
struct Imported {
    outcomes: Vec<Row>,
}

/// One row's outcome as the API gives it.
#[derive(Deserialize)]
struct Row {
    outcome: Kind,
    code: Option<String>,
    field: Option<String>,
    message: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "UPPERCASE")]
enum Kind {
    Created,
    Updated,
    Unchanged,
    Refused,
}

#[derive(Deserialize)]
struct GraphQlError {
    message: String,
    #[serde(default)]
    extensions: Extensions,
}

#[derive(Default, Deserialize)]
struct Extensions {
    code: Option<String>,
    field: Option<String>,
}

impl From<Row> for Outcome {
    fn from(row: Row) -> Self {
        match row.outcome {
            Kind::Created => Self::Created,
            Kind::Updated => Self::Updated,
            Kind::Unchanged => Self::Unchanged,
            Kind::Refused => Self::Refused(Refusal {
                code: row.code.unwrap_or_default(),
                field: row.field.unwrap_or_default(),
                message: row.message.unwrap_or_default(),
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str, count: usize) -> Result<Vec<Outcome>, Error> {
        outcomes(serde_json::from_str(json).unwrap(), count)
    }

    #[test]
    fn outcomes_come_in_the_order_of_the_rows() {
        let json = r#"{"data": {"importProducts": {"outcomes": [
            {"outcome": "CREATED", "code": null, "field": null, "message": null},
            {"outcome": "REFUSED", "code": "BAD_USER_INPUT", "field": "name", "message": "too long"}]}}}"#;
        let refusal = Refusal::bad_input("name", "too long");
        assert_eq!(
            read(json, 2).unwrap(),
            [Outcome::Created, Outcome::Refused(refusal)]
        );
    }

    #[test]
    fn an_answer_for_another_number_of_rows_is_not_trusted() {
        let json = r#"{"data": {"importProducts": {"outcomes": [{"outcome": "CREATED"}]}}}"#;
        assert!(matches!(read(json, 2), Err(Error::Permanent(_))));
    }

    #[test]
    fn a_wrong_key_is_not_tried_again_and_a_store_that_is_away_is() {
        let error = |code| {
            format!(r#"{{"data": null, "errors": [{{"message": "m", "extensions": {{"code": "{code}"}}}}]}}"#)
        };
        assert!(
            matches!(read(&error("UNAUTHENTICATED"), 1), Err(Error::Permanent(text)) if text.contains("--key"))
        );
        assert!(matches!(read(&error("UNAVAILABLE"), 1), Err(Error::Transient(_))));
    }
}
