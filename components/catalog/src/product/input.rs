//! Checks the input for a product and writes it into the document.

use std::collections::HashSet;

use mercato_shop::catalog::{Attribute, Image, NewProduct, ProductDetails, ProductPatch};
use mercato_shop::ports::Ports;
use mercato_shop::types::Error;
use mercato_shop::{currency, id, text};

use crate::repository::{ImageBody, NameValue, ProductBody};
use crate::validation::{MAX_INT, integer};

const MAX_NAME: usize = 500;
const MAX_DESCRIPTION: usize = 10_000;
const MAX_MANUFACTURER: usize = 200;
const MAX_EXTERNAL_ID: usize = 500;
const MAX_SKU: usize = 100;
const MAX_CATEGORY_ID: usize = 100;
const MAX_IMAGES: usize = 20;
const MAX_URL: usize = 2_000;
const MAX_ALT: usize = 500;
const MAX_ATTRIBUTES: usize = 50;
const MAX_ATTRIBUTE_NAME: usize = 100;
const MAX_ATTRIBUTE_VALUE: usize = 500;

/// Returns the document of a new product.
///
/// # Errors
/// [`Error::Invalid`] for the first invalid field.
pub fn to_body(ports: &impl Ports, input: &NewProduct) -> Result<ProductBody, Error> {
    let currency = match &input.currency {
        Some(code) => currency::check(code)?,
        None => currency::default_currency(ports)?,
    };
    let on_hand = integer("quantity", 0, input.quantity)?;
    let now = id::now();
    let mut body = ProductBody {
        name: name(&input.name)?,
        description: description(input.description.as_deref())?,
        manufacturer: optional_line("manufacturer", MAX_MANUFACTURER, input.manufacturer.as_deref())?,
        external_id: optional_line("externalId", MAX_EXTERNAL_ID, input.external_id.as_deref())?,
        price: price(input.price)?,
        currency,
        received: on_hand,
        on_hand,
        revision: 1,
        created_at: now,
        updated_at: now,
        standalone: Some(1),
        ..ProductBody::default()
    };
    apply_details(&input.details, &mut body)?;
    Ok(body)
}

/// Applies a patch. Returns whether it changes the product.
///
/// # Errors
/// [`Error::Invalid`] for the first invalid field.
pub fn apply(patch: &ProductPatch, body: &mut ProductBody) -> Result<bool, Error> {
    let before = body.clone();
    if let Some(text) = &patch.name {
        body.name = name(text)?;
    }
    if patch.description.is_some() {
        body.description = description(patch.description.as_deref())?;
    }
    if patch.manufacturer.is_some() {
        body.manufacturer = optional_line("manufacturer", MAX_MANUFACTURER, patch.manufacturer.as_deref())?;
    }
    if let Some(amount) = patch.price {
        body.price = price(amount)?;
    }
    if let Some(code) = &patch.currency {
        body.currency = currency::check(code)?;
    }
    apply_details(&patch.details, body)?;
    let changed = *body != before;
    if changed {
        body.revision += 1;
        body.standalone = body.parent_id.is_none().then_some(1);
        body.updated_at = id::now();
    }
    Ok(changed)
}

fn apply_details(details: &ProductDetails, body: &mut ProductBody) -> Result<(), Error> {
    if let Some(threshold) = details.low_stock_at {
        body.low_stock_at = low_stock_threshold(threshold)?;
    }
    if details.category_id.is_some() {
        body.category_id = optional_line("categoryId", MAX_CATEGORY_ID, details.category_id.as_deref())?;
    }
    if let Some(input) = &details.images {
        body.images = images(input)?;
    }
    if let Some(input) = &details.attributes {
        body.attributes = attributes("attributes", input)?;
    }
    if details.sku.is_some() {
        body.sku = optional_line("sku", MAX_SKU, details.sku.as_deref())?;
    }
    if let Some(grams) = details.weight {
        body.weight = Some(integer("weight", 0, grams)?).filter(|grams| *grams > 0);
    }
    Ok(())
}

