//! Tests of the relay: order, failover, timers, failures of the broker.
#![allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "tests fail by panicking"
)]

mod broker;
mod common;

use std::collections::HashSet;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use broker::{Broker, event, now, start};
use libtest_mimic::Trial;
use mercato_mongodb::{RelayOptions, Store};
use mercato_ports::conformance;
use mercato_ports::documents::{CommitFailure, Documents, Insertion, Write};
use mercato_ports::events::Event;
use mercato_ports::manifest::{Collection, ServiceManifest, ShopManifest};
use mongodb::IndexModel;
use mongodb::bson::{Document, Timestamp, doc};
use mongodb::options::IndexOptions;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

/// TwoStores stores on the same databases, like those of two processes.
struct TwoStores {
    server: String,
    prefix: String,
    first: Arc<Store>,
    second: Arc<Store>,
}

impl TwoStores {
    async fn new() -> Self {
        let (server, prefix) = (common::server().unwrap(), common::prefix());
        let first = Arc::new(common::store(&server, &prefix, &shop()).await);
        let second = Arc::new(common::store(&server, &prefix, &shop()).await);
        Self {
            server,
            prefix,
            first,
            second,
        }
    }

    async fn collection(&self, name: &str) -> mongodb::Collection<Document> {
        let client = mongodb::Client::with_uri_str(&self.server).await.unwrap();
        client
            .database(&format!("{}orders", self.prefix))
            .collection(name)
    }

    /// Waits until a relay holds the lease, and returns its id.
    async fn holder(&self) -> String {
        let leases = self.collection("_leases").await;
        loop {
            let lease = leases
                .find_one(doc! { "owner": { "$nin": ["", null] } })
                .await
                .unwrap();
            if let Some(lease) = lease {
                return lease.get_str("owner").unwrap().to_owned();
            }
            sleep(Duration::from_millis(20)).await;
        }
    }

    /// Waits until another relay than this one holds the lease.
    async fn wait_for_other_holder(&self, previous: &str) {
        while self.holder().await == previous {
            sleep(Duration::from_millis(20)).await;
        }
    }
}

fn shop() -> ShopManifest {
    let service = ServiceManifest {
        collections: [("orders.orders".into(), Collection::default())].into(),
        ..ServiceManifest::default()
    };
    ShopManifest {
        services: [("orders".into(), service)].into(),
    }
}

fn options() -> RelayOptions {
    RelayOptions {
        lease: Duration::from_secs(2),
        batch: 7,
        backoff: Duration::from_millis(10),
        max_backoff: Duration::from_millis(100),
    }
}

async fn publish(store: &Store, events: &[Event]) {
    store.commit(vec![], events.to_vec()).await.unwrap();
}

fn inserting(id: &str) -> Write {
    Write::Insert(Insertion {
        collection: "orders.orders".into(),
        id: id.into(),
        body: "{}".into(),
    })
}

async fn publishes_an_event_as_it_was_committed() {
    let stores = TwoStores::new().await;
    let broker = Broker::new();
    let relay = start(&stores.first, &broker, options());
    let sent = Event {
        due: Some(now() - 1),
        data: r#"{"text":"Größe \"42\" 😀","list":[1,null]}"#.into(),
        ..event("a")
    };
    publish(&stores.second, std::slice::from_ref(&sent)).await;
    assert_eq!(broker.published(1).await, [sent]);
    relay.stop().await;
    let outbox = stores.collection("_outbox").await;
    assert_eq!(outbox.count_documents(doc! {}).await.unwrap(), 0);
}

async fn a_refused_commit_publishes_nothing_and_bad_data_is_invalid() {
    let stores = TwoStores::new().await;
    let broker = Broker::new();
    let relay = start(&stores.first, &broker, options());
    stores.first.commit(vec![inserting("x")], vec![]).await.unwrap();
    let refused = stores
        .first
        .commit(vec![inserting("x"), inserting("y")], vec![event("a")])
        .await;
    assert!(matches!(refused, Err(CommitFailure::Refused(_))), "{refused:?}");
    let bad = Event {
        data: "[]".into(),
        ..event("a")
    };
    let invalid = stores.first.commit(vec![inserting("z")], vec![bad]).await;
    assert!(matches!(invalid, Err(CommitFailure::Failed(_))), "{invalid:?}");
    let committed = event("a");
    stores
        .first
        .commit(vec![inserting("z")], vec![committed.clone()])
        .await
        .unwrap();
    assert_eq!(broker.published(1).await, [committed]);
    relay.stop().await;
}

