//! Requests to any path, most of them to REST.

use crate::{reply, request, shop};

/// Sends a request. See [`request`] for the form of the text.
pub fn run(data: &[u8]) {
    shop::with(|shop| {
        if let Some(request) = request::parse(&shop.expand(data)) {
            reply::check(&shop.send(&request));
        }
    });
}
