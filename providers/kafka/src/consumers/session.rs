//! A consumer of a subscriber's topics: takes records, delivers those of different subjects at the same time, and commits what is
//! finished.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use rdkafka::config::FromClientConfigAndContext;
use rdkafka::consumer::{CommitMode, Consumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{BorrowedMessage, Message};
use rdkafka::{Offset, TopicPartitionList};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, interval};

use super::Subscriber;
use super::context::{Context, EventConsumer, Revoked, unassign};
use super::delivery::{Delivery, Post, Report, stop};
use super::partition::{Partition, Place};
use crate::cloud_event;
use crate::lag;
use crate::topics::Topic;

/// How often what is finished is committed.
const COMMIT: Duration = Duration::from_millis(100);

/// How often it is looked at how far the subscriber is behind.
const LOOK: Duration = Duration::from_mins(1);

/// How long partitions that others are to have wait for handlers that still run.
const PATIENCE: Duration = Duration::from_secs(30);

type Key = (String, i32);

/// One consumer, from joining its group to leaving it.
pub(super) struct Session {
    post: Arc<Post>,
    kinds: BTreeSet<String>,
    consumer: Arc<EventConsumer>,
    revoked: UnboundedReceiver<Revoked>,
    partitions: HashMap<Key, Partition>,
    /// The subjects of which an event is being delivered, and what waits behind it.
    subjects: HashMap<String, VecDeque<Delivery>>,
    deliveries: JoinSet<Report>,
    /// Partitions to be given back, and when at the latest.
    leaving: Vec<(TopicPartitionList, Instant)>,
    turns: u64,
    /// How many events waited at the last look.
    waiting: Arc<AtomicU64>,
}

impl Session {
    /// Joins the group of the subscriber.
    pub fn open(post: &Arc<Post>, subscriber: &Subscriber, topics: &BTreeSet<Topic>) -> Result<Self, String> {
        let options = post.kafka.options();
        let session_timeout = post.options.session_timeout.as_millis();
        let mut config = options.client();
        config
            .set("group.id", lag::group(options, &subscriber.name))
            .set("partition.assignment.strategy", "cooperative-sticky")
            .set("auto.offset.reset", "earliest")
            .set("enable.auto.commit", "false")
            .set("enable.auto.offset.store", "false")
            .set("session.timeout.ms", session_timeout.to_string())
            .set("heartbeat.interval.ms", (session_timeout / 3).to_string())
            // What is taken ahead waits in memory; the window bounds what is delivered.
            .set("queued.max.messages.kbytes", "16384");
        let failed = |error: KafkaError| format!("no consumer of Kafka could be made: {error}");
        let (sender, revoked) = unbounded_channel();
        let consumer =
            EventConsumer::from_config_and_context(&config, Context::new(sender)).map_err(failed)?;
        let names = topics.iter().map(|topic| topic.name.as_str()).collect::<Vec<_>>();
        consumer.subscribe(&names).map_err(failed)?;
        Ok(Self {
            post: Arc::clone(post),
            kinds: subscriber.kinds.clone(),
            consumer: Arc::new(consumer),
            revoked,
            partitions: HashMap::new(),
            subjects: HashMap::new(),
            deliveries: JoinSet::new(),
            leaving: Vec::new(),
            turns: 0,
            waiting: Arc::default(),
        })
    }

