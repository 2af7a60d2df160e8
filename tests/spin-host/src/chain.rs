//! Service chaining: requests to `http://NAME.spin.internal` go to the component of that name.

use std::sync::Arc;

use http::{Request, Response, header};
use wasmtime_wasi_http::{Error, RequestOptions, WasiBody, WasiHttpHooks};

use crate::app::Component;
use crate::serve::Server;

/// How one instance sends requests. Others than chained ones are refused: nothing here has a use for them.
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
        let target = host.strip_suffix(".spin.internal").map(str::to_owned);
        let (Some(target), true) = (target, allowed) else {
            eprintln!("a request to {uri} is not allowed");
            return Box::new(async { Err(Error::HttpRequestDenied) });
        };
        request.headers_mut().remove(header::HOST);
        let server = Arc::clone(&self.server);
        Box::new(async move {
            let response = server.run(&target, request).await;
            Ok((response, Box::new(async { Ok(()) }) as Driver))
        })
    }
}
