//! The shapes of JSON that tell of pictures and of names with values.

use mercato_shop::catalog::{Attribute as NamedValue, Image as Picture};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A picture, by where it is.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Image {
    pub url: String,
    /// What it shows, for who can't see it.
    pub alt: Option<String>,
}

impl From<Picture> for Image {
    fn from(image: Picture) -> Self {
        Self {
            url: image.url,
            alt: image.alt,
        }
    }
}

/// A picture, by where it is: with https or http.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewImage {
    pub url: String,
    /// What it shows, for who can't see it.
    pub alt: Option<String>,
}

impl From<NewImage> for Picture {
    fn from(image: NewImage) -> Self {
        Self {
            url: image.url,
            alt: image.alt,
        }
    }
}

/// A name with a value, such as material: wool.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Attribute {
    pub name: String,
    pub value: String,
}

impl From<NamedValue> for Attribute {
    fn from(attribute: NamedValue) -> Self {
        Self {
            name: attribute.name,
            value: attribute.value,
        }
    }
}

impl From<Attribute> for NamedValue {
    fn from(attribute: Attribute) -> Self {
        Self {
            name: attribute.name,
            value: attribute.value,
        }
    }
}

/// All of a list in another shape.
pub fn all<I: Into<O>, O>(list: Vec<I>) -> Vec<O> {
    list.into_iter().map(Into::into).collect()
}
