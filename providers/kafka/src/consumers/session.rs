//! A consumer session of a subscriber. It receives records, delivers those of different subjects
//! concurrently, and commits the offsets of finished records.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use mercato_ports::events::MAX_BATCH;
use rdkafka::config::FromClientConfigAndContext;
use rdkafka::consumer::{CommitMode, Consumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{BorrowedMessage, Message};
use rdkafka::{Offset, TopicPartitionList};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, interval, sleep_until};

use super::context::{EventConsumer, Revoked, SessionContext, unassign};
use super::delivery::{Deliverer, Delivery, Progress, stop};
use super::partition::{Partition, Position};
use super::subscriber::Subscriber;
use crate::cloud_event;
use crate::lag;
use crate::topics::Topic;

/// The interval of commits.
const COMMIT_INTERVAL: Duration = Duration::from_millis(500);

/// How long after a fetch that returned records the next one begins. So under load a fetch returns the
/// records of many partitions and moments. A fetch costs the broker much more than a record.
const FETCH_PAUSE: Duration = Duration::from_millis(50);

/// How long a fetch waits for a record. A fetch sometimes leaves out partitions that are still paused, and
/// delays their records by at most this.
const FETCH_WAIT: Duration = Duration::from_millis(200);

/// How long the first records of a fetch stay in the queue of librdkafka. It pauses the fetches of a
/// partition only while it finds records in the queue, so they stay until it has looked at all partitions.
const SETTLE_TIME: Duration = Duration::from_millis(2);

/// The interval of log lines about the lag.
const LAG_INTERVAL: Duration = Duration::from_mins(1);

/// How long the release of revoked partitions waits for running handlers.
const REVOKE_TIMEOUT: Duration = Duration::from_secs(30);

type Key = (String, i32);

/// A consumer from joining its group to leaving it.
pub(super) struct Session {
    deliverer: Arc<Deliverer>,
    kinds: BTreeSet<String>,
    /// The kinds whose events are delivered several at a time.
    batches: BTreeSet<String>,
    consumer: Arc<EventConsumer>,
    revoked: UnboundedReceiver<Revoked>,
    partitions: HashMap<Key, Partition>,
    /// The subjects with a running delivery, and the deliveries that wait behind it.
    subjects: HashMap<String, VecDeque<Delivery>>,
    /// The deliveries that wait for the next batch of their kind.
    ready: BTreeMap<String, Vec<Delivery>>,
    deliveries: JoinSet<Vec<Progress>>,
    /// The revoked partitions, each with the deadline of its release.
    revoking: Vec<(TopicPartitionList, Instant)>,
    /// Whether no further record is delivered.
    stopping: bool,
    /// The number of assignments of partitions so far.
    assignments: u64,
    /// The lag that was logged last.
    last_lag: Arc<AtomicU64>,
}

impl Session {
    /// Joins the group of the subscriber.
    pub fn open(
        deliverer: &Arc<Deliverer>,
        subscriber: &Subscriber,
        topics: &BTreeSet<Topic>,
    ) -> Result<Self, String> {
        let options = deliverer.kafka.options();
        let session_timeout = deliverer.options.session_timeout.as_millis();
        let mut config = options.client();
        config
            .set("group.id", lag::group(options, &subscriber.name))
            .set("partition.assignment.strategy", "cooperative-sticky")
            .set("auto.offset.reset", "earliest")
            .set("enable.auto.commit", "false")
            .set("enable.auto.offset.store", "false")
            .set("session.timeout.ms", session_timeout.to_string())
            .set("heartbeat.interval.ms", (session_timeout / 3).to_string())
            // The memory for prefetched records. The window limits the records that are being delivered.
            .set("queued.max.messages.kbytes", "16384")
            .set("fetch.wait.max.ms", FETCH_WAIT.as_millis().to_string())
            .set("queued.min.messages", "1")
            .set("fetch.queue.backoff.ms", FETCH_PAUSE.as_millis().to_string());
        let failed = |error: KafkaError| format!("the Kafka consumer could not be created: {error}");
        let (sender, revoked) = unbounded_channel();
        let context = SessionContext::new(sender);
        let filled = Arc::clone(&context.filled);
        let mut consumer = EventConsumer::from_config_and_context(&config, context).map_err(failed)?;
        consumer.set_nonempty_callback(move || filled.notify_one());
        let names = topics.iter().map(|topic| topic.name.as_str()).collect::<Vec<_>>();
        consumer.subscribe(&names).map_err(failed)?;
        Ok(Self {
            deliverer: Arc::clone(deliverer),
            kinds: subscriber.kinds.clone(),
            batches: subscriber.batches.clone(),
            consumer: Arc::new(consumer),
            revoked,
            partitions: HashMap::new(),
            subjects: HashMap::new(),
            ready: BTreeMap::new(),
            deliveries: JoinSet::new(),
            revoking: Vec::new(),
            stopping: false,
            assignments: 0,
            last_lag: Arc::default(),
        })
    }

