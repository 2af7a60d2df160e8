//! Health checks, for orchestrators. `mercato` answers them itself.

use http::Method;
use mercato_shop::http::Health;
use mercato_shop::http::health::{LIVE_PATH, READY_PATH};
use mercato_shop::id;

use crate::rest::answer::Answer;
use crate::rest::call::Call;
use crate::rest::operation::{Access, Operation, Outcome};

/// Returns the operations of health checks.
pub fn operations() -> Vec<Operation> {
    let check = |paths, name, summary, handler| {
        Operation::new(Method::GET, paths, name, summary, Access::Public, handler)
            .volatile()
            .answers::<Health<'_>>(Health::LIVE.code())
    };
    vec![
        check(&[LIVE_PATH], "live", "Check whether the shop runs", live),
        check(
            &[READY_PATH],
            "ready",
            "Check whether the shop can serve requests",
            ready,
        )
        .answers::<Health<'_>>(Health::unavailable("").code()),
    ]
}

fn live(_: &Call<'_>) -> Outcome {
    answer(Health::LIVE)
}

/// Checks the catalog, which includes its store, and the settings of payments.
fn ready(call: &Call<'_>) -> Outcome {
    let services = call.services();
    answer(match services.catalog.get_many(&[id::new()]) {
        Err(_) => Health::unavailable("the catalog does not answer"),
        Ok(_) if services.payments.ready().is_err() => Health::unavailable("payments are misconfigured"),
        Ok(_) => Health::READY,
    })
}

/// Returns the health of a shop with an invalid setting: it runs, but it is not ready. `None` for other
/// paths.
pub fn misconfigured(path: &str, reason: &str) -> Option<Answer> {
    let health = match path {
        LIVE_PATH => Health::LIVE,
        READY_PATH => Health::unavailable(reason),
        _ => return None,
    };
    answer(health).ok()
}

fn answer(health: Health<'_>) -> Outcome {
    Ok(Answer::uncached(health.code(), &health)?)
}