    /// Delivers until it is stopped, waits for the handlers that run, and leaves the group.
    ///
    /// # Errors
    /// Where the consumer can't go on.
    pub async fn run(mut self, mut stopped: watch::Receiver<bool>) -> Result<(), String> {
        let (mut commits, mut looks) = (interval(COMMIT), interval(LOOK));
        let consumer = Arc::clone(&self.consumer);
        let mut end = None;
        while end.is_none() || !self.deliveries.is_empty() {
            tokio::select! {
                biased;
                () = stop(&mut stopped), if end.is_none() => {
                    end = Some(Ok(()));
                    self.stop();
                }
                Some(revoked) = self.revoked.recv() => self.revoke(revoked),
                Some(report) = self.deliveries.join_next() => match report {
                    Ok(report) => self.settle(report),
                    Err(error) => {
                        end = Some(Err(error.to_string()));
                        self.stop();
                    }
                },
                _ = commits.tick() => self.commit(),
                _ = looks.tick() => self.look(),
                record = consumer.recv() => match record {
                    Ok(record) => self.take(&record),
                    Err(KafkaError::MessageConsumptionFatal(error)) => {
                        end = Some(Err(error.to_string()));
                        self.stop();
                    }
                    // The client has told of it.
                    Err(error) => tracing::debug!(%error, subscriber = self.post.subscriber, "Kafka"),
                },
            }
            self.give_back().await;
        }
        drop(consumer);
        self.close().await;
        end.unwrap_or(Ok(()))
    }

