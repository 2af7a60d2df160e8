//! Checks the input for a product and writes it into the document.

use std::collections::HashSet;

use mercato_shop::catalog::{Attribute, Image, NewProduct, ProductDetails, ProductPatch};
use mercato_shop::ports::Ports;
use mercato_shop::types::Error;
use mercato_shop::{currency, text};

use crate::repository::{ImageBody, NameValue, ProductBody};
use crate::text::slug;
use crate::validation::{MAX_INT, integer};

const MAX_NAME: usize = 500;
const MAX_DESCRIPTION: usize = 65_536;
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

/// Returns the document of a new product, without times, slug and category path.
///
/// # Errors
/// [`Error::Invalid`] for the first invalid field.
pub fn to_body(ports: &impl Ports, input: &NewProduct) -> Result<ProductBody, Error> {
    let mut body = blank(match &input.currency {
        Some(code) => currency::check(code)?,
        None => currency::default_currency(ports)?,
    });
    body.external_id = external_id("externalId", input.external_id.as_deref())?;
    set_first_stock(&mut body, quantity(input.quantity)?);
    let fields = ProductPatch {
        name: Some(input.name.clone()),
        description: input.description.clone(),
        manufacturer: input.manufacturer.clone(),
        price: Some(input.price),
        details: input.details.clone(),
        ..ProductPatch::default()
    };
    apply(&fields, &mut body)?;
    Ok(body)
}

/// Returns the document of a new product, before its fields are applied.
pub fn blank(currency: String) -> ProductBody {
    ProductBody {
        currency,
        revision: 1,
        standalone: Some(1),
        ..ProductBody::default()
    }
}

/// Sets the stock that a product is created with.
pub const fn set_first_stock(body: &mut ProductBody, units: i64) {
    body.received = units;
    body.on_hand = units;
}

/// Applies the fields of a patch, apart from the quantity.
///
/// # Errors
/// [`Error::Invalid`] for the first invalid field.
pub fn apply(patch: &ProductPatch, body: &mut ProductBody) -> Result<(), Error> {
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
        body.price = currency::check_amount("price", 0, amount)?;
    }
    if let Some(code) = &patch.currency {
        body.currency = currency::check(code)?;
    }
    apply_details(&patch.details, body)?;
    match body.compare_at_price {
        Some(before) if before <= body.price => Err(Error::invalid(
            "compareAtPrice",
            format!(
                "`compareAtPrice` {before} must be greater than `price` {}. Set both, or set `compareAtPrice` to 0.",
                body.price
            ),
        )),
        _ => Ok(()),
    }
}

/// Checks a number of units.
///
/// # Errors
/// [`Error::Invalid`] if it is negative or too large.
pub fn quantity(units: i64) -> Result<i64, Error> {
    integer("quantity", 0, units)
}

/// Returns an external id in its normal form, or nothing if it is blank.
///
/// # Errors
/// [`Error::Invalid`] if it is too long or has characters that people do not see.
pub fn external_id(field: &str, text: Option<&str>) -> Result<Option<String>, Error> {
    identifier(field, MAX_EXTERNAL_ID, text)
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
        body.sku = identifier("sku", MAX_SKU, details.sku.as_deref())?;
    }
    if let Some(grams) = details.weight {
        body.weight = Some(integer("weight", 0, grams)?).filter(|grams| *grams > 0);
    }
    if let Some(amount) = details.compare_at_price {
        let amount = currency::check_amount("compareAtPrice", 0, amount)?;
        body.compare_at_price = Some(amount).filter(|amount| *amount > 0);
    }
    if let Some(text) = &details.slug {
        // Without a slug, the product gets one that is made from its name.
        body.slug = text::trimmed(Some(text)).map(slug::check).transpose()?;
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
                "The URL of an image must begin with https:// or http://, have no user, and be percent-encoded, such as https://cdn.example/sock.jpg.",
            ));
        }
        Ok(ImageBody {
            url: text::line("images", MAX_URL, url)?.into(),
            alt: optional_line("images", MAX_ALT, image.alt.as_deref())?,
        })
    };
    input.iter().map(check).collect()
}

/// Returns whether a text is the URL of a file on the web. A URL with a user or a password is none, because every
/// client of the shop would see them.
fn is_web_url(url: &str) -> bool {
    let rest = url
        .strip_prefix("https://")
        .or_else(|| url.strip_prefix("http://"));
    let has_host = rest.is_some_and(|rest| {
        let (host, _) = rest.split_once(['/', '?', '#']).unwrap_or((rest, ""));
        host.starts_with(|char: char| char.is_ascii_alphanumeric() || char == '[') && !host.contains('@')
    });
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

/// Checks an identifier, which is compared by its characters.
fn identifier(field: &str, max: usize, text: Option<&str>) -> Result<Option<String>, Error> {
    let Some(text) = text::trimmed(text).map(text::nfc) else {
        return Ok(None);
    };
    if let Some(hidden) = text::forbidden_format(&text) {
        return Err(Error::invalid(field, text::format_message(field, hidden)));
    }
    Ok(Some(text::line(field, max, &text)?.into()))
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
