//! Streams that carry the results of many operations: GraphQL over Server-Sent Events (graphql-sse's
//! PROTOCOL.md), single connection mode.
//!
//! Any instance may answer the next request of a client, so the cache holds the operations of a stream. The
//! request that sends a query or a mutation executes it, and leaves its result there. A subscription is left
//! there as it is, and each continuation of the stream executes it from its last cursor.

use async_graphql::Variables;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::{HeaderName, Request, StatusCode};
use mercato_shop::cache::Cache;
use mercato_shop::id;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::graphql::envelope::Parameters;
use crate::http::problem::Problem;

/// The header with the token of a stream. The parameter `token` has the same meaning.
const TOKEN: HeaderName = HeaderName::from_static("x-graphql-event-stream-token");

/// How long the cache keeps a stream and its operations, in milliseconds: a day.
const TTL: u64 = 24 * 60 * 60 * 1000;

/// How long the cache keeps the result of a query or a mutation, in milliseconds: five minutes. A stream
/// sends it at once, or after its client has connected again.
const RESULT_TTL: u64 = 5 * 60 * 1000;

/// How long an operation may take to arrive in the cache after it got its number, in milliseconds.
const ARRIVAL: u64 = 30_000;

/// The most operations of a stream that are active at once.
const MAX_ACTIVE: usize = 100;

/// The longest id of an operation, in bytes.
const MAX_ID: usize = 100;

/// An operation of a stream.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Operation {
    /// The response to a query or a mutation.
    Executed(Value),
    /// A subscription, which each continuation of the stream executes.
    #[serde(rename_all = "camelCase")]
    Subscription {
        query: String,
        operation_name: Option<String>,
        variables: Variables,
    },
    /// An operation that its client stopped.
    Stopped,
}

impl Operation {
    /// Returns the subscription of these parameters.
    pub fn subscription(parameters: Parameters) -> Self {
        Self::Subscription {
            query: parameters.query,
            operation_name: parameters.operation_name,
            variables: parameters.variables,
        }
    }

    /// Returns the parameters of a subscription.
    pub fn into_parameters(self) -> Option<Parameters> {
        match self {
            Self::Subscription {
                query,
                operation_name,
                variables,
            } => Some(Parameters {
                query,
                digest: None,
                operation_name,
                variables,
                operation_id: None,
                only_queries: false,
            }),
            Self::Executed(_) | Self::Stopped => None,
        }
    }
}

/// What a client has seen of a stream. It travels as the id of the last event.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position {
    /// The number of the last operation that the stream has looked at.
    seen: i64,
    /// The operations that have not ended.
    pub active: Vec<Active>,
}

/// An operation that has not ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Active {
    number: i64,
    /// When the stream first looked at it, in milliseconds since the Unix epoch.
    since: u64,
    /// The cursor of a subscription that has begun.
    pub cursor: Option<String>,
}

impl Position {
    /// Reads the id of an event.
    ///
    /// # Errors
    /// BAD_REQUEST for another text.
    pub fn decode(text: &str) -> Result<Self, Problem> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok();
        let position = bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok());
        position
            .ok_or_else(|| Problem::bad_request("`Last-Event-ID` must be the id of an event of this stream."))
    }

    /// Writes the id of an event.
    pub fn encode(&self) -> String {
        URL_SAFE_NO_PAD.encode(serde_json::to_vec(self).unwrap_or_default())
    }
}

/// A stream that a client has reserved.
pub struct SharedStream<'a> {
    cache: &'a dyn Cache,
    token: String,
}

/// Returns the token of a request, if it has one.
pub fn token(request: &Request<Vec<u8>>) -> Option<String> {
    if let Some(header) = request.headers().get(TOKEN) {
        return Some(String::from_utf8_lossy(header.as_bytes()).into_owned());
    }
    let query = request.uri().query()?;
    let mut parameters = form_urlencoded::parse(query.as_bytes());
    parameters
        .find(|(name, _)| name == "token")
        .map(|(_, token)| token.into_owned())
}

