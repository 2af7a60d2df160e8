//! Domain errors as GraphQL errors, with their stable code in `extensions.code`.

use async_graphql::{ErrorExtensions, Value};
use mercato_shop::types::Error;

use crate::http::error_details::ErrorDetails;

/// Returns the GraphQL error of a domain error.
pub fn to_graphql(error: Error) -> async_graphql::Error {
    let details = ErrorDetails::from(error);
    async_graphql::Error::new(details.message).extend_with(|_, extensions| {
        extensions.set("code", details.code);
        if let Some(field) = details.field {
            extensions.set("field", field);
        }
        if !details.lines.is_empty() {
            let lines = async_graphql::to_value(&details.lines);
            extensions.set("lines", lines.unwrap_or(Value::Null));
        }
        if let Some(seconds) = details.retry_after {
            extensions.set("retryAfter", seconds);
        }
        if let Some(version) = details.version {
            extensions.set("currentVersion", version);
        }
    })
}
