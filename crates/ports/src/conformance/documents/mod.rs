//! Cases of the port `documents`.

mod adjustments;
mod paging;
mod queries;
mod search;
mod writes;

use std::collections::BTreeMap;
use std::sync::Arc;

use libtest_mimic::Trial;
use serde_json::Value;
use tokio::runtime::Handle;

use super::case::Case;
use crate::documents::{
    Adjustment, Change, Clause, CommitFailure, Comparison, Condition, Deletion, Direction, Document,
    Documents, Failure, Insertion, Query, RefusalReason, Replacement, Scalar, Search, Sort, Term, Write,
};
use crate::manifest::{Collection, ServiceManifest};

/// A collection without searched fields.
const UNSEARCHED: &str = "conformance.unsearched";

fn cases() -> impl Iterator<Item = &'static Case<TestStore>> {
    [
        writes::CASES,
        adjustments::CASES,
        queries::CASES,
        paging::CASES,
        search::CASES,
    ]
    .into_iter()
    .flatten()
}

/// Returns all cases for a store that was opened with [`manifest`](super::manifest).
#[must_use]
pub fn trials(runtime: &Handle, documents: &Arc<dyn Documents>) -> Vec<Trial> {
    cases()
        .map(|case| {
            let store = TestStore {
                documents: Arc::clone(documents),
                collection: collection(case),
            };
            case.trial("documents", runtime, store)
        })
        .collect()
}

pub(super) fn services() -> BTreeMap<String, ServiceManifest> {
    let fields = ["colour", "name", "price"].map(str::to_owned).to_vec();
    let searched = Collection {
        fields: fields.clone(),
        search: vec!["name".into(), "description".into()],
    };
    let mut collections = cases()
        .map(|case| (collection(case), searched.clone()))
        .collect::<BTreeMap<_, _>>();
    collections.insert(
        UNSEARCHED.into(),
        Collection {
            fields,
            search: Vec::new(),
        },
    );
    [(
        "conformance".into(),
        ServiceManifest {
            collections,
            ..ServiceManifest::default()
        },
    )]
    .into()
}

/// Returns the collection of a case.
fn collection(case: &Case<TestStore>) -> String {
    format!("conformance.{}", case.name.replace('_', "-"))
}

/// The store, and the collection of one case.
#[derive(Clone)]
struct TestStore {
    documents: Arc<dyn Documents>,
    collection: String,
}

impl TestStore {
    fn insertion(&self, id: &str, body: &Value) -> Write {
        Write::Insert(Insertion {
            collection: self.collection.clone(),
            id: id.into(),
            body: body.to_string(),
        })
    }

    fn replacement(&self, id: &str, expected: u64, body: &Value) -> Write {
        let (collection, id, body) = (self.collection.clone(), id.into(), body.to_string());
        Write::Replace(Replacement {
            collection,
            id,
            expected,
            body,
        })
    }

    fn deletion(&self, id: &str, expected: u64) -> Write {
        Write::Delete(Deletion {
            collection: self.collection.clone(),
            id: id.into(),
            expected,
        })
    }

    fn adjustment(&self, id: &str, changes: &[(&str, i64, Option<i64>)]) -> Write {
        let change = |&(field, by, floor): &(&str, _, _)| Change {
            field: field.to_owned(),
            by,
            floor,
        };
        let changes = changes.iter().map(change).collect();
        Write::Adjust(Adjustment {
            collection: self.collection.clone(),
            id: id.into(),
            changes,
        })
    }

    async fn commit(&self, writes: impl IntoIterator<Item = Write>) -> Result<(), CommitFailure> {
        self.documents
            .commit(writes.into_iter().collect(), Vec::new())
            .await
    }

    /// Inserts new documents in one commit.
    async fn insert(&self, bodies: impl IntoIterator<Item = (&str, Value)>) {
        let writes = bodies
            .into_iter()
            .map(|(id, body)| self.insertion(id, &body))
            .collect::<Vec<_>>();
        self.commit(writes).await.expect("the ids are new");
    }

