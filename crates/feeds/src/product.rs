//! From a row of the feed to what the shop's API takes.

use iso_currency::Currency;
use serde::Serialize;

use crate::columns::{Columns, Field};
use crate::price;

/// The longest JSON of one product, in bytes: with more, a request would be larger than a shop takes.
const LONGEST: usize = 512 * 1024;

/// A product as the mutation `importProducts` takes it.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Product {
    /// By what the feed knows it.
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

/// Why a row is not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// A stable code.
    pub code: String,
    /// The field that is to blame, where one is.
    pub field: String,
    /// A sentence.
    pub message: String,
}

impl Refusal {
    /// Bad input in a field, found here.
    pub fn bad_input(field: &str, message: impl Into<String>) -> Self {
        Self {
            code: "BAD_USER_INPUT".into(),
            field: field.into(),
            message: message.into(),
        }
    }
}

/// How rows are read.
#[derive(Clone, Copy, Debug)]
pub struct Rules {
    /// The currency of prices that name none.
    pub currency: Currency,
    /// The quantity of rows that have none.
    pub quantity: i32,
    /// Whether a price of 0 is taken.
    pub allow_zero_price: bool,
}

impl Rules {
    /// Reads a row.
    ///
    /// # Errors
    /// Why it is not taken.
    pub fn product(&self, columns: &Columns, row: &[String]) -> Result<Product, Refusal> {
        let needed = |field: Field| {
            let missing = || Refusal::bad_input(field.name(), format!("the row has no {}", field.name()));
            columns.value(row, field).map(str::to_owned).ok_or_else(missing)
        };
        let optional = |field| columns.value(row, field).map(str::to_owned);
        let external_id = needed(Field::ExternalId)?;
        let name = needed(Field::Name)?;
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

    fn price(&self, columns: &Columns, row: &[String]) -> Result<price::Price, Refusal> {
        let column = columns
            .value(row, Field::Currency)
            .map(|name| price::currency(name, self.currency))
            .transpose();
        let column = column.map_err(|error| Refusal::bad_input(Field::Currency.name(), error.to_string()))?;
        let text = columns.value(row, Field::Price).unwrap_or_default();
        match price::parse(text, column, self.currency) {
            Ok(price) if price.amount == 0 && !self.allow_zero_price => Err(price::PriceError::Zero),
            parsed => parsed,
        }
        .map_err(|error| Refusal::bad_input(Field::Price.name(), error.to_string()))
    }

    fn quantity(&self, columns: &Columns, row: &[String]) -> Result<i32, Refusal> {
        let Some(text) = columns.value(row, Field::Quantity) else {
            return Ok(self.quantity);
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
                "`{text}` is no quantity: it must be a whole number from 0 to {}",
                i32::MAX
            )
        };
        quantity.ok_or_else(|| Refusal::bad_input(Field::Quantity.name(), message()))
    }
}

/// The JSON of a product.
///
/// # Errors
/// Where it is too long.
pub fn to_json(product: &impl Serialize) -> Result<String, Refusal> {
    let json = serde_json::to_string(product).map_err(|error| Refusal::bad_input("", error.to_string()))?;
    if json.len() > LONGEST {
        return Err(Refusal::bad_input(
            "",
            format!("the row is too long: {} KiB are the most", LONGEST / 1024),
        ));
    }
    Ok(json)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(header: &[&str], row: &[&str]) -> Result<Product, Refusal> {
        let strings = |values: &[&str]| values.iter().map(|value| (*value).to_owned()).collect::<Vec<_>>();
        let columns = Columns::find(&strings(header), &[]).unwrap();
        let rules = Rules {
            currency: Currency::USD,
            quantity: 7,
            allow_zero_price: false,
        };
        rules.product(&columns, &strings(row))
    }

    #[test]
    fn a_row_without_a_quantity_gets_the_default_one() {
        let product = read(&["id", "name", "price"], &["http://x/1", "sock", "1.50"]).unwrap();
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
    fn quantities_are_whole_numbers_that_fit() {
        let quantity = |text| {
            read(&["id", "name", "price", "qty"], &["1", "a", "1", text]).map(|product| product.quantity)
        };
        assert_eq!(quantity("0"), Ok(0));
        assert_eq!(quantity("12.00"), Ok(12));
        assert_eq!(quantity("2147483647"), Ok(i32::MAX));
        for text in ["-1", "1.5", "many", "2147483648", "."] {
            assert_eq!(quantity(text).unwrap_err().field, "quantity", "{text}");
        }
    }

    #[test]
    fn a_price_of_zero_is_refused_as_unknown() {
        let refusal = read(&["id", "name", "price"], &["1", "a", "0.00"]).unwrap_err();
        assert!(refusal.field == "price" && refusal.message.contains("--allow-zero-price"));
    }

    #[test]
    fn the_first_field_that_is_missing_is_named() {
        assert_eq!(
            read(&["id", "name", "price"], &["", "a", "1"]).unwrap_err().field,
            "externalId"
        );
        assert_eq!(
            read(&["id", "name", "price"], &["1", " ", "1"])
                .unwrap_err()
                .field,
            "name"
        );
        assert_eq!(
            read(&["id", "name", "price"], &["1", "a"]).unwrap_err().field,
            "price"
        );
        assert_eq!(
            read(&["id", "name", "price", "currency"], &["1", "a", "1", "??"])
                .unwrap_err()
                .field,
            "currency"
        );
    }
}