    /// Delivers until it is stopped, then waits for the running handlers and leaves the group.
    ///
    /// # Errors
    /// If the consumer fails permanently, or if a delivery panics.
    pub async fn run(mut self, mut stopped: watch::Receiver<bool>) -> Result<(), String> {
        let (mut commits, mut lag_logs) = (interval(COMMIT_INTERVAL), interval(LAG_INTERVAL));
        let consumer = Arc::clone(&self.consumer);
        let filled = Arc::clone(&consumer.context().filled);
        // When the queue is polled next. None until there may be records.
        let mut next_poll = Some(Instant::now());
        let mut result = None;
        while result.is_none() || !self.deliveries.is_empty() {
            tokio::select! {
                biased;
                () = stop(&mut stopped), if result.is_none() => {
                    result = Some(Ok(()));
                    self.stop();
                }
                Some(revoked) = self.revoked.recv() => self.revoke(revoked),
                Some(end) = self.deliveries.join_next() => match end {
                    Ok(progress) => {
                        progress.into_iter().for_each(|progress| self.advance(progress));
                        self.deliver_ready();
                    }
                    Err(error) => {
                        result = Some(Err(error.to_string()));
                        self.stop();
                    }
                },
                _ = commits.tick() => {
                    self.commit();
                    // A consumer that never polls leaves its group.
                    next_poll.get_or_insert_with(Instant::now);
                }
                _ = lag_logs.tick() => self.log_lag(),
                () = filled.notified(), if next_poll.is_none() => {
                    next_poll = Some(Instant::now() + SETTLE_TIME);
                }
                () = sleep_until(next_poll.unwrap_or_else(Instant::now)), if next_poll.is_some() => {
                    match consumer.poll(Duration::ZERO) {
                        Some(Ok(record)) => self.receive(&record),
                        Some(Err(KafkaError::MessageConsumptionFatal(error))) => {
                            result = Some(Err(error.to_string()));
                            self.stop();
                        }
                        // The context has logged it already.
                        Some(Err(error)) => {
                            tracing::debug!(%error, subscriber = self.deliverer.subscriber, "Kafka");
                        }
                        None => {
                            next_poll = None;
                            self.deliver_ready();
                        }
                    }
                }
            }
            self.release_revoked().await;
        }
        drop(consumer);
        self.close().await;
        result.unwrap_or(Ok(()))
    }

    fn receive(&mut self, record: &BorrowedMessage) {
        let (key, offset) = ((record.topic().to_owned(), record.partition()), record.offset());
        let assignments = &mut self.assignments;
        let partition = self.partitions.entry(key.clone()).or_insert_with(|| {
            *assignments += 1;
            Partition::new(*assignments, offset)
        });
        let is_revoked =
            |(revoked, _): &(TopicPartitionList, _)| revoked.find_partition(&key.0, key.1).is_some();
        // A partition without a record before has nothing that could be stopped.
        if self.stopping || *partition.stopped.borrow() || self.revoking.iter().any(is_revoked) {
            return;
        }
        if cloud_event::kind(record).is_some_and(|kind| !self.kinds.contains(kind)) {
            return partition.skip(offset);
        }
        let event = match cloud_event::event(record) {
            Ok(event) => event,
            Err(reason) => {
                tracing::error!(
                    topic = key.0,
                    partition = key.1,
                    offset,
                    reason,
                    "a record is not an event; it is skipped"
                );
                return partition.skip(offset);
            }
        };
        partition.add(offset);
        let (assignment, stopped) = (partition.assignment, partition.stopped.subscribe());
        if partition.unfinished() >= self.deliverer.options.window && !partition.paused {
            partition.paused = true;
            log_failure(self.consumer.pause(&list([&key])));
        }
        let (topic, number) = key;
        let position = Position {
            topic,
            partition: number,
            offset,
            assignment,
        };
        let delivery = Delivery {
            position,
            event,
            stopped,
        };
        match self.subjects.get_mut(&delivery.event.subject) {
            Some(waiting) => waiting.push_back(delivery),
            None => {
                self.subjects
                    .insert(delivery.event.subject.clone(), VecDeque::new());
                self.deliver(delivery);
            }
        }
    }

