//! Parses the rows of a feed into products for the API of the shop.

use iso_currency::Currency;
use serde::Serialize;

use crate::columns::{Columns, Field};
use crate::price;

/// The maximum size of the JSON of one product, in bytes. A larger product would not fit into a request.
const MAX_JSON: usize = 512 * 1024;

/// A product as input of the mutation `importProducts`.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Product {
    /// The id of the product in the feed.
    pub external_id: String,
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    manufacturer: Option<String>,
    price: i32,
    currency: &'static str,
    quantity: i32,
}

/// Why a row is not imported.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowError {
    /// The stable code.
    pub code: String,
    /// The invalid field, or an empty text.
    pub field: String,
    /// The message for a person.
    pub message: String,
}

impl RowError {
    /// Creates the error of an invalid field.
    pub fn bad_input(field: &str, message: impl Into<String>) -> Self {
        Self {
            code: "BAD_USER_INPUT".into(),
            field: field.into(),
            message: message.into(),
        }
    }
}

/// Parses rows.
#[derive(Clone, Copy, Debug)]
pub struct RowParser {
    /// The currency of prices without a currency.
    pub default_currency: Currency,
    /// The quantity of rows without a quantity.
    pub default_quantity: i32,
    /// Whether a price of 0 is allowed.
    pub allow_zero_price: bool,
}

impl RowParser {
    /// Parses a row.
    ///
    /// # Errors
    /// If a required field is missing, or if a field is invalid.
    pub fn parse(&self, columns: &Columns, row: &[String]) -> Result<Product, RowError> {
        let required = |field: Field| {
            let missing = || RowError::bad_input(field.name(), format!("the row has no {}", field.name()));
            columns.value(row, field).map(str::to_owned).ok_or_else(missing)
        };
        let optional = |field| columns.value(row, field).map(str::to_owned);
        let external_id = required(Field::ExternalId)?;
        let name = required(Field::Name)?;
        let price = self.price(columns, row)?;
        let product = Product {
            external_id,
            name,
            description: optional(Field::Description),
            manufacturer: optional(Field::Manufacturer),
            price: price.amount,
            currency: price.currency.code(),
            quantity: self.quantity(columns, row)?,
        };
        Ok(product)
    }

    fn price(&self, columns: &Columns, row: &[String]) -> Result<price::Price, RowError> {
        let column = columns
            .value(row, Field::Currency)
            .map(|name| price::currency(name, self.default_currency))
            .transpose();
        let column =
            column.map_err(|error| RowError::bad_input(Field::Currency.name(), error.to_string()))?;
        let text = columns.value(row, Field::Price).unwrap_or_default();
        match price::parse(text, column, self.default_currency) {
            Ok(price) if price.amount == 0 && !self.allow_zero_price => Err(price::PriceError::Zero),
            parsed => parsed,
        }
        .map_err(|error| RowError::bad_input(Field::Price.name(), error.to_string()))
    }

    fn quantity(&self, columns: &Columns, row: &[String]) -> Result<i32, RowError> {
        let Some(text) = columns.value(row, Field::Quantity) else {
            return Ok(self.default_quantity);
        };
        // Spreadsheets write 5.0 for 5.
        let whole = text.split_once('.').map_or(text, |(whole, rest)| {
            if rest.bytes().all(|byte| byte == b'0') {
                whole
            } else {
                text
            }
        });
        let quantity = whole.parse().ok().filter(|quantity| *quantity >= 0);
        let message = || {
            format!(
                "`{text}` is not a quantity: it must be a whole number from 0 to {}",
                i32::MAX
            )
        };
        quantity.ok_or_else(|| RowError::bad_input(Field::Quantity.name(), message()))
    }
}

/// Encodes a product as JSON.
///
/// # Errors
/// If the JSON is too long.
pub fn to_json(product: &impl Serialize) -> Result<String, RowError> {
    let json = serde_json::to_string(product).map_err(|error| RowError::bad_input("", error.to_string()))?;
    if json.len() > MAX_JSON {
        return Err(RowError::bad_input(
            "",
            format!(
                "the row is too long: its JSON must be at most {} KiB",
                MAX_JSON / 1024
            ),
        ));
    }
    Ok(json)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(header: &[&str], row: &[&str]) -> Result<Product, RowError> {
        let strings = |values: &[&str]| values.iter().map(|value| (*value).to_owned()).collect::<Vec<_>>();
        let columns = Columns::find(&strings(header), &[]).unwrap();
        let parser = RowParser {
            default_currency: Currency::USD,
            default_quantity: 7,
            allow_zero_price: false,
        };
        parser.parse(&columns, &strings(row))
    }

    #[test]
    fn uses_the_default_quantity_for_a_row_without_a_quantity() {
        let product = parse(&["id", "name", "price"], &["http://x/1", "sock", "1.50"]).unwrap();
        assert_eq!(
            (product.quantity, product.price, product.currency),
            (7, 150, "USD")
        );
        assert_eq!(
            to_json(&product).unwrap(),
            r#"{"externalId":"http://x/1","name":"sock","price":150,"currency":"USD","quantity":7}"#
        );
    }

    #[test]
    fn accepts_only_whole_quantities_in_range() {
        let quantity = |text| {
            parse(&["id", "name", "price", "qty"], &["1", "a", "1", text]).map(|product| product.quantity)
        };
        assert_eq!(quantity("0"), Ok(0));
        assert_eq!(quantity("12.00"), Ok(12));
        assert_eq!(quantity("2147483647"), Ok(i32::MAX));
        for text in ["-1", "1.5", "many", "2147483648", "."] {
            assert_eq!(quantity(text).unwrap_err().field, "quantity", "{text}");
        }
    }

    #[test]
    fn rejects_a_price_of_zero_by_default() {
        let error = parse(&["id", "name", "price"], &["1", "a", "0.00"]).unwrap_err();
        assert!(error.field == "price" && error.message.contains("--allow-zero-price"));
    }

    #[test]
    fn names_the_first_missing_or_invalid_field() {
        assert_eq!(
            parse(&["id", "name", "price"], &["", "a", "1"])
                .unwrap_err()
                .field,
            "externalId"
        );
        assert_eq!(
            parse(&["id", "name", "price"], &["1", " ", "1"])
                .unwrap_err()
                .field,
            "name"
        );
        assert_eq!(
            parse(&["id", "name", "price"], &["1", "a"]).unwrap_err().field,
            "price"
        );
        assert_eq!(
            parse(&["id", "name", "price", "currency"], &["1", "a", "1", "??"])
                .unwrap_err()
                .field,
            "currency"
        );
    }
}
