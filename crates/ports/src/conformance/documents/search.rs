//! Full-text search.

use serde_json::json;

use super::{Things, UNSEARCHED, by, is};
use crate::conformance::cases;
use crate::documents::{Comparison, Direction, Query};

cases! { Things:
    words_are_found_in_every_searched_field_and_in_no_other,
    all_words_must_occur,
    the_last_word_may_be_a_prefix_and_the_others_may_not,
    case_does_not_matter,
    odd_input_is_searched_for_or_finds_nothing,
    a_search_without_a_word_restricts_nothing,
    a_search_follows_changes,
    a_refused_insertion_is_not_found,
    a_search_goes_with_conditions_a_sort_and_a_limit,
    a_search_that_matches_many_goes_with_a_sort_too,
    a_search_without_searched_fields_is_invalid,
}

async fn fill(things: &Things) {
    things
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

async fn found(things: &Things, words: &str) -> String {
    things.ids(things.searching(words)).await.concat()
}

async fn words_are_found_in_every_searched_field_and_in_no_other(things: Things) {
    fill(&things).await;
    assert_eq!(found(&things, "sock").await, "a");
    assert_eq!(found(&things, "warm").await, "a");
    assert_eq!(found(&things, "crimson").await, "");
}

async fn all_words_must_occur(things: Things) {
    fill(&things).await;
    assert_eq!(found(&things, "red wool").await, "ac");
    assert_eq!(found(&things, "wool red sock").await, "a");
    assert_eq!(found(&things, "red wool hat").await, "");
}

async fn the_last_word_may_be_a_prefix_and_the_others_may_not(things: Things) {
    fill(&things).await;
    assert_eq!(found(&things, "w").await, "abc");
    assert_eq!(found(&things, "wooll").await, "c");
    assert_eq!(found(&things, "red woo").await, "ac");
    assert_eq!(found(&things, "woo red").await, "");
    assert_eq!(found(&things, "ool").await, "");
}

async fn case_does_not_matter(things: Things) {
    things.insert([("a", json!({"name": "Ärmel STRASSE"}))]).await;
    for words in ["ärmel", "ÄRMEL", "strasse", "Strass"] {
        assert_eq!(found(&things, words).await, "a", "{words}");
    }
}

async fn odd_input_is_searched_for_or_finds_nothing(things: Things) {
    fill(&things).await;
    assert_eq!(found(&things, "  red\t\n wool  ").await, "ac");
    assert_eq!(found(&things, "\"red\" wool").await, "ac");
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
        assert_eq!(found(&things, words).await, "", "{words}");
    }
    for words in [
        "*", "\"", "\\", "\0", "sock\0", "((", "sock\"", "-sock", "+", ":", "%", "$where", "%_", "\u{200d}",
        "a\u{301}",
    ] {
        things.ids(things.searching(words)).await;
    }
    things.ids(things.searching(&"very ".repeat(5_000))).await;
    things.ids(things.searching(&"long".repeat(5_000))).await;
}

async fn a_search_without_a_word_restricts_nothing(things: Things) {
    fill(&things).await;
    for words in ["", "   ", "!?", "😀"] {
        assert_eq!(found(&things, words).await, "abcd", "{words:?}");
    }
}

async fn a_search_follows_changes(things: Things) {
    fill(&things).await;
    let silk = json!({"name": "Red silk sock"});
    things
        .commit([things.replacing("a", 1, &silk), things.deleting("b", 1)])
        .await
        .unwrap();
    assert_eq!(found(&things, "wool sock").await, "");
    assert_eq!(found(&things, "silk").await, "a");
    assert_eq!(found(&things, "blue").await, "");
    things
        .commit([things.replacing("a", 2, &json!({}))])
        .await
        .unwrap();
    assert_eq!(found(&things, "silk").await, "");
}

async fn a_refused_insertion_is_not_found(things: Things) {
    fill(&things).await;
    let new = things.inserting("e", &json!({"name": "linen"}));
    let taken = things.inserting("a", &json!({"name": "linen"}));
    assert!(things.commit([new, taken]).await.is_err());
    assert_eq!(found(&things, "linen").await, "");
}

async fn a_search_goes_with_conditions_a_sort_and_a_limit(things: Things) {
    fill(&things).await;
    let sorted = Query {
        sort: by("price", Direction::Ascending),
        ..things.searching("wool")
    };
    assert_eq!(things.ids(sorted.clone()).await.concat(), "cba");
    assert_eq!(
        things
            .ids(Query {
                limit: 2,
                ..sorted.clone()
            })
            .await
            .concat(),
        "cb"
    );
    let conditions = vec![is("price", Comparison::Greater, 1)];
    assert_eq!(things.ids(Query { conditions, ..sorted }).await.concat(), "ba");
    let conditions = vec![is("colour", Comparison::Equal, "crimson")];
    assert_eq!(
        things
            .ids(Query {
                conditions,
                ..things.searching("wool")
            })
            .await
            .concat(),
        "a"
    );
}

async fn a_search_that_matches_many_goes_with_a_sort_too(things: Things) {
    let ids = (0..1_200).map(|n| format!("{n:04}")).collect::<Vec<_>>();
    let body = |n: i64| json!({"price": -n, "name": if n % 2 == 0 { "wool sock" } else { "wool hat" }});
    things
        .insert(ids.iter().map(String::as_str).zip((0..).map(body)))
        .await;
    let socks = Query {
        sort: by("price", Direction::Ascending),
        limit: 2,
        ..things.searching("wool soc")
    };
    assert_eq!(things.ids(socks).await, ["1198", "1196"]);
    let conditions = vec![
        is("price", Comparison::AtLeast, -700),
        is("price", Comparison::Less, 0),
    ];
    let hats = Query {
        limit: 2,
        conditions,
        ..things.searching("hat")
    };
    assert_eq!(things.ids(hats).await, ["0001", "0003"]);
}

async fn a_search_without_searched_fields_is_invalid(things: Things) {
    things
        .assert_invalid(Query {
            search: Some("x".into()),
            ..Query::all(UNSEARCHED, 1)
        })
        .await;
    things
        .assert_invalid(Query {
            search: Some(String::new()),
            ..Query::all(UNSEARCHED, 1)
        })
        .await;
}
