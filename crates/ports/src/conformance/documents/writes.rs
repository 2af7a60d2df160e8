//! Inserts, replacements, deletions and commits.

use serde_json::json;
use tokio::task::JoinSet;

use super::{TestStore, assert_invalid_commit, refusals};
use crate::conformance::case::cases;
use crate::documents::{CommitFailure, Failure, Insertion, Query, RefusalReason, Write};

cases! { TestStore:
    inserts_a_document_with_version_one,
    returns_values_of_every_type_unchanged,
    distinguishes_similar_ids,
    returns_documents_in_the_order_of_the_ids,
    refuses_to_insert_an_existing_id,
    increments_the_version_with_a_replacement,
    refuses_a_stale_replacement_with_the_current_version,
    frees_the_id_of_a_deleted_document,
    refuses_a_stale_deletion,
    refuses_to_change_a_missing_document,
    writes_nothing_if_one_write_is_refused,
    lists_every_refused_write,
    rejects_two_writes_of_one_document,
    rejects_a_body_that_is_not_an_object,
    rejects_an_undeclared_collection,
    accepts_an_empty_commit,
    reads_a_commit_at_once,
    accepts_one_of_several_concurrent_inserts_of_an_id,
    accepts_one_of_several_concurrent_replacements_of_a_version,
}

async fn inserts_a_document_with_version_one(store: TestStore) {
    store.insert([("a", json!({"name": "sock"}))]).await;
    let document = store.get("a").await.unwrap();
    assert_eq!((document.id.as_str(), document.version), ("a", 1));
    assert_eq!(store.body("a").await.unwrap(), json!({"name": "sock"}));
}

async fn returns_values_of_every_type_unchanged(store: TestStore) {
    let body = json!({
        "name": "Größe \"42\" \\ 😀 \u{0}\n", "price": i64::MAX, "low": i64::MIN, "half": 0.5, "none": null, "yes": true,
        "list": [1, "2", [], {}], "deep": {"a": {"b": {"c": [null]}}}, "": "no name", "a.b": 1, "$c": 2,
    });
    store.insert([("a", body.clone()), ("empty", json!({}))]).await;
    assert_eq!(store.body("a").await.unwrap(), body);
    assert_eq!(store.body("empty").await.unwrap(), json!({}));
}

async fn distinguishes_similar_ids(store: TestStore) {
    let ids = [
        "a",
        "A",
        "a ",
        " a",
        "ä",
        "a\u{308}",
        "'",
        "\"",
        "a.b",
        "$a",
        "%",
        "😀",
        "1",
        "01",
        &"x".repeat(500),
    ];
    for id in ids {
        store.insert([(id, json!({"is": id}))]).await;
    }
    for id in ids {
        assert_eq!(store.body(id).await.unwrap(), json!({"is": id}), "{id:?}");
    }
}

async fn returns_documents_in_the_order_of_the_ids(store: TestStore) {
    store
        .insert([("a", json!({})), ("b", json!({})), ("c", json!({}))])
        .await;
    let ids = ["c", "missing", "a", "c"].map(str::to_owned).to_vec();
    let found = store
        .documents
        .get_many(store.collection.clone(), ids)
        .await
        .unwrap();
    let ids = found
        .iter()
        .map(|document| document.as_ref().map(|document| document.id.as_str()));
    assert_eq!(ids.collect::<Vec<_>>(), [Some("c"), None, Some("a"), Some("c")]);
    assert_eq!(
        store
            .documents
            .get_many(store.collection.clone(), vec![])
            .await
            .unwrap(),
        []
    );
}

async fn refuses_to_insert_an_existing_id(store: TestStore) {
    store.insert([("a", json!({"name": "first"}))]).await;
    let result = store
        .commit([store.insertion("a", &json!({"name": "second"}))])
        .await;
    assert_eq!(refusals(result), [(0, RefusalReason::Exists)]);
    assert_eq!(store.body("a").await.unwrap(), json!({"name": "first"}));
    assert_eq!(store.version("a").await, 1);
}

async fn increments_the_version_with_a_replacement(store: TestStore) {
    store.insert([("a", json!({"n": 1, "gone": true}))]).await;
    for version in 1..4 {
        store
            .commit([store.replacement("a", version, &json!({"n": version + 1}))])
            .await
            .unwrap();
        assert_eq!(store.version("a").await, version + 1);
    }
    assert_eq!(store.body("a").await.unwrap(), json!({"n": 4}));
}

async fn refuses_a_stale_replacement_with_the_current_version(store: TestStore) {
    store.insert([("a", json!({"n": 1}))]).await;
    store
        .commit([store.replacement("a", 1, &json!({"n": 2}))])
        .await
        .unwrap();
    for expected in [0, 1, 3, u64::MAX] {
        let result = store
            .commit([store.replacement("a", expected, &json!({"n": 3}))])
            .await;
        assert_eq!(refusals(result), [(0, RefusalReason::Stale(2))], "{expected}");
    }
    assert_eq!(store.body("a").await.unwrap(), json!({"n": 2}));
}

async fn frees_the_id_of_a_deleted_document(store: TestStore) {
    store.insert([("a", json!({"n": 1}))]).await;
    store
        .commit([store.replacement("a", 1, &json!({"n": 2}))])
        .await
        .unwrap();
    store.commit([store.deletion("a", 2)]).await.unwrap();
    assert_eq!(store.get("a").await, None);
    store.insert([("a", json!({"n": 3}))]).await;
    assert_eq!(store.version("a").await, 1);
}