    fn take(&mut self, record: &BorrowedMessage) {
        let (key, offset) = ((record.topic().to_owned(), record.partition()), record.offset());
        let turns = &mut self.turns;
        let partition = self.partitions.entry(key.clone()).or_insert_with(|| {
            *turns += 1;
            Partition::new(*turns, offset)
        });
        if *partition.stopped.borrow() {
            return;
        }
        let event = match cloud_event::event(record) {
            Ok(event) if self.kinds.contains(&event.kind) => event,
            Ok(_) => return partition.skip(offset),
            Err(reason) => {
                tracing::error!(
                    topic = key.0,
                    partition = key.1,
                    offset,
                    reason,
                    "a record is no event; it is skipped"
                );
                return partition.skip(offset);
            }
        };
        partition.take(offset);
        let (turn, stopped) = (partition.turn, partition.stopped.subscribe());
        if partition.unfinished() >= self.post.options.window && !partition.paused {
            partition.paused = true;
            report(self.consumer.pause(&list([&key])));
        }
        let (topic, number) = key;
        let place = Place {
            topic,
            partition: number,
            offset,
            turn,
        };
        let delivery = Delivery {
            place,
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
        let key = (delivery.place.topic.clone(), delivery.place.partition);
        if let Some(partition) = self.partitions.get_mut(&key) {
            partition.running += 1;
        }
        self.deliveries.spawn(Arc::clone(&self.post).deliver(delivery));
    }

    /// Notes how a delivery ended, and lets the next of its subject pass.
    fn settle(&mut self, report: Report) {
        let Report {
            place,
            subject,
            finished,
        } = report;
        let key = (place.topic, place.partition);
        if let Some(partition) = self.partitions.get_mut(&key)
            && partition.turn == place.turn
        {
            partition.running -= 1;
            if finished {
                partition.finish(place.offset);
            }
            let room = partition.unfinished() <= self.post.options.window / 2;
            if partition.paused && room && !*partition.stopped.borrow() {
                partition.paused = false;
                self::report(self.consumer.resume(&list([&key])));
            }
        }
        while let Some(next) = self.subjects.get_mut(&subject).and_then(VecDeque::pop_front) {
            // What waited in a partition that is given back comes again to whoever has it next.
            if !*next.stopped.borrow() && next.stopped.has_changed().is_ok() {
                return self.deliver(next);
            }
        }
        self.subjects.remove(&subject);
    }

    /// Begins nothing more in any partition.
    fn stop(&mut self) {
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
        let patience = if revoked.lost { Duration::ZERO } else { PATIENCE };
        self.leaving.push((revoked.partitions, Instant::now() + patience));
    }

    /// Gives back what was revoked and has no handlers any more.
    async fn give_back(&mut self) {
        for (partitions, latest) in std::mem::take(&mut self.leaving) {
            let keys = keys(&partitions);
            let runs = |key| self.partitions.get(key).is_some_and(|one| one.running > 0);
            if keys.iter().any(runs) && Instant::now() < latest {
                self.leaving.push((partitions, latest));
                continue;
            }
            self.commit_now(&keys).await;
            for key in &keys {
                self.partitions.remove(key);
            }
            report(unassign(&*self.consumer, &partitions));
        }
    }

    /// Commits what is finished, without waiting for it.
    fn commit(&mut self) {
        if self.consumer.context().uncommitted.swap(false, Ordering::SeqCst) {
            self.partitions.values_mut().for_each(Partition::uncommitted);
        }
        let offsets = self.finished(None);
        if offsets.count() > 0 {
            report(self.consumer.commit(&offsets, CommitMode::Async));
        }
    }

    /// Commits what is finished in these partitions.
    async fn commit_now(&mut self, keys: &[Key]) {
        let offsets = self.finished(Some(keys));
        if offsets.count() == 0 {
            return;
        }
        let consumer = Arc::clone(&self.consumer);
        let committed = tokio::task::spawn_blocking(move || consumer.commit(&offsets, CommitMode::Sync));
        if let Ok(committed) = committed.await {
            report(committed);
        }
    }

    /// The offsets that are to be committed now, of these partitions or all.
    fn finished(&mut self, keys: Option<&[Key]>) -> TopicPartitionList {
        let mut offsets = TopicPartitionList::new();
        for (key, partition) in &mut self.partitions {
            if keys.is_none_or(|keys| keys.contains(key))
                && let Some(offset) = partition.to_commit()
            {
                partition.committed(offset);
                report(offsets.add_partition_offset(&key.0, key.1, Offset::Offset(offset)));
            }
        }
        offsets
    }

    /// Writes to the log how far the subscriber is behind in the partitions that it has here.
    fn look(&self) {
        let partitions = self.partitions.keys().cloned().collect::<Vec<_>>();
        if partitions.is_empty() {
            return;
        }
        let (subscriber, bound) = (self.post.subscriber.clone(), self.post.options.lag_bound);
        let lag = lag::of(self.post.kafka.options().clone(), subscriber.clone(), partitions);
        let last = Arc::clone(&self.waiting);
        tokio::spawn(async move {
            let waiting = match lag.await {
                Ok(lag) => lag.iter().map(|lag| lag.waiting).sum::<u64>(),
                Err(failure) => return tracing::warn!(subscriber, failure, "its lag is not known"),
            };
            let grown = waiting > last.swap(waiting, Ordering::Relaxed);
            if grown && waiting > bound {
                tracing::warn!(subscriber, waiting, "more and more events wait");
            } else if waiting > 0 {
                tracing::info!(subscriber, waiting, "events wait");
            }
        });
    }

    async fn close(mut self) {
        let keys = self.partitions.keys().cloned().collect::<Vec<_>>();
        self.commit_now(&keys).await;
        let consumer = Arc::clone(&self.consumer);
        drop(self);
        // The last one to drop it leaves the group, which waits for the broker.
        if let Err(error) = tokio::task::spawn_blocking(move || drop(consumer)).await {
            tracing::error!(%error, "a consumer of Kafka did not end well");
        }
    }
}

impl Drop for Session {
    /// A consumer does not end before all that was revoked is given back.
    fn drop(&mut self) {
        self.consumer.context().closing.store(true, Ordering::SeqCst);
        while let Ok(revoked) = self.revoked.try_recv() {
            self.leaving.push((revoked.partitions, Instant::now()));
        }
        for (partitions, _) in &self.leaving {
            report(unassign(&*self.consumer, partitions));
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

/// Logs what failed and is put right by itself: an event that comes again, a group that is joined anew.
fn report(result: Result<(), KafkaError>) {
    match result {
        Ok(()) | Err(KafkaError::ConsumerCommit(RDKafkaErrorCode::NoOffset)) => {}
        Err(error) => tracing::warn!(%error, "Kafka"),
    }
}
