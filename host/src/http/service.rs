//! The handling of one request: its id, its body, its response, its log line.

use std::convert::Infallible;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::header::{ALLOW, CONNECTION, HOST};
use http::{HeaderName, HeaderValue, Method, Request, Response, StatusCode, Version};
use http_body_util::{Either, Full};
use hyper::body::Incoming;
use mercato_ports::documents::Documents;
use mercato_shop::http::health::{LIVE_PATH, READY_PATH};
use mercato_shop::http::{BrowserPolicy, client_address, request_id, uncached};
use tokio::time::sleep;
use tracing::{Instrument, error, error_span, info, warn};

use super::connection_state::Client;
use super::connections::Connections;
use super::head::RefusedHead;
use super::problem::{METHODS, Problem};
use super::refusals::Pace;
use super::request_context::RequestContext;
use super::response_body::{Body, ResponseBody};
use super::stopping::Stopping;
use super::streams::Streams;
use super::{body, client_network, health, raw_response, request_check};
use crate::logs::LineLimit;
use crate::metrics::{self, Load, Metrics};
use crate::runtime::{AcquireError, CallError, Pool};

/// Answers requests.
pub struct Service {
    /// The instances of the shop.
    pub pool: Arc<Pool>,
    /// The store, which decides whether the shop is ready.
    pub documents: Arc<dyn Documents>,
    /// The open connections.
    pub connections: Arc<Connections>,
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
    /// The pace of refusals.
    pub pace: Pace,
    /// The limit of log lines of refused requests.
    pub refusal_lines: LineLimit,
    /// Whether the server stops.
    pub stopping: Stopping,
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
        client: Client,
    ) -> Result<Response<ResponseBody>, Infallible> {
        let running = client.connection.begin();
        client.connection.read_enough().await;
        let is_http2 = request.version() == Version::HTTP_2;
        // A client of HTTP/1.0, such as a simple health check, names no host.
        if request.version() == Version::HTTP_10 && !request.headers().contains_key(HOST) {
            request
                .headers_mut()
                .insert(HOST, HeaderValue::from_static("localhost"));
        }
        // The context may add a header to the request.
        let checked = request_check::check(&request);
        let context = RequestContext::new(&mut request);
        let mut response = match checked {
            Ok(()) => self.route(request, &context, &client).await,
            Err(problem) => self.refuse(&context, problem),
        };
        response.headers_mut().insert(request_id::HEADER, context.id);
        // HTTP/2 has a message of its own for the end of a connection.
        if self.stopping.has_begun() && !is_http2 {
            response
                .headers_mut()
                .insert(CONNECTION, HeaderValue::from_static("close"));
        }
        Ok(response.map(|body| ResponseBody::new(body, &client.connection, running)))
    }

    /// Returns the bytes of the response to a head that is no valid request.
    pub fn refuse_head(&self, head: RefusedHead) -> Vec<u8> {
        let mut request = Request::new(());
        *request.method_mut() = head.method;
        *request.uri_mut() = head.target;
        let context = RequestContext::new(&mut request);
        let mut response = self.refuse(&context, head.problem);
        let headers = response.headers_mut();
        headers.insert(request_id::HEADER, context.id.clone());
        raw_response::encode(response, &context.method)
    }

    /// Logs and counts an invalid request, and returns its response.
    fn refuse(&self, context: &RequestContext, problem: Problem) -> Response<Body> {
        let _span = error_span!("request", id = context.id()).entered();
        self.log_refusal(context, problem);
        self.metrics
            .answered(&context.method, problem.status(), Duration::ZERO);
        self.reject(context, problem)
    }

    /// Answers a valid request by its path.
    async fn route(
        self: &Arc<Self>,
        request: Request<Incoming>,
        context: &RequestContext,
        client: &Client,
    ) -> Response<Body> {
        let is_read = matches!(context.method, Method::GET | Method::HEAD);
        match context.path().trim_end_matches('/') {
            LIVE_PATH | READY_PATH | "/metrics" if !is_read => self.reject(context, Problem::READ_ONLY),
            LIVE_PATH | READY_PATH if self.stopping.has_begun() => self.finish(context, health::stopping()),
            LIVE_PATH => self.finish(context, health::live()),
            READY_PATH => self.finish(context, health::ready(&*self.documents).await),
            "/metrics" => self.finish(context, self.metrics(context)),
            "*" => self.finish(context, options()),
            _ => self.answer_counted(request, context, client).await,
        }
    }

    /// Writes a line about refusals that were not logged, if there are any.
    pub fn log_omitted(&self) {
        if let Some(omitted) = self.refusal_lines.take_omitted() {
            warn!(omitted, "further requests were refused");
        }
    }

    /// Answers a request that is counted and logged: every request except those for health and metrics.
    async fn answer_counted(
        self: &Arc<Self>,
        mut request: Request<Incoming>,
        context: &RequestContext,
        client: &Client,
    ) -> Response<Body> {
        let started = Instant::now();
        self.stopping.count();
        client_address::set(request.headers_mut(), client.address);
        let span = error_span!("request", id = context.id());
        let answer = async {
            match self.call(request, context, client).await {
                Ok(response) => response,
                Err(problem) => {
                    if problem.is_busy() {
                        sleep(self.pace.delay(Instant::now())).await;
                    }
                    self.reject(context, problem)
                }
            }
        };
        let response = answer.instrument(span).await;
        self.metrics
            .answered(&context.method, response.status(), started.elapsed());
        response
    }

    /// Reads the body of a request, and passes the request to the shop.
    async fn call(
        self: &Arc<Self>,
        mut request: Request<Incoming>,
        context: &RequestContext,
        client: &Client,
    ) -> Result<Response<Body>, Problem> {
        let sender = self.sender(&request, client);
        let body = self
            .receive(&mut request, sender, client)
            .await
            .inspect_err(|problem| self.log_refusal(context, *problem))?;
        let request = request.map(|_| body);
        // A client that cancels a request gets no further call in its place while that one runs.
        let permit = Arc::clone(&client.connection.calls).acquire_owned().await;
        let (service, client, task_context) = (Arc::clone(self), client.clone(), context.clone());
        // Boxed, because the runtime moves a future several times.
        let task = Box::pin(async move {
            let _permit = permit;
            service.call_shop(request, sender, &client, &task_context).await
        });
        tokio::spawn(task.in_current_span())
            .await
            .unwrap_or_else(|panic| {
                error!(%panic, "an internal error of the host");
                Err(Problem::INTERNAL)
            })
    }

    /// Reads the body of a request, unless the shop has no room for the request.
    async fn receive(
        &self,
        request: &mut Request<Incoming>,
        sender: IpAddr,
        client: &Client,
    ) -> Result<Bytes, Problem> {
        if !self.pool.has_room(sender) {
            self.metrics.failed();
            return Err(self.busy());
        }
        body::read(request, self.body_limit, &client.connection).await
    }

    /// Returns the address of the client that has sent a request: the one that a proxy names, or the one of the
    /// connection.
    fn sender<B>(&self, request: &Request<B>, client: &Client) -> IpAddr {
        let named = client_address::ip(request.headers(), &self.address_header);
        client_network::of(named.unwrap_or(client.address))
    }

    /// Passes a request to the shop.
    async fn call_shop(
        &self,
        mut request: Request<Bytes>,
        sender: IpAddr,
        client: &Client,
        context: &RequestContext,
    ) -> Result<Response<Body>, Problem> {
        let started = Instant::now();
        let stream_request = Streams::prepare(&mut request);
        let response = self
            .pool
            .serve(request, sender)
            .await
            .map_err(|error| self.failed(context, &error))?;
        info!(
            method = %context.method,
            path = context.path(),
            status = response.status().as_u16(),
            micros = u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX),
        );
        Ok(match stream_request {
            Some(request) => self.streams.hold(sender, &client.connection, request, response),
            None => response.map(|body| Either::Left(Full::new(body))),
        })
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
    fn failed(&self, context: &RequestContext, error: &CallError) -> Problem {
        self.metrics.failed();
        let problem = match error {
            CallError::Acquire(AcquireError::Busy) => {
                let busy = self.busy();
                self.log_refusal(context, busy);
                return busy;
            }
            CallError::Acquire(_) => Problem::INTERNAL,
            CallError::Instance(error) => Problem::from(error),
        };
        let status = problem.status().as_u16();
        error!(method = %context.method, path = context.path(), status, "{error}");
        problem
    }

    fn busy(&self) -> Problem {
        Problem::busy(self.pool.retry_after())
    }

    /// Writes the log line of a refused request. During a flood of refusals, most lines are omitted.
    fn log_refusal(&self, context: &RequestContext, problem: Problem) {
        if self.refusal_lines.permit().is_some() {
            let status = problem.status().as_u16();
            info!(method = %context.method, path = context.path(), status, code = problem.code());
        }
    }

    fn metrics(&self, context: &RequestContext) -> Response<Full<Bytes>> {
        let load = Load {
            pool: self.pool.load(),
            streams: self.streams.open(),
            connections: self.connections.count(),
        };
        let Ok(text) = self.metrics.text(load) else {
            return Problem::INTERNAL.response(context);
        };
        let media_type = HeaderValue::from_static(metrics::MEDIA_TYPE);
        uncached(StatusCode::OK, media_type, Full::new(text.into()))
    }
}

/// Returns the response to `OPTIONS *`, which asks for the methods of the server.
fn options() -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::default());
    *response.status_mut() = StatusCode::NO_CONTENT;
    response
        .headers_mut()
        .insert(ALLOW, HeaderValue::from_static(METHODS));
    response
}
