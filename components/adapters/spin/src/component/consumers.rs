//! The subscribers as private components of the same application, which the relay reaches by service
//! chaining.

use mercato_ports::cloud_event;
use mercato_ports::events::{DeliveryFailure, Event, HandlerFailure};
use mercato_ports::http_client::{Header, HttpFailure, Method, Request};

use super::http;
use crate::relay::Consumers;

/// The time limit of a delivery, in milliseconds.
const TIMEOUT: u32 = 10_000;

/// The maximum number of characters of a reason.
const MAX_REASON: usize = 1_000;

/// The prefix of event attributes in HTTP headers, as CloudEvents defines it.
const PREFIX: &str = "ce-";

/// Delivers to the component `<subscriber>-events`.
pub struct PrivateComponents;

impl Consumers for PrivateComponents {
    fn deliver(&self, subscriber: &str, event: &Event) -> Result<(), DeliveryFailure> {
        let response = http::send(&request(subscriber, event)).map_err(|failure| match failure {
            HttpFailure::Refused(reason) | HttpFailure::NotSent(reason) => {
                DeliveryFailure::Unreachable(format!("{subscriber} can't be reached: {reason}"))
            }
            HttpFailure::Unknown(reason) => {
                HandlerFailure::Retry(format!("{subscriber} did not answer: {reason}")).into()
            }
        })?;
        let reason = || -> String {
            let text = String::from_utf8_lossy(&response.body);
            text.chars().take(MAX_REASON).collect()
        };
        match response.status {
            204 => Ok(()),
            422 => Err(HandlerFailure::Reject(reason()).into()),
            status => Err(HandlerFailure::Retry(format!("status {status}: {}", reason())).into()),
        }
    }
}

fn request(subscriber: &str, event: &Event) -> Request {
    let header = |name: String, value: String| Header {
        name,
        value: value.into_bytes(),
    };
    let mut headers = vec![header("content-type".into(), "application/json".into())];
    let attributes = cloud_event::attributes(event).into_iter();
    headers.extend(attributes.map(|(name, value)| header(format!("{PREFIX}{name}"), value)));
    Request {
        method: Method::Post,
        url: format!("http://{subscriber}-events.spin.internal/"),
        headers,
        body: event.data.clone().into_bytes(),
        timeout_ms: TIMEOUT,
    }
}
