//! A client of the API of the shop.

use std::thread::sleep;
use std::time::Duration;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use ureq::Agent;
use uuid::Uuid;

use mercato_feeds::RowError;

use super::options::Stock;

const MUTATION: &str = "mutation($rows: [ImportProductInput!]!, $stock: ImportStock!) { \
    importProducts(products: $rows, stock: $stock) { outcomes { outcome code field message } } }";

const CURRENCY: &str = "{ shop { currency } }";

/// The number of attempts of a request.
const ATTEMPTS: u32 = 6;

/// The wait after the first failed attempt. It doubles with each further one.
const BACKOFF: Duration = Duration::from_millis(500);

/// How long one request may take.
const TIMEOUT: Duration = Duration::from_secs(60);

/// A client of a running shop.
#[derive(Clone)]
pub struct Client {
    agent: Agent,
    base: String,
    endpoint: String,
    /// The name and the value of the header that authenticates the client.
    credentials: (&'static str, String),
}

/// The outcome of a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The product was created.
    Created,
    /// The product was updated.
    Updated,
    /// The product already has these values.
    Unchanged,
    /// A dry run would send the row.
    Ready,
    /// The row was refused.
    Refused(RowError),
}

/// Why a request failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A later attempt may succeed.
    #[error("{0}")]
    Transient(String),
    /// Every attempt would fail.
    #[error("{0}")]
    Permanent(String),
}

impl Client {
    /// Creates a client of the shop at a base URL such as `http://127.0.0.1:3000`.
    pub fn new(url: &str, key: String) -> Self {
        let config = Agent::config_builder()
            .timeout_global(Some(TIMEOUT))
            .http_status_as_error(false);
        let base = url.trim_end_matches('/').to_owned();
        Self {
            agent: config.build().new_agent(),
            endpoint: format!("{base}/graphql"),
            base,
            credentials: ("x-api-key", key),
        }
    }

    /// Returns a client of the same shop for the user with this access token.
    pub fn signed_in(&self, token: &str) -> Self {
        Self {
            credentials: ("authorization", format!("Bearer {token}")),
            ..self.clone()
        }
    }

    /// Imports a batch of products, each as JSON. A transient failure is retried, because an import can be
    /// repeated.
    ///
    /// # Errors
    /// If the last attempt fails.
    pub fn import(&self, products: &[String], stock: Stock) -> Result<Vec<Outcome>, Error> {
        let query = serde_json::Value::from(MUTATION);
        let body = format!(
            r#"{{"query":{query},"variables":{{"stock":"{}","rows":[{}]}}}}"#,
            stock.name(),
            products.join(",")
        );
        retry(|| outcomes(self.post(&body, None)?, products.len()))
    }

    /// Returns the currency of the shop.
    ///
    /// # Errors
    /// If the last attempt fails.
    pub fn currency(&self) -> Result<String, Error> {
        retry(|| self.currency_once())
    }

    /// Returns the currency of the shop, in one attempt.
    ///
    /// # Errors
    /// If the attempt fails.
    pub fn currency_once(&self) -> Result<String, Error> {
        let body = json!({ "query": CURRENCY }).to_string();
        let data: Result<ShopData, RowError> = data(self.post(&body, None)?)?;
        let shop = data.ok().and_then(|data| data.shop);
        let unknown = || Error::Permanent("the shop does not tell its currency: set --currency".into());
        shop.map(|shop| shop.currency).ok_or_else(unknown)
    }

    /// Sends a GraphQL request, and returns its data or the error of the shop. The shop runs it once even if
    /// it is sent again, because all attempts have the same idempotency key.
    ///
    /// # Errors
    /// If the last attempt fails.
    pub fn graphql<D: DeserializeOwned>(
        &self,
        query: &str,
        variables: &Value,
    ) -> Result<Result<D, RowError>, Error> {
        let body = json!({ "query": query, "variables": variables }).to_string();
        let key = Uuid::now_v7().to_string();
        retry(|| data(self.post(&body, Some(&key))?))
    }

    /// Sends a GET request to a path of the REST API.
    ///
    /// # Errors
    /// If the last attempt fails.
    pub fn get<D: DeserializeOwned>(&self, path: &str) -> Result<D, Error> {
        let url = format!("{}{path}", self.base);
        retry(|| {
            let (name, value) = &self.credentials;
            let request = self.agent.get(&url).header(*name, value);
            self.json(request.call())
        })
    }

