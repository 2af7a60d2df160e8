//! Products on their way from the rows of a group.

use crate::product::{Product, RowError};
use crate::source::Value;

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
