//! What a product may be made of.

use mercato_common::catalog::{NewProduct, ProductPatch};
use mercato_common::ports::Ports;
use mercato_common::types::Error;
use mercato_common::{currency, id};

use crate::product::ProductBody;

const NAME: usize = 500;
const DESCRIPTION: usize = 10_000;
const MANUFACTURER: usize = 200;
const EXTERNAL_ID: usize = 500;
/// Prices and quantities fit GraphQL's Int, which has 32 bits.
const INTEGER: std::ops::RangeInclusive<i64> = 0..=i32::MAX as i64;

/// A product as it starts, or what is wrong with the input.
pub fn to_body(ports: &impl Ports, input: NewProduct) -> Result<ProductBody, Error> {
    let currency = match input.currency {
        Some(code) => currency::check(code)?,
        None => currency::own(ports),
    };
    let on_hand = quantity(input.quantity)?;
    let now = id::now();
    Ok(ProductBody {
        name: name(&input.name)?,
        description: optional("description", DESCRIPTION, input.description)?,
        manufacturer: optional("manufacturer", MANUFACTURER, input.manufacturer)?,
        external_id: optional("externalId", EXTERNAL_ID, input.external_id)?,
        price: price(input.price)?,
        currency,
        received: on_hand,
        on_hand,
        reserved: 0,
        sold: 0,
        revision: 1,
        created_at: now,
        updated_at: now,
    })
}

/// Makes the changes of a patch. Whether anything is different now.
pub fn apply(patch: ProductPatch, body: &mut ProductBody) -> Result<bool, Error> {
    let before = body.clone();
    if let Some(text) = patch.name {
        body.name = name(&text)?;
    }
    if patch.description.is_some() {
        body.description = optional("description", DESCRIPTION, patch.description)?;
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
    let different = *body != before;
    if different {
        body.revision += 1;
        body.updated_at = id::now();
    }
    Ok(different)
}

/// Checks a number of pieces that come, or go.
pub fn moved(pieces: i64) -> Result<i64, Error> {
    if pieces < 1 {
        return Err(Error::invalid("quantity", "It must be at least 1 piece."));
    }
    quantity(pieces)
}

fn name(text: &str) -> Result<String, Error> {
    let text = text.trim();
    if text.is_empty() {
        return Err(Error::invalid("name", "A product needs a name."));
    }
    bounded("name", NAME, text)
}

/// An optional text; blank means that there is none.
fn optional(field: &str, most: usize, text: Option<String>) -> Result<Option<String>, Error> {
    text.as_deref()
        .map(str::trim)
        .filter(|text| !text.is_empty())
        .map(|text| bounded(field, most, text))
        .transpose()
}

fn bounded(field: &str, most: usize, text: &str) -> Result<String, Error> {
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

fn quantity(pieces: i64) -> Result<i64, Error> {
    if INTEGER.contains(&pieces) {
        Ok(pieces)
    } else {
        Err(Error::invalid(
            "quantity",
            "A quantity is a whole number from 0 to 2147483647.",
        ))
    }
}
