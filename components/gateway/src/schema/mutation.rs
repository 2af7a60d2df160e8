//! What can be changed.

use async_graphql::{Context, ID, Object};
use mercato_shop::types::Error;

use crate::errors;
use crate::schema::import::{ImportOutcome, ImportProductInput, ImportProductsResult};
use crate::schema::nullable::{Nullable, change, nullable};
use crate::schema::product::{CreateProductInput, ProductObject, UpdateProductInput};
use crate::schema::user::{LoginInput, RegisterUserInput, RegisterUserResult};
use crate::session::{Session, valid_id, valid_version};

/// What can be changed of users and products.
#[derive(Default)]
pub struct ShopMutation;

#[Object]
impl ShopMutation {
    /// Makes a user, who is signed in at once.
    async fn register_user(
        &self,
        context: &Context<'_>,
        input: Option<RegisterUserInput>,
    ) -> Nullable<RegisterUserResult> {
        nullable(async {
            let session = Session::to_change(context)?;
            let input = input.ok_or_else(|| session.error(required("input")))?;
            let registered = session
                .services
                .accounts
                .register(input.into(), session.client.clone())
                .map_err(errors::plain)?;
            Ok(Some(registered.into()))
        })
        .await
    }

    /// Signs a user in. RATE_LIMITED after too many failures; not for who sends the access token of another session.
    async fn login(&self, context: &Context<'_>, input: LoginInput) -> Nullable<RegisterUserResult> {
        nullable(async {
            let session = Session::to_change(context)?;
            let signed_in = session
                .services
                .accounts
                .login(session.caller(), input.into(), session.client.clone())
                .map_err(errors::plain)?;
            Ok(Some(signed_in.into()))
        })
        .await
    }

    /// Adds a product. For an ADMIN or the API key.
    async fn create_product(
        &self,
        context: &Context<'_>,
        input: Option<CreateProductInput>,
    ) -> Nullable<ProductObject> {
        change(context, |session| {
            session.caller().require_admin()?;
            let input = input.ok_or_else(|| required("input"))?;
            let product = session.services.catalog.create(session.caller(), input.into());
            Ok(ProductObject(product?))
        })
    }

    /// Edits a product that is still at this version; CONFLICT where it is not. For an ADMIN or the API key.
    async fn update_product(
        &self,
        context: &Context<'_>,
        id: ID,
        #[graphql(desc = "The version that the edit was made of")] version: i32,
        input: UpdateProductInput,
    ) -> Nullable<ProductObject> {
        change(context, |session| {
            session.caller().require_admin()?;
            valid_id("id", &id)?;
            let version = valid_version(version)?;
            let product = session
                .services
                .catalog
                .update(session.caller(), &id, version, input.into());
            Ok(ProductObject(product?))
        })
    }

    /// Adds newly received pieces to a product's stock. For an ADMIN or the API key.
    async fn receive_stock(&self, context: &Context<'_>, id: ID, quantity: i32) -> Nullable<ProductObject> {
        change(context, |session| {
            session.caller().require_admin()?;
            valid_id("id", &id)?;
            let product = session
                .services
                .catalog
                .receive(session.caller(), &id, i64::from(quantity));
            Ok(ProductObject(product?))
        })
    }

    /// Creates products, or brings those with a known `externalId` up to date; at most 500 at once. For an ADMIN or the
    /// API key.
    async fn import_products(
        &self,
        context: &Context<'_>,
        products: Vec<ImportProductInput>,
    ) -> Nullable<ImportProductsResult> {
        change(context, |session| {
            let rows = products.into_iter().map(Into::into).collect();
            let outcomes = session.services.catalog.import_many(session.caller(), rows)?;
            Ok(ImportProductsResult {
                outcomes: outcomes.into_iter().map(ImportOutcome::from).collect(),
            })
        })
    }
}

fn required(argument: &str) -> Error {
    Error::invalid(argument, "This argument must be given, and must not be null.")
}
