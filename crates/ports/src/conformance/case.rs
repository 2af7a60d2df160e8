//! A case of the suite.

use std::pin::Pin;
use std::time::Duration;

use libtest_mimic::Trial;
use tokio::runtime::Handle;
use tokio::time::timeout;

/// The time limit of a case. A case usually takes milliseconds.
const TIMEOUT: Duration = Duration::from_secs(30);

/// A case: a sentence and its test.
pub(super) struct Case<F> {
    pub name: &'static str,
    pub run: fn(F) -> Pin<Box<dyn Future<Output = ()> + Send>>,
}

/// Lists the cases of a file. The compiler warns of a case that is not listed, because it is unused.
macro_rules! cases {
    ($fixture:ty: $($case:ident),+ $(,)?) => {
        pub(super) const CASES: &[$crate::conformance::case::Case<$fixture>] = &[$(
            $crate::conformance::case::Case { name: stringify!($case), run: |fixture| Box::pin($case(fixture)) }
        ),+];
    };
}
pub(super) use cases;

impl<F: Send + 'static> Case<F> {
    pub fn trial(&self, port: &str, runtime: &Handle, fixture: F) -> Trial {
        let (runtime, run) = (runtime.clone(), self.run);
        Trial::test(format!("{port}::{}", self.name), move || {
            runtime.block_on(async {
                timeout(TIMEOUT, run(fixture))
                    .await
                    .map_err(|_| "the case took too long".into())
            })
        })
    }
}