/// Reserves a stream, and returns its token.
///
/// # Errors
/// UNAVAILABLE if the cache is unavailable.
pub fn reserve(cache: &dyn Cache) -> Result<String, Problem> {
    let token = id::secret::<16>()?.map(|byte| format!("{byte:02x}")).concat();
    // The number of operations. An unknown token has none.
    cache
        .increment(&count_key(&token), 0, TTL)
        .map(|_| token)
        .ok_or_else(unavailable)
}

impl<'a> SharedStream<'a> {
    /// Returns the stream with this token.
    ///
    /// # Errors
    /// NOT_FOUND for a token that was not reserved.
    pub fn new(cache: &'a dyn Cache, token: String) -> Result<Self, Problem> {
        let stream = Self { cache, token };
        match stream.count() {
            Some(_) => Ok(stream),
            None => Err(Problem::new(
                StatusCode::NOT_FOUND,
                "NOT_FOUND",
                "No stream has this token. Reserve one by PUT, and connect again.",
            )),
        }
    }

    /// Counts a connection.
    ///
    /// # Errors
    /// CONFLICT if another connection reads this stream.
    pub fn connect(&self) -> Result<(), Problem> {
        match self.cache.increment(&self.key("connections"), 1, TTL) {
            Some(1) => Ok(()),
            Some(_) => Err(Problem::new(
                StatusCode::CONFLICT,
                "CONFLICT",
                "Another connection reads this stream. Reserve a stream for each connection.",
            )),
            None => Err(unavailable()),
        }
    }

    /// Adds an operation. The stream sends its results.
    ///
    /// # Errors
    /// UNAVAILABLE if the cache is unavailable.
    pub fn add(&self, id: &str, operation: &Operation) -> Result<(), Problem> {
        let number = self.cache.increment(&count_key(&self.token), 1, TTL);
        let number = number.ok_or_else(unavailable)?;
        self.put(number, id, operation);
        self.cache
            .set(&self.id_key(id), number.to_string().as_bytes(), TTL);
        Ok(())
    }

    /// Stops an operation. An unknown one has ended already.
    pub fn stop(&self, id: &str) {
        if let Some(number) = self.number(&self.id_key(id)) {
            self.put(number, id, &Operation::Stopped);
        }
    }

    /// Returns the active operations with their numbers, and adds new ones to the position.
    pub fn load(&self, position: &mut Position) -> Vec<(Active, String, Operation)> {
        let room = MAX_ACTIVE.saturating_sub(position.active.len());
        let last = self.count().unwrap_or(position.seen);
        let new = (position.seen..last).take(room).map(|seen| seen + 1);
        let since = id::now();
        position.active.extend(new.map(|number| Active {
            number,
            since,
            cursor: None,
        }));
        if let Some(newest) = position.active.last() {
            position.seen = position.seen.max(newest.number);
        }
        let keys: Vec<_> = position
            .active
            .iter()
            .map(|active| self.operation_key(active.number))
            .collect();
        let values = self.cache.get_many(&keys);
        let mut found = Vec::new();
        let active = std::mem::take(&mut position.active);
        for (active, value) in active.into_iter().zip(values) {
            match value.and_then(|value| serde_json::from_slice(&value).ok()) {
                Some((id, operation)) => found.push((active, id, operation)),
                // Its request has a number for it, and has not written it yet.
                None if active.cursor.is_none() && since.saturating_sub(active.since) < ARRIVAL => {
                    position.active.push(active);
                }
                None => {}
            }
        }
        found
    }

    /// Removes an operation that has ended.
    pub fn forget(&self, active: &Active) {
        self.cache.delete(&[self.operation_key(active.number)]);
    }

    fn put(&self, number: i64, id: &str, operation: &Operation) {
        let value = serde_json::to_vec(&(id, operation)).unwrap_or_default();
        let ttl = match operation {
            Operation::Executed(_) => RESULT_TTL,
            Operation::Subscription { .. } | Operation::Stopped => TTL,
        };
        self.cache.set(&self.operation_key(number), &value, ttl);
    }

    fn count(&self) -> Option<i64> {
        self.number(&count_key(&self.token))
    }

