//! Authentication: the caller of a request.

pub mod claims;
pub mod identity;
pub mod oidc;
mod standing;
