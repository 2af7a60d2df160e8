//! Traces across the lattice.

use async_nats::HeaderMap;
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt as _;
use wasmcloud_provider_sdk::Context;
use wasmcloud_provider_sdk::wasmcloud_tracing::context::{TraceContextInjector, get_span_context};

/// Creates the span of a call from the lattice, as a part of the caller's trace.
pub fn span(context: Option<&Context>, port: &'static str, call: &'static str) -> Span {
    let component = component(context);
    let span = tracing::info_span!("call", port, call, component);
    if let Some(context) = context {
        let headers = context.tracing.iter();
        let headers = headers.map(|(key, value)| (key.clone(), value.clone())).collect();
        // Fails only for a span that has already started.
        let _ = span.set_parent(get_span_context(&headers));
    }
    span
}

/// Returns the name of the calling component.
pub fn component(context: Option<&Context>) -> Option<&str> {
    context.and_then(|context| context.component.as_deref())
}

/// Returns the headers that make a call over the lattice a part of the current trace.
pub fn headers() -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (key, value) in TraceContextInjector::default_with_span().iter() {
        headers.insert(key.as_str(), value.as_str());
    }
    headers
}
