//! Authentication: the caller of a request.

pub mod identity;
pub mod oidc;
