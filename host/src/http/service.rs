//! One request: its id, its body, its answer, its log line.

use std::convert::Infallible;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderName, HeaderValue, Request, Response};
use http_body_util::{Either, Full};
use hyper::body::Incoming;
use mercato_ports::documents::Documents;
use tracing::{Instrument, error, error_span, info, warn};

use super::problem::Problem;
use super::watch::{Body, Watches};
use super::{body, client_address, health, request_id};
use crate::metrics::{self, Load, Metrics};
use crate::runtime::{CallError, Pool};

/// What answers requests.
pub struct Service {
    /// The shop.
    pub pool: Arc<Pool>,
    /// Asked whether the shop is ready.
    pub documents: Arc<dyn Documents>,
    /// The largest body, in bytes.
    pub body_limit: usize,
    /// The streams that are held open.
    pub watches: Watches,
    /// The header that tells the address of a client.
    pub address_header: HeaderName,
    /// What is counted.
    pub metrics: Arc<Metrics>,
}

impl Service {
    /// Answers a request. It is worked on to its end even where the client goes away, so that nothing is left half done.
    ///
    /// # Errors
    /// Never.
    pub async fn answer(
        self: Arc<Self>,
        mut request: Request<Incoming>,
        client: IpAddr,
    ) -> Result<Response<Body>, Infallible> {
        match request.uri().path() {
            "/livez" => return Ok(health::live().map(Either::Left)),
            "/readyz" => return Ok(health::ready(&*self.documents).await.map(Either::Left)),
            "/metrics" => return Ok(self.tell_metrics().map(Either::Left)),
            _ => {}
        }
        let begun = Instant::now();
        let method = request.method().clone();
        let metrics = self.metrics.clone();
        let id = request_id::establish(request.headers_mut());
        client_address::tell(request.headers_mut(), client);
        let span = error_span!("request", id = request_id::text(&id));
        let answer = async {
            let id = id.clone();
            match body::read(&mut request, self.body_limit).await {
                Err(problem) => refuse(&request, problem, request_id::text(&id)).map(Either::Left),
                Ok(body) => {
                    let request = request.map(|_| Full::new(body));
                    let id = id.clone();
                    let work = async move { self.work(request, client, request_id::text(&id)).await };
                    let work = work.in_current_span();
                    tokio::spawn(work).await.unwrap_or_else(|panic| {
                        error!(%panic, "a fault of the host");
                        Problem::INTERNAL.response("").map(Either::Left)
                    })
                }
            }
        };
        let mut response = answer.instrument(span).await;
        response.headers_mut().insert(request_id::HEADER, id);
        metrics.answered(&method, response.status(), begun.elapsed());
        Ok(response)
    }

    /// Lets the shop answer what came over a connection from this address.
    async fn work(&self, mut request: Request<Full<Bytes>>, peer: IpAddr, id: &str) -> Response<Body> {
        let begun = Instant::now();
        let method = request.method().clone();
        let uri = request.uri().clone();
        let again = Watches::prepare(&mut request);
        let response = if has_host(&request) {
            self.pool
                .serve(request)
                .await
                .unwrap_or_else(|error| self.failed(&error).response(id))
        } else {
            Problem::NO_HOST.response(id)
        };
        info!(
            %method,
            path = uri.path(),
            status = response.status().as_u16(),
            micros = u64::try_from(begun.elapsed().as_micros()).unwrap_or(u64::MAX),
        );
        match again {
            Some(again) => {
                let told = client_address::told(again.headers(), &self.address_header);
                self.watches.hold(told.unwrap_or(peer), again, response).await
            }
            None => response.map(Either::Left),
        }
    }

    /// Logs why a call failed, and finds what the client is told.
    fn failed(&self, error: &CallError) -> Problem {
        match error {
            CallError::Busy(_) => warn!("{error}"),
            CallError::Trouble(_) => error!("{error}"),
        }
        self.metrics.failed();
        Problem::from(error)
    }

    fn tell_metrics(&self) -> Response<Full<Bytes>> {
        let (running, waiting) = self.pool.load();
        let load = Load {
            running,
            waiting,
            streams: self.watches.open(),
        };
        let Ok(text) = self.metrics.text(load) else {
            return Problem::INTERNAL.response("");
        };
        let mut response = Response::new(Full::new(text.into()));
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(metrics::MEDIA_TYPE));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        response
    }
}

/// Answers without the shop.
fn refuse<B>(request: &Request<B>, problem: Problem, id: &str) -> Response<Full<Bytes>> {
    info!(method = %request.method(), path = request.uri().path(), status = problem.status().as_u16());
    problem.response(id)
}

/// Whether a request says for whom it is, as HTTP demands (RFC 9112, section 3.2).
fn has_host<B>(request: &Request<B>) -> bool {
    request.uri().authority().is_some()
        || request
            .headers()
            .get(http::header::HOST)
            .is_some_and(|host| host.to_str().is_ok())
}
