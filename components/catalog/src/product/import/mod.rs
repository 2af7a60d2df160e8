//! Imports the rows of a feed: creates products, or updates them by their external ids.

mod batch;
mod row;

use mercato_shop::catalog::{ImportOutcome, ImportRow, StockPolicy};
use mercato_shop::currency;
use mercato_shop::retry::{AttemptError, retry_on_conflict};
use mercato_shop::types::{Caller, Error};

use crate::events;
use crate::platform::Platform;
use crate::repository::commit;
use crate::stock::alert::ShopThreshold;
use batch::{Batch, Terms};
use row::Row;

const MAX_ROWS: usize = 500;

/// The outcome of each row.
type Outcomes = Vec<Result<ImportOutcome, Error>>;

/// Imports rows. Returns one outcome for each row, in their order.
///
/// # Errors
/// [`Error::Invalid`] for too many rows. [`Error::Conflict`] if the products keep changing concurrently.
pub fn import_many(
    ports: &impl Platform,
    caller: &Caller,
    rows: &[ImportRow],
    stock: StockPolicy,
) -> Result<Outcomes, Error> {
    if rows.len() > MAX_ROWS {
        return Err(Error::invalid(
            "products",
            format!("`products` must have at most {MAX_ROWS} entries."),
        ));
    }
    let rows = row::parse(rows);
    let terms = Terms {
        caller,
        currency: currency::default_currency(ports)?,
        threshold: ShopThreshold::read(ports)?,
        sets_stock: stock == StockPolicy::Set,
    };
    let busy =
        || Error::Conflict("Other requests keep changing these products. Import them again later.".into());
    retry_on_conflict(busy, || attempt(ports, &terms, &rows))
}

fn attempt(
    ports: &impl Platform,
    terms: &Terms<'_>,
    rows: &[Result<Row<'_>, Error>],
) -> Result<Outcomes, AttemptError> {
    let mut batch = Batch::load(ports, terms, rows)?;
    let mut outcomes = Vec::with_capacity(rows.len());
    for row in rows {
        let outcome = row
            .as_ref()
            .map_err(Clone::clone)
            .and_then(|row| batch.import(ports, row));
        if let Err(error @ (Error::Unavailable(_) | Error::Internal(_))) = outcome {
            return Err(error.into());
        }
        outcomes.push(outcome);
    }
    let (writes, mut events) = batch.into_writes()?;
    if !writes.is_empty() {
        events.push(events::import_audited(terms.caller, summary(&outcomes))?);
        commit(ports, &writes, &events)?;
    }
    Ok(outcomes)
}

/// Counts the outcomes for the audit log, which has one entry for the whole batch.
fn summary(outcomes: &[Result<ImportOutcome, Error>]) -> String {
    let count = |outcome| {
        let same = |other: &&Result<ImportOutcome, Error>| other.as_ref().ok() == Some(&outcome);
        outcomes.iter().filter(same).count()
    };
    format!(
        "{} created, {} updated, {} unchanged, {} refused",
        count(ImportOutcome::Created),
        count(ImportOutcome::Updated),
        count(ImportOutcome::Unchanged),
        outcomes.iter().filter(|outcome| outcome.is_err()).count()
    )
}