    fn deliver(&mut self, delivery: Delivery) {
        let key = (delivery.position.topic.clone(), delivery.position.partition);
        if let Some(partition) = self.partitions.get_mut(&key) {
            partition.running += 1;
        }
        self.enqueue(delivery);
    }

    /// Begins the first attempt of a delivery, or adds it to the next batch of its kind.
    fn enqueue(&mut self, delivery: Delivery) {
        let kind = &delivery.event.kind;
        if !self.batches.contains(kind) {
            return self.spawn(vec![delivery]);
        }
        let batch = self.ready.entry(kind.clone()).or_default();
        batch.push(delivery);
        if batch.len() == MAX_BATCH {
            let batch = std::mem::take(batch);
            self.spawn(batch);
        }
    }

    /// Delivers the batches that are not full.
    fn deliver_ready(&mut self) {
        for batch in std::mem::take(&mut self.ready).into_values() {
            if !batch.is_empty() {
                self.spawn(batch);
            }
        }
    }

    fn spawn(&mut self, deliveries: Vec<Delivery>) {
        self.deliveries
            .spawn(Arc::clone(&self.deliverer).deliver(deliveries));
    }

    /// Records the end of a delivery, and starts the next one of its subject. Continues a delivery that has not
    /// ended.
    fn advance(&mut self, progress: Progress) {
        let (position, subject, finished) = match progress {
            Progress::Finished(position, subject) => (position, subject, true),
            Progress::Stopped(position, subject) => (position, subject, false),
            Progress::NotBegun(delivery) => return self.spawn(vec![delivery]),
            Progress::Failed(delivery, failure) => {
                let deliverer = Arc::clone(&self.deliverer);
                let retry = async move { vec![deliverer.retry(delivery, failure).await] };
                self.deliveries.spawn(retry);
                return;
            }
        };
        let key = (position.topic, position.partition);
        if let Some(partition) = self.partitions.get_mut(&key)
            && partition.assignment == position.assignment
        {
            partition.running -= 1;
            if finished {
                partition.finish(position.offset);
            }
            let has_room = partition.unfinished() <= self.deliverer.options.window / 2;
            if partition.paused && has_room && !*partition.stopped.borrow() {
                partition.paused = false;
                log_failure(self.consumer.resume(&list([&key])));
            }
        }
        while let Some(next) = self.subjects.get_mut(&subject).and_then(VecDeque::pop_front) {
            // The next consumer of a revoked partition receives its waiting events.
            if !*next.stopped.borrow() && next.stopped.has_changed().is_ok() {
                return self.deliver(next);
            }
        }
        self.subjects.remove(&subject);
    }

    /// Begins no further attempt in any partition.
    fn stop(&mut self) {
        self.stopping = true;
        for partition in self.partitions.values() {
            partition.stopped.send_replace(true);
        }
    }

    fn revoke(&mut self, revoked: Revoked) {
        for key in keys(&revoked.partitions) {
            if let Some(partition) = self.partitions.get(&key) {
                partition.stopped.send_replace(true);
            }
        }
        let timeout = if revoked.lost {
            Duration::ZERO
        } else {
            REVOKE_TIMEOUT
        };
        self.revoking.push((revoked.partitions, Instant::now() + timeout));
    }

    /// Unassigns the revoked partitions whose handlers have returned or whose deadline has passed.
    async fn release_revoked(&mut self) {
        for (partitions, deadline) in std::mem::take(&mut self.revoking) {
            let keys = keys(&partitions);
            let is_running = |key| {
                self.partitions
                    .get(key)
                    .is_some_and(|partition| partition.running > 0)
            };
            if keys.iter().any(is_running) && Instant::now() < deadline {
                self.revoking.push((partitions, deadline));
                continue;
            }
            self.commit_now(&keys).await;
            for key in &keys {
                self.partitions.remove(key);
            }
            log_failure(unassign(&*self.consumer, &partitions));
        }
    }

