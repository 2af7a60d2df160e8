//! Search by tokens.

use serde_json::json;

use super::{TestStore, UNSEARCHED, clause, condition, search, sort_by};
use crate::conformance::case::cases;
use crate::documents::Comparison::{AtLeast, Equal, Greater, Less};
use crate::documents::Direction::Ascending;
use crate::documents::{MAX_TERMS, Query, Search};

cases! { TestStore:
    searches_only_the_searched_fields,
    requires_all_clauses,
    requires_one_term_of_a_clause,
    matches_whole_tokens_and_prefixes,
    restricts_a_clause_to_its_field,
    leaves_out_documents_that_meet_all_other_clauses,
    searches_tokens_of_any_script,
    compares_tokens_by_code_point,
    separates_tokens_at_other_ascii_characters,
    searches_many_terms,
    searches_changed_documents,
    does_not_find_a_refused_insertion,
    combines_a_search_with_conditions_a_sort_and_a_limit,
    sorts_many_matches_of_a_search,
    rejects_a_search_without_clauses_or_terms,
    rejects_a_term_that_is_not_a_token,
    rejects_a_search_in_a_field_that_is_not_searched,
}

async fn fill(store: &TestStore) {
    store
        .insert([
            (
                "a",
                json!({"name": "red wool sock", "description": "warm", "colour": "crimson", "price": 3}),
            ),
            ("b", json!({"name": "blue wool hat", "price": 2})),
            (
                "c",
                json!({"name": "cotton shirt", "description": "woolly feeling red seams", "price": 1}),
            ),
            ("d", json!({"name": 42, "description": ["wool"]})),
        ])
        .await;
}

/// Returns the ids that a search finds, which are as many as the store counts.
async fn found(store: &TestStore, text: &str) -> String {
    let ids = store.ids(store.searching(text)).await;
    let count = store.count(store.searching(text)).await;
    assert_eq!(count, ids.len() as u64, "{text}");
    ids.concat()
}

async fn searches_only_the_searched_fields(store: TestStore) {
    fill(&store).await;
    assert_eq!(found(&store, "sock").await, "a");
    assert_eq!(found(&store, "warm").await, "a");
    assert_eq!(found(&store, "crimson").await, "");
}

async fn requires_all_clauses(store: TestStore) {
    fill(&store).await;
    assert_eq!(found(&store, "red warm").await, "a");
    assert_eq!(found(&store, "wool red sock").await, "a");
    assert_eq!(found(&store, "red wool hat").await, "");
    assert_eq!(found(&store, "red red").await, "ac");
}

async fn requires_one_term_of_a_clause(store: TestStore) {
    fill(&store).await;
    assert_eq!(found(&store, "sock|hat").await, "ab");
    assert_eq!(found(&store, "sock|nothing").await, "a");
    assert_eq!(found(&store, "sock|woolly|bl* red|hat").await, "abc");
    assert_eq!(found(&store, "wool warm|hat").await, "ab");
}

async fn matches_whole_tokens_and_prefixes(store: TestStore) {
    fill(&store).await;
    assert_eq!(found(&store, "woo").await, "");
    assert_eq!(found(&store, "wool").await, "ab");
    assert_eq!(found(&store, "w*").await, "abc");
    assert_eq!(found(&store, "woo*").await, "abc");
    assert_eq!(found(&store, "wooll*").await, "c");
    assert_eq!(found(&store, "woollys*").await, "");
    assert_eq!(found(&store, "wo* re*").await, "ac");
    assert_eq!(found(&store, "ool*").await, "");
}

async fn restricts_a_clause_to_its_field(store: TestStore) {
    fill(&store).await;
    assert_eq!(found(&store, "name:red").await, "a");
    assert_eq!(found(&store, "description:red").await, "c");
    assert_eq!(found(&store, "description:wool*").await, "c");
    assert_eq!(found(&store, "name:wool description:warm").await, "a");
    assert_eq!(found(&store, "name:warm|hat").await, "b");
}

async fn leaves_out_documents_that_meet_all_other_clauses(store: TestStore) {
    fill(&store).await;
    assert_eq!(found(&store, "wool* - name:wool").await, "c");
    assert_eq!(found(&store, "wool - red").await, "b");
    assert_eq!(found(&store, "wool* - name:wool red").await, "bc");
    assert_eq!(found(&store, "wool* - sock|hat").await, "c");
    assert_eq!(found(&store, "wool red - nothing").await, "a");
    assert_eq!(found(&store, "wool - wo*").await, "");
}

async fn searches_tokens_of_any_script(store: TestStore) {
    store
        .insert([
            ("a", json!({"name": "北京 京烤 烤鸭"})),
            ("b", json!({"name": "خيمة σισυφοσ елка"})),
            ("c", json!({"name": "한국 タワー 👕"})),
            ("d", json!({"name": "e\u{301}t naïve का\u{901}"})),
        ])
        .await;
    for (text, ids) in [
        ("烤鸭", "a"),
        ("京*", "a"),
        ("京", ""),
        ("خيمة", "b"),
        ("خي*", "b"),
        ("елка|烤鸭", "ab"),
        ("σισ* елка", "b"),
        ("タワー 한국", "c"),
        ("タ*", "c"),
        ("👕", "c"),
        ("e\u{301}t", "d"),
        ("e*", "d"),
        ("naïve", "d"),
        ("का\u{901}", "d"),
    ] {
        assert_eq!(found(&store, text).await, ids, "{text}");
    }
}