/// Checks attributes or options. Each name may occur once, in upper or lower case.
///
/// # Errors
/// [`Error::Invalid`] for the first invalid pair.
pub fn attributes(field: &str, input: &[Attribute]) -> Result<Vec<NameValue>, Error> {
    if input.len() > MAX_ATTRIBUTES {
        return Err(Error::invalid(
            field,
            format!("`{field}` must have at most {MAX_ATTRIBUTES} entries."),
        ));
    }
    let mut names = HashSet::new();
    let check = |attribute: &Attribute| {
        let (name, value) = (attribute.name.trim(), attribute.value.trim());
        if name.is_empty() || value.is_empty() {
            return Err(Error::invalid(
                field,
                format!("Each entry of `{field}` needs a name and a value."),
            ));
        }
        if !names.insert(name.to_lowercase()) {
            return Err(Error::invalid(
                field,
                format!("`{field}` has the name {name} twice. Use each name once."),
            ));
        }
        Ok(NameValue {
            name: text::line(field, MAX_ATTRIBUTE_NAME, name)?.into(),
            value: text::lines(field, MAX_ATTRIBUTE_VALUE, value)?.into(),
        })
    };
    input.iter().map(check).collect()
}

fn images(input: &[Image]) -> Result<Vec<ImageBody>, Error> {
    if input.len() > MAX_IMAGES {
        return Err(Error::invalid(
            "images",
            format!("`images` must have at most {MAX_IMAGES} entries."),
        ));
    }
    let check = |image: &Image| {
        let url = image.url.trim();
        if !is_web_url(url) {
            return Err(Error::invalid(
                "images",
                "The URL of an image must begin with https:// or http:// and be percent-encoded, such as https://cdn.example/sock.jpg.",
            ));
        }
        Ok(ImageBody {
            url: text::line("images", MAX_URL, url)?.into(),
            alt: optional_line("images", MAX_ALT, image.alt.as_deref())?,
        })
    };
    input.iter().map(check).collect()
}

fn is_web_url(url: &str) -> bool {
    let rest = url
        .strip_prefix("https://")
        .or_else(|| url.strip_prefix("http://"));
    let has_host =
        rest.is_some_and(|rest| rest.starts_with(|char: char| char.is_ascii_alphanumeric() || char == '['));
    let is_allowed = |char: char| char.is_ascii_graphic() && !matches!(char, '"' | '<' | '>' | '\\' | '`');
    has_host && url.chars().all(is_allowed)
}

fn name(text: &str) -> Result<String, Error> {
    Ok(text::line("name", MAX_NAME, text::required("name", text)?)?.into())
}

fn description(text: Option<&str>) -> Result<Option<String>, Error> {
    text::trimmed(text)
        .map(|text| Ok(text::lines("description", MAX_DESCRIPTION, text)?.into()))
        .transpose()
}

fn optional_line(field: &str, max: usize, text: Option<&str>) -> Result<Option<String>, Error> {
    text::trimmed(text)
        .map(|text| Ok(text::line(field, max, text)?.into()))
        .transpose()
}

fn price(amount: i64) -> Result<i64, Error> {
    if (0..=MAX_INT).contains(&amount) {
        return Ok(amount);
    }
    Err(Error::invalid(
        "price",
        format!("`price` must be a whole number of minor units (cents) from 0 to {MAX_INT}."),
    ))
}

/// Checks a product's own threshold. A negative one unsets it, so that the shop's threshold applies.
fn low_stock_threshold(units: i64) -> Result<Option<i64>, Error> {
    if units > MAX_INT {
        return Err(Error::invalid(
            "lowStockAt",
            format!(
                "`lowStockAt` must be at most {MAX_INT}. A negative number stands for the shop's threshold."
            ),
        ));
    }
    Ok((units >= 0).then_some(units))
}
