//! Inserts, replacements and deletions; what makes a commit.

use serde_json::json;
use tokio::task::JoinSet;

use super::{Things, assert_invalid_commit, refusals};
use crate::conformance::cases;
use crate::documents::{CommitFailure, Failure, Insertion, Query, RefusalReason, Write};

cases! { Things:
    a_new_document_has_version_one_and_its_body,
    values_of_every_kind_come_back_as_they_were,
    ids_of_any_text_are_kept_apart,
    documents_come_in_the_order_of_the_ids_asked_for,
    an_id_that_is_taken_is_not_inserted_again,
    a_replacement_at_the_expected_version_counts_up,
    a_replacement_at_another_version_is_stale_and_tells_the_version,
    a_deletion_at_the_expected_version_frees_the_id,
    a_deletion_at_another_version_is_stale,
    what_is_not_there_is_missing,
    one_refused_write_undoes_all_others,
    every_refused_write_is_listed,
    two_writes_for_one_document_are_invalid,
    a_body_that_is_no_object_is_invalid,
    an_undeclared_collection_is_invalid,
    a_commit_of_nothing_succeeds,
    what_was_committed_is_read_at_once,
    of_inserts_of_one_id_at_once_one_succeeds,
    of_replacements_of_one_version_at_once_one_succeeds,
}

async fn a_new_document_has_version_one_and_its_body(things: Things) {
    things.insert([("a", json!({"name": "sock"}))]).await;
    let document = things.get("a").await.unwrap();
    assert_eq!((document.id.as_str(), document.version), ("a", 1));
    assert_eq!(things.body("a").await.unwrap(), json!({"name": "sock"}));
}

async fn values_of_every_kind_come_back_as_they_were(things: Things) {
    let body = json!({
        "name": "Größe \"42\" \\ 😀 \u{0}\n", "price": i64::MAX, "low": i64::MIN, "half": 0.5, "none": null, "yes": true,
        "list": [1, "2", [], {}], "deep": {"a": {"b": {"c": [null]}}}, "": "no name", "a.b": 1, "$c": 2,
    });
    things.insert([("a", body.clone()), ("empty", json!({}))]).await;
    assert_eq!(things.body("a").await.unwrap(), body);
    assert_eq!(things.body("empty").await.unwrap(), json!({}));
}

async fn ids_of_any_text_are_kept_apart(things: Things) {
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
        things.insert([(id, json!({"is": id}))]).await;
    }
    for id in ids {
        assert_eq!(things.body(id).await.unwrap(), json!({"is": id}), "{id:?}");
    }
}

async fn documents_come_in_the_order_of_the_ids_asked_for(things: Things) {
    things
        .insert([("a", json!({})), ("b", json!({})), ("c", json!({}))])
        .await;
    let asked = ["c", "missing", "a", "c"].map(str::to_owned).to_vec();
    let found = things
        .documents
        .get_many(things.collection.clone(), asked)
        .await
        .unwrap();
    let ids = found
        .iter()
        .map(|document| document.as_ref().map(|document| document.id.as_str()));
    assert_eq!(ids.collect::<Vec<_>>(), [Some("c"), None, Some("a"), Some("c")]);
    assert_eq!(
        things
            .documents
            .get_many(things.collection.clone(), vec![])
            .await
            .unwrap(),
        []
    );
}

async fn an_id_that_is_taken_is_not_inserted_again(things: Things) {
    things.insert([("a", json!({"name": "first"}))]).await;
    let answer = things
        .commit([things.inserting("a", &json!({"name": "second"}))])
        .await;
    assert_eq!(refusals(answer), [(0, RefusalReason::Exists)]);
    assert_eq!(things.body("a").await.unwrap(), json!({"name": "first"}));
    assert_eq!(things.version("a").await, 1);
}

async fn a_replacement_at_the_expected_version_counts_up(things: Things) {
    things.insert([("a", json!({"n": 1, "gone": true}))]).await;
    for version in 1..4 {
        things
            .commit([things.replacing("a", version, &json!({"n": version + 1}))])
            .await
            .unwrap();
        assert_eq!(things.version("a").await, version + 1);
    }
    assert_eq!(things.body("a").await.unwrap(), json!({"n": 4}));
}

async fn a_replacement_at_another_version_is_stale_and_tells_the_version(things: Things) {
    things.insert([("a", json!({"n": 1}))]).await;
    things
        .commit([things.replacing("a", 1, &json!({"n": 2}))])
        .await
        .unwrap();
    for expected in [0, 1, 3, u64::MAX] {
        let answer = things
            .commit([things.replacing("a", expected, &json!({"n": 3}))])
            .await;
        assert_eq!(refusals(answer), [(0, RefusalReason::Stale(2))], "{expected}");
    }
    assert_eq!(things.body("a").await.unwrap(), json!({"n": 2}));
}

async fn a_deletion_at_the_expected_version_frees_the_id(things: Things) {
    things.insert([("a", json!({"n": 1}))]).await;
    things
        .commit([things.replacing("a", 1, &json!({"n": 2}))])
        .await
        .unwrap();
    things.commit([things.deleting("a", 2)]).await.unwrap();
    assert_eq!(things.get("a").await, None);
    things.insert([("a", json!({"n": 3}))]).await;
    assert_eq!(things.version("a").await, 1);
}