    fn post<D: DeserializeOwned>(&self, body: &str, key: Option<&str>) -> Result<D, Error> {
        let (name, value) = &self.credentials;
        let mut request = self.agent.post(&self.endpoint);
        request = request.header("content-type", "application/json");
        // A dry run needs no key.
        if !value.is_empty() {
            request = request.header(*name, value);
        }
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
                "the shop answered with status {status}; its log has the reason"
            )));
        }
        response.body_mut().read_json().map_err(|error| {
            Error::Permanent(format!(
                "{} answered with status {status} and a malformed body ({error}): check --url, \
                 and if it is right, try a smaller --batch",
                self.base
            ))
        })
    }

    fn unreachable(&self, error: &ureq::Error) -> Error {
        let message = format!("cannot reach the shop at {} ({error})", self.endpoint);
        match error {
            ureq::Error::BadUri(_) | ureq::Error::Http(_) | ureq::Error::TlsRequired => {
                Error::Permanent(format!("{message}: --url must have the form http://HOST:PORT"))
            }
            _ => Error::Transient(format!("{message}: check that it runs, and check --url")),
        }
    }
}

/// Retries transient errors.
fn retry<T>(attempt: impl Fn() -> Result<T, Error>) -> Result<T, Error> {
    let mut wait = BACKOFF;
    for _ in 1..ATTEMPTS {
        match attempt() {
            Err(Error::Transient(_)) => sleep(wait),
            result => return result,
        }
        wait *= 2;
    }
    attempt()
}

/// Returns the data of a response, or the error of the shop.
fn data<D>(response: Response<D>) -> Result<Result<D, RowError>, Error> {
    if let Some(error) = response.errors.into_iter().next() {
        let extensions = error.extensions;
        return match extensions.code.as_deref() {
            Some("UNAUTHENTICATED" | "FORBIDDEN") => Err(Error::Permanent(format!(
                "the shop does not accept the API key ({}): set --key or API_SECRET to the secret \
                 of the shop, or name its data folder with --data",
                error.message
            ))),
            Some("UNAVAILABLE" | "INTERNAL" | "IDEMPOTENCY_KEY_IN_USE") => {
                Err(Error::Transient(format!("the shop failed: {}", error.message)))
            }
            code => Ok(Err(RowError {
                code: code.unwrap_or_default().to_owned(),
                field: extensions.field.unwrap_or_default(),
                message: error.message,
            })),
        };
    }
    let no_data = || {
        Error::Permanent("the response of the shop has no data: check that it has the same version".into())
    };
    response.data.map(Ok).ok_or_else(no_data)
}

fn outcomes(response: Response<Data>, count: usize) -> Result<Vec<Outcome>, Error> {
    let data = data(response)?
        .map_err(|error| Error::Permanent(format!("the shop refused the batch: {}", error.message)))?;
    let outcomes = data.import_products.map(|result| result.outcomes);
    match outcomes {
        Some(outcomes) if outcomes.len() == count => Ok(outcomes.into_iter().map(Into::into).collect()),
        _ => Err(Error::Permanent(
            "the shop returned another number of outcomes than rows: check that it has the same version"
                .into(),
        )),
    }
}

/// A GraphQL response.
#[derive(Deserialize)]
#[serde(bound = "D: DeserializeOwned")]
struct Response<D> {
    data: Option<D>,
    #[serde(default)]
    errors: Vec<GraphQlError>,
}

#[derive(Deserialize)]
struct ShopData {
    shop: Option<Shop>,
}

#[derive(Deserialize)]
struct Shop {
    currency: String,
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

/// The outcome of a row in a response.
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
            Kind::Refused => Self::Refused(RowError {
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
    fn returns_the_outcomes_in_the_order_of_the_rows() {
        let json = r#"{"data": {"importProducts": {"outcomes": [
            {"outcome": "CREATED", "code": null, "field": null, "message": null},
            {"outcome": "REFUSED", "code": "BAD_USER_INPUT", "field": "name", "message": "too long"}]}}}"#;
        let error = RowError::bad_input("name", "too long");
        assert_eq!(
            read(json, 2).unwrap(),
            [Outcome::Created, Outcome::Refused(error)]
        );
    }

    #[test]
    fn rejects_a_response_with_another_number_of_outcomes() {
        let json = r#"{"data": {"importProducts": {"outcomes": [{"outcome": "CREATED"}]}}}"#;
        assert!(matches!(read(json, 2), Err(Error::Permanent(_))));
    }

    #[test]
    fn retries_an_unavailable_store_but_not_a_wrong_key() {
        let error = |code| {
            format!(r#"{{"data": null, "errors": [{{"message": "m", "extensions": {{"code": "{code}"}}}}]}}"#)
        };
        let wrong_key = read(&error("UNAUTHENTICATED"), 1);
        assert!(matches!(wrong_key, Err(Error::Permanent(text)) if text.contains("--key")));
        assert!(matches!(read(&error("UNAVAILABLE"), 1), Err(Error::Transient(_))));
    }
}
