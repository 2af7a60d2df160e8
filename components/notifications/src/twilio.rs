//! Twilio's REST API, as far as SMS need it: "Create a Message" (`POST /2010-04-01/Accounts/{Sid}/Messages.json`), form-encoded, by
//! basic authentication (RFC 7617).

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use form_urlencoded::{Serializer, byte_serialize};
use mercato_ports::http_client::{Header, HttpFailure, Method, Request, Response};
use mercato_shop::ports::HttpClient;
use serde::Deserialize;

use crate::senders::Trouble;

/// How long Twilio may take to answer, in milliseconds.
const TIMEOUT: u32 = 10_000;

/// Twilio behind a client of HTTP.
pub struct Twilio<'a, H> {
    http: &'a H,
    url: String,
    authorization: String,
    from: String,
}

impl<H> fmt::Debug for Twilio<'_, H> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Twilio").finish_non_exhaustive()
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Refusal {
    code: u32,
}

impl<'a, H: HttpClient> Twilio<'a, H> {
    /// Twilio at a base URL, for an account, by its token. `from` is a number of the account's, or the name of the sender.
    pub fn new(http: &'a H, base: &str, account: &str, token: &str, from: String) -> Self {
        let escaped: String = byte_serialize(account.as_bytes()).collect();
        Self {
            http,
            url: format!(
                "{}/2010-04-01/Accounts/{escaped}/Messages.json",
                base.trim_end_matches('/')
            ),
            authorization: format!("Basic {}", STANDARD.encode(format!("{account}:{token}"))),
            from,
        }
    }

    /// Sends one SMS.
    ///
    /// # Errors
    /// Whether it can be sent later. Where it is unknown whether it was sent, it is sent again: Twilio knows no idempotency keys.
    pub fn send(&self, to: &str, text: &str) -> Result<(), Trouble> {
        let form = [("To", to), ("From", &self.from), ("Body", text)];
        let request = Request {
            method: Method::Post,
            url: self.url.clone(),
            headers: vec![
                header("authorization", &self.authorization),
                header("content-type", "application/x-www-form-urlencoded"),
            ],
            body: Serializer::new(String::new())
                .extend_pairs(form)
                .finish()
                .into_bytes(),
            timeout_ms: TIMEOUT,
        };
        match self.http.request(&request) {
            Ok(response) => read(&response),
            Err(HttpFailure::Refused(reason)) => {
                Err(Trouble::Never(format!("Twilio can't be asked: {reason}")))
            }
            Err(HttpFailure::NotSent(_)) => Err(Trouble::Later("Twilio was not reached.".into())),
            Err(HttpFailure::Unknown(_)) => Err(Trouble::Later("Twilio's answer was lost.".into())),
        }
    }
}

/// Understands a response. Twilio's own words may repeat the number, and are not told.
fn read(response: &Response) -> Result<(), Trouble> {
    match response.status {
        200..=299 => Ok(()),
        // Wrong credentials are for the operator to mend, and not the fault of the message.
        status @ (401 | 408 | 429 | 500..=599) => Err(Trouble::Later(format!("Twilio answered {status}."))),
        status => {
            let refusal: Refusal = serde_json::from_slice(&response.body).unwrap_or_default();
            Err(Trouble::Never(format!(
                "Twilio answered {status}, with its error code {}.",
                refusal.code
            )))
        }
    }
}

fn header(name: &str, value: &str) -> Header {
    Header {
        name: name.into(),
        value: value.as_bytes().to_vec(),
    }
}
