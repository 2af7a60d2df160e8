//! The service `catalog` of these tests, with short functions that write and read its documents.

use std::sync::Arc;

use mercato_mongodb::Store;
use mercato_ports::documents::{
    Adjustment, Change, Clause, Comparison, Condition, Documents, Failure, Insertion, Query, Scalar, Search,
    Term, Write,
};
use mercato_ports::events::Event;
use mercato_ports::manifest::{Collection, ServiceManifest, ShopManifest};
use mongodb::{Client, Database};

use crate::common;

pub const PRODUCTS: &str = "catalog.products";
pub const RESERVATIONS: &str = "catalog.reservations";

pub fn shop(fields: &[&str], search: &[&str]) -> ShopManifest {
    let owned = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
    let products = Collection {
        fields: owned(fields),
        search: owned(search),
    };
    let collections = [
        (PRODUCTS.into(), products),
        (RESERVATIONS.into(), Collection::default()),
    ];
    let service = ServiceManifest {
        collections: collections.into(),
        ..ServiceManifest::default()
    };
    ShopManifest {
        services: [("catalog".into(), service)].into(),
    }
}

/// The databases of one test.
pub struct TestDatabases {
    pub server: String,
    pub prefix: String,
}

impl TestDatabases {
    pub fn new() -> Self {
        Self {
            server: common::server().unwrap(),
            prefix: common::prefix(),
        }
    }

    pub async fn open(&self, shop: &ShopManifest) -> Arc<Store> {
        Arc::new(common::store(&self.server, &self.prefix, shop).await)
    }

    pub async fn database(&self) -> Database {
        let client = Client::with_uri_str(&self.server).await.unwrap();
        client.database(&format!("{}catalog", self.prefix))
    }
}

pub fn inserting(collection: &str, id: &str, body: &str) -> Write {
    Write::Insert(Insertion {
        collection: collection.into(),
        id: id.into(),
        body: body.into(),
    })
}

pub fn adjusting(id: &str, field: &str, by: i64) -> Write {
    Write::Adjust(Adjustment {
        collection: PRODUCTS.into(),
        id: id.into(),
        changes: vec![Change {
            field: field.into(),
            by,
            floor: Some(0),
        }],
    })
}

pub async fn insert(store: &Store, id: &str, body: &str) {
    store
        .commit(vec![inserting(PRODUCTS, id, body)], vec![])
        .await
        .unwrap();
}

pub async fn body(store: &Store, id: &str) -> serde_json::Value {
    let found = store
        .get_many(PRODUCTS.into(), vec![id.into()])
        .await
        .unwrap()
        .remove(0);
    serde_json::from_str(&found.unwrap().body).unwrap()
}

/// Returns the ids of the documents that a query selects, joined.
pub async fn find(store: &Store, query: Query) -> Result<String, Failure> {
    store
        .find(query)
        .await
        .map(|documents| documents.into_iter().map(|document| document.id).collect())
}

pub fn with(field: &str, comparison: Comparison, value: Scalar) -> Query {
    Query {
        conditions: vec![Condition {
            field: field.into(),
            comparison,
            value,
        }],
        ..Query::all(PRODUCTS, 10)
    }
}

/// Returns a search for all of these tokens, separated by spaces.
pub fn searching(tokens: &str) -> Query {
    let clause = |token: &str| Clause {
        field: None,
        terms: vec![Term {
            text: token.into(),
            prefix: false,
        }],
    };
    Query {
        search: Some(Search {
            all: tokens.split(' ').map(clause).collect(),
            not_all: Vec::new(),
        }),
        ..Query::all(PRODUCTS, 10)
    }
}

pub fn event(subject: &str) -> Event {
    Event {
        id: uuid::Uuid::now_v7().to_string(),
        kind: "mercato.catalog.reserved".into(),
        subject: subject.into(),
        time: 1,
        due: None,
        data: "{}".into(),
    }
}
