//! Bodies of refused requests, for REST and for GraphQL.

use http::StatusCode;
use serde::Serialize;

/// The media type of [`Details`].
pub const MEDIA_TYPE: &str = "application/problem+json";

/// A refusal: its status, its stable code, and advice for a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Problem<'a> {
    /// The HTTP status.
    pub status: StatusCode,
    /// The stable code.
    pub code: &'a str,
    /// What is wrong and what to do, for a person.
    pub detail: &'a str,
    /// The seconds to wait before the next attempt.
    pub retry_after: Option<u32>,
}

/// A refusal (RFC 9457).
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(
    feature = "json-schema",
    derive(schemars::JsonSchema),
    schemars(rename = "Problem")
)]
#[serde(rename_all = "camelCase")]
pub struct Details<'a, Extension> {
    /// Always `about:blank`: `code` names the kind of problem.
    r#type: &'static str,
    /// The name of the status.
    title: &'static str,
    /// The HTTP status.
    status: u16,
    /// What to do, for a person.
    detail: &'a str,
    /// The path of the request.
    instance: &'a str,
    /// The stable code.
    code: &'a str,
    #[serde(flatten)]
    extension: Extension,
    /// The seconds to wait before the next attempt.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "json-schema", schemars(default))]
    retry_after: Option<u32>,
}

#[derive(Serialize)]
struct GraphqlErrors<'a, Extension> {
    errors: [GraphqlError<'a, Extension>; 1],
}

#[derive(Serialize)]
struct GraphqlError<'a, Extension> {
    message: &'a str,
    extensions: Extensions<'a, Extension>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Extensions<'a, Extension> {
    code: &'a str,
    #[serde(flatten)]
    extension: Extension,
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_after: Option<u32>,
}

impl Problem<'_> {
    /// Returns the body of a REST response to a request for `path`: problem details with additional members.
    #[must_use]
    pub fn details(&self, path: &str, extension: impl Serialize) -> Vec<u8> {
        to_json(&Details {
            r#type: "about:blank",
            title: self.status.canonical_reason().unwrap_or("Refused"),
            status: self.status.as_u16(),
            detail: self.detail,
            instance: path,
            code: self.code,
            extension,
            retry_after: self.retry_after,
        })
    }

    /// Returns the body of a GraphQL response: one error with additional members in `extensions`, and no
    /// data.
    #[must_use]
    pub fn graphql_errors(&self, extension: impl Serialize) -> Vec<u8> {
        to_json(&GraphqlErrors {
            errors: [GraphqlError {
                message: self.detail,
                extensions: Extensions {
                    code: self.code,
                    extension,
                    retry_after: self.retry_after,
                },
            }],
        })
    }
}

/// Returns a body as JSON, or an empty body if that fails: the status and the headers still reach the client.
fn to_json(body: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(body).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    const PROBLEM: Problem<'_> = Problem {
        status: StatusCode::TOO_MANY_REQUESTS,
        code: "RATE_LIMITED",
        detail: "Too many attempts. Try again in 3 seconds.",
        retry_after: Some(3),
    };

    #[test]
    fn describes_a_problem_to_rest_and_to_graphql() {
        let extension = json!({ "requestId": "a-1" });
        let details: Value = serde_json::from_slice(&PROBLEM.details("/api/orders", &extension)).unwrap();
        assert_eq!(
            details,
            json!({
                "type": "about:blank", "title": "Too Many Requests", "status": 429, "detail": PROBLEM.detail,
                "instance": "/api/orders", "code": "RATE_LIMITED", "requestId": "a-1", "retryAfter": 3,
            })
        );
        let errors: Value = serde_json::from_slice(&PROBLEM.graphql_errors(&extension)).unwrap();
        let extensions = json!({ "code": "RATE_LIMITED", "requestId": "a-1", "retryAfter": 3 });
        assert_eq!(
            errors,
            json!({ "errors": [{ "message": PROBLEM.detail, "extensions": extensions }] })
        );
    }

    #[test]
    fn leaves_out_members_that_are_not_set() {
        let problem = Problem {
            retry_after: None,
            ..PROBLEM
        };
        let details: Value = serde_json::from_slice(&problem.details("/", ())).unwrap();
        assert!(details.get("retryAfter").is_none());
    }
}