async fn two_relays_keep_the_order_of_each_subject() {
    const SUBJECTS: usize = 20;
    const EACH: usize = 25;
    let stores = TwoStores::new().await;
    let broker = Broker::new();
    let mut relays = vec![start(&stores.first, &broker, options())];
    let mut writers = JoinSet::new();
    for subject in 0..SUBJECTS {
        let both = [Arc::clone(&stores.first), Arc::clone(&stores.second)];
        writers.spawn(async move {
            let mut sent = Vec::new();
            for n in 0..EACH {
                let event = event(&format!("s{subject}"));
                let write = inserting(&format!("{subject}-{n}"));
                both[n % 2]
                    .commit(vec![write], vec![event.clone()])
                    .await
                    .unwrap();
                sent.push(event.id);
            }
            (format!("s{subject}"), sent)
        });
    }
    // The second relay takes over while events are published.
    broker.published(1).await;
    relays.push(start(&stores.second, &broker, options()));
    relays.remove(0).stop().await;
    let sent = writers.join_all().await;
    let more = (0..SUBJECTS).map(|n| event(&format!("s{n}"))).collect::<Vec<_>>();
    publish(&stores.first, &more).await;
    let published = broker.published(SUBJECTS * (EACH + 1)).await;
    for (subject, mut ids) in sent {
        ids.extend(
            more.iter()
                .filter(|event| event.subject == subject)
                .map(|event| event.id.clone()),
        );
        let of_subject = published.iter().filter(|event| event.subject == subject);
        assert_eq!(of_subject.map(|event| event.id.clone()).collect::<Vec<_>>(), ids);
    }
    assert_eq!(broker.publishers(), 2);
    for relay in relays {
        relay.stop().await;
    }
}

async fn relays_that_start_together_publish_nothing_twice() {
    let stores = TwoStores::new().await;
    let broker = Broker::new();
    let each = [&stores.first, &stores.second, &stores.first, &stores.second];
    let relays = each.map(|store| start(store, &broker, options()));
    for n in 0..150 {
        publish(&stores.first, &[event(&format!("s{n}")), event(&format!("t{n}"))]).await;
    }
    let published = broker.published(300).await;
    for relay in relays {
        relay.stop().await;
    }
    let ids = published.iter().map(|event| &event.id).collect::<HashSet<_>>();
    assert_eq!((ids.len(), broker.times().len()), (300, 300));
}

async fn takes_over_from_a_killed_relay() {
    let stores = TwoStores::new().await;
    let broker = Broker::new();
    let killed = start(&stores.first, &broker, options());
    let holder = stores.holder().await;
    let other = start(&stores.second, &broker, options());
    killed.kill();
    let events = (0..40).map(|n| event(&format!("s{n}"))).collect::<Vec<_>>();
    publish(&stores.second, &events).await;
    assert_eq!(broker.published(40).await.len(), 40);
    stores.wait_for_other_holder(&holder).await;
    other.stop().await;
}

async fn a_stopping_relay_releases_its_lease_at_once() {
    let stores = TwoStores::new().await;
    let broker = Broker::new();
    // The lease is so long that the test would time out if the relay did not release it.
    let long = RelayOptions {
        lease: Duration::from_secs(600),
        ..options()
    };
    let first = start(&stores.first, &broker, long);
    let holder = stores.holder().await;
    // The second relay finds no free lease. It must notice when the first one releases its lease.
    let second = start(&stores.second, &broker, long);
    sleep(Duration::from_millis(500)).await;
    first.stop().await;
    stores.wait_for_other_holder(&holder).await;
    let sent = event("a");
    publish(&stores.first, std::slice::from_ref(&sent)).await;
    assert_eq!(broker.published(1).await, [sent]);
    second.stop().await;
}

async fn an_event_waits_until_it_is_due_and_blocks_only_its_subject() {
    let stores = TwoStores::new().await;
    let broker = Broker::new();
    let relay = start(&stores.first, &broker, options());
    let due = now() + 2_000;
    let timer = Event {
        due: Some(due),
        ..event("timer")
    };
    let behind = (0..20).map(|_| event("timer")).collect::<Vec<_>>();
    let others = (0..20).map(|n| event(&format!("o{n}"))).collect::<Vec<_>>();
    publish(&stores.first, std::slice::from_ref(&timer)).await;
    publish(&stores.first, &behind).await;
    publish(&stores.second, &others).await;
    let published = broker.published(41).await;
    assert!(published[..20].iter().all(|event| event.subject != "timer"));
    assert_eq!(published[20], timer);
    assert_eq!(published[21..], behind);
    assert!(broker.times()[20] >= due);
    relay.stop().await;
}

async fn an_event_of_a_shared_transaction_waits_behind_the_timer_of_its_subject() {
    let stores = TwoStores::new().await;
    let broker = Broker::new();
    let due = now() + 1_500;
    let timer = Event {
        due: Some(due),
        ..event("a")
    };
    publish(&stores.first, std::slice::from_ref(&timer)).await;
    // Both are in one entry of the outbox.
    let (behind, free) = (event("a"), event("b"));
    publish(&stores.first, &[behind.clone(), free.clone()]).await;
    let relay = start(&stores.second, &broker, options());
    assert_eq!(broker.published(3).await, [free, timer, behind]);
    assert!(broker.times()[1] >= due);
    relay.stop().await;
    let outbox = stores.collection("_outbox").await;
    assert_eq!(outbox.count_documents(doc! {}).await.unwrap(), 0);
}

