//! Tests of the MongoDB store: its indexes, its transactions, its address.
#![allow(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "tests fail by panicking"
)]

mod catalog;
mod common;

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use catalog::{
    PRODUCTS, RESERVATIONS, TestDatabases, adjusting, body, event, find, insert, inserting, searching, shop,
    with,
};
use libtest_mimic::Trial;
use mercato_mongodb::{OpenError, Options, Store};
use mercato_ports::conformance;
use mercato_ports::documents::{
    CommitFailure, Comparison, Direction, Documents, Failure, Position, Query, RefusalReason, Scalar, Sort,
};
use mercato_ports::manifest::{Collection, ServiceManifest, ShopManifest};
use mongodb::IndexModel;
use mongodb::bson::{Document, doc};
use mongodb::options::IndexOptions;
use tokio::task::JoinSet;
use tokio::time::timeout;

async fn two_processes_sell_one_product_without_oversell() {
    const ORDERS: i64 = 200;
    let databases = TestDatabases::new();
    let stores = [
        databases.open(&shop(&[], &[])).await,
        databases.open(&shop(&[], &[])).await,
    ];
    insert(&stores[0], "a", r#"{"onHand": 150, "name": "sock"}"#).await;
    let mut orders = JoinSet::new();
    for n in 0..ORDERS {
        let store = Arc::clone(&stores[usize::try_from(n % 2).unwrap()]);
        orders.spawn(async move {
            let reservation = inserting(RESERVATIONS, &n.to_string(), "{}");
            store
                .commit(
                    vec![reservation, adjusting("a", "onHand", -1)],
                    vec![event(&n.to_string())],
                )
                .await
        });
    }
    let (placed, refused) = orders
        .join_all()
        .await
        .into_iter()
        .partition::<Vec<_>, _>(Result::is_ok);
    assert_eq!((placed.len(), refused.len()), (150, 50), "{refused:?}");
    for answer in refused {
        let Err(CommitFailure::Refused(refusals)) = answer else {
            panic!("{answer:?}");
        };
        assert_eq!(
            (refusals[0].write, refusals[0].reason),
            (1, RefusalReason::UnderFloor(0))
        );
        assert_eq!(refusals.len(), 1);
    }
    assert_eq!(
        body(&stores[1], "a").await,
        serde_json::json!({"onHand": 0, "name": "sock"})
    );
    let database = databases.database().await;
    let reservations = database.collection::<Document>("reservations");
    assert_eq!(reservations.count_documents(doc! {}).await.unwrap(), 150);
    assert_eq!(stored_events(&database).await.len(), 150);
}

async fn no_concurrent_adjustment_of_a_missing_field_is_lost() {
    let databases = TestDatabases::new();
    let store = databases.open(&shop(&[], &[])).await;
    insert(&store, "a", "{}").await;
    let mut tasks = JoinSet::new();
    for n in 0..100 {
        let store = Arc::clone(&store);
        tasks.spawn(async move {
            // Half of them are transactions.
            let events = if n % 2 == 0 { vec![] } else { vec![event("a")] };
            store.commit(vec![adjusting("a", "$new.field", 1)], events).await
        });
    }
    assert!(tasks.join_all().await.iter().all(Result::is_ok));
    assert_eq!(body(&store, "a").await, serde_json::json!({"$new.field": 100}));
}

async fn adjustments_of_the_same_documents_in_any_order_all_succeed() {
    let databases = TestDatabases::new();
    let store = databases.open(&shop(&[], &[])).await;
    for id in ["a", "b", "c"] {
        insert(&store, id, r#"{"onHand": 100}"#).await;
    }
    let mut orders = JoinSet::new();
    for n in 0..60 {
        let store = Arc::clone(&store);
        orders.spawn(async move {
            let ids = [["a", "b", "c"], ["c", "b", "a"], ["b", "c", "a"]][n % 3];
            store
                .commit(ids.map(|id| adjusting(id, "onHand", -1)).to_vec(), vec![])
                .await
        });
    }
    assert!(orders.join_all().await.iter().all(Result::is_ok));
    for id in ["a", "b", "c"] {
        assert_eq!(body(&store, id).await, serde_json::json!({"onHand": 40}));
    }
}

/// Reads the oplog, in which the writes of a transaction are one entry.
async fn a_single_write_uses_no_transaction() {
    let databases = TestDatabases::new();
    let store = databases.open(&shop(&["price"], &[])).await;
    insert(&store, "a", r#"{"n": 1}"#).await;
    store.commit(vec![adjusting("a", "n", 1)], vec![]).await.unwrap();
    store.commit(vec![], vec![event("a")]).await.unwrap();
    assert_eq!(transactions(&databases).await, 0);
    store
        .commit(vec![adjusting("a", "n", 1)], vec![event("a")])
        .await
        .unwrap();
    assert_eq!(transactions(&databases).await, 1);
}

async fn transactions(databases: &TestDatabases) -> u64 {
    let database = databases.database().await;
    let log = database
        .client()
        .database("local")
        .collection::<Document>("oplog.rs");
    let namespace = format!("{}.products", database.name());
    log.count_documents(doc! { "op": "c", "o.applyOps.ns": namespace })
        .await
        .unwrap()
}

/// Returns the ids of the events in the outbox, in order.
async fn stored_events(database: &mongodb::Database) -> Vec<String> {
    let outbox = database.collection::<Document>("_outbox");
    let mut cursor = outbox.find(doc! {}).sort(doc! { "at": 1 }).await.unwrap();
    let mut stored = Vec::new();
    while cursor.advance().await.unwrap() {
        let entry = cursor.deserialize_current().unwrap();
        for event in entry.get_array("e").unwrap() {
            stored.push(event.as_document().unwrap().get_str("id").unwrap().to_owned());
        }
    }
    stored
}

async fn the_outbox_orders_events_by_their_commits() {
    let databases = TestDatabases::new();
    let stores = [
        databases.open(&shop(&[], &[])).await,
        databases.open(&shop(&[], &[])).await,
    ];
    let mut sent = Vec::new();
    for n in 0..20 {
        let events = [event("a"), event("a")];
        sent.extend(events.iter().map(|event| event.id.clone()));
        let write = inserting(RESERVATIONS, &n.to_string(), "{}");
        stores[n % 2].commit(vec![write], events.to_vec()).await.unwrap();
    }
    let stored = stored_events(&databases.database().await).await;
    assert_eq!(stored, sent);
}

async fn each_declared_query_uses_an_index() {
    let databases = TestDatabases::new();
    let store = databases.open(&shop(&["price", "colour"], &["name"])).await;
    for n in 0..300 {
        let body = format!(
            r#"{{"price": {}, "colour": "c{}", "name": "sock number{n}"}}"#,
            n % 30,
            n % 3
        );
        insert(&store, &format!("{n:03}"), &body).await;
    }
    let sorted = |direction, after| Query {
        sort: Some(Sort {
            field: Some("price".into()),
            direction,
        }),
        after,
        ..Query::all(PRODUCTS, 5)
    };
    let after = |n| {
        Some(Position {
            value: Some(Scalar::Integer(n)),
            id: "150".into(),
        })
    };
    let queries = [
        Query::all(PRODUCTS, 5),
        with("price", Comparison::Equal, Scalar::Integer(7)),
        with("colour", Comparison::Greater, Scalar::Text("c1".into())),
        sorted(Direction::Ascending, None),
        sorted(Direction::Descending, None),
        sorted(Direction::Ascending, after(20)),
        sorted(Direction::Descending, after(20)),
        searching("number77"),
        searching("sock number77"),
    ];
    let database = databases.database().await;
    database.run_command(doc! { "profile": 2 }).await.unwrap();
    for query in &queries {
        assert!(!store.find(query.clone()).await.unwrap().is_empty(), "{query:?}");
    }
    database.run_command(doc! { "profile": 0 }).await.unwrap();
    let profile = database.collection::<Document>("system.profile");
    let ours = doc! { "op": "query", "ns": format!("{}.products", database.name()) };
    let mut cursor = profile.find(ours).await.unwrap();
    let mut plans = Vec::new();
    while cursor.advance().await.unwrap() {
        let entry = cursor.deserialize_current().unwrap();
        let plan = entry.get_str("planSummary").unwrap().to_owned();
        assert!(plan.starts_with("IXSCAN"), "{plan}: {entry}");
        plans.push(plan);
        // A page reads one document more than it returns, because MongoDB merges two index scans.
        if entry
            .get_document("command")
            .unwrap()
            .get_document("filter")
            .unwrap()
            .contains_key("$or")
        {
            assert!(entry.get_i32("docsExamined").unwrap() <= 6, "{entry}");
        }
    }
    assert_eq!(plans.len(), queries.len(), "{plans:?}");
}

async fn old_documents_are_indexed_for_newly_declared_fields() {
    let databases = TestDatabases::new();
    let store = databases.open(&shop(&[], &["name"])).await;
    insert(
        &store,
        "a",
        r#"{"name": "sock", "maker": "knit", "size": 3, "note": "x"}"#,
    )
    .await;
    store
        .commit(vec![adjusting("a", "size", 4)], vec![])
        .await
        .unwrap();
    let noted = || with("note", Comparison::Equal, Scalar::Text("x".into()));
    assert!(matches!(find(&store, noted()).await, Err(Failure::Invalid(_))));
    assert_eq!(find(&store, searching("knit")).await.unwrap(), "");
    let newer = shop(&["note", "size"], &["name", "maker"]);
    store.add("catalog", &newer.services["catalog"]).await.unwrap();
    assert_eq!(find(&store, noted()).await.unwrap(), "a");
    assert_eq!(find(&store, searching("knit sock")).await.unwrap(), "a");
    let seven = with("size", Comparison::Equal, Scalar::Integer(7));
    assert_eq!(find(&store, seven).await.unwrap(), "a");
    let expected = serde_json::json!({"name": "sock", "maker": "knit", "size": 7, "note": "x"});
    assert_eq!(body(&store, "a").await, expected);
    let document = store
        .get_many(PRODUCTS.into(), vec!["a".into()])
        .await
        .unwrap()
        .remove(0)
        .unwrap();
    assert_eq!(document.version, 2);
}

async fn a_database_of_the_first_format_is_searched_by_tokens() {
    let databases = TestDatabases::new();
    let shop = shop(&["price"], &["name"]);
    let store = databases.open(&shop).await;
    insert(&store, "a", r#"{"name": "wool sock", "price": 1}"#).await;
    let database = databases.database().await;
    let products = database.collection::<Document>("products");
    let words = doc! { "$set": { "t": ["sock", "wool"] } };
    products.update_one(doc! { "_id": "a" }, words).await.unwrap();
    let options = IndexOptions::builder().name("search".to_owned()).build();
    let index = IndexModel::builder().keys(doc! { "t": 1, "_id": 1 });
    products
        .create_index(index.options(options).build())
        .await
        .unwrap();
    let declarations = database.collection::<Document>("_declarations");
    let first_format = doc! { "$unset": { "tokens": "" } };
    declarations
        .update_one(doc! { "_id": "products" }, first_format)
        .await
        .unwrap();
    let store = databases.open(&shop).await;
    assert_eq!(find(&store, searching("wool")).await.unwrap(), "a");
    let indexes = products.list_index_names().await.unwrap();
    assert!(!indexes.contains(&"search".to_owned()), "{indexes:?}");
}

async fn one_commit_writes_to_several_services() {
    let databases = TestDatabases::new();
    let mut both = shop(&[], &[]);
    let orders = ServiceManifest {
        collections: [("orders.orders".into(), Collection::default())].into(),
        ..ServiceManifest::default()
    };
    both.services.insert("orders".into(), orders);
    let store = databases.open(&both).await;
    let writes = || {
        vec![
            inserting(PRODUCTS, "a", "{}"),
            inserting("orders.orders", "b", "{}"),
        ]
    };
    store.commit(writes(), vec![]).await.unwrap();
    let Err(CommitFailure::Refused(refusals)) = store.commit(writes(), vec![]).await else {
        panic!("both ids exist");
    };
    assert_eq!(refusals.len(), 2);
    let names = databases
        .database()
        .await
        .client()
        .list_database_names()
        .await
        .unwrap();
    for service in ["catalog", "orders"] {
        assert!(names.contains(&format!("{}{service}", databases.prefix)));
    }
}

async fn preserves_the_text_of_a_body() {
    let databases = TestDatabases::new();
    let store = databases.open(&shop(&["price"], &[])).await;
    let body = r#" { "z":1.50, "price" : 5, "a":18446744073709551615,
        "$c":1e2, "a.b":-0, "":{"$x":{"y.z":null}} } "#;
    insert(&store, "a", body).await;
    let text = |document: Option<mercato_ports::documents::Document>| document.unwrap().body;
    let read = || store.get_many(PRODUCTS.into(), vec!["a".into()]);
    assert_eq!(text(read().await.unwrap().remove(0)), body);
    store
        .commit(vec![adjusting("a", "price", 10)], vec![])
        .await
        .unwrap();
    assert_eq!(text(read().await.unwrap().remove(0)), body.replace(" 5,", " 15,"));
}

async fn rejects_a_body_that_is_too_large() {
    let databases = TestDatabases::new();
    let store = databases.open(&shop(&[], &[])).await;
    let large = format!(r#"{{"text": "{}"}}"#, "x".repeat(6 << 20));
    let answer = store.commit(vec![inserting(PRODUCTS, "a", &large)], vec![]).await;
    assert!(matches!(answer, Err(CommitFailure::Failed(Failure::Invalid(_)))));
}

async fn an_error_of_the_connection_does_not_show_the_password() {
    // No server listens on this port.
    let port = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let unavailable = format!("mongodb://shop:sesame@127.0.0.1:{port}/?serverSelectionTimeoutMS=200");
    let error = Store::connect(&unavailable, Options::default())
        .await
        .err()
        .unwrap();
    assert!(matches!(error, OpenError::Unreachable { .. }), "{error:?}");
    assert!(
        error.to_string().contains(&format!("127.0.0.1:{port}")),
        "{error}"
    );
    let server = common::server().unwrap();
    let hosts = server.trim_start_matches("mongodb://");
    let wrong = format!("mongodb://shop:sesame@{hosts}");
    let refused = Store::connect(&wrong, Options::default()).await.err().unwrap();
    for url in [
        "mongodb://shop:sesame@",
        "mongodb://shop:ses%ame@host/",
        "sesame",
        "mongodb://sesame:1:2:3/",
    ] {
        let error = Store::connect(url, Options::default()).await.err().unwrap();
        assert!(matches!(error, OpenError::Address), "{error:?}");
        assert!(error.to_string().contains("percent-encoded"), "{error}");
        assert!(!format!("{error} {error:?}").contains("sesame"), "{error:?}");
    }
    for error in [error, refused] {
        assert!(!format!("{error} {error:?}").contains("sesame"), "{error:?}");
    }
}

async fn rejects_a_name_that_is_not_allowed_for_a_database() {
    let databases = TestDatabases::new();
    for prefix in ["a.b", "A", "x/", &"x".repeat(25)] {
        let options = Options {
            prefix: prefix.into(),
        };
        let error = Store::connect(&databases.server, options).await.err().unwrap();
        assert!(matches!(error, OpenError::Prefix(_)), "{error}");
    }
    let store = databases.open(&ShopManifest { services: [].into() }).await;
    for service in ["", "A", "a.b", &"x".repeat(40)] {
        let error = store
            .add(service, &ServiceManifest::default())
            .await
            .err()
            .unwrap();
        assert!(matches!(error, OpenError::Manifest { .. }), "{error}");
    }
    let error = store
        .add("orders", &shop(&[], &[]).services["catalog"])
        .await
        .err()
        .unwrap();
    assert!(error.to_string().contains("`orders.<things>`"), "{error}");
}

async fn a_connected_store_is_ready() {
    let databases = TestDatabases::new();
    assert_eq!(databases.open(&shop(&[], &[])).await.ready().await, Ok(()));
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
        two_processes_sell_one_product_without_oversell,
        no_concurrent_adjustment_of_a_missing_field_is_lost,
        adjustments_of_the_same_documents_in_any_order_all_succeed,
        a_single_write_uses_no_transaction,
        the_outbox_orders_events_by_their_commits,
        each_declared_query_uses_an_index,
        old_documents_are_indexed_for_newly_declared_fields,
        a_database_of_the_first_format_is_searched_by_tokens,
        one_commit_writes_to_several_services,
        preserves_the_text_of_a_body,
        rejects_a_body_that_is_too_large,
        an_error_of_the_connection_does_not_show_the_password,
        rejects_a_name_that_is_not_allowed_for_a_database,
        a_connected_store_is_ready,
    ];
    common::run(&runtime, trials)
}
