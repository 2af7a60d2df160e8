//! Webhooks and their deliveries.

use async_graphql::{Context, Object};
use mercato_shop::webhooks::DeliveryFilter;

use crate::graphql::resolve::{Nullable, PageArguments, PageOf, change, connection, read};
use crate::model::convert::Convert;
use crate::model::scalar::Id;
use crate::model::webhook::{Delivery, DeliveryStatus, NewWebhook, SecretWebhook, Webhook, WebhookChanges};

/// Queries of webhooks.
#[derive(Default)]
pub struct WebhooksQuery;

#[Object]
impl WebhooksQuery {
    /// All webhooks, at most 50, oldest first. Requires the role ADMIN or the API key.
    async fn webhooks(&self, context: &Context<'_>) -> Nullable<Vec<Option<Webhook>>> {
        read(context, |session| {
            let webhooks = session.services.webhooks.list(session.caller())?;
            Ok(webhooks.into_iter().map(Some).collect::<Vec<_>>())
        })
    }

    /// The deliveries of webhooks, newest first. Requires the role ADMIN or the API key.
    #[allow(clippy::too_many_arguments, reason = "one for each argument of the field")]
    async fn webhook_deliveries(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Only deliveries to this webhook.")] webhook_id: Option<Id>,
        #[graphql(desc = "Only deliveries with this status.")] status: Option<DeliveryStatus>,
        #[graphql(desc = "1 to 100 items from the start, by default 20.")] first: Option<i32>,
        #[graphql(desc = "The page begins after the item of this cursor.")] after: Option<String>,
        #[graphql(desc = "1 to 100 items from the end, in place of `first`.")] last: Option<i32>,
        #[graphql(desc = "The page ends before the item of this cursor.")] before: Option<String>,
    ) -> Nullable<PageOf<Delivery>> {
        let filter = DeliveryFilter {
            webhook_id: webhook_id.convert(),
            status: status.convert(),
        };
        let arguments = PageArguments {
            first,
            after,
            last,
            before,
        };
        connection(context, arguments, |session, page| {
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
    async fn create_webhook(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The webhook to create.")] input: NewWebhook,
    ) -> Nullable<SecretWebhook> {
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
        #[graphql(desc = "The webhook's id.")] id: Id,
        #[graphql(desc = "The changes.")] input: WebhookChanges,
    ) -> Nullable<Webhook> {
        change(context, |session| {
            session
                .services
                .webhooks
                .update(session.caller(), &id, &input.convert())
        })
    }

    /// Deletes a webhook and its pending deliveries. Requires the role ADMIN or the API key.
    async fn delete_webhook(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The webhook's id.")] id: Id,
    ) -> Nullable<Webhook> {
        change(context, |session| {
            session.services.webhooks.delete(session.caller(), &id)
        })
    }

    /// Replaces the secret of a webhook. For a day, deliveries are also signed with the old secret. Requires
    /// the role ADMIN or the API key.
    async fn rotate_webhook_secret(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The webhook's id.")] id: Id,
    ) -> Nullable<SecretWebhook> {
        change(context, |session| {
            session.services.webhooks.rotate_secret(session.caller(), &id)
        })
    }

    /// Sends a delivery again, whatever its status, with the same number of attempts as a new one. Requires
    /// the role ADMIN or the API key.
    async fn replay_webhook_delivery(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The delivery's id.")] id: Id,
    ) -> Nullable<Delivery> {
        change(context, |session| {
            session.services.webhooks.replay(session.caller(), &id)
        })
    }
}
