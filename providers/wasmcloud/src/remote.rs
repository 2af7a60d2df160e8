//! The parts of the lattice that a provider calls: the provider that publishes events, and the services that
//! subscribe to events.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use anyhow::Context as _;
use async_trait::async_trait;
use mercato_ports::events::{DeliveryFailure, Event, HandlerFailure, Handlers, Publisher};
use tokio::time::error::Elapsed;
use tokio::time::timeout;
use wasmcloud_provider_sdk::provider::WrpcClient;
use wasmcloud_provider_sdk::{ProviderConnection, get_connection};
use wit_bindgen_wrpc::wrpc_transport::{InvokeExt as _, SendFuture as _};

use crate::bindings::mercato::platform::publisher;
use crate::bindings::wire;
use crate::convert::Convert as _;
use crate::trace::headers;

/// The default name of the exported handler of a component.
const HANDLER: &str = "mercato:platform/handler@0.1.0";

/// The context that wRPC adds to errors from before a host has accepted the call.
const NOT_ACCEPTED: &str = "failed to invoke function";

/// The time limit of a call. It is longer than the limit of the hosts, so a component that has not responded
/// by then has not begun, or its host has stopped.
const TIMEOUT: Duration = Duration::from_secs(30);

/// The provider of the port `publisher`. It is addressed by its id, because wadm can't link two providers.
pub struct RemotePublisher(WrpcClient);

impl RemotePublisher {
    /// Connects to the provider with this id.
    ///
    /// # Errors
    /// Fails if NATS can't be reached.
    pub async fn new(connection: &ProviderConnection, provider: &str) -> anyhow::Result<Self> {
        Ok(Self(connection.get_wrpc_client(provider).await?))
    }
}

#[async_trait]
impl Publisher for RemotePublisher {
    async fn publish(&self, events: Vec<Event>) -> Result<(), String> {
        let events: Vec<wire::Event> = events.convert();
        let published = publisher::publish(&self.0, Some(headers()), &events);
        with_timeout(published)
            .await
            .map_err(|error| format!("the provider that publishes events did not respond: {error:#}"))?
    }
}

/// A service that subscribes to events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subscription {
    /// The name of the subscriber and of its consumer group.
    pub subscriber: String,
    /// The kinds of events that the service handles.
    pub kinds: Vec<String>,
    /// The kinds that arrive in batches.
    pub batches: Vec<String>,
    /// The name of the exported handler.
    pub export: String,
}

impl Subscription {
    /// Parses the source configuration of a link: `subscriber`, `kinds` and optionally `batches` (separated by
    /// commas), and `export` if the component has several handlers.
    ///
    /// # Errors
    /// Names the missing key, as a sentence for the operator.
    pub fn parse(config: &HashMap<String, String>) -> Result<Self, String> {
        let value = |key: &str| {
            config
                .get(key)
                .map(|value| value.trim())
                .filter(|value| !value.is_empty())
        };
        let missing =
            |key: &str| format!("the link's source configuration must have a value for `{key}`: add it");
        let kinds = |kinds: &str| kinds.split(',').map(|kind| kind.trim().to_owned()).collect();
        Ok(Self {
            subscriber: value("subscriber")
                .ok_or_else(|| missing("subscriber"))?
                .to_owned(),
            kinds: kinds(value("kinds").ok_or_else(|| missing("kinds"))?),
            batches: value("batches").map(kinds).unwrap_or_default(),
            export: value("export").unwrap_or(HANDLER).to_owned(),
        })
    }
}

/// The subscribing services by their names. Clones share the same services.
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
    /// Adds a subscriber, whose events go to a component by the link of this name.
    ///
    /// # Errors
    /// Fails if NATS can't be reached.
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

    async fn call(
        &self,
        subscriber: &str,
        events: Vec<Event>,
    ) -> Result<Vec<Result<(), HandlerFailure>>, DeliveryFailure> {
        let target = self
            .0
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(subscriber)
            .cloned();
        let target = target
            .ok_or_else(|| DeliveryFailure::Unreachable(format!("no link to `{subscriber}` exists yet")))?;
        let results = with_timeout(call(&target, events.convert()))
            .await
            .map_err(|error| failure(subscriber, &error))?;
        Ok(results.convert())
    }

    /// Removes a link and returns the name of its subscriber.
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
    async fn handle(&self, subscriber: &str, events: Vec<Event>) -> Vec<Result<(), DeliveryFailure>> {
        let count = events.len();
        match self.call(subscriber, events).await {
            Ok(results) => results.into_iter().map(|result| Ok(result?)).collect(),
            Err(failure) => vec![Err(failure); count],
        }
    }
}

/// Converts the error of a call. The handler has begun only if a host has accepted the call, and has ended it in
/// time.
fn failure(subscriber: &str, error: &anyhow::Error) -> DeliveryFailure {
    let reason = format!("`{subscriber}` did not respond: {error:#}");
    let not_accepted = error.chain().any(|cause| cause.to_string() == NOT_ACCEPTED);
    if not_accepted || error.is::<Elapsed>() {
        DeliveryFailure::Unreachable(reason)
    } else {
        HandlerFailure::Retry(reason).into()
    }
}

/// Waits for a response until the time limit.
async fn with_timeout<T>(response: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    timeout(TIMEOUT, response)
        .await
        .with_context(|| format!("the call took longer than {} s", TIMEOUT.as_secs()))?
}

async fn call(
    target: &Target,
    events: Vec<wire::Event>,
) -> anyhow::Result<Vec<Result<(), wire::HandlerFailure>>> {
    let none: [&[Option<usize>]; 0] = [];
    let (results,) = target
        .client
        .invoke_values_blocking(Some(headers()), &target.export, "handle", (events,), none)
        .send()
        .await
        .context("the handler can't be called")?;
    Ok(results)
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
    fn parses_the_configuration_of_a_link() {
        let subscription = parse(&[("subscriber", "orders"), ("kinds", "a, b")]).unwrap();
        assert_eq!(subscription.kinds, ["a", "b"]);
        assert_eq!(subscription.batches, [""; 0]);
        assert_eq!(subscription.export, HANDLER);
        let export = ("export", "orders-events");
        let composed = parse(&[("subscriber", "orders"), ("kinds", "a"), ("batches", "a"), export]).unwrap();
        assert_eq!(composed.batches, ["a"]);
        assert_eq!(composed.export, "orders-events");
    }

    #[test]
    fn only_a_call_that_began_is_an_attempt() {
        let unreachable = |error| matches!(failure("orders", &error), DeliveryFailure::Unreachable(_));
        let context = |context: &'static str| anyhow::anyhow!("nothing serves it").context(context);
        assert!(unreachable(
            context(NOT_ACCEPTED).context("the handler can't be called")
        ));
        assert!(!unreachable(
            context("incomplete results").context("the handler can't be called")
        ));
    }

    #[tokio::test(start_paused = true)]
    async fn a_call_without_a_response_in_time_is_no_attempt() {
        let never = std::future::pending::<anyhow::Result<()>>();
        let error = with_timeout(never).await.unwrap_err();
        assert!(matches!(
            failure("orders", &error),
            DeliveryFailure::Unreachable(_)
        ));
    }

    #[test]
    fn names_a_missing_key_of_a_link() {
        assert!(parse(&[("kinds", "a")]).unwrap_err().contains("`subscriber`"));
        assert!(
            parse(&[("subscriber", "orders"), ("kinds", " ")])
                .unwrap_err()
                .contains("`kinds`")
        );
    }
}
