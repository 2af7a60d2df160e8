//! Those whom a provider calls over the lattice: the broker, and the services that subscribe to events.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use anyhow::Context as _;
use async_trait::async_trait;
use mercato_ports::events::{Event, HandlerFailure, Handlers, Publisher};
use tokio::time::timeout;
use wasmcloud_provider_sdk::provider::WrpcClient;
use wasmcloud_provider_sdk::{ProviderConnection, get_connection};
use wit_bindgen_wrpc::wrpc_transport::{InvokeExt as _, SendFuture as _};

use crate::bindings::wire::{self, remote_publisher};
use crate::convert::all;
use crate::trace::headers;

/// The name by which a service's component exports its handler.
const HANDLER: &str = "mercato:platform/handler@0.1.0";

/// How long a call may take. It is longer than hosts let any call take: whoever still has not answered by then is gone.
const PATIENCE: Duration = Duration::from_secs(30);

/// The provider that has the port `publisher`. wadm links no provider to another, so it is known by its id.
pub struct RemotePublisher(WrpcClient);

impl RemotePublisher {
    /// The provider of this id.
    ///
    /// # Errors
    /// NATS can't be reached.
    pub async fn new(connection: &ProviderConnection, provider: &str) -> anyhow::Result<Self> {
        Ok(Self(connection.get_wrpc_client(provider).await?))
    }
}

#[async_trait]
impl Publisher for RemotePublisher {
    async fn publish(&self, events: Vec<Event>) -> Result<(), String> {
        let events = all::<_, wire::Event>(events);
        let published = remote_publisher::publish(&self.0, Some(headers()), &events);
        patiently(published)
            .await
            .map_err(|error| format!("the provider that publishes events did not answer: {error:#}"))?
    }
}

/// A service that subscribes to events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subscription {
    /// Its name as a subscriber: that of its consumer group.
    pub subscriber: String,
    /// The kinds of events that it is told of.
    pub kinds: Vec<String>,
    /// The name by which its component exports the handler.
    pub export: String,
}

impl Subscription {
    /// What the source configuration of a link says: `subscriber`, `kinds` with commas between them, and `export` where the
    /// component has several handlers.
    ///
    /// # Errors
    /// A sentence for the operator.
    pub fn parse(config: &HashMap<String, String>) -> Result<Self, String> {
        let value = |key: &str| {
            config
                .get(key)
                .map(|value| value.trim())
                .filter(|value| !value.is_empty())
        };
        let missing = |key: &str| format!("the link's source configuration has no `{key}`: put it there");
        let kinds = value("kinds").ok_or_else(|| missing("kinds"))?;
        Ok(Self {
            subscriber: value("subscriber")
                .ok_or_else(|| missing("subscriber"))?
                .to_owned(),
            kinds: kinds.split(',').map(|kind| kind.trim().to_owned()).collect(),
            export: value("export").unwrap_or(HANDLER).to_owned(),
        })
    }
}

/// The subscribing services by their names. Clones share them.
#[derive(Clone, Default)]
pub struct RemoteHandlers(Arc<RwLock<HashMap<String, Target>>>);

#[derive(Clone)]
struct Target {
    component: String,
    link: String,
    client: WrpcClient,
    export: String,
}

impl RemoteHandlers {
    /// Delivers to a component from now on, by the link of this name.
    ///
    /// # Errors
    /// NATS can't be reached.
    pub async fn link(&self, component: &str, link: &str, subscription: &Subscription) -> anyhow::Result<()> {
        let target = Target {
            component: component.to_owned(),
            link: link.to_owned(),
            client: get_connection().get_wrpc_client(component).await?,
            export: subscription.export.clone(),
        };
        let mut targets = self.0.write().unwrap_or_else(PoisonError::into_inner);
        targets.insert(subscription.subscriber.clone(), target);
        Ok(())
    }

    /// Forgets a link; the name of the subscriber that it was for.
    #[must_use]
    pub fn unlink(&self, component: &str, link: &str) -> Option<String> {
        let mut targets = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let mut linked = targets.iter();
        let (subscriber, _) =
            linked.find(|(_, target)| target.component == component && target.link == link)?;
        let subscriber = subscriber.clone();
        targets.remove(&subscriber);
        Some(subscriber)
    }
}

#[async_trait]
impl Handlers for RemoteHandlers {
    async fn handle(&self, subscriber: &str, event: Event) -> Result<(), HandlerFailure> {
        let target = self
            .0
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(subscriber)
            .cloned();
        let target = target.ok_or_else(|| {
            HandlerFailure::Retry(format!("there is no link to `{subscriber}`, or not yet"))
        })?;
        match patiently(call(&target, event.into())).await {
            Ok(answer) => answer.map_err(Into::into),
            Err(error) => Err(HandlerFailure::Retry(format!(
                "`{subscriber}` did not answer: {error:#}"
            ))),
        }
    }
}

/// An answer, if it comes in time.
async fn patiently<T>(answer: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    timeout(PATIENCE, answer)
        .await
        .with_context(|| format!("it took longer than {} s", PATIENCE.as_secs()))?
}

async fn call(target: &Target, event: wire::Event) -> anyhow::Result<Result<(), wire::HandlerFailure>> {
    let none: [&[Option<usize>]; 0] = [];
    let (answer,) = target
        .client
        .invoke_values_blocking(Some(headers()), &target.export, "handle", (event,), none)
        .send()
        .await
        .context("its handler can't be called")?;
    Ok(answer)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(config: &[(&str, &str)]) -> Result<Subscription, String> {
        let config = config
            .iter()
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
        Subscription::parse(&config.collect())
    }

    #[test]
    fn a_link_says_who_subscribes_to_what() {
        let subscription = parse(&[("subscriber", "orders"), ("kinds", "a, b")]).unwrap();
        assert_eq!(subscription.kinds, ["a", "b"]);
        assert_eq!(subscription.export, HANDLER);
        let export = ("export", "orders-events");
        let composed = parse(&[("subscriber", "orders"), ("kinds", "a"), export]).unwrap();
        assert_eq!(composed.export, "orders-events");
    }

    #[test]
    fn a_link_that_says_too_little_is_told_what_to_add() {
        assert!(parse(&[("kinds", "a")]).unwrap_err().contains("`subscriber`"));
        assert!(
            parse(&[("subscriber", "orders"), ("kinds", " ")])
                .unwrap_err()
                .contains("`kinds`")
        );
    }
}
