//! Traces across the lattice.

use async_nats::HeaderMap;
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt as _;
use wasmcloud_provider_sdk::Context;
use wasmcloud_provider_sdk::wasmcloud_tracing::context::{TraceContextInjector, get_span_context};

/// The span of a call that came over the lattice: a part of its caller's trace.
pub fn span(context: Option<&Context>, port: &'static str, call: &'static str) -> Span {
    let component = component(context);
    let span = tracing::info_span!("call", port, call, component);
    if let Some(context) = context {
        let headers = context.tracing.iter();
        let headers = headers.map(|(key, value)| (key.clone(), value.clone())).collect();
        // It fails only for a span that has begun.
        let _ = span.set_parent(get_span_context(&headers));
    }
    span
}

/// The component that calls.
pub fn component(context: Option<&Context>) -> Option<&str> {
    context.and_then(|context| context.component.as_deref())
}

/// What a call over the lattice takes along, so that it is a part of this trace.
pub fn headers() -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (key, value) in TraceContextInjector::default_with_span().iter() {
        headers.insert(key.as_str(), value.as_str());
    }
    headers
}
