//! Webhooks and their deliveries.

use async_graphql::{Context, Object};
use mercato_shop::webhooks::DeliveryFilter;

use crate::graphql::resolve::{LIST, Nullable, PageOf, change, connection, page_size, read};
use crate::model::convert::Convert;
use crate::model::scalar::Id;
use crate::model::webhook::{Delivery, DeliveryStatus, NewWebhook, SecretWebhook, Webhook, WebhookChanges};

/// Queries of webhooks.
#[derive(Default)]
pub struct WebhooksQuery;

#[Object]
impl WebhooksQuery {
    /// All webhooks, at most 50, oldest first. Requires the role ADMIN or the API key.
    #[graphql(complexity = "LIST * child_complexity")]
    async fn webhooks(&self, context: &Context<'_>) -> Nullable<Vec<Option<Webhook>>> {
        read(context, |session| {
            let webhooks = session.services.webhooks.list(session.caller())?;
            Ok(webhooks.into_iter().map(Some).collect::<Vec<_>>())
        })
    }

    /// The deliveries of webhooks, newest first. Requires the role ADMIN or the API key.
    #[graphql(complexity = "page_size(first) * child_complexity")]
    async fn webhook_deliveries(
        &self,
        context: &Context<'_>,
        webhook_id: Option<Id>,
        status: Option<DeliveryStatus>,
        #[graphql(default = 20, desc = "1 to 100.")] first: Option<i32>,
        after: Option<String>,
    ) -> Nullable<PageOf<Delivery>> {
        let filter = DeliveryFilter {
            webhook_id: webhook_id.convert(),
            status: status.convert(),
        };
        connection(context, first, after, |session, page| {
            session
                .services
                .webhooks
                .deliveries(session.caller(), &filter, page)
        })
    }
}

/// Mutations of webhooks.
#[derive(Default)]
pub struct WebhooksMutation;

#[Object]
impl WebhooksMutation {
    /// Creates a webhook. Requires the role ADMIN or the API key.
    async fn create_webhook(&self, context: &Context<'_>, input: NewWebhook) -> Nullable<SecretWebhook> {
        change(context, |session| {
            session
                .services
                .webhooks
                .create(session.caller(), &input.convert())
        })
    }

    /// Changes, enables or disables a webhook. Requires the role ADMIN or the API key.
    async fn update_webhook(
        &self,
        context: &Context<'_>,
        id: Id,
        input: WebhookChanges,
    ) -> Nullable<Webhook> {
        change(context, |session| {
            session
                .services
                .webhooks
                .update(session.caller(), &id, &input.convert())
        })
    }

    /// Deletes a webhook and its pending deliveries. Requires the role ADMIN or the API key.
    async fn delete_webhook(&self, context: &Context<'_>, id: Id) -> Nullable<Webhook> {
        change(context, |session| {
            session.services.webhooks.delete(session.caller(), &id)
        })
    }

    /// Replaces the secret of a webhook. For a day, deliveries are also signed with the old secret. Requires
    /// the role ADMIN or the API key.
    async fn rotate_webhook_secret(&self, context: &Context<'_>, id: Id) -> Nullable<SecretWebhook> {
        change(context, |session| {
            session.services.webhooks.rotate_secret(session.caller(), &id)
        })
    }

    /// Sends a delivery again, whatever its status, with the same number of attempts as a new one. Requires
    /// the role ADMIN or the API key.
    async fn replay_webhook_delivery(&self, context: &Context<'_>, id: Id) -> Nullable<Delivery> {
        change(context, |session| {
            session.services.webhooks.replay(session.caller(), &id)
        })
    }
}
