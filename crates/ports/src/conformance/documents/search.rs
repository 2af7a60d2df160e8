//! Full-text search.

use serde_json::json;

use super::{TestStore, UNSEARCHED, condition, sort_by};
use crate::conformance::case::cases;
use crate::documents::Comparison::{AtLeast, Equal, Greater, Less};
use crate::documents::Direction::Ascending;
use crate::documents::Query;

cases! { TestStore:
    searches_only_the_searched_fields,
    requires_all_words,
    matches_prefixes_of_the_last_word_only,
    ignores_case,
    accepts_special_characters,
    finds_everything_without_a_word,
    searches_changed_documents,
    does_not_find_a_refused_insertion,
    combines_a_search_with_conditions_a_sort_and_a_limit,
    sorts_many_matches_of_a_search,
    rejects_a_search_in_a_collection_without_searched_fields,
}

async fn fill(store: &TestStore) {
    store
        .insert([
            (
                "a",
                json!({"name": "Red wool sock", "description": "warm", "colour": "crimson", "price": 3}),
            ),
            ("b", json!({"name": "Blue wool hat", "price": 2})),
            (
                "c",
                json!({"name": "Cotton shirt", "description": "woolly feeling, red seams", "price": 1}),
            ),
            ("d", json!({"name": 42, "description": ["wool"]})),
        ])
        .await;
}

async fn found(store: &TestStore, words: &str) -> String {
    store.ids(store.searching(words)).await.concat()
}

async fn searches_only_the_searched_fields(store: TestStore) {
    fill(&store).await;
    assert_eq!(found(&store, "sock").await, "a");
    assert_eq!(found(&store, "warm").await, "a");
    assert_eq!(found(&store, "crimson").await, "");
}

async fn requires_all_words(store: TestStore) {
    fill(&store).await;
    assert_eq!(found(&store, "red wool").await, "ac");
    assert_eq!(found(&store, "wool red sock").await, "a");
    assert_eq!(found(&store, "red wool hat").await, "");
}

async fn matches_prefixes_of_the_last_word_only(store: TestStore) {
    fill(&store).await;
    assert_eq!(found(&store, "w").await, "abc");
    assert_eq!(found(&store, "wooll").await, "c");
    assert_eq!(found(&store, "red woo").await, "ac");
    assert_eq!(found(&store, "woo red").await, "");
    assert_eq!(found(&store, "ool").await, "");
}

async fn ignores_case(store: TestStore) {
    store.insert([("a", json!({"name": "Ärmel STRASSE"}))]).await;
    for words in ["ärmel", "ÄRMEL", "strasse", "Strass"] {
        assert_eq!(found(&store, words).await, "a", "{words}");
    }
}

async fn accepts_special_characters(store: TestStore) {
    fill(&store).await;
    assert_eq!(found(&store, "  red\t\n wool  ").await, "ac");
    assert_eq!(found(&store, "\"red\" wool").await, "ac");
    for words in [
        "sock AND NOT red OR hat",
        "red OR",
        "NEAR(red sock)",
        "name:xyz",
        "xyz*",
        "^xyz",
        "nothing 😀",
        "x'y",
        "{x}",
    ] {
        assert_eq!(found(&store, words).await, "", "{words}");
    }
    for words in [
        "*", "\"", "\\", "\0", "sock\0", "((", "sock\"", "-sock", "+", ":", "%", "$where", "%_", "\u{200d}",
        "a\u{301}",
    ] {
        store.ids(store.searching(words)).await;
    }
    store.ids(store.searching(&"very ".repeat(5_000))).await;
    store.ids(store.searching(&"long".repeat(5_000))).await;
}

async fn finds_everything_without_a_word(store: TestStore) {
    fill(&store).await;
    for words in ["", "   ", "!?", "😀"] {
        assert_eq!(found(&store, words).await, "abcd", "{words:?}");
    }
}

async fn searches_changed_documents(store: TestStore) {
    fill(&store).await;
    let silk = json!({"name": "Red silk sock"});
    store
        .commit([store.replacement("a", 1, &silk), store.deletion("b", 1)])
        .await
        .unwrap();
    assert_eq!(found(&store, "wool sock").await, "");
    assert_eq!(found(&store, "silk").await, "a");
    assert_eq!(found(&store, "blue").await, "");
    store
        .commit([store.replacement("a", 2, &json!({}))])
        .await
        .unwrap();
    assert_eq!(found(&store, "silk").await, "");
}

async fn does_not_find_a_refused_insertion(store: TestStore) {
    fill(&store).await;
    let new = store.insertion("e", &json!({"name": "linen"}));
    let existing = store.insertion("a", &json!({"name": "linen"}));
    assert!(store.commit([new, existing]).await.is_err());
    assert_eq!(found(&store, "linen").await, "");
}

async fn combines_a_search_with_conditions_a_sort_and_a_limit(store: TestStore) {
    fill(&store).await;
    let sorted = Query {
        sort: sort_by("price", Ascending),
        ..store.searching("wool")
    };
    assert_eq!(store.ids(sorted.clone()).await.concat(), "cba");
    assert_eq!(
        store
            .ids(Query {
                limit: 2,
                ..sorted.clone()
            })
            .await
            .concat(),
        "cb"
    );
    let conditions = vec![condition("price", Greater, 1)];
    assert_eq!(store.ids(Query { conditions, ..sorted }).await.concat(), "ba");
    let conditions = vec![condition("colour", Equal, "crimson")];
    assert_eq!(
        store
            .ids(Query {
                conditions,
                ..store.searching("wool")
            })
            .await
            .concat(),
        "a"
    );
}

async fn sorts_many_matches_of_a_search(store: TestStore) {
    let ids = (0..1_200).map(|n| format!("{n:04}")).collect::<Vec<_>>();
    let body = |n: i64| json!({"price": -n, "name": if n % 2 == 0 { "wool sock" } else { "wool hat" }});
    store
        .insert(ids.iter().map(String::as_str).zip((0..).map(body)))
        .await;
    let socks = Query {
        sort: sort_by("price", Ascending),
        limit: 2,
        ..store.searching("wool soc")
    };
    assert_eq!(store.ids(socks).await, ["1198", "1196"]);
    let conditions = vec![condition("price", AtLeast, -700), condition("price", Less, 0)];
    let hats = Query {
        limit: 2,
        conditions,
        ..store.searching("hat")
    };
    assert_eq!(store.ids(hats).await, ["0001", "0003"]);
}

async fn rejects_a_search_in_a_collection_without_searched_fields(store: TestStore) {
    store
        .assert_invalid(Query {
            search: Some("x".into()),
            ..Query::all(UNSEARCHED, 1)
        })
        .await;
    store
        .assert_invalid(Query {
            search: Some(String::new()),
            ..Query::all(UNSEARCHED, 1)
        })
        .await;
}
