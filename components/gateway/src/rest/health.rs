//! How the shop is, for orchestrators, where the host does not tell by itself.

use http::{Method, StatusCode};
use mercato_shop::id;
use schemars::JsonSchema;
use serde::Serialize;

use crate::rest::answer::Answer;
use crate::rest::call::Call;
use crate::rest::operation::{Access, Operation, Refusal};

/// Where it is asked whether the shop runs.
pub const LIVE: &str = "/livez";

/// Where it is asked whether the shop can serve.
pub const READY: &str = "/readyz";

/// How the shop is.
#[derive(Debug, Serialize, JsonSchema)]
struct Health<'a> {
    /// live, ready or unavailable.
    status: &'static str,
    /// Why it is unavailable.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(default)]
    reason: Option<&'a str>,
}

/// What orchestrators ask.
pub fn operations() -> Vec<Operation> {
    let ask = |paths, name, summary, handler| {
        Operation::new(Method::GET, paths, name, summary, Access::Public, handler)
            .momentary()
            .answers::<Health<'_>>(StatusCode::OK)
    };
    vec![
        ask(&[LIVE], "live", "Whether the shop runs", live),
        ask(&[READY], "ready", "Whether the shop can serve", ready)
            .answers::<Health<'_>>(StatusCode::SERVICE_UNAVAILABLE),
    ]
}

fn live(_: &Call<'_>) -> Result<Answer, Refusal> {
    told(StatusCode::OK, "live", None)
}

/// Whether the catalog, and so its store, answers, and payments are not misconfigured.
fn ready(call: &Call<'_>) -> Result<Answer, Refusal> {
    let services = call.services();
    let unavailable = |reason| told(StatusCode::SERVICE_UNAVAILABLE, "unavailable", Some(reason));
    match services.catalog.get_many(&[id::new()]) {
        Ok(_) if services.payments.ready().is_err() => unavailable("payments are misconfigured"),
        Ok(_) => told(StatusCode::OK, "ready", None),
        Err(_) => unavailable("the catalog does not answer"),
    }
}

/// How a shop is that can't serve since a setting is wrong: it runs, and is not ready. None at any other path.
pub fn misconfigured(path: &str, reason: &str) -> Option<Answer> {
    let answer = match path {
        LIVE => told(StatusCode::OK, "live", None),
        READY => told(StatusCode::SERVICE_UNAVAILABLE, "unavailable", Some(reason)),
        _ => return None,
    };
    answer.ok()
}

fn told(code: StatusCode, status: &'static str, reason: Option<&str>) -> Result<Answer, Refusal> {
    Ok(Answer::with(code, &Health { status, reason })?)
}
