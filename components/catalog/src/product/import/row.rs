//! The rows of an import.

use std::collections::HashSet;

use mercato_shop::catalog::{ImportRow, ProductPatch};
use mercato_shop::types::Error;

use super::super::input;
use crate::repository::NameValue;

/// A row with an external id. Its other fields are checked when they are applied to the product.
pub struct Row<'a> {
    pub external_id: String,
    pub fields: &'a ProductPatch,
    pub quantity: Option<i64>,
    /// The names of the categories from the root.
    pub category_path: Option<&'a [String]>,
    pub parent: Option<Parent>,
    pub options: Option<Vec<NameValue>>,
}

/// What a row says about the product of which it is a variant.
#[derive(PartialEq, Eq)]
pub enum Parent {
    /// The product is no variant.
    None,
    ExternalId(String),
}

impl Row<'_> {
    /// Returns the external id of the parent, if the row names one.
    pub fn parent_external_id(&self) -> Option<&str> {
        match &self.parent {
            Some(Parent::ExternalId(id)) => Some(id),
            Some(Parent::None) | None => None,
        }
    }
}

/// Parses rows. Each external id may occur once.
pub fn parse(rows: &[ImportRow]) -> Vec<Result<Row<'_>, Error>> {
    let mut seen = HashSet::new();
    rows.iter().map(|row| parse_row(row, &mut seen)).collect()
}

fn parse_row<'a>(row: &'a ImportRow, seen: &mut HashSet<String>) -> Result<Row<'a>, Error> {
    let Some(external_id) = input::external_id("externalId", row.external_id.as_deref())? else {
        return Err(Error::invalid(
            "externalId",
            "`externalId` is required in an import: the id of the product in the feed.",
        ));
    };
    if !seen.insert(external_id.clone()) {
        return Err(Error::invalid(
            "externalId",
            format!("Another row of this batch has the `externalId` {external_id}, too."),
        ));
    }
    let parent = row.parent_external_id.as_deref();
    let parent = parent.map(|text| input::external_id("parentExternalId", Some(text)));
    let parent = parent.transpose()?;
    let options = row.options.as_deref();
    let options = options.map(|options| input::attributes("options", options));
    Ok(Row {
        external_id,
        fields: &row.fields,
        quantity: row.fields.quantity.map(input::quantity).transpose()?,
        category_path: row.category_path.as_deref(),
        parent: parent.map(|id| id.map_or(Parent::None, Parent::ExternalId)),
        options: options.transpose()?,
    })
}
