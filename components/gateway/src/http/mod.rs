//! HTTP without GraphQL or REST: problems, headers and bodies.

pub mod body;
pub mod bounded_json;
pub mod cors;
pub mod encoding;
pub mod entity_tag;
pub mod error_details;
pub mod idempotency_key;
pub mod problem;
pub mod reply;
