//! What can be read and changed of webhooks.

use async_graphql::connection::{Connection, EmptyFields};
use async_graphql::{Context, ID, Object};
use mercato_shop::webhooks::DeliveryFilter;

use crate::schema::connection::{LIST, page, page_size, to_connection};
use crate::schema::nullable::{Nullable, change, read};
use crate::schema::webhook::{
    CreateWebhookInput, DeliveryObject, DeliveryStatus, SecretWebhookObject, UpdateWebhookInput,
    WebhookObject,
};

/// What can be read of webhooks.
#[derive(Default)]
pub struct WebhookQuery;

#[Object]
impl WebhookQuery {
    /// All webhooks, at most 50, oldest first. For an ADMIN or the API key.
    #[graphql(complexity = "LIST * child_complexity")]
    async fn webhooks(&self, context: &Context<'_>) -> Nullable<Vec<Option<WebhookObject>>> {
        read(context, |session| {
            let webhooks = session.services.webhooks.list(session.caller())?;
            let objects = webhooks.into_iter().map(|webhook| Some(WebhookObject(webhook)));
            Ok(objects.collect())
        })
    }

    /// What was sent to webhooks, or is to be, newest first. For an ADMIN or the API key.
    #[graphql(complexity = "page_size(first) * child_complexity")]
    async fn webhook_deliveries(
        &self,
        context: &Context<'_>,
        webhook_id: Option<ID>,
        status: Option<DeliveryStatus>,
        #[graphql(default = 20, desc = "1 to 100")] first: Option<i32>,
        after: Option<String>,
    ) -> Nullable<Connection<String, DeliveryObject, EmptyFields, EmptyFields>> {
        read(context, |session| {
            let page = page(first, after)?;
            let filter = DeliveryFilter {
                webhook_id: webhook_id.map(|id| id.0),
                status: status.map(Into::into),
            };
            let list = session
                .services
                .webhooks
                .deliveries(session.caller(), &filter, &page)?;
            let edges = list
                .edges
                .into_iter()
                .map(|edge| (edge.cursor, DeliveryObject(edge.delivery)));
            Ok(to_connection(page.after.is_some(), list.has_next, edges))
        })
    }
}

/// What can be changed of webhooks.
#[derive(Default)]
pub struct WebhookMutation;

#[Object]
impl WebhookMutation {
    /// Has events sent to an address from now on. For an ADMIN or the API key.
    async fn create_webhook(
        &self,
        context: &Context<'_>,
        input: CreateWebhookInput,
    ) -> Nullable<SecretWebhookObject> {
        change(context, |session| {
            let made = session.services.webhooks.create(session.caller(), &input.into());
            Ok(SecretWebhookObject(made?))
        })
    }

    /// Changes a webhook, or enables one that was disabled. For an ADMIN or the API key.
    async fn update_webhook(
        &self,
        context: &Context<'_>,
        id: ID,
        input: UpdateWebhookInput,
    ) -> Nullable<WebhookObject> {
        change(context, |session| {
            let webhook = session
                .services
                .webhooks
                .update(session.caller(), &id, &input.into());
            Ok(WebhookObject(webhook?))
        })
    }

    /// Ends a webhook, and gives up what is on its way to it. For an ADMIN or the API key.
    async fn delete_webhook(&self, context: &Context<'_>, id: ID) -> Nullable<WebhookObject> {
        change(context, |session| {
            let webhook = session.services.webhooks.delete(session.caller(), &id);
            Ok(WebhookObject(webhook?))
        })
    }

    /// Gives a webhook another secret. For a day, deliveries carry a signature by the old one, too. For an ADMIN or the API key.
    async fn rotate_webhook_secret(&self, context: &Context<'_>, id: ID) -> Nullable<SecretWebhookObject> {
        change(context, |session| {
            let rotated = session.services.webhooks.rotate_secret(session.caller(), &id);
            Ok(SecretWebhookObject(rotated?))
        })
    }

    /// Sends a delivery at once, and then as often as a new one, however it stands. For an ADMIN or the API key.
    async fn replay_webhook_delivery(&self, context: &Context<'_>, id: ID) -> Nullable<DeliveryObject> {
        change(context, |session| {
            let delivery = session.services.webhooks.replay(session.caller(), &id);
            Ok(DeliveryObject(delivery?))
        })
    }
}
