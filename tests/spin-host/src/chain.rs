//! Sends the requests of components. A request to `http://NAME.spin.internal` goes to the component of that
//! name (service chaining). Other requests use HTTP/1.1 without TLS, because the tests run the other hosts on
//! this machine.

use std::pin::Pin;
use std::sync::Arc;

use http::uri::PathAndQuery;
use http::{HeaderValue, Request, Response, Uri, header};
use http_body_util::BodyExt as _;
use hyper::client::conn::http1::handshake;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use wasmtime_wasi_http::{Error, RequestOptions, WasiBody, WasiHttpHooks};

use crate::app::Component;

/// Sends the requests of one instance.
pub struct Chain {
    /// The component that sends requests.
    pub component: Arc<Component>,
    /// The components that can be called.
    pub components: Arc<dyn Components>,
}

/// Runs the components of an application by their names.
pub trait Components: Send + Sync {
    /// Passes a request to a component and returns its response.
    fn call(self: Arc<Self>, component: String, request: Request<WasiBody>) -> Answer;
}

/// A response of a component that is not here yet.
pub type Answer = Pin<Box<dyn Future<Output = Response<WasiBody>> + Send>>;

/// A future that drives a connection. Here it does nothing.
type Driver = Box<dyn Future<Output = Result<(), Error>> + Send>;

impl WasiHttpHooks for Chain {
    fn send_request(
        &mut self,
        mut request: Request<WasiBody>,
        _: Option<RequestOptions>,
        _: Box<dyn Future<Output = Result<(), Error>> + Send>,
    ) -> Box<dyn Future<Output = Result<(Response<WasiBody>, Driver), Error>> + Send> {
        let uri = request.uri().clone();
        let (scheme, host) = (
            uri.scheme_str().unwrap_or("https"),
            uri.host().unwrap_or_default(),
        );
        let allowed = self
            .component
            .hosts
            .iter()
            .any(|allowed| allowed.allows(scheme, host, uri.port_u16()));
        if !allowed {
            eprintln!("a request to {uri} is not in allowed_outbound_hosts");
            return Box::new(async { Err(Error::HttpRequestDenied) });
        }
        let Some(target) = host.strip_suffix(".spin.internal").map(str::to_owned) else {
            return Box::new(send(request));
        };
        request.headers_mut().remove(header::HOST);
        let components = Arc::clone(&self.components);
        Box::new(async move {
            let response = components.call(target, request).await;
            Ok((response, Box::new(async { Ok(()) }) as Driver))
        })
    }
}

/// Sends a request to another host.
async fn send(mut request: Request<WasiBody>) -> Result<(Response<WasiBody>, Driver), Error> {
    let uri = request.uri();
    let (Some("http"), Some(host)) = (uri.scheme_str(), uri.host()) else {
        eprintln!("a request to {uri} needs TLS, which this host does not support");
        return Err(Error::TlsProtocolError);
    };
    let address = format!("{host}:{}", uri.port_u16().unwrap_or(80));
    let path = uri.path_and_query().cloned();
    let stream = TcpStream::connect(&address).await.map_err(Error::Connect)?;
    let (mut sender, connection) = handshake(TokioIo::new(stream)).await.map_err(Error::Hyper)?;
    tokio::spawn(connection);
    let own = HeaderValue::from_str(&address).map_err(|_| Error::HttpRequestUriInvalid)?;
    request.headers_mut().insert(header::HOST, own);
    *request.uri_mut() = Uri::from(path.unwrap_or(PathAndQuery::from_static("/")));
    let response = sender.send_request(request).await.map_err(Error::Hyper)?;
    let response = response.map(|body| body.map_err(Error::Hyper).boxed_unsync());
    Ok((response, Box::new(async { Ok(()) })))
}