    /// Commits the offsets of all partitions, without waiting for the result.
    fn commit(&mut self) {
        if self
            .consumer
            .context()
            .commit_failed
            .swap(false, Ordering::SeqCst)
        {
            self.partitions.values_mut().for_each(Partition::commit_failed);
        }
        let offsets = self.offsets(None);
        if offsets.count() > 0 {
            log_failure(self.consumer.commit(&offsets, CommitMode::Async));
        }
    }

    /// Commits the offsets of these partitions, and waits for the result.
    async fn commit_now(&mut self, keys: &[Key]) {
        let offsets = self.offsets(Some(keys));
        if offsets.count() == 0 {
            return;
        }
        let consumer = Arc::clone(&self.consumer);
        let committed = tokio::task::spawn_blocking(move || consumer.commit(&offsets, CommitMode::Sync));
        if let Ok(result) = committed.await {
            log_failure(result);
        }
    }

    /// Returns the offsets to commit now, of these partitions or of all.
    fn offsets(&mut self, keys: Option<&[Key]>) -> TopicPartitionList {
        let mut offsets = TopicPartitionList::new();
        for (key, partition) in &mut self.partitions {
            if keys.is_none_or(|keys| keys.contains(key))
                && let Some(offset) = partition.to_commit()
            {
                partition.committed(offset);
                log_failure(offsets.add_partition_offset(&key.0, key.1, Offset::Offset(offset)));
            }
        }
        offsets
    }

    /// Logs the lag of the partitions that are assigned to this process.
    fn log_lag(&self) {
        let partitions = self.partitions.keys().cloned().collect::<Vec<_>>();
        if partitions.is_empty() {
            return;
        }
        let subscriber = self.deliverer.subscriber.clone();
        let threshold = self.deliverer.options.lag_threshold;
        let lag = lag::read(
            self.deliverer.kafka.options().clone(),
            subscriber.clone(),
            partitions,
        );
        let last_lag = Arc::clone(&self.last_lag);
        tokio::spawn(async move {
            let waiting = match lag.await {
                Ok(lag) => lag.iter().map(|lag| lag.waiting).sum::<u64>(),
                Err(failure) => {
                    return tracing::warn!(subscriber, failure, "the lag of a subscriber is unknown");
                }
            };
            let grows = waiting > last_lag.swap(waiting, Ordering::Relaxed);
            if grows && waiting > threshold {
                tracing::warn!(subscriber, waiting, "the lag of a subscriber grows");
            } else if waiting > 0 {
                tracing::info!(subscriber, waiting, "events wait for a subscriber");
            }
        });
    }

    async fn close(mut self) {
        let keys = self.partitions.keys().cloned().collect::<Vec<_>>();
        self.commit_now(&keys).await;
        let consumer = Arc::clone(&self.consumer);
        drop(self);
        // Dropping the last reference leaves the group, which waits for the broker.
        if let Err(error) = tokio::task::spawn_blocking(move || drop(consumer)).await {
            tracing::error!(%error, "a Kafka consumer panicked when it was closed");
        }
    }
}

impl Drop for Session {
    /// Unassigns all revoked partitions, because the consumer cannot be closed before.
    fn drop(&mut self) {
        self.consumer.context().closing.store(true, Ordering::SeqCst);
        while let Ok(revoked) = self.revoked.try_recv() {
            self.revoking.push((revoked.partitions, Instant::now()));
        }
        for (partitions, _) in &self.revoking {
            log_failure(unassign(&*self.consumer, partitions));
        }
    }
}

fn list<'a>(keys: impl IntoIterator<Item = &'a Key>) -> TopicPartitionList {
    let mut list = TopicPartitionList::new();
    for (topic, partition) in keys {
        list.add_partition(topic, *partition);
    }
    list
}

fn keys(list: &TopicPartitionList) -> Vec<Key> {
    let elements = list.elements();
    let keys = elements
        .iter()
        .map(|element| (element.topic().to_owned(), element.partition()));
    keys.collect()
}

/// Logs a failure that needs no other handling: the event is delivered again, or the consumer joins its group
/// again.
fn log_failure(result: Result<(), KafkaError>) {
    match result {
        Ok(()) | Err(KafkaError::ConsumerCommit(RDKafkaErrorCode::NoOffset)) => {}
        Err(error) => tracing::warn!(%error, "Kafka"),
    }
}
