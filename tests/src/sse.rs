//! A client of server-sent events (HTML, section 9.2). It reconnects if the server ends the connection after
//! each event.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use crate::graphql::GraphqlResponse;
use crate::http::{EVENT_STREAM, Request, ResponseStream};
use crate::shop::{As, Shop};

/// The pause before a reconnection, unless the server sets another one.
const RETRY: Duration = Duration::from_millis(200);

/// How long the client keeps a connection before it reconnects.
const CONNECTION: Duration = Duration::from_secs(6);

/// An event.
#[derive(Clone, Debug, Default)]
pub struct Event {
    /// The event's type, such as `next`.
    pub name: String,
    pub data: String,
    /// The last event id when the event arrived.
    pub id: String,
}

/// A parser of an event stream.
#[derive(Debug, Default)]
pub struct Parser {
    text: String,
    event: Event,
    has_data: bool,
    /// The last event id.
    pub last: String,
    /// The pause before a reconnection that the server has set.
    pub retry: Option<Duration>,
}

impl Parser {
    /// Returns the events that these bytes complete.
    pub fn read(&mut self, bytes: &[u8]) -> Vec<Event> {
        self.text.push_str(&String::from_utf8_lossy(bytes));
        let mut events = Vec::new();
        while let Some((line, rest)) = self.text.split_once('\n') {
            let (line, rest) = (line.trim_end_matches('\r').to_owned(), rest.to_owned());
            self.text = rest;
            events.extend(self.line(&line));
        }
        events
    }

    fn line(&mut self, line: &str) -> Option<Event> {
        if line.is_empty() {
            self.last.clone_from(&self.event.id);
            let mut event = std::mem::take(&mut self.event);
            self.event.id.clone_from(&self.last);
            event.data.pop();
            return std::mem::take(&mut self.has_data).then_some(event);
        }
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "event" => value.clone_into(&mut self.event.name),
            "data" => {
                self.has_data = true;
                self.event.data.push_str(value);
                self.event.data.push('\n');
            }
            "id" => value.clone_into(&mut self.event.id),
            "retry" => self.retry = value.parse().ok().map(Duration::from_millis),
            _ => {}
        }
        None
    }
}

/// A subscription that reconnects when a connection has ended.
pub struct Subscription<'a> {
    shop: &'a Shop,
    caller: As<'a>,
    query: &'a str,
    variables: Value,
    stream: Option<ResponseStream>,
    parser: Parser,
    ready: VecDeque<Event>,
}

impl<'a> Subscription<'a> {
    /// Subscribes. After the return, no change is missed.
    pub fn start(shop: &'a Shop, caller: As<'a>, query: &'a str, variables: Value) -> Result<Self> {
        let mut subscription = Self {
            shop,
            caller,
            query,
            variables,
            stream: None,
            parser: Parser::default(),
            ready: VecDeque::new(),
        };
        let deadline = Instant::now() + Duration::from_secs(20);
        while subscription.parser.last.is_empty() {
            ensure!(Instant::now() < deadline, "a stream should begin with an id");
            subscription.read()?;
        }
        Ok(subscription)
    }

    /// Returns the next result, or none if the limit passes without one.
    pub fn next(&mut self, limit: Duration) -> Result<Option<Value>> {
        let deadline = Instant::now() + limit;
        loop {
            if let Some(event) = self.ready.pop_front() {
                ensure!(event.name == "next", "a subscription should not end: {event:?}");
                ensure!(!event.id.is_empty(), "each result should have an id");
                let result: Value = serde_json::from_str(&event.data).context("a result is not JSON")?;
                ensure!(result.get("errors").is_none(), "expected no errors: {result}");
                return Ok(result.get("data").cloned());
            }
            if Instant::now() >= deadline {
                return Ok(None);
            }
            self.read()?;
        }
    }

    /// Returns the first result that matches, and drops those before it.
    pub fn until(&mut self, matches: impl Fn(&Value) -> bool) -> Result<Value> {
        let deadline = Instant::now() + Duration::from_secs(30);
        while Instant::now() < deadline {
            if let Some(data) = self.next(Duration::from_secs(10))?
                && matches(&data)
            {
                return Ok(data);
            }
        }
        anyhow::bail!("the expected result has not arrived within 30 seconds")
    }

    /// Drops the connection. The next one continues after the last id.
    pub fn disconnect(&mut self) {
        self.stream = None;
    }

    /// Reads the next bytes, over a new connection if there is none.
    fn read(&mut self) -> Result<()> {
        let stream = match &mut self.stream {
            Some(stream) => stream,
            None => {
                let last = &self.parser.last;
                let stream = open(self.shop, self.caller, self.query, &self.variables, last)?;
                stream
                    .response
                    .expect_status(200)?
                    .expect_media_type(EVENT_STREAM)?;
                // A new connection does not complete the event that the old one has cut off.
                self.parser = Parser {
                    last: last.clone(),
                    event: Event {
                        id: last.clone(),
                        ..Event::default()
                    },
                    ..Parser::default()
                };
                self.stream.insert(stream)
            }
        };
        let bytes = stream.next_bytes();
        if bytes.is_empty() {
            self.stream = None;
            std::thread::sleep(self.parser.retry.unwrap_or(RETRY));
        }
        self.ready.extend(self.parser.read(&bytes));
        Ok(())
    }
}

/// Opens a stream of the events after the last id, or of all events if it is empty.
fn open(shop: &Shop, caller: As<'_>, query: &str, variables: &Value, last: &str) -> Result<ResponseStream> {
    let body = json!({ "query": query, "variables": variables });
    let mut request = Request::post(&body).header("accept", EVENT_STREAM);
    if !last.is_empty() {
        request = request.header("last-event-id", last);
    }
    shop.stream_as(caller, request, CONNECTION)
}

/// Returns the first result of a subscription, or its refusal.
pub fn first_result(shop: &Shop, caller: As<'_>, query: &str, variables: &Value) -> Result<GraphqlResponse> {
    let mut stream = open(shop, caller, query, variables, "")?;
    if stream.response.status != 200 {
        return GraphqlResponse::new(stream.read_to_end()?);
    }
    stream.response.expect_media_type(EVENT_STREAM)?;
    let mut parser = Parser::default();
    loop {
        let bytes = stream.next_bytes();
        stream
            .response
            .expect(!bytes.is_empty(), "the stream should contain a result")?;
        if let Some(event) = parser.read(&bytes).into_iter().next() {
            return GraphqlResponse::new(stream.with_body(event.data));
        }
    }
}
