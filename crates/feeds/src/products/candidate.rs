//! Products on their way from the rows of a group.

use std::collections::HashSet;

use crate::columns::{Columns, Field};
use crate::product::{Product, RowError};
use crate::source::Value;
use crate::visibility;

/// Why a product is not imported.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Omission {
    /// Its row is refused.
    Refused(RowError),
    /// It is a draft, archived or private.
    Draft,
}

impl From<RowError> for Omission {
    fn from(error: RowError) -> Self {
        Self::Refused(error)
    }
}

/// A row of a group.
pub struct GroupRow {
    /// Its line.
    pub line: u64,
    /// Its values.
    pub values: Vec<Value>,
}

/// The line, the external id and the product of an entry.
pub type Candidate = (u64, String, Result<Product, Omission>);

/// Returns why a row is left out before it is parsed: it is a draft, or its status is unknown.
pub fn omission(columns: &Columns, include_drafts: bool, row: &[Value]) -> Option<Omission> {
    if include_drafts {
        return None;
    }
    match visibility::is_draft(columns, row) {
        Ok(false) => None,
        Ok(true) => Some(Omission::Draft),
        Err(error) => Some(error.into()),
    }
}

/// Makes a parent of variants: it has their lowest price, and no stock, SKU and weight of its own.
pub fn complete_parent(mut parent: Product, variants: &[&Product]) -> Product {
    let cheapest = variants.iter().filter(|variant| variant.price_amount.is_some());
    if let Some(cheapest) = cheapest.min_by_key(|variant| variant.price_amount) {
        parent.price_amount = cheapest.price_amount;
        parent.compare_at_price = cheapest.compare_at_price;
        parent.currency = cheapest.currency;
    }
    parent
}

/// Returns why the variants of a refused parent are refused.
pub fn parent_refused(line: u64) -> Omission {
    let message = format!("its product on line {line} is refused");
    RowError::bad_input("parentExternalId", message).into()
}

/// Refuses all products of a group if its variants have prices in two currencies. The lowest of these prices
/// cannot be the price of the parent. A price without a currency has the default one.
///
/// Several products of one line are refused once.
pub fn refuse_two_currencies(candidates: &mut Vec<Candidate>, default: &'static str) {
    let currencies: Vec<&str> = candidates
        .iter()
        .filter_map(|(.., product)| product.as_ref().ok())
        .filter(|product| product.parent_external_id.is_some() && product.price_amount.is_some())
        .map(|product| product.currency.unwrap_or(default))
        .collect();
    let Some(first) = currencies.first() else {
        return;
    };
    let Some(other) = currencies.iter().find(|currency| *currency != first) else {
        return;
    };
    let message = format!(
        "the variants of its product have prices in {first} and {other}: use one currency for all of them"
    );
    let mut lines = HashSet::new();
    candidates.retain_mut(|(line, _, product)| {
        if product.is_err() {
            return true;
        }
        *product = Err(RowError::bad_input(Field::Currency.name(), message.clone()).into());
        lines.insert(*line)
    });
}
