//! The export of WooCommerce: variations name their product.

use super::candidate::{Candidate, GroupRow, Omission, complete_parent, omission, parent_refused};
use crate::columns::Field;
use crate::groups::kind;
use crate::product::{Attribute, Product, RowError, RowParser, reject_spreadsheet_text};
use crate::source::Value;

/// Returns the products of a variable product and its variations, or of one other row.
pub fn products(parser: &RowParser, include_drafts: bool, rows: &[GroupRow]) -> Vec<Candidate> {
    let is_variation = |row: &GroupRow| kind(&parser.columns, &row.values).contains("variation");
    let Some(main) = rows.iter().find(|row| !is_variation(row)) else {
        return rows
            .iter()
            .map(|row| variation_without_product(parser, include_drafts, row))
            .collect();
    };
    let id = parser.external_id(&main.values).unwrap_or_default();
    if let Some(omission) = omission(&parser.columns, include_drafts, &main.values) {
        return rows
            .iter()
            .map(|row| {
                (
                    row.line,
                    parser.external_id(&row.values).unwrap_or_default(),
                    Err(if row.line == main.line || omission == Omission::Draft {
                        omission.clone()
                    } else {
                        parent_refused(main.line)
                    }),
                )
            })
            .collect();
    }
    let is_variable = kind(&parser.columns, &main.values).contains("variable");
    if !is_variable {
        return vec![(
            main.line,
            id,
            simple(parser, &main.values).map_err(Omission::from),
        )];
    }
    let parent = parent(parser, &main.values);
    let variants: Vec<Candidate> = rows
        .iter()
        .filter(|row| is_variation(row))
        .map(|row| {
            let product = match &parent {
                Err(_) => Err(parent_refused(main.line)),
                Ok(parent) => match omission(&parser.columns, include_drafts, &row.values) {
                    Some(omission) => Err(omission),
                    None => variation(parser, Some(parent), &parent.external_id, &row.values)
                        .map_err(Omission::from),
                },
            };
            (
                row.line,
                parser.external_id(&row.values).unwrap_or_default(),
                product,
            )
        })
        .collect();
    let parent = parent.map(|parent| {
        let sold: Vec<&Product> = variants
            .iter()
            .filter_map(|(.., product)| product.as_ref().ok())
            .collect();
        complete_parent(parent, &sold)
    });
    [(main.line, id, parent.map_err(Omission::from))]
        .into_iter()
        .chain(variants)
        .collect()
}

fn simple(parser: &RowParser, row: &[Value]) -> Result<Product, RowError> {
    let kind = kind(&parser.columns, row);
    if kind.contains("grouped") {
        let message = "a grouped product has no price of its own: its members are products in the feed";
        return Err(RowError::bad_input("type", message));
    }
    if kind.contains("external") {
        let message = "an external product is sold by another shop, so it cannot be ordered here";
        return Err(RowError::bad_input("type", message));
    }
    parser.parse(row)
}

/// Returns a variable product. Its attributes are lists of the values that its variations have.
fn parent(parser: &RowParser, row: &[Value]) -> Result<Product, RowError> {
    let mut product = parser.base(row)?;
    let sku = parser.columns.text(row, Field::Sku)?;
    if let Some(sku) = sku {
        reject_spreadsheet_text(Field::Sku, sku)?;
    }
    product.sku = sku.map(str::to_owned);
    Ok(product)
}

/// Returns a variation whose product is not in the feed. It may be in the shop.
fn variation_without_product(parser: &RowParser, include_drafts: bool, row: &GroupRow) -> Candidate {
    let id = parser.external_id(&row.values).unwrap_or_default();
    if let Some(omission) = omission(&parser.columns, include_drafts, &row.values) {
        return (row.line, id, Err(omission));
    }
    let parent = parser
        .columns
        .text(&row.values, Field::Parent)
        .ok()
        .flatten()
        .unwrap_or_default();
    let product = match parent.strip_prefix("id:") {
        Some(parent) => variation(parser, None, parent, &row.values),
        None => {
            let message = format!("no product in the feed has the SKU `{parent}`, which `Parent` names");
            Err(RowError::bad_input("parentExternalId", message))
        }
    };
    (row.line, id, product.map_err(Omission::from))
}

fn variation(
    parser: &RowParser,
    parent: Option<&Product>,
    parent_id: &str,
    row: &[Value],
) -> Result<Product, RowError> {
    let mut product = parser.base(row)?;
    parser.add_offer(row, &mut product)?;
    let parent_name = parent
        .and_then(|parent| parent.name.as_deref())
        .unwrap_or_default();
    let name = product.name.clone().unwrap_or_default();
    let options = product
        .attributes
        .take()
        .filter(|attributes| !attributes.is_empty());
    // Without columns of attributes, only the name says which variation it is.
    let options = options.unwrap_or_else(|| {
        let rest = name.strip_prefix(parent_name).unwrap_or(&name);
        let rest = rest.trim_start_matches([' ', '-', '–', '—', ',']).trim();
        let value = if rest.is_empty() {
            product.external_id.as_str()
        } else {
            rest
        };
        vec![Attribute::new("Variation", value)]
    });
    if name.is_empty() {
        let values: Vec<&str> = options.iter().map(|option| option.value.as_str()).collect();
        product.name = Some(format!("{parent_name} - {}", values.join(", ")));
    }
    product.options = Some(options);
    product.parent_external_id = Some(parent_id.to_owned());
    // Only the variable product has categories and brands.
    if let Some(parent) = parent {
        let is_empty = |path: &Option<Vec<String>>| path.as_ref().is_none_or(Vec::is_empty);
        if is_empty(&product.category_path) {
            product.category_path = parent.category_path.clone();
        }
        if product.manufacturer.as_deref().unwrap_or_default().is_empty() {
            product.manufacturer = parent.manufacturer.clone();
        }
    }
    if product.price_amount.is_none() {
        return Err(RowError::bad_input("price", "the row has no price"));
    }
    Ok(product)
}
