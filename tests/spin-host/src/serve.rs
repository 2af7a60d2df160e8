//! Passes each request from a connection or another component to a new instance. The response is sent while
//! the instance may still run.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use http::header::HOST;
use http::{HeaderName, HeaderValue, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::body::{Body, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use wasmtime::error::Context as _;
use wasmtime::{Result, Store, bail, format_err};
use wasmtime_wasi_http::p2::bindings::http::types::Scheme;
use wasmtime_wasi_http::{Error, WasiBody, WasiHttpView as _};

use crate::app::{App, Route};
use crate::chain::{Answer, Chain, Components};
use crate::engine::{self, CompiledComponent};
use crate::state::State;
use crate::stores::Stores;

/// The header in which Spin sends the client's address.
const CLIENT_ADDRESS: HeaderName = HeaderName::from_static("spin-client-addr");

/// A running application.
pub struct Server {
    components: BTreeMap<String, CompiledComponent>,
    routes: Vec<(Route, String)>,
    stores: Stores,
    data: PathBuf,
}

impl Server {
    /// Compiles the components and opens the state folder.
    ///
    /// # Errors
    /// Fails if a component or the state folder can't be used.
    pub fn new(app: App, data: &Path, cache: Option<&Path>) -> Result<Self> {
        std::fs::create_dir_all(data).with_context(|| format!("{} can't be created", data.display()))?;
        let engine = engine::engine(cache)?;
        let components = app
            .components
            .into_iter()
            .map(|(id, component)| Ok((id, engine::compile(&engine, component)?)))
            .collect::<Result<_>>()?;
        Ok(Self {
            components,
            routes: app.routes,
            stores: Stores::open(data)?,
            data: data.to_owned(),
        })
    }

    /// Responds to a request of a client. As in Spin, the address of the client follows what the client sent
    /// as such.
    ///
    /// # Errors
    /// Fails if the request names no host, or two. Spin ends the connection then.
    async fn respond(
        self: Arc<Self>,
        mut request: Request<Incoming>,
        client: SocketAddr,
    ) -> Result<Response<WasiBody>> {
        let path = request.uri().path();
        if path == "/.well-known/spin/health" {
            return Ok(response(StatusCode::OK, "OK"));
        }
        let route = self.routes.iter().find(|(route, _)| route.matches(path));
        let Some((_, component)) = route else {
            return Ok(response(StatusCode::NOT_FOUND, ""));
        };
        let host = request.headers().get(HOST).and_then(|host| host.to_str().ok());
        if host.is_some_and(|host| host.ends_with(".spin.internal")) {
            request.headers_mut().remove(HOST);
        }
        check_host(&request)?;
        let client = HeaderValue::from_str(&client.to_string())?;
        request.headers_mut().append(CLIENT_ADDRESS, client);
        Ok(self.run(component, request).await)
    }

    /// Passes a request to a new instance of a component and returns its response.
    async fn run<B>(self: &Arc<Self>, component: &str, request: Request<B>) -> Response<WasiBody>
    where
        B: Body<Data = Bytes> + Send + 'static,
        B::Error: Into<Error>,
    {
        self.execute(component, request).await.unwrap_or_else(|error| {
            eprintln!("error processing request: {error:?}");
            response(StatusCode::INTERNAL_SERVER_ERROR, "")
        })
    }

    async fn execute<B>(
        self: &Arc<Self>,
        component: &str,
        mut request: Request<B>,
    ) -> Result<Response<WasiBody>>
    where
        B: Body<Data = Bytes> + Send + 'static,
        B::Error: Into<Error>,
    {
        let compiled = self
            .components
            .get(component)
            .ok_or_else(|| format_err!("the component `{component}` does not exist"))?;
        add_headers(&mut request)?;
        let chain = Chain {
            component: Arc::clone(&compiled.component),
            components: Arc::clone(self) as Arc<dyn Components>,
        };
        let state = State::new(
            Arc::clone(&compiled.component),
            self.stores.clone(),
            self.data.clone(),
            chain,
        );
        let mut store = Store::new(compiled.instance_pre.engine(), state);
        let instance = compiled.instance_pre.instantiate_async(&mut store).await?;
        let proxy = compiled.proxy.load(&mut store, &instance)?;
        let (sender, receiver) = oneshot::channel();
        let mut http = store.data_mut().http();
        let request = http.new_incoming_request(Scheme::Http, request)?;
        let out = http.new_response_outparam(sender)?;
        let guest = tokio::spawn(async move {
            let handler = proxy.wasi_http_incoming_handler();
            handler.call_handle(&mut store, request, out).await
        });
        match receiver.await {
            Ok(response) => {
                tokio::spawn(async move {
                    match guest.await {
                        Ok(Ok(())) => {}
                        Ok(Err(error)) => eprintln!("component error after response started: {error:?}"),
                        Err(panic) => eprintln!("{panic}"),
                    }
                });
                response.map_err(|code| format_err!("guest failed to produce a response: {code:?}"))
            }
            Err(_) => {
                guest.await??;
                Err(format_err!(
                    "guest failed to produce a response prior to returning"
                ))
            }
        }
    }
}

impl Components for Server {
    fn call(self: Arc<Self>, component: String, request: Request<WasiBody>) -> Answer {
        Box::pin(async move { self.run(&component, request).await })
    }
}

/// Checks that the header `Host` and the target of a request name one host together.
fn check_host<B>(request: &Request<B>) -> Result<()> {
    let header = request
        .headers()
        .get(HOST)
        .map(|host| host.to_str())
        .transpose()?;
    match (header, request.uri().authority()) {
        (None, None) => bail!("the request must have the header Host"),
        (Some(header), Some(target)) if header != target.as_str() => {
            bail!("the header Host and the target of the request must name the same host")
        }
        _ => Ok(()),
    }
}

/// Adds the headers in which Spin describes the request.
///
/// # Errors
/// Fails if a header is not text.
fn add_headers<B>(request: &mut Request<B>) -> Result<()> {
    for value in request.headers().values() {
        str::from_utf8(value.as_bytes())?;
    }
    let host = request
        .headers()
        .get(HOST)
        .map_or(Ok("localhost"), |host| host.to_str())?;
    let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
    let url = format!("http://{host}{path}");
    let path = request.uri().path().to_owned();
    for (name, value) in [("spin-full-url", url), ("spin-path-info", path)] {
        request
            .headers_mut()
            .append(HeaderName::from_static(name), HeaderValue::from_str(&value)?);
    }
    Ok(())
}

fn response(status: StatusCode, text: &'static str) -> Response<WasiBody> {
    let body = Full::new(Bytes::from_static(text.as_bytes()));
    let mut response = Response::new(body.map_err(|never| match never {}).boxed_unsync());
    *response.status_mut() = status;
    response
}

/// Accepts connections without end. Like Spin, it does not set `TCP_NODELAY`: a small packet waits until the
/// client acknowledges the one before it.
pub async fn serve(listener: TcpListener, server: Arc<Server>) {
    loop {
        let Ok((stream, client)) = listener.accept().await else {
            continue;
        };
        let server = Arc::clone(&server);
        tokio::spawn(async move {
            let service = service_fn(move |request| Arc::clone(&server).respond(request, client));
            // Errors are ignored: a client may disconnect at any time.
            let _ = Builder::new(TokioExecutor::new())
                .serve_connection(TokioIo::new(stream), service)
                .await;
        });
    }
}
