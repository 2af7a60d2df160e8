//! What a product may be made of.

use mercato_shop::catalog::{NewProduct, ProductPatch};
use mercato_shop::ports::Ports;
use mercato_shop::types::Error;
use mercato_shop::{currency, id};

use crate::details;
use crate::product::ProductBody;

const NAME: usize = 500;
const DESCRIPTION: usize = 10_000;
const MANUFACTURER: usize = 200;
const EXTERNAL_ID: usize = 500;
const REASON: usize = 500;
/// Prices and quantities fit GraphQL's Int, which has 32 bits.
pub const INTEGER: std::ops::RangeInclusive<i64> = 0..=i32::MAX as i64;

/// A product as it starts, or what is wrong with the input.
pub fn to_body(ports: &impl Ports, input: NewProduct) -> Result<ProductBody, Error> {
    let currency = match input.currency {
        Some(code) => currency::check(code)?,
        None => currency::own(ports)?,
    };
    let on_hand = quantity(input.quantity)?;
    let now = id::now();
    let mut body = ProductBody {
        name: name(&input.name)?,
        description: description(input.description)?,
        manufacturer: optional("manufacturer", MANUFACTURER, input.manufacturer)?,
        external_id: optional("externalId", EXTERNAL_ID, input.external_id)?,
        price: price(input.price)?,
        currency,
        received: on_hand,
        on_hand,
        reserved: 0,
        sold: 0,
        written_off: 0,
        low_stock_at: None,
        low_turns: 0,
        revision: 1,
        created_at: now,
        updated_at: now,
        category_id: None,
        category_path: None,
        images: Vec::new(),
        attributes: Vec::new(),
        sku: None,
        parent_id: None,
        standalone: Some(1),
        options: Vec::new(),
        variant_ids: Vec::new(),
        archived_at: None,
    };
    details::apply(input.details, &mut body)?;
    Ok(body)
}

/// Makes the changes of a patch. Whether anything is different now.
pub fn apply(patch: ProductPatch, body: &mut ProductBody) -> Result<bool, Error> {
    let before = body.clone();
    if let Some(text) = patch.name {
        body.name = name(&text)?;
    }
    if patch.description.is_some() {
        body.description = description(patch.description)?;
    }
    if patch.manufacturer.is_some() {
        body.manufacturer = optional("manufacturer", MANUFACTURER, patch.manufacturer)?;
    }
    if let Some(amount) = patch.price {
        body.price = price(amount)?;
    }
    if let Some(code) = patch.currency {
        body.currency = currency::check(code)?;
    }
    details::apply(patch.details, body)?;
    let different = *body != before;
    if different {
        body.revision += 1;
        body.standalone = body.parent_id.is_none().then_some(1);
        body.updated_at = id::now();
    }
    Ok(different)
}

/// Checks a number of pieces that are received.
pub fn received(pieces: i64) -> Result<i64, Error> {
    if pieces < 1 {
        return Err(Error::invalid("quantity", "At least 1 piece must be received."));
    }
    quantity(pieces)
}

/// Checks by how much stock is adjusted; how many pieces that moves.
pub fn delta(delta: i64) -> Result<i64, Error> {
    if delta == 0 || !INTEGER.contains(&delta.saturating_abs()) {
        return Err(Error::invalid(
            "delta",
            "Stock is adjusted by a whole number from -2147483647 to 2147483647 that is not 0.",
        ));
    }
    Ok(delta.abs())
}

/// Checks why stock is changed.
pub fn reason(text: &str) -> Result<String, Error> {
    let text = text.trim();
    if text.is_empty() {
        return Err(Error::invalid(
            "reason",
            "Say why, such as \"broken in transport\".",
        ));
    }
    bounded("reason", REASON, text)
}

fn name(text: &str) -> Result<String, Error> {
    let text = text.trim();
    if text.is_empty() {
        return Err(Error::invalid("name", "A product needs a name."));
    }
    bounded("name", NAME, text)
}

/// A text of lines and tabs; blank means that there is none.
fn description(text: Option<String>) -> Result<Option<String>, Error> {
    text.as_deref()
        .map(str::trim)
        .filter(|text| !text.is_empty())
        .map(|text| lines("description", DESCRIPTION, text))
        .transpose()
}

/// A text of at most so many characters, of which none but tabs and the ends of lines control anything.
pub fn lines(field: &str, most: usize, text: &str) -> Result<String, Error> {
    let controls = |char: char| char.is_control() && !"\t\r\n".contains(char);
    if text.chars().any(controls) {
        return Err(Error::invalid(
            field,
            "No control characters fit here but tabs and line ends.",
        ));
    }
    short(field, most, text)
}

/// An optional text of one line; blank means that there is none.
pub fn optional(field: &str, most: usize, text: Option<String>) -> Result<Option<String>, Error> {
    text.as_deref()
        .map(str::trim)
        .filter(|text| !text.is_empty())
        .map(|text| bounded(field, most, text))
        .transpose()
}

/// A text of one line and at most so many characters, none of which controls anything.
pub fn bounded(field: &str, most: usize, text: &str) -> Result<String, Error> {
    if text.chars().any(char::is_control) {
        return Err(Error::invalid(field, "No control characters fit here."));
    }
    short(field, most, text)
}

fn short(field: &str, most: usize, text: &str) -> Result<String, Error> {
    if text.chars().count() > most {
        return Err(Error::invalid(
            field,
            format!("At most {most} characters fit here."),
        ));
    }
    Ok(text.to_owned())
}

fn price(amount: i64) -> Result<i64, Error> {
    if INTEGER.contains(&amount) {
        Ok(amount)
    } else {
        Err(Error::invalid(
            "price",
            "A price is a whole number of minor units (cents) from 0 to 2147483647.",
        ))
    }
}

/// Checks a number of pieces.
pub fn quantity(pieces: i64) -> Result<i64, Error> {
    if INTEGER.contains(&pieces) {
        Ok(pieces)
    } else {
        Err(Error::invalid(
            "quantity",
            "A quantity is a whole number from 0 to 2147483647.",
        ))
    }
}
