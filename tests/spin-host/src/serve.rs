//! Requests: from a connection, or from another component, to a fresh instance, and the answer back while the instance still works.

use std::collections::BTreeMap;
use std::convert::Infallible;
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
use wasmtime::{Result, Store, format_err};
use wasmtime_wasi_http::p2::bindings::http::types::Scheme;
use wasmtime_wasi_http::{Error, WasiBody, WasiHttpView as _};

use crate::app::{App, Route};
use crate::chain::Chain;
use crate::engine::{self, Ready};
use crate::keyvalue::Stores;
use crate::state::State;

/// Where Spin tells a component its client's address.
const CLIENT: HeaderName = HeaderName::from_static("spin-client-addr");

/// A running application.
pub struct Server {
    components: BTreeMap<String, Ready>,
    routes: Vec<(Route, String)>,
    stores: Stores,
    data: PathBuf,
}

impl Server {
    /// Compiles the application's components, and opens the state folder.
    ///
    /// # Errors
    /// Where one of them is not as it should be.
    pub fn new(app: App, data: &Path, cache: Option<&Path>) -> Result<Self> {
        std::fs::create_dir_all(data).with_context(|| format!("{} can't be made", data.display()))?;
        let engine = engine::engine(cache)?;
        let components = app
            .components
            .into_iter()
            .map(|(id, component)| Ok((id, engine::ready(&engine, component)?)))
            .collect::<Result<_>>()?;
        Ok(Self {
            components,
            routes: app.routes,
            stores: Stores::open(data)?,
            data: data.to_owned(),
        })
    }

    /// Answers a request from outside.
    async fn answer(
        self: Arc<Self>,
        mut request: Request<Incoming>,
        client: SocketAddr,
    ) -> Response<WasiBody> {
        let path = request.uri().path();
        if path == "/.well-known/spin/health" {
            return response(StatusCode::OK, "OK");
        }
        let routed = self.routes.iter().find(|(route, _)| route.takes(path));
        let Some((_, component)) = routed else {
            return response(StatusCode::NOT_FOUND, "");
        };
        let host = request.headers().get(HOST).and_then(|host| host.to_str().ok());
        if host.is_some_and(|host| host.ends_with(".spin.internal")) {
            request.headers_mut().remove(HOST);
        }
        if let Ok(client) = HeaderValue::from_str(&client.to_string()) {
            request.headers_mut().insert(CLIENT, client);
        }
        self.run(component, request).await
    }

    /// Lets a fresh instance of a component answer a request.
    pub async fn run<B>(self: &Arc<Self>, component: &str, request: Request<B>) -> Response<WasiBody>
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
        let ready = self
            .components
            .get(component)
            .ok_or_else(|| format_err!("there is no component `{component}`"))?;
        describe(&mut request)?;
        let chain = Chain {
            component: Arc::clone(&ready.component),
            server: Arc::clone(self),
        };
        let state = State::new(
            Arc::clone(&ready.component),
            self.stores.clone(),
            self.data.clone(),
            chain,
        );
        let mut store = Store::new(ready.instance_pre.engine(), state);
        let instance = ready.instance_pre.instantiate_async(&mut store).await?;
        let proxy = ready.proxy.load(&mut store, &instance)?;
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

/// Adds what Spin tells a component of its request; a header that is no text fails the request.
fn describe<B>(request: &mut Request<B>) -> Result<()> {
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
            .insert(HeaderName::from_static(name), HeaderValue::from_str(&value)?);
    }
    Ok(())
}

fn response(status: StatusCode, text: &'static str) -> Response<WasiBody> {
    let body = Full::new(Bytes::from_static(text.as_bytes()));
    let mut response = Response::new(body.map_err(|never| match never {}).boxed_unsync());
    *response.status_mut() = status;
    response
}

/// Takes connections for ever.
pub async fn serve(listener: TcpListener, server: Arc<Server>) {
    loop {
        let Ok((stream, client)) = listener.accept().await else {
            continue;
        };
        let server = Arc::clone(&server);
        tokio::spawn(async move {
            let answer = service_fn(move |request| {
                let server = Arc::clone(&server);
                async move { Ok::<_, Infallible>(server.answer(request, client).await) }
            });
            // A client that goes away is not worth a word.
            let _ = Builder::new(TokioExecutor::new())
                .serve_connection(TokioIo::new(stream), answer)
                .await;
        });
    }
}
