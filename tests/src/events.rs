//! Server-sent events as a client reads them (HTML, section 9.2), whether the server holds the connection or ends it after each answer.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use crate::answer::Answer;
use crate::client::{As, Call, Opened, Shop};

/// The media type of events.
pub const EVENTS: &str = "text/event-stream";

/// How long a client waits before it comes again, where the server does not say.
const RETRY: Duration = Duration::from_millis(200);

/// How long one connection may last; then the client comes again by itself.
const CONNECTION: Duration = Duration::from_secs(6);

/// An event.
#[derive(Clone, Debug, Default)]
pub struct Event {
    /// What kind it is, such as `next`.
    pub name: String,
    pub data: String,
    /// The id that was the last one when it came.
    pub id: String,
}

/// Reads a stream of events, piece by piece.
#[derive(Debug, Default)]
pub struct Parser {
    text: String,
    event: Event,
    has_data: bool,
    /// The id that the last whole event has left.
    pub last: String,
    /// How long to wait before coming again.
    pub retry: Option<Duration>,
}

impl Parser {
    /// The events that a piece completes.
    pub fn read(&mut self, piece: &[u8]) -> Vec<Event> {
        self.text.push_str(&String::from_utf8_lossy(piece));
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

/// Somebody who watches, and comes again whenever a connection has ended.
pub struct Watcher<'a> {
    shop: &'a Shop,
    who: As<'a>,
    query: &'a str,
    variables: Value,
    opened: Option<Opened>,
    parser: Parser,
    ready: VecDeque<Event>,
}

impl<'a> Watcher<'a> {
    /// Begins to watch; from now on, nothing is missed.
    pub fn start(shop: &'a Shop, who: As<'a>, query: &'a str, variables: Value) -> Result<Self> {
        let mut watcher = Self {
            shop,
            who,
            query,
            variables,
            opened: None,
            parser: Parser::default(),
            ready: VecDeque::new(),
        };
        let deadline = Instant::now() + Duration::from_secs(20);
        while watcher.parser.last.is_empty() {
            ensure!(Instant::now() < deadline, "a stream should begin with an id");
            watcher.pump()?;
        }
        Ok(watcher)
    }

    /// The result that comes next; none where nothing comes for so long.
    pub fn next(&mut self, within: Duration) -> Result<Option<Value>> {
        let deadline = Instant::now() + within;
        loop {
            if let Some(event) = self.ready.pop_front() {
                ensure!(event.name == "next", "a watch should not end: {event:?}");
                ensure!(!event.id.is_empty(), "each result of a watch should have an id");
                let result: Value = serde_json::from_str(&event.data).context("a result is no JSON")?;
                ensure!(result.get("errors").is_none(), "expected no errors: {result}");
                return Ok(result.get("data").cloned());
            }
            if Instant::now() >= deadline {
                return Ok(None);
            }
            self.pump()?;
        }
    }

    /// The first result for which this holds; the others are left out.
    pub fn until(&mut self, holds: impl Fn(&Value) -> bool) -> Result<Value> {
        let deadline = Instant::now() + Duration::from_secs(30);
        while Instant::now() < deadline {
            if let Some(data) = self.next(Duration::from_secs(10))?
                && holds(&data)
            {
                return Ok(data);
            }
        }
        anyhow::bail!("what was waited for has not been told within 30 seconds")
    }

    /// The connection is lost; what comes next is asked for with the last id.
    pub fn disconnect(&mut self) {
        self.opened = None;
    }

    /// Reads one piece, over a new connection where there is none.
    fn pump(&mut self) -> Result<()> {
        let opened = match &mut self.opened {
            Some(opened) => opened,
            None => {
                let opened = open(
                    self.shop,
                    self.who,
                    self.query,
                    &self.variables,
                    &self.parser.last,
                )?;
                opened.reply.expect_status(200)?.expect_media_type(EVENTS)?;
                // What was cut off in its middle is not gone on with.
                self.parser = Parser {
                    last: self.parser.last.clone(),
                    event: Event {
                        id: self.parser.last.clone(),
                        ..Event::default()
                    },
                    ..Parser::default()
                };
                self.opened.insert(opened)
            }
        };
        let piece = opened.more();
        if piece.is_empty() {
            self.opened = None;
            std::thread::sleep(self.parser.retry.unwrap_or(RETRY));
        }
        self.ready.extend(self.parser.read(&piece));
        Ok(())
    }
}

/// Asks for events, from the last id on if there is one.
fn open(shop: &Shop, who: As<'_>, query: &str, variables: &Value, last: &str) -> Result<Opened> {
    let mut call = Call::post(&json!({ "query": query, "variables": variables })).header("accept", EVENTS);
    if !last.is_empty() {
        call = call.header("last-event-id", last);
    }
    shop.open_as(who, call, CONNECTION)
}

/// The first result that a subscription tells, or its refusal.
pub fn first(shop: &Shop, who: As<'_>, query: &str, variables: &Value) -> Result<Answer> {
    let mut opened = open(shop, who, query, variables, "")?;
    if opened.reply.status != 200 {
        return Answer::new(opened.whole()?);
    }
    opened.reply.expect_media_type(EVENTS)?;
    let mut parser = Parser::default();
    loop {
        let piece = opened.more();
        opened.reply.expect(!piece.is_empty(), || {
            "the first answer should tell a result".into()
        })?;
        if let Some(event) = parser.read(&piece).into_iter().next() {
            return Answer::new(opened.with_body(event.data));
        }
    }
}