    async fn get(&self, id: &str) -> Option<Document> {
        let found = self
            .documents
            .get_many(self.collection.clone(), vec![id.into()])
            .await;
        found.expect("the collection is declared").remove(0)
    }

    async fn body(&self, id: &str) -> Option<Value> {
        self.get(id)
            .await
            .map(|document| serde_json::from_str(&document.body).expect("a body is JSON"))
    }

    /// Returns the version of a document, or 0 if it does not exist.
    async fn version(&self, id: &str) -> u64 {
        self.get(id).await.map_or(0, |document| document.version)
    }

    fn query(&self) -> Query {
        Query::all(&self.collection, 100)
    }

    /// Returns a query with conditions.
    fn matching(&self, conditions: impl IntoIterator<Item = Condition>) -> Query {
        Query {
            conditions: conditions.into_iter().collect(),
            ..self.query()
        }
    }

    /// Returns a query with a search, as [`search`] reads it.
    fn searching(&self, text: &str) -> Query {
        Query {
            search: Some(search(text)),
            ..self.query()
        }
    }

    /// Returns the ids that a query finds, in the order of the query.
    async fn ids(&self, query: Query) -> Vec<String> {
        let found = self.documents.find(query).await.expect("the query is valid");
        found.into_iter().map(|document| document.id).collect()
    }

    async fn count(&self, query: Query) -> u64 {
        self.documents.count(query).await.expect("the query is valid")
    }

    async fn assert_invalid(&self, query: Query) {
        let result = self.documents.find(query.clone()).await;
        assert!(
            matches!(result, Err(Failure::Invalid(_))),
            "{query:?}: {result:?}"
        );
        let result = self.documents.count(query.clone()).await;
        assert!(
            matches!(result, Err(Failure::Invalid(_))),
            "{query:?}: {result:?}"
        );
    }
}

fn condition(field: &str, comparison: Comparison, value: impl IntoScalar) -> Condition {
    Condition {
        field: field.into(),
        comparison,
        value: value.scalar(),
    }
}

fn sort_by(field: &str, direction: Direction) -> Option<Sort> {
    Some(Sort {
        field: Some(field.into()),
        direction,
    })
}

/// Reads a search: clauses separated by spaces, such as `name:red|blu*`. Documents that meet all clauses
/// after ` - ` are left out.
fn search(text: &str) -> Search {
    let clauses = |text: &str| {
        text.split(' ')
            .filter(|text| !text.is_empty())
            .map(clause)
            .collect()
    };
    let (all, not_all) = text.split_once(" - ").unwrap_or((text, ""));
    Search {
        all: clauses(all),
        not_all: clauses(not_all),
    }
}

fn clause(text: &str) -> Clause {
    let (field, terms) = match text.split_once(':') {
        Some((field, terms)) => (Some(field.to_owned()), terms),
        None => (None, text),
    };
    let term = |text: &str| {
        let token = text.strip_suffix('*');
        Term {
            text: token.unwrap_or(text).into(),
            prefix: token.is_some(),
        }
    };
    Clause {
        field,
        terms: terms.split('|').map(term).collect(),
    }
}

/// Returns the reasons of a refused commit with the indexes of the writes.
fn refusals(result: Result<(), CommitFailure>) -> Vec<(u32, RefusalReason)> {
    match result {
        Err(CommitFailure::Refused(refusals)) => refusals.into_iter().map(|r| (r.write, r.reason)).collect(),
        other => panic!("expected refusals, got {other:?}"),
    }
}

fn assert_invalid_commit(result: &Result<(), CommitFailure>) {
    assert!(
        matches!(result, Err(CommitFailure::Failed(Failure::Invalid(_)))),
        "{result:?}"
    );
}

trait IntoScalar {
    fn scalar(self) -> Scalar;
}

impl IntoScalar for &str {
    fn scalar(self) -> Scalar {
        Scalar::Text(self.into())
    }
}

impl IntoScalar for i64 {
    fn scalar(self) -> Scalar {
        Scalar::Integer(self)
    }
}
