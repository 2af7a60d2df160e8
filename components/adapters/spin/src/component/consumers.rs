//! Private components that handle events, reached by service chaining.

use mercato_ports::cloud_event;
use mercato_ports::events::{Event, HandlerFailure};
use wasip2::clocks::monotonic_clock::subscribe_duration;
use wasip2::http::outgoing_handler;
use wasip2::http::types::{
    ErrorCode, Fields, FutureIncomingResponse, IncomingBody, IncomingResponse, Method, OutgoingBody,
    OutgoingRequest, Scheme,
};
use wasip2::io::poll::poll;

use crate::relay::Consumers;

/// How long a consumer may take, in nanoseconds.
const PATIENCE: u64 = 10_000_000_000;

/// How much of a reason is kept.
const REASON: u64 = 1_000;

/// How much `blocking-write-and-flush` takes at once at the most.
const LARGEST_WRITE: usize = 4096;

/// What HTTP's binding of CloudEvents puts before the name of an attribute.
const PREFIX: &str = "ce-";

/// Each subscriber is the component `<name>-events` of the same application.
pub struct Private;

impl Consumers for Private {
    fn hand(&self, subscriber: &str, event: &Event) -> Result<(), HandlerFailure> {
        let away = |reason| HandlerFailure::Retry(format!("{subscriber} can't be reached: {reason}"));
        let response = send(subscriber, event).and_then(wait).map_err(away)?;
        match response.status() {
            204 => Ok(()),
            422 => Err(HandlerFailure::Reject(reason(&response))),
            status => Err(HandlerFailure::Retry(format!(
                "status {status}: {}",
                reason(&response)
            ))),
        }
    }
}

fn send(subscriber: &str, event: &Event) -> Result<FutureIncomingResponse, String> {
    let mut headers = vec![("content-type".to_owned(), b"application/json".to_vec())];
    let attributes = cloud_event::attributes(event).into_iter();
    headers.extend(attributes.map(|(name, value)| (format!("{PREFIX}{name}"), value.into_bytes())));
    let headers = Fields::from_list(&headers).map_err(|error| error.to_string())?;
    let request = OutgoingRequest::new(headers);
    let refused = |()| "its address is none";
    request.set_method(&Method::Post).map_err(refused)?;
    request.set_scheme(Some(&Scheme::Http)).map_err(refused)?;
    let authority = format!("{subscriber}-events.spin.internal");
    request.set_authority(Some(&authority)).map_err(refused)?;
    request.set_path_with_query(Some("/")).map_err(refused)?;
    let body = request.body().map_err(refused)?;
    let failed = |error: ErrorCode| format!("{error:?}");
    let answer = outgoing_handler::handle(request, None).map_err(failed)?;
    {
        let stream = body.write().map_err(refused)?;
        for chunk in event.data.as_bytes().chunks(LARGEST_WRITE) {
            stream
                .blocking_write_and_flush(chunk)
                .map_err(|_| "it does not read the event")?;
        }
    }
    OutgoingBody::finish(body, None).map_err(failed)?;
    Ok(answer)
}

fn wait(answer: FutureIncomingResponse) -> Result<IncomingResponse, String> {
    let ready = answer.subscribe();
    poll(&[&ready, &subscribe_duration(PATIENCE)]);
    match answer.get() {
        Some(Ok(Ok(response))) => Ok(response),
        Some(Ok(Err(error))) => Err(format!("{error:?}")),
        Some(Err(())) => Err("its answer was taken".into()),
        None => Err("it takes too long".into()),
    }
}

/// What the consumer says; empty where that can't be read.
fn reason(response: &IncomingResponse) -> String {
    let read = |body: IncomingBody| body.stream().ok()?.blocking_read(REASON).ok();
    let bytes = response.consume().ok().and_then(read);
    String::from_utf8_lossy(&bytes.unwrap_or_default()).into_owned()
}
