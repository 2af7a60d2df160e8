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
use mercato_shop::browsers::Browsers;
use tracing::{Instrument, error, error_span, info, warn};

use super::asked::Asked;
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
    /// What answers tell browsers.
    pub browsers: Browsers,
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
        let asked = Asked::of(&mut request);
        let mut response = match asked.path() {
            "/livez" => self.own(&asked, health::live()),
            "/readyz" => self.own(&asked, health::ready(&*self.documents).await),
            "/metrics" => self.own(&asked, self.tell_metrics(&asked)),
            _ => self.count(request, &asked, client).await,
        };
        response.headers_mut().insert(request_id::HEADER, asked.id);
        Ok(response)
    }

    /// Answers a request that is counted and logged: all but those of orchestrators.
    async fn count(
        self: Arc<Self>,
        mut request: Request<Incoming>,
        asked: &Asked,
        client: IpAddr,
    ) -> Response<Body> {
        let begun = Instant::now();
        client_address::tell(request.headers_mut(), client);
        let span = error_span!("request", id = asked.id());
        let metrics = self.metrics.clone();
        let answer = async {
            match body::read(&mut request, self.body_limit).await {
                Err(problem) => {
                    info!(method = %asked.method, path = asked.path(), status = problem.status().as_u16());
                    self.refuse(asked, problem)
                }
                Ok(body) => {
                    let request = request.map(|_| Full::new(body));
                    let (service, own) = (Arc::clone(&self), asked.clone());
                    let work = async move { service.work(request, client, &own).await }.in_current_span();
                    tokio::spawn(work).await.unwrap_or_else(|panic| {
                        error!(%panic, "a fault of the host");
                        self.refuse(asked, Problem::INTERNAL)
                    })
                }
            }
        };
        let response = answer.instrument(span).await;
        metrics.answered(&asked.method, response.status(), begun.elapsed());
        response
    }

    /// Lets the shop answer what came over a connection from this address.
    async fn work(&self, mut request: Request<Full<Bytes>>, peer: IpAddr, asked: &Asked) -> Response<Body> {
        let begun = Instant::now();
        let again = Watches::prepare(&mut request);
        let answer = if has_host(&request) {
            self.pool
                .serve(request)
                .await
                .map_err(|error| self.failed(&error))
        } else {
            Err(Problem::NO_HOST)
        };
        let status = answer.as_ref().map_or_else(Problem::status, Response::status);
        info!(
            method = %asked.method,
            path = asked.path(),
            status = status.as_u16(),
            micros = u64::try_from(begun.elapsed().as_micros()).unwrap_or(u64::MAX),
        );
        match (answer, again) {
            (Err(problem), _) => self.refuse(asked, problem),
            (Ok(response), Some(again)) => {
                let told = client_address::told(again.headers(), &self.address_header);
                self.watches.hold(told.unwrap_or(peer), again, response).await
            }
            (Ok(response), None) => response.map(Either::Left),
        }
    }

    /// An answer of the host's own, as the shop's are told to browsers.
    fn own(&self, asked: &Asked, mut response: Response<Full<Bytes>>) -> Response<Body> {
        self.browsers.mark(asked.origin.as_ref(), response.headers_mut());
        response.map(Either::Left)
    }

    /// Answers without the shop.
    fn refuse(&self, asked: &Asked, problem: Problem) -> Response<Body> {
        self.own(asked, problem.response(asked))
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

    fn tell_metrics(&self, asked: &Asked) -> Response<Full<Bytes>> {
        let (running, waiting) = self.pool.load();
        let load = Load {
            running,
            waiting,
            streams: self.watches.open(),
        };
        let Ok(text) = self.metrics.text(load) else {
            return Problem::INTERNAL.response(asked);
        };
        let mut response = Response::new(Full::new(text.into()));
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(metrics::MEDIA_TYPE));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        response
    }
}

/// Whether a request says for whom it is, as HTTP demands (RFC 9112, section 3.2).
fn has_host<B>(request: &Request<B>) -> bool {
    request.uri().authority().is_some()
        || request
            .headers()
            .get(http::header::HOST)
            .is_some_and(|host| host.to_str().is_ok())
}
