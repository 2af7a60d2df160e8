//! Images, attributes and variants of products.

use async_graphql::{Context, ID, InputObject, Object};
use mercato_shop::catalog::{Attribute, Image};

use crate::schema::nullable::{Nullable, change};
use crate::schema::product::{CreateProductInput, ProductObject};
use crate::session::valid_id;

/// A picture, by where it is.
pub struct ImageObject<'a>(pub &'a Image);

/// A picture, by where it is.
#[Object(name = "Image")]
impl ImageObject<'_> {
    async fn url(&self) -> &str {
        &self.0.url
    }

    /// What it shows, for who can't see it.
    async fn alt(&self) -> Option<&str> {
        self.0.alt.as_deref()
    }
}

/// A name with a value.
pub struct AttributeObject<'a>(pub &'a Attribute);

/// A name with a value.
#[Object(name = "Attribute")]
impl AttributeObject<'_> {
    async fn name(&self) -> &str {
        &self.0.name
    }

    async fn value(&self) -> &str {
        &self.0.value
    }
}

/// A picture, by where it is: with https or http.
#[derive(InputObject)]
pub struct ImageInput {
    url: String,
    alt: Option<String>,
}

impl From<ImageInput> for Image {
    fn from(input: ImageInput) -> Self {
        Self {
            url: input.url,
            alt: input.alt,
        }
    }
}

/// A name with a value.
#[derive(InputObject)]
pub struct AttributeInput {
    name: String,
    value: String,
}

impl From<AttributeInput> for Attribute {
    fn from(input: AttributeInput) -> Self {
        Self {
            name: input.name,
            value: input.value,
        }
    }
}

/// All of a list as the services take it.
pub fn all<I: Into<O>, O>(list: Vec<I>) -> Vec<O> {
    list.into_iter().map(Into::into).collect()
}

/// What can be changed of variants.
#[derive(Default)]
pub struct VariantMutation;

#[Object]
impl VariantMutation {
    /// Adds a variant to a product: a product itself, with its own price and stock, ordered by its own `_id`. For an ADMIN
    /// or the API key.
    async fn create_variant(
        &self,
        context: &Context<'_>,
        parent_id: ID,
        #[graphql(desc = "What makes it this variant, such as size: M")] options: Vec<AttributeInput>,
        input: CreateProductInput,
    ) -> Nullable<ProductObject> {
        change(context, |session| {
            session.caller().require_admin()?;
            valid_id("parentId", &parent_id)?;
            let catalog = &session.services.catalog;
            let created = catalog.create_variant(session.caller(), &parent_id, all(options), input.into());
            Ok(ProductObject(created?))
        })
    }
}
