//! `mercato:platform/http-client`.

use mercato_ports::http_client::{Header, HttpFailure, Method, Request};

use crate::runtime::bindings::mercato::platform::http_client as wit;
use crate::runtime::state::State;

impl wit::Host for State {
    async fn send(&mut self, request: wit::Request) -> wasmtime::Result<Result<wit::Response, wit::Error>> {
        let wit::Request {
            method,
            url,
            headers,
            body,
            timeout_ms,
        } = request;
        let header = |wit::Header { name, value }| Header { name, value };
        let sent = self
            .platform
            .http_client
            .send(Request {
                method: match method {
                    wit::Method::Get => Method::Get,
                    wit::Method::Post => Method::Post,
                    wit::Method::Put => Method::Put,
                    wit::Method::Patch => Method::Patch,
                    wit::Method::Delete => Method::Delete,
                },
                url,
                headers: headers.into_iter().map(header).collect(),
                body,
                timeout_ms,
            })
            .await;
        let header = |Header { name, value }| wit::Header { name, value };
        Ok(sent
            .map(|response| wit::Response {
                status: response.status,
                headers: response.headers.into_iter().map(header).collect(),
                body: response.body,
            })
            .map_err(|failure| match failure {
                HttpFailure::Refused(why) => wit::Error::Refused(why),
                HttpFailure::NotSent(why) => wit::Error::NotSent(why),
                HttpFailure::Unknown(why) => wit::Error::Unknown(why),
            }))
    }
}
