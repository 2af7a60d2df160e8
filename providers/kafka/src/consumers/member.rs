//! The member of a subscriber's consumer group in this process.

use std::sync::Arc;
use std::time::Duration;

use mercato_ports::events::Handlers;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinHandle;

use super::delivery::{Deliverer, stop};
use super::session::Session;
use super::subscriber::Subscriber;
use crate::client::Kafka;
use crate::options::DeliveryOptions;

/// How long to wait before a new session after a failure.
const RESTART_DELAY: Duration = Duration::from_secs(1);

/// A task that delivers to a subscriber until [`shutdown`](Self::shutdown). If the member is dropped, the
/// task stops in the background.
pub(super) struct Member {
    subscriber: Subscriber,
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Member {
    pub fn start(
        kafka: Arc<Kafka>,
        handlers: Arc<dyn Handlers>,
        subscriber: Subscriber,
        options: DeliveryOptions,
    ) -> Self {
        let deliverer = Arc::new(Deliverer {
            kafka,
            handlers,
            subscriber: subscriber.name.clone(),
            permits: Semaphore::new(options.parallel.max(1)),
            options,
        });
        let stop = watch::Sender::new(false);
        let task = tokio::spawn(run(deliverer, subscriber.clone(), stop.subscribe()));
        Self {
            subscriber,
            stop,
            task,
        }
    }

    pub fn subscriber(&self) -> &Subscriber {
        &self.subscriber
    }

    /// Waits for the running handlers, and leaves the group.
    pub async fn shutdown(self) {
        self.stop.send_replace(true);
        if let Err(error) = self.task.await {
            tracing::error!(%error, subscriber = self.subscriber.name, "the task of a subscriber panicked");
        }
    }
}

/// Runs one session after the other until it is stopped.
async fn run(deliverer: Arc<Deliverer>, subscriber: Subscriber, mut stopped: watch::Receiver<bool>) {
    let name = &subscriber.name;
    loop {
        let session = async {
            let topics = subscriber.topics(deliverer.kafka.options());
            for topic in &topics {
                deliverer.kafka.topics().ensure(topic).await?;
            }
            Session::open(&deliverer, &subscriber, &topics)
        };
        let session = tokio::select! {
            () = stop(&mut stopped) => return,
            session = session => session,
        };
        let failure = match session {
            Ok(session) => session.run(stopped.clone()).await,
            Err(failure) => Err(failure),
        };
        let Err(failure) = failure else { return };
        tracing::warn!(
            subscriber = name,
            failure,
            "events cannot be delivered now; the consumer is started again"
        );
        tokio::select! {
            () = stop(&mut stopped) => return,
            () = tokio::time::sleep(RESTART_DELAY) => {}
        }
    }
}
