//! Pages for browsers: the start page and the documents of REST. The explorer of GraphQL belongs to its
//! endpoint.

pub mod docs;
mod readiness;
pub mod start;
