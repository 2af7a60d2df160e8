//! Requests that components send: to `http://NAME.spin.internal` they go to the component of that name, and to other hosts by HTTP/1.1. Without
//! TLS: tests play those hosts on this machine.

use std::sync::Arc;

use http::uri::PathAndQuery;
use http::{HeaderValue, Request, Response, Uri, header};
use http_body_util::BodyExt as _;
use hyper::client::conn::http1::handshake;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use wasmtime_wasi_http::{Error, RequestOptions, WasiBody, WasiHttpHooks};

use crate::app::Component;
use crate::serve::Server;

/// How one instance sends requests.
pub struct Chain {
    /// Who sends.
    pub component: Arc<Component>,
    /// Whose components are reached.
    pub server: Arc<Server>,
}

/// What drives a connection; there is none.
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
            eprintln!("a request to {uri} is not allowed");
            return Box::new(async { Err(Error::HttpRequestDenied) });
        }
        let Some(target) = host.strip_suffix(".spin.internal").map(str::to_owned) else {
            return Box::new(outside(request));
        };
        request.headers_mut().remove(header::HOST);
        let server = Arc::clone(&self.server);
        Box::new(async move {
            let response = server.run(&target, request).await;
            Ok((response, Box::new(async { Ok(()) }) as Driver))
        })
    }
}

/// Sends a request to another host.
async fn outside(mut request: Request<WasiBody>) -> Result<(Response<WasiBody>, Driver), Error> {
    let uri = request.uri();
    let (Some("http"), Some(host)) = (uri.scheme_str(), uri.host()) else {
        eprintln!("a request to {uri} needs TLS, which this host does not have");
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
