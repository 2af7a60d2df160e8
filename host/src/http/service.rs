//! The handling of one request: its id, its body, its response, its log line.

use std::convert::Infallible;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::{Either, Full};
use hyper::body::Incoming;
use mercato_ports::documents::Documents;
use mercato_shop::http::health::{LIVE_PATH, READY_PATH};
use mercato_shop::http::{BrowserPolicy, client_address, request_id, uncached};
use tracing::{Instrument, error, error_span, info, warn};

use super::problem::Problem;
use super::request_context::RequestContext;
use super::streams::{Body, Streams};
use super::{body, health};
use crate::metrics::{self, Load, Metrics};
use crate::runtime::{CallError, Pool};

/// Answers requests.
pub struct Service {
    /// The instances of the shop.
    pub pool: Arc<Pool>,
    /// The store, which decides whether the shop is ready.
    pub documents: Arc<dyn Documents>,
    /// The maximum size of a body, in bytes.
    pub body_limit: usize,
    /// The event streams that are held open.
    pub streams: Streams,
    /// The header with the address of the client.
    pub address_header: HeaderName,
    /// The metrics.
    pub metrics: Arc<Metrics>,
    /// The response headers for browsers.
    pub browsers: BrowserPolicy,
}

impl Service {
    /// Answers a request. If the client disconnects, the request still runs to its end, so that no change is
    /// half made.
    ///
    /// # Errors
    /// Never.
    pub async fn answer(
        self: Arc<Self>,
        mut request: Request<Incoming>,
        client: IpAddr,
    ) -> Result<Response<Body>, Infallible> {
        let context = RequestContext::new(&mut request);
        let is_read = matches!(context.method, Method::GET | Method::HEAD);
        let mut response = match context.path().trim_end_matches('/') {
            LIVE_PATH if is_read => self.finish(&context, health::live()),
            READY_PATH if is_read => self.finish(&context, health::ready(&*self.documents).await),
            "/metrics" if is_read => self.finish(&context, self.metrics(&context)),
            _ => self.answer_counted(request, &context, client).await,
        };
        response.headers_mut().insert(request_id::HEADER, context.id);
        Ok(response)
    }

    /// Answers a request that is counted and logged: every request except those for health and metrics.
    async fn answer_counted(
        self: Arc<Self>,
        mut request: Request<Incoming>,
        context: &RequestContext,
        client: IpAddr,
    ) -> Response<Body> {
        let started = Instant::now();
        client_address::set(request.headers_mut(), client);
        let span = error_span!("request", id = context.id());
        let metrics = self.metrics.clone();
        let answer = async {
            match body::read(&mut request, self.body_limit).await {
                Err(problem) => {
                    let status = problem.status().as_u16();
                    info!(method = %context.method, path = context.path(), status);
                    self.reject(context, problem)
                }
                Ok(body) => {
                    let request = request.map(|_| Full::new(body));
                    let (service, task_context) = (Arc::clone(&self), context.clone());
                    let task = async move { service.call_shop(request, client, &task_context).await };
                    tokio::spawn(task.in_current_span())
                        .await
                        .unwrap_or_else(|panic| {
                            error!(%panic, "an internal error of the host");
                            self.reject(context, Problem::INTERNAL)
                        })
                }
            }
        };
        let response = answer.instrument(span).await;
        metrics.answered(&context.method, response.status(), started.elapsed());
        response
    }

    /// Passes a request to the shop. `peer` is the address of the connection.
    async fn call_shop(
        &self,
        mut request: Request<Full<Bytes>>,
        peer: IpAddr,
        context: &RequestContext,
    ) -> Response<Body> {
        let started = Instant::now();
        let stream_request = Streams::prepare(&mut request);
        let result = if has_host(&request) {
            self.pool
                .serve(request)
                .await
                .map_err(|error| self.failed(&error))
        } else {
            Err(Problem::NO_HOST)
        };
        let status = result.as_ref().map_or_else(Problem::status, Response::status);
        info!(
            method = %context.method,
            path = context.path(),
            status = status.as_u16(),
            micros = u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX),
        );
        match (result, stream_request) {
            (Err(problem), _) => self.reject(context, problem),
            (Ok(response), Some(request)) => {
                let client = client_address::ip(request.headers(), &self.address_header).unwrap_or(peer);
                self.streams.hold(client, request, response).await
            }
            (Ok(response), None) => response.map(Either::Left),
        }
    }

    /// Adds the headers for browsers to a response of the host.
    fn finish(&self, context: &RequestContext, mut response: Response<Full<Bytes>>) -> Response<Body> {
        self.browsers
            .apply(context.origin.as_ref(), response.headers_mut());
        response.map(Either::Left)
    }

    /// Answers with an error of the host.
    fn reject(&self, context: &RequestContext, problem: Problem) -> Response<Body> {
        self.finish(context, problem.response(context))
    }

    /// Logs and counts a failed call, and converts its error for the client.
    fn failed(&self, error: &CallError) -> Problem {
        match error {
            CallError::Acquire(_) => warn!("{error}"),
            CallError::Instance(_) => error!("{error}"),
        }
        self.metrics.failed();
        Problem::from(error)
    }

    fn metrics(&self, context: &RequestContext) -> Response<Full<Bytes>> {
        let (running, waiting) = self.pool.load();
        let load = Load {
            running,
            waiting,
            streams: self.streams.open(),
        };
        let Ok(text) = self.metrics.text(load) else {
            return Problem::INTERNAL.response(context);
        };
        let media_type = HeaderValue::from_static(metrics::MEDIA_TYPE);
        uncached(StatusCode::OK, media_type, Full::new(text.into()))
    }
}

/// Returns whether a request names its host, as HTTP requires (RFC 9112, section 3.2).
fn has_host<B>(request: &Request<B>) -> bool {
    request.uri().authority().is_some()
        || request
            .headers()
            .get(http::header::HOST)
            .is_some_and(|host| host.to_str().is_ok())
}