async fn publishes_the_events_of_the_format_with_one_event_in_an_entry() {
    let stores = TwoStores::new().await;
    let outbox = stores.collection("_outbox").await;
    let index = IndexModel::builder().keys(doc! { "w": 1, "p": 1, "at": 1 });
    let name = IndexOptions::builder().name("ready".to_owned()).build();
    outbox.create_index(index.options(name).build()).await.unwrap();
    let due = now() + 1_000;
    let (plain, timer) = (
        event("a"),
        Event {
            due: Some(due),
            ..event("b")
        },
    );
    let old = |event: &Event, waits: u64| {
        let mut entry = doc! {
            "at": Timestamp { time: 0, increment: 0 }, "p": 3, "w": waits.cast_signed(), "s": &event.subject,
            "id": &event.id, "k": &event.kind, "time": event.time.cast_signed(), "d": &event.data,
        };
        entry.extend(event.due.map(|due| ("due".to_owned(), due.cast_signed().into())));
        entry
    };
    outbox
        .insert_many([old(&timer, due), old(&plain, 0)])
        .await
        .unwrap();
    let manifest = shop().services.remove("orders").unwrap();
    stores.first.add("orders", &manifest).await.unwrap();
    let broker = Broker::new();
    let relay = start(&stores.first, &broker, options());
    assert_eq!(broker.published(2).await, [plain, timer]);
    relay.stop().await;
}

async fn publishes_all_events_in_order_after_failures_of_the_broker() {
    let stores = TwoStores::new().await;
    let broker = Broker::new();
    broker.fail(3);
    let events = (0..10).map(|_| event("a")).collect::<Vec<_>>();
    publish(&stores.first, &events).await;
    let relay = start(&stores.first, &broker, options());
    assert_eq!(broker.published(10).await, events);
    relay.stop().await;
}

async fn events_of_a_short_time_are_published_together() {
    let stores = TwoStores::new().await;
    let broker = Broker::new();
    let batch = RelayOptions::default().batch;
    let relay = start(&stores.first, &broker, RelayOptions { batch, ..options() });
    let begun = Instant::now();
    for number in 0..100 {
        publish(&stores.first, &[event(&number.to_string())]).await;
    }
    broker.published(100).await;
    // A round that publishes is followed by a pause of 50 ms.
    let most = begun.elapsed().as_millis() / 50 + 1;
    let calls = broker.call_count();
    assert!(
        u128::try_from(calls).unwrap() <= most,
        "{calls} calls, at most {most} expected"
    );
    relay.stop().await;
}

async fn a_relay_stops_although_its_publisher_hangs() {
    let stores = TwoStores::new().await;
    let broker = Broker::new();
    broker.hang(true);
    let relay = start(&stores.first, &broker, options());
    let sent = event("a");
    publish(&stores.first, std::slice::from_ref(&sent)).await;
    broker.calls(1).await;
    relay.stop().await;
    broker.hang(false);
    let next = start(&stores.second, &broker, options());
    assert_eq!(broker.published(1).await, [sent]);
    next.stop().await;
}

async fn a_relay_serves_added_services_and_stops_serving_removed_ones() {
    let (server, prefix) = (common::server().unwrap(), common::prefix());
    let none = ShopManifest { services: [].into() };
    let store = Arc::new(common::store(&server, &prefix, &none).await);
    let broker = Broker::new();
    let relay = start(&store, &broker, options());
    assert!(store.commit(vec![], vec![event("a")]).await.is_err());
    let manifest = shop().services.remove("orders").unwrap();
    store.add("orders", &manifest).await.unwrap();
    let sent = event("a");
    publish(&store, std::slice::from_ref(&sent)).await;
    assert_eq!(broker.published(1).await, [sent]);
    assert!(store.remove("orders"));
    assert!(!store.remove("orders"));
    assert!(store.commit(vec![inserting("x")], vec![]).await.is_err());
    relay.stop().await;
}

fn main() -> ExitCode {
    let runtime = conformance::runtime();
    macro_rules! trials {
        ($($case:ident),+ $(,)?) => {
            vec![$({
                let handle = runtime.handle().clone();
                Trial::test(stringify!($case), move || {
                    let bounded = async { timeout(Duration::from_secs(30), $case()).await };
                    handle.block_on(bounded).map_err(|_| "the test took longer than 30 seconds".into())
                })
            }),+]
        };
    }
    let trials = trials![
        publishes_an_event_as_it_was_committed,
        a_refused_commit_publishes_nothing_and_bad_data_is_invalid,
        two_relays_keep_the_order_of_each_subject,
        relays_that_start_together_publish_nothing_twice,
        takes_over_from_a_killed_relay,
        a_stopping_relay_releases_its_lease_at_once,
        an_event_waits_until_it_is_due_and_blocks_only_its_subject,
        an_event_of_a_shared_transaction_waits_behind_the_timer_of_its_subject,
        publishes_the_events_of_the_format_with_one_event_in_an_entry,
        publishes_all_events_in_order_after_failures_of_the_broker,
        events_of_a_short_time_are_published_together,
        a_relay_stops_although_its_publisher_hangs,
        a_relay_serves_added_services_and_stops_serving_removed_ones,
    ];
    common::run(&runtime, trials)
}