async fn refuses_a_stale_deletion(store: TestStore) {
    store.insert([("a", json!({}))]).await;
    assert_eq!(
        refusals(store.commit([store.deletion("a", 2)]).await),
        [(0, RefusalReason::Stale(1))]
    );
    assert!(store.get("a").await.is_some());
}

async fn refuses_to_change_a_missing_document(store: TestStore) {
    let writes = [
        store.replacement("a", 1, &json!({})),
        store.deletion("b", 1),
        store.adjustment("c", &[("n", 1, None)]),
    ];
    let missing = [0, 1, 2].map(|write| (write, RefusalReason::Missing));
    assert_eq!(refusals(store.commit(writes).await), missing);
}

async fn writes_nothing_if_one_write_is_refused(store: TestStore) {
    store
        .insert([
            ("a", json!({"n": 1})),
            ("b", json!({"n": 1})),
            ("c", json!({"n": 1})),
        ])
        .await;
    let result = store
        .commit([
            store.insertion("d", &json!({"n": 1})),
            store.replacement("a", 1, &json!({"n": 2})),
            store.deletion("b", 9),
            store.adjustment("c", &[("n", 1, None)]),
        ])
        .await;
    assert_eq!(refusals(result), [(2, RefusalReason::Stale(1))]);
    assert_eq!(store.get("d").await, None);
    for id in ["a", "b", "c"] {
        assert_eq!(
            (store.version(id).await, store.body(id).await),
            (1, Some(json!({"n": 1}))),
            "{id}"
        );
    }
}

async fn lists_every_refused_write(store: TestStore) {
    store
        .insert([("a", json!({"stock": 3})), ("b", json!({})), ("c", json!({}))])
        .await;
    let result = store
        .commit([
            store.adjustment("a", &[("stock", -4, Some(0))]),
            store.insertion("b", &json!({})),
            store.insertion("new", &json!({})),
            store.replacement("c", 7, &json!({})),
            store.deletion("d", 1),
        ])
        .await;
    let expected = [
        (0, RefusalReason::UnderFloor(3)),
        (1, RefusalReason::Exists),
        (3, RefusalReason::Stale(1)),
        (4, RefusalReason::Missing),
    ];
    assert_eq!(refusals(result), expected);
    assert_eq!(store.get("new").await, None);
}

async fn rejects_two_writes_of_one_document(store: TestStore) {
    let result = store
        .commit([
            store.insertion("a", &json!({})),
            store.adjustment("a", &[("n", 1, None)]),
        ])
        .await;
    assert_invalid_commit(&result);
    assert_eq!(store.get("a").await, None);
}

async fn rejects_a_body_that_is_not_an_object(store: TestStore) {
    store.insert([("a", json!({}))]).await;
    for body in [
        "",
        "1",
        "null",
        "[]",
        "\"{}\"",
        "{",
        "{} {}",
        "{a: 1}",
        "{\"a\": 1,}",
        "{\"a\": 'b'}",
    ] {
        let insertion = Insertion {
            collection: store.collection.clone(),
            id: "b".into(),
            body: body.into(),
        };
        let result = store
            .commit([
                store.replacement("a", 1, &json!({"n": 1})),
                Write::Insert(insertion),
            ])
            .await;
        assert_invalid_commit(&result);
    }
    assert_eq!((store.version("a").await, store.get("b").await), (1, None));
}

async fn rejects_an_undeclared_collection(store: TestStore) {
    let nowhere = TestStore {
        collection: "conformance.nowhere".into(),
        ..store
    };
    let read = nowhere
        .documents
        .get_many(nowhere.collection.clone(), vec!["a".into()])
        .await;
    assert!(matches!(read, Err(Failure::Invalid(_))), "{read:?}");
    nowhere.assert_invalid(Query::all(&nowhere.collection, 1)).await;
    assert_invalid_commit(&nowhere.commit([nowhere.insertion("a", &json!({}))]).await);
}

async fn accepts_an_empty_commit(store: TestStore) {
    assert_eq!(store.commit([]).await, Ok(()));
}

async fn reads_a_commit_at_once(store: TestStore) {
    let mut tasks = JoinSet::new();
    for task in 0..8 {
        let store = store.clone();
        tasks.spawn(async move {
            for n in 0..10 {
                let id = format!("{task}-{n}");
                store.insert([(id.as_str(), json!({"n": n}))]).await;
                assert_eq!(store.body(&id).await, Some(json!({"n": n})));
            }
        });
    }
    tasks.join_all().await;
}

async fn accepts_one_of_several_concurrent_inserts_of_an_id(store: TestStore) {
    let mut tasks = JoinSet::new();
    for n in 0..20 {
        let store = store.clone();
        tasks.spawn(async move { store.commit([store.insertion("a", &json!({"n": n}))]).await });
    }
    assert_one_succeeded(tasks.join_all().await, &RefusalReason::Exists);
}

async fn accepts_one_of_several_concurrent_replacements_of_a_version(store: TestStore) {
    store.insert([("a", json!({}))]).await;
    let mut tasks = JoinSet::new();
    for n in 0..20 {
        let store = store.clone();
        tasks.spawn(async move { store.commit([store.replacement("a", 1, &json!({"n": n}))]).await });
    }
    assert_one_succeeded(tasks.join_all().await, &RefusalReason::Stale(2));
    assert_eq!(store.version("a").await, 2);
}

fn assert_one_succeeded(answers: Vec<Result<(), CommitFailure>>, otherwise: &RefusalReason) {
    let (accepted, refused) = answers.into_iter().partition::<Vec<_>, _>(Result::is_ok);
    assert_eq!(accepted.len(), 1);
    for result in refused {
        assert_eq!(refusals(result), [(0, *otherwise)]);
    }
}