    fn number(&self, key: &str) -> Option<i64> {
        let value = self.cache.get_many(&[key.to_owned()]).into_iter().next()??;
        String::from_utf8(value).ok()?.parse().ok()
    }

    fn operation_key(&self, number: i64) -> String {
        self.key(&format!("operation.{number}"))
    }

    fn id_key(&self, id: &str) -> String {
        self.key(&format!("id.{id}"))
    }

    fn key(&self, part: &str) -> String {
        format!("gateway.stream.{}.{part}", self.token)
    }
}

fn count_key(token: &str) -> String {
    format!("gateway.stream.{token}.count")
}

/// Returns the id of the operation that a DELETE names.
///
/// # Errors
/// BAD_REQUEST for a missing or long id.
pub fn id_of(request: &Request<Vec<u8>>) -> Result<String, Problem> {
    let query = request.uri().query().unwrap_or_default();
    let mut parameters = form_urlencoded::parse(query.as_bytes());
    let id = parameters.find(|(name, _)| name == "operationId");
    check_id(id.as_ref().map(|(_, id)| id.as_ref())).map(str::to_owned)
}

/// Checks the id that a client gave its operation.
///
/// # Errors
/// BAD_REQUEST for a missing or long id.
pub fn check_id(id: Option<&str>) -> Result<&str, Problem> {
    id.filter(|id| !id.is_empty() && id.len() <= MAX_ID).ok_or_else(|| {
        Problem::bad_request(format!(
            "An operation of a shared stream needs an id of 1 to {MAX_ID} bytes: `operationId`, in `extensions` of a POST and in the address of a DELETE."
        ))
    })
}

fn unavailable() -> Problem {
    Problem::new(
        StatusCode::SERVICE_UNAVAILABLE,
        "UNAVAILABLE",
        "The cache is unavailable, so streams can't be shared. Send each operation with `Accept: text/event-stream`.",
    )
}

#[cfg(test)]
mod tests {
    use mercato_shop::testing::TestPorts;

    use super::*;

    #[test]
    fn a_stream_has_each_operation_once() {
        let cache = TestPorts::new(&[], &[]);
        let token = reserve(&cache).ok().unwrap();
        let stream = SharedStream::new(&cache, token).ok().unwrap();
        for id in ["a", "b", "c"] {
            let operation = Operation::Executed(Value::Null);
            stream.add(id, &operation).ok().unwrap();
        }
        stream.stop("b");
        let mut position = Position::default();
        let found = stream.load(&mut position);
        let ids: Vec<_> = found.iter().map(|(_, id, _)| id.as_str()).collect();
        assert_eq!(ids, ["a", "b", "c"]);
        assert!(matches!(found[1].2, Operation::Stopped));
        let position = Position::decode(&position.encode()).ok().unwrap();
        assert_eq!(position.seen, 3);
        assert!(stream.load(&mut position.clone()).is_empty());
    }

    #[test]
    fn waits_for_an_operation_that_has_a_number_and_is_not_written_yet() {
        let cache = TestPorts::new(&[], &[]);
        let token = reserve(&cache).ok().unwrap();
        let stream = SharedStream::new(&cache, token.clone()).ok().unwrap();
        cache.increment(&count_key(&token), 1, TTL).unwrap();
        let mut position = Position::default();
        assert!(stream.load(&mut position).is_empty());
        stream.put(1, "a", &Operation::Executed(Value::Null));
        assert_eq!(stream.load(&mut position).len(), 1);
    }

    #[test]
    fn one_connection_reads_a_stream() {
        let cache = TestPorts::new(&[], &[]);
        let stream = SharedStream::new(&cache, reserve(&cache).ok().unwrap())
            .ok()
            .unwrap();
        assert!(stream.connect().is_ok());
        assert_eq!(stream.connect().unwrap_err().code, "CONFLICT");
    }

    #[test]
    fn an_unknown_token_has_no_stream() {
        let cache = TestPorts::new(&[], &[]);
        assert_eq!(
            SharedStream::new(&cache, "x".into()).err().unwrap().code,
            "NOT_FOUND"
        );
    }
}