async fn compares_tokens_by_code_point(store: TestStore) {
    store
        .insert([
            ("a", json!({"name": "café"})),
            ("b", json!({"name": "cafe"})),
            ("c", json!({"name": "cafe\u{301}"})),
            ("d", json!({"name": "CAFÉ"})),
            ("e", json!({"name": "caf\u{10ffff} caf\u{ffff}x"})),
        ])
        .await;
    for (text, ids) in [
        ("café", "a"),
        ("cafe", "b"),
        ("cafe\u{301}", "c"),
        ("cafÉ", "d"),
        ("cafe*", "bc"),
        ("caf\u{10ffff}*", "e"),
        ("caf\u{ffff}*", "e"),
        ("caf*", "abcde"),
    ] {
        assert_eq!(found(&store, text).await, ids, "{text}");
    }
}

async fn separates_tokens_at_other_ascii_characters(store: TestStore) {
    store
        .insert([("a", json!({"name": "Red_wool-SOCK\t5g\u{a0}fast\u{2014}x,(y)\n"}))])
        .await;
    for text in ["red", "wool", "sock", "5g\u{a0}fast\u{2014}x", "y"] {
        assert_eq!(found(&store, text).await, "a", "{text}");
    }
    for text in ["5g", "fast", "x"] {
        assert_eq!(found(&store, text).await, "", "{text}");
    }
}

async fn searches_many_terms(store: TestStore) {
    fill(&store).await;
    let clauses = vec!["red"; MAX_TERMS].join(" ");
    assert_eq!(found(&store, &clauses).await, "ac");
    let mut terms = (1..MAX_TERMS).map(|n| format!("term{n}*")).collect::<Vec<_>>();
    terms.push("hat".into());
    assert_eq!(found(&store, &terms.join("|")).await, "b");
    terms.push("sock".into());
    store.assert_invalid(store.searching(&terms.join("|"))).await;
    assert_eq!(found(&store, &"long".repeat(5_000)).await, "");
    assert_eq!(found(&store, &format!("{}*", "long".repeat(5_000))).await, "");
}

async fn searches_changed_documents(store: TestStore) {
    fill(&store).await;
    let silk = json!({"name": "red silk sock"});
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
        ..store.searching("wool*")
    };
    assert_eq!(store.ids(sorted.clone()).await.concat(), "cba");
    let limited = Query {
        limit: 2,
        ..sorted.clone()
    };
    assert_eq!(store.ids(limited.clone()).await.concat(), "cb");
    assert_eq!(store.count(limited).await, 3);
    let conditions = vec![condition("price", Greater, 1)];
    let expensive = Query { conditions, ..sorted };
    assert_eq!(store.ids(expensive.clone()).await.concat(), "ba");
    assert_eq!(store.count(expensive).await, 2);
    let conditions = vec![condition("colour", Equal, "crimson")];
    let crimson = Query {
        conditions,
        ..store.searching("wool*")
    };
    assert_eq!(store.ids(crimson).await.concat(), "a");
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
        ..store.searching("wool soc*")
    };
    assert_eq!(store.ids(socks.clone()).await, ["1198", "1196"]);
    assert_eq!(store.count(socks).await, 600);
    let conditions = vec![condition("price", AtLeast, -700), condition("price", Less, 0)];
    let hats = Query {
        limit: 2,
        conditions,
        ..store.searching("hat")
    };
    assert_eq!(store.ids(hats.clone()).await, ["0001", "0003"]);
    assert_eq!(store.count(hats).await, 350);
}

async fn rejects_a_search_without_clauses_or_terms(store: TestStore) {
    let empty = clause("x");
    let empty = crate::documents::Clause {
        terms: Vec::new(),
        ..empty
    };
    for (all, not_all) in [
        (vec![], vec![]),
        (vec![], vec![clause("x")]),
        (vec![empty.clone()], vec![]),
        (vec![clause("x")], vec![empty]),
    ] {
        let search = Some(Search { all, not_all });
        store
            .assert_invalid(Query {
                search,
                ..store.query()
            })
            .await;
    }
}

async fn rejects_a_term_that_is_not_a_token(store: TestStore) {
    for text in [
        "",
        "two words",
        "Red",
        "a-b",
        "a\"b",
        "a*b",
        "a\0",
        "\n",
        "(",
        "a'",
        "$where",
    ] {
        let mut search = search("x");
        search.all[0].terms[0].text = text.into();
        let search = Some(search);
        store
            .assert_invalid(Query {
                search,
                ..store.query()
            })
            .await;
    }
}

async fn rejects_a_search_in_a_field_that_is_not_searched(store: TestStore) {
    for field in ["colour", "nothing", "", "$name"] {
        store.assert_invalid(store.searching(&format!("{field}:x"))).await;
    }
    store
        .assert_invalid(Query {
            search: Some(search("x")),
            ..Query::all(UNSEARCHED, 1)
        })
        .await;
}
