//! One connection of a load.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use super::outcome::Outcome;
use crate::bench::http::{Answer, Connection};
use crate::bench::request::Request;

const THIS_MACHINE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
/// The pause after a failure to connect, so that a shop that is down is not flooded.
const PAUSE: Duration = Duration::from_millis(50);

/// One connection of a load.
pub struct Client<'a> {
    shop: SocketAddr,
    requests: &'a [Request],
    order: &'a [usize],
    connection: Option<Connection>,
}

impl<'a> Client<'a> {
    /// Creates a client that is not connected yet.
    pub fn new(shop: SocketAddr, requests: &'a [Request], order: &'a [usize]) -> Self {
        Self {
            shop,
            requests,
            order,
            connection: None,
        }
    }

    /// Sends requests until the end: one after the other, or one in each interval. A latency counts from the time
    /// at which the request should be sent.
    pub fn repeat(mut self, first: Instant, end: Instant, interval: Option<Duration>) -> Outcome {
        let mut outcome = Outcome::default();
        let mut due = first;
        for number in self.order.iter().cycle() {
            match interval {
                Some(_) => std::thread::sleep(due.saturating_duration_since(Instant::now())),
                None => due = Instant::now(),
            }
            let Some(request) = self.requests.get(*number).filter(|_| Instant::now() < end) else {
                break;
            };
            match self.send(request) {
                Ok(answer) => outcome.answered(request, &answer, due.elapsed()),
                Err(error) => {
                    outcome.lost(request, &error);
                    std::thread::sleep(PAUSE);
                }
            }
            due += interval.unwrap_or_default();
        }
        outcome
    }

    /// Sends a request. A shop may close a connection that is idle, so a request on an old one is sent again.
    fn send(&mut self, request: &Request) -> io::Result<Answer> {
        let kept = self.connection.take();
        let was_kept = kept.is_some();
        match self.exchange(kept, request) {
            Err(error) if was_kept && is_closed(&error) => self.exchange(None, request),
            answer => answer,
        }
    }

    fn exchange(&mut self, kept: Option<Connection>, request: &Request) -> io::Result<Answer> {
        let mut connection = match kept {
            Some(connection) => connection,
            None => Connection::open(self.shop, THIS_MACHINE)?,
        };
        let answer = connection.exchange(&request.bytes)?;
        self.connection = Some(connection);
        Ok(answer)
    }
}

fn is_closed(error: &io::Error) -> bool {
    use io::ErrorKind::{BrokenPipe, ConnectionReset, UnexpectedEof};
    matches!(error.kind(), BrokenPipe | ConnectionReset | UnexpectedEof)
}
