//! The answers on a connection that a client keeps.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use libtest_mimic::Trial;
use serde_json::json;

use crate::raw::Raw;
use crate::shop::Shop;
use crate::trials::trials;

/// The number of answers on one connection.
const ANSWERS: usize = 24;

/// The longest time between the first and the last byte of an answer. Linux delays an acknowledgement by at
/// least 40 ms.
const LIMIT: Duration = Duration::from_millis(20);

/// A document with an answer of less than a kilobyte, and one whose answer has several.
const DOCUMENTS: [&str; 2] = [
    "{ productConnection(first: 1) { totalCount } }",
    "{ __schema { types { name description } } }",
];

/// The tests of this area.
pub fn tests(shop: &Arc<Shop>) -> Vec<Trial> {
    trials!(
        shop,
        "keep_alive",
        portable = [no_part_of_an_answer_waits_for_an_acknowledgement]
    )
}

/// Measures no computation: the shop has computed the whole answer before its first byte. So a busy machine
/// does not fail the test.
fn no_part_of_an_answer_waits_for_an_acknowledgement(shop: &Shop) -> Result<()> {
    for document in DOCUMENTS {
        let body = json!({ "query": document }).to_string();
        let head = format!(
            "POST /graphql HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        let mut raw = Raw::connect(shop)?;
        let mut durations = Vec::new();
        for _ in 0..ANSWERS {
            raw.send([head.as_str(), &body].concat())?;
            raw.wait()?;
            let begun = Instant::now();
            raw.answer()?.expect_status(200)?;
            durations.push(begun.elapsed());
        }
        durations.sort();
        let median = durations.get(ANSWERS / 2).context("there are answers")?;
        ensure!(
            *median < LIMIT,
            "half of the answers to {document} should take less than {LIMIT:?} from their first byte to their last: \
             {durations:?}"
        );
    }
    Ok(())
}