async fn a_deletion_at_another_version_is_stale(things: Things) {
    things.insert([("a", json!({}))]).await;
    assert_eq!(
        refusals(things.commit([things.deleting("a", 2)]).await),
        [(0, RefusalReason::Stale(1))]
    );
    assert!(things.get("a").await.is_some());
}

async fn what_is_not_there_is_missing(things: Things) {
    let writes = [
        things.replacing("a", 1, &json!({})),
        things.deleting("b", 1),
        things.adjusting("c", &[("n", 1, None)]),
    ];
    let missing = [0, 1, 2].map(|write| (write, RefusalReason::Missing));
    assert_eq!(refusals(things.commit(writes).await), missing);
}

async fn one_refused_write_undoes_all_others(things: Things) {
    things
        .insert([
            ("a", json!({"n": 1})),
            ("b", json!({"n": 1})),
            ("c", json!({"n": 1})),
        ])
        .await;
    let answer = things
        .commit([
            things.inserting("d", &json!({"n": 1})),
            things.replacing("a", 1, &json!({"n": 2})),
            things.deleting("b", 9),
            things.adjusting("c", &[("n", 1, None)]),
        ])
        .await;
    assert_eq!(refusals(answer), [(2, RefusalReason::Stale(1))]);
    assert_eq!(things.get("d").await, None);
    for id in ["a", "b", "c"] {
        assert_eq!(
            (things.version(id).await, things.body(id).await),
            (1, Some(json!({"n": 1}))),
            "{id}"
        );
    }
}

async fn every_refused_write_is_listed(things: Things) {
    things
        .insert([("a", json!({"stock": 3})), ("b", json!({})), ("c", json!({}))])
        .await;
    let answer = things
        .commit([
            things.adjusting("a", &[("stock", -4, Some(0))]),
            things.inserting("b", &json!({})),
            things.inserting("new", &json!({})),
            things.replacing("c", 7, &json!({})),
            things.deleting("d", 1),
        ])
        .await;
    let expected = [
        (0, RefusalReason::UnderFloor(3)),
        (1, RefusalReason::Exists),
        (3, RefusalReason::Stale(1)),
        (4, RefusalReason::Missing),
    ];
    assert_eq!(refusals(answer), expected);
    assert_eq!(things.get("new").await, None);
}

async fn two_writes_for_one_document_are_invalid(things: Things) {
    let answer = things
        .commit([
            things.inserting("a", &json!({})),
            things.adjusting("a", &[("n", 1, None)]),
        ])
        .await;
    assert_invalid_commit(&answer);
    assert_eq!(things.get("a").await, None);
}

async fn a_body_that_is_no_object_is_invalid(things: Things) {
    things.insert([("a", json!({}))]).await;
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
            collection: things.collection.clone(),
            id: "b".into(),
            body: body.into(),
        };
        let answer = things
            .commit([
                things.replacing("a", 1, &json!({"n": 1})),
                Write::Insert(insertion),
            ])
            .await;
        assert_invalid_commit(&answer);
    }
    assert_eq!((things.version("a").await, things.get("b").await), (1, None));
}

async fn an_undeclared_collection_is_invalid(things: Things) {
    let nowhere = Things {
        collection: "conformance.nowhere".into(),
        ..things
    };
    let read = nowhere
        .documents
        .get_many(nowhere.collection.clone(), vec!["a".into()])
        .await;
    assert!(matches!(read, Err(Failure::Invalid(_))), "{read:?}");
    nowhere.assert_invalid(Query::all(&nowhere.collection, 1)).await;
    assert_invalid_commit(&nowhere.commit([nowhere.inserting("a", &json!({}))]).await);
}

async fn a_commit_of_nothing_succeeds(things: Things) {
    assert_eq!(things.commit([]).await, Ok(()));
}

async fn what_was_committed_is_read_at_once(things: Things) {
    let mut tasks = JoinSet::new();
    for task in 0..8 {
        let things = things.clone();
        tasks.spawn(async move {
            for n in 0..10 {
                let id = format!("{task}-{n}");
                things.insert([(id.as_str(), json!({"n": n}))]).await;
                assert_eq!(things.body(&id).await, Some(json!({"n": n})));
            }
        });
    }
    tasks.join_all().await;
}

async fn of_inserts_of_one_id_at_once_one_succeeds(things: Things) {
    let mut tasks = JoinSet::new();
    for n in 0..20 {
        let things = things.clone();
        tasks.spawn(async move { things.commit([things.inserting("a", &json!({"n": n}))]).await });
    }
    assert_one_succeeded(tasks.join_all().await, &RefusalReason::Exists);
}

async fn of_replacements_of_one_version_at_once_one_succeeds(things: Things) {
    things.insert([("a", json!({}))]).await;
    let mut tasks = JoinSet::new();
    for n in 0..20 {
        let things = things.clone();
        tasks.spawn(async move { things.commit([things.replacing("a", 1, &json!({"n": n}))]).await });
    }
    assert_one_succeeded(tasks.join_all().await, &RefusalReason::Stale(2));
    assert_eq!(things.version("a").await, 2);
}

fn assert_one_succeeded(answers: Vec<Result<(), CommitFailure>>, otherwise: &RefusalReason) {
    let (done, refused) = answers.into_iter().partition::<Vec<_>, _>(Result::is_ok);
    assert_eq!(done.len(), 1);
    for answer in refused {
        assert_eq!(refusals(answer), [(0, *otherwise)]);
    }
}
