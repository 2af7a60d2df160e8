//! One subscriber's member of its consumer group, in this process.

use std::sync::Arc;
use std::time::Duration;

use mercato_ports::events::Handlers;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinHandle;

use super::Subscriber;
use super::delivery::{Post, stop};
use super::session::Session;
use crate::client::Kafka;
use crate::options::DeliveryOptions;

/// How long to wait before a session that failed is begun anew.
const PAUSE: Duration = Duration::from_secs(1);

/// A task that delivers to a subscriber until it is ended; to drop it ends it too, in the background.
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
        let post = Arc::new(Post {
            kafka,
            handlers,
            subscriber: subscriber.name.clone(),
            places: Semaphore::new(options.parallel.max(1)),
            options,
        });
        let stop = watch::Sender::new(false);
        let task = tokio::spawn(run(post, subscriber.clone(), stop.subscribe()));
        Self {
            subscriber,
            stop,
            task,
        }
    }

    pub fn subscriber(&self) -> &Subscriber {
        &self.subscriber
    }

    /// Waits for the handlers that run, and leaves the group.
    pub async fn end(self) {
        self.stop.send_replace(true);
        if let Err(error) = self.task.await {
            tracing::error!(%error, subscriber = self.subscriber.name, "its deliveries did not end well");
        }
    }
}

/// Delivers in one session after the other, until it is stopped.
async fn run(post: Arc<Post>, subscriber: Subscriber, mut stopped: watch::Receiver<bool>) {
    let name = &subscriber.name;
    loop {
        let session = async {
            let topics = subscriber.topics(post.kafka.options());
            for topic in &topics {
                post.kafka.topics().ensure(topic).await?;
            }
            Session::open(&post, &subscriber, &topics)
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
            "nothing can be delivered now; trying again"
        );
        tokio::select! {
            () = stop(&mut stopped) => return,
            () = tokio::time::sleep(PAUSE) => {}
        }
    }
}
