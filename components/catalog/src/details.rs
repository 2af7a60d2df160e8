//! What the details of a product and its category may be.

use std::collections::HashSet;

use mercato_shop::catalog::{Attribute, Image, ProductDetails};
use mercato_shop::types::Error;

use crate::input::{INTEGER, bounded, lines, optional};
use crate::product::{Named, Picture, ProductBody};

const IMAGES: usize = 20;
const URL: usize = 2_000;
const ALT: usize = 500;
const ATTRIBUTES: usize = 50;
const NAME: usize = 100;
const VALUE: usize = 500;
const SKU: usize = 100;
/// Of a category's name, slug and id.
const CATEGORY: usize = 100;

/// Says of a product what its details say.
pub fn apply(details: ProductDetails, body: &mut ProductBody) -> Result<(), Error> {
    if let Some(pieces) = details.low_stock_at {
        body.low_stock_at = threshold(pieces)?;
    }
    if details.category_id.is_some() {
        body.category_id = optional("categoryId", CATEGORY, details.category_id)?;
    }
    if let Some(images) = details.images {
        body.images = pictures(images)?;
    }
    if let Some(attributes) = details.attributes {
        body.attributes = named("attributes", attributes)?;
    }
    if details.sku.is_some() {
        body.sku = optional("sku", SKU, details.sku)?;
    }
    Ok(())
}

/// The threshold of a product's own, if it is one.
fn threshold(pieces: i64) -> Result<Option<i64>, Error> {
    if pieces > *INTEGER.end() {
        return Err(Error::invalid(
            "lowStockAt",
            "A threshold is a whole number to 2147483647; a negative one is the shop's own.",
        ));
    }
    Ok((pieces >= 0).then_some(pieces))
}

fn pictures(images: Vec<Image>) -> Result<Vec<Picture>, Error> {
    if images.len() > IMAGES {
        return Err(Error::invalid(
            "images",
            format!("A product has at most {IMAGES} images."),
        ));
    }
    let picture = |image: Image| {
        let url = image.url.trim();
        let rest = url
            .strip_prefix("https://")
            .or_else(|| url.strip_prefix("http://"));
        let fits = |char: char| char.is_ascii_graphic() && !matches!(char, '"' | '<' | '>' | '\\' | '`');
        if !rest
            .is_some_and(|rest| rest.starts_with(|char: char| char.is_ascii_alphanumeric() || char == '['))
            || !url.chars().all(fits)
        {
            return Err(Error::invalid(
                "images",
                "An image is an address with https:// or http://, such as https://cdn.example/sock.jpg, percent-encoded.",
            ));
        }
        Ok(Picture {
            url: bounded("images", URL, url)?,
            alt: optional("images", ALT, image.alt)?,
        })
    };
    images.into_iter().map(picture).collect()
}

/// Names with values, each name once.
pub fn named(field: &str, attributes: Vec<Attribute>) -> Result<Vec<Named>, Error> {
    if attributes.len() > ATTRIBUTES {
        return Err(Error::invalid(
            field,
            format!("There are at most {ATTRIBUTES} here."),
        ));
    }
    let mut seen = HashSet::new();
    let mut checked = Vec::with_capacity(attributes.len());
    for attribute in attributes {
        let (name, value) = (attribute.name.trim(), attribute.value.trim());
        if name.is_empty() || value.is_empty() {
            return Err(Error::invalid(field, "Each needs a name and a value."));
        }
        if !seen.insert(name.to_lowercase()) {
            return Err(Error::invalid(field, format!("The name {name} is there twice.")));
        }
        checked.push(Named {
            name: bounded(field, NAME, name)?,
            value: lines(field, VALUE, value)?,
        });
    }
    Ok(checked)
}

/// Checks the name of a category.
pub fn category_name(text: &str) -> Result<String, Error> {
    let text = text.trim();
    if text.is_empty() {
        return Err(Error::invalid("name", "A category needs a name."));
    }
    bounded("name", CATEGORY, text)
}

/// Checks a slug.
pub fn slug(text: &str) -> Result<String, Error> {
    let fits = |char: char| char.is_ascii_lowercase() || char.is_ascii_digit() || char == '-';
    if text.is_empty() || !text.chars().all(fits) || text.starts_with('-') || text.ends_with('-') {
        return Err(Error::invalid(
            "slug",
            "A slug is of lower-case letters a to z, digits, and hyphens between them, such as winter-socks.",
        ));
    }
    bounded("slug", CATEGORY, text)
}

/// The slug of a name that is given none.
pub fn slug_of(name: &str) -> Result<String, Error> {
    let words: Vec<_> = name
        .split(|char: char| !char.is_ascii_alphanumeric())
        .filter(|word| !word.is_empty())
        .collect();
    slug(&words.join("-").to_ascii_lowercase())
}
