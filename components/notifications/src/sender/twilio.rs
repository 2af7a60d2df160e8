//! Twilio's REST API for SMS.
//!
//! Calls "Create a Message" (`POST /2010-04-01/Accounts/{Sid}/Messages.json`): form-encoded, with basic
//! authentication (RFC 7617).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use form_urlencoded::{Serializer, byte_serialize};
use mercato_ports::http_client::{Header, HttpFailure, Method, Request, Response};
use mercato_shop::ports::HttpClient;
use mercato_shop::settings::sms::Account;
use serde::Deserialize;

use super::error::SendError;

/// How long to wait for a response, in milliseconds.
const TIMEOUT: u32 = 10_000;

/// A client for one Twilio account. It holds a secret, so it has no `Debug`.
pub struct Twilio<'a, H> {
    http: &'a H,
    account: Account,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct ErrorBody {
    code: u32,
}

impl<'a, H: HttpClient> Twilio<'a, H> {
    pub const fn new(http: &'a H, account: Account) -> Self {
        Self { http, account }
    }

    /// Sends one SMS.
    ///
    /// # Errors
    /// [`SendError::Temporary`] also if it is unknown whether the SMS was sent. Then it may be sent twice,
    /// since Twilio has no idempotency keys.
    pub fn send(&self, to: &str, text: &str) -> Result<(), SendError> {
        let account = &self.account;
        let escaped_sid: String = byte_serialize(account.sid.as_bytes()).collect();
        let credentials = STANDARD.encode(format!("{}:{}", account.sid, account.token));
        let form = [("To", to), ("From", &account.from), ("Body", text)];
        let request = Request {
            method: Method::Post,
            url: format!(
                "{}/2010-04-01/Accounts/{escaped_sid}/Messages.json",
                account.base.trim_end_matches('/')
            ),
            headers: vec![
                header("authorization", &format!("Basic {credentials}")),
                header("content-type", "application/x-www-form-urlencoded"),
            ],
            body: Serializer::new(String::new())
                .extend_pairs(form)
                .finish()
                .into_bytes(),
            timeout_ms: TIMEOUT,
        };
        match self.http.send(&request) {
            Ok(response) => read(&response),
            Err(HttpFailure::Refused(reason)) => Err(SendError::Permanent(format!(
                "The request to Twilio was refused: {reason}"
            ))),
            Err(HttpFailure::NotSent(_)) => Err(SendError::Temporary("Twilio could not be reached.".into())),
            Err(HttpFailure::Unknown(_)) => Err(SendError::Temporary("Twilio's response was lost.".into())),
        }
    }
}

/// Reads a response. Twilio's own message is dropped, since it may repeat the phone number.
fn read(response: &Response) -> Result<(), SendError> {
    match response.status {
        200..=299 => Ok(()),
        // The operator can correct wrong credentials, so 401 is temporary.
        status @ (401 | 408 | 429 | 500..=599) => {
            Err(SendError::Temporary(format!("Twilio answered {status}.")))
        }
        status => {
            let error: ErrorBody = serde_json::from_slice(&response.body).unwrap_or_default();
            Err(SendError::Permanent(format!(
                "Twilio answered {status}, with its error code {}.",
                error.code
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
