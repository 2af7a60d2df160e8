//! Tests of the embedded store: its folder, its file, and restarts.
#![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

use std::fs;
use std::path::Path;

use mercato_embedded::{OpenError, Options, Store};
use mercato_ports::documents::{
    Clause, Comparison, Condition, Documents, Failure, Insertion, Query, Replacement, Scalar, Search, Term,
    Write,
};
use mercato_ports::manifest::{Collection, ServiceManifest, ShopManifest};

const PRODUCTS: &str = "catalog.products";

fn shop(fields: &[&str], search: &[&str]) -> ShopManifest {
    let owned = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
    let collection = Collection {
        fields: owned(fields),
        search: owned(search),
    };
    let service = ServiceManifest {
        collections: [(PRODUCTS.into(), collection)].into(),
        ..ServiceManifest::default()
    };
    ShopManifest {
        services: [("catalog".into(), service)].into(),
    }
}

fn open(folder: &Path, shop: &ShopManifest) -> Result<Store, OpenError> {
    Store::open(folder, shop, Options::default())
}

fn open_error(folder: &Path) -> OpenError {
    open(folder, &shop(&[], &[])).err().unwrap()
}

async fn insert(store: &Store, id: &str, body: &str) {
    let insertion = Insertion {
        collection: PRODUCTS.into(),
        id: id.into(),
        body: body.into(),
    };
    store
        .commit(vec![Write::Insert(insertion)], vec![])
        .await
        .unwrap();
}

async fn found(store: &Store, query: Query) -> Result<String, Failure> {
    store
        .find(query)
        .await
        .map(|documents| documents.into_iter().map(|document| document.id).collect())
}

fn priced(price: i64) -> Query {
    let condition = Condition {
        field: "price".into(),
        comparison: Comparison::Equal,
        value: Scalar::Integer(price),
    };
    Query {
        conditions: vec![condition],
        ..Query::all(PRODUCTS, 10)
    }
}

/// Returns a search for all of these tokens, separated by spaces.
fn searching(tokens: &str) -> Query {
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

#[tokio::test]
async fn a_reopened_store_has_all_documents() {
    let folder = tempfile::tempdir().unwrap();
    let shop = shop(&["price"], &["name"]);
    let store = open(folder.path(), &shop).unwrap();
    insert(&store, "a", r#"{"name": "wool sock", "price": 5}"#).await;
    drop(store);
    let store = open(folder.path(), &shop).unwrap();
    assert_eq!(found(&store, priced(5)).await.unwrap(), "a");
    assert_eq!(found(&store, searching("sock")).await.unwrap(), "a");
    assert_eq!(store.ready().await, Ok(()));
}

#[tokio::test]
async fn indexes_a_newly_declared_field_and_rejects_an_undeclared_one() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path(), &shop(&["name"], &[])).unwrap();
    insert(&store, "a", r#"{"name": "sock", "price": 5}"#).await;
    assert!(matches!(found(&store, priced(5)).await, Err(Failure::Invalid(_))));
    drop(store);
    let store = open(folder.path(), &shop(&["price"], &[])).unwrap();
    assert_eq!(found(&store, priced(5)).await.unwrap(), "a");
    drop(store);
    let file = rusqlite::Connection::open(folder.path().join("mercato.db")).unwrap();
    let indexes = "SELECT group_concat(name) FROM sqlite_schema \
                   WHERE tbl_name = 'catalog.products' AND sql LIKE 'CREATE INDEX%'";
    let names = file
        .query_row(indexes, (), |row| row.get::<_, String>(0))
        .unwrap();
    assert_eq!(names, "catalog.products/price");
    drop(file);
    let store = open(folder.path(), &shop(&["name", "price"], &[])).unwrap();
    assert_eq!(found(&store, priced(5)).await.unwrap(), "a");
}

#[tokio::test]
async fn rebuilds_the_search_if_the_searched_fields_change() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path(), &shop(&[], &["name"])).unwrap();
    insert(&store, "a", r#"{"name": "sock", "maker": "knit"}"#).await;
    assert_eq!(found(&store, searching("knit")).await.unwrap(), "");
    drop(store);
    let store = open(folder.path(), &shop(&[], &["name", "maker"])).unwrap();
    assert_eq!(found(&store, searching("knit sock")).await.unwrap(), "a");
    drop(store);
    let store = open(folder.path(), &shop(&[], &[])).unwrap();
    assert!(matches!(
        found(&store, searching("sock")).await,
        Err(Failure::Invalid(_))
    ));
    let (collection, body) = (PRODUCTS.into(), r#"{"name": "shoe"}"#.into());
    let replacement = Write::Replace(Replacement {
        collection,
        id: "a".into(),
        expected: 1,
        body,
    });
    store.commit(vec![replacement], vec![]).await.unwrap();
    drop(store);
    let store = open(folder.path(), &shop(&[], &["name"])).unwrap();
    assert_eq!(found(&store, searching("sock")).await.unwrap(), "");
    assert_eq!(found(&store, searching("shoe")).await.unwrap(), "a");
}

#[tokio::test]
async fn rebuilds_the_search_of_another_tokenizer() {
    let folder = tempfile::tempdir().unwrap();
    let shop = shop(&[], &["name"]);
    let store = open(folder.path(), &shop).unwrap();
    insert(&store, "a", r#"{"name": "烤鸭 sock"}"#).await;
    drop(store);
    let file = rusqlite::Connection::open(folder.path().join("mercato.db")).unwrap();
    let previous = r#"DROP TABLE "catalog.products/search";
        CREATE VIRTUAL TABLE "catalog.products/search" USING fts5("in_name", content='',
            contentless_delete=1, prefix='2 3', tokenize='unicode61 remove_diacritics 2');"#;
    file.execute_batch(previous).unwrap();
    drop(file);
    let store = open(folder.path(), &shop).unwrap();
    assert_eq!(found(&store, searching("烤鸭 sock")).await.unwrap(), "a");
}

#[tokio::test]
async fn keeps_the_documents_of_an_undeclared_collection() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path(), &shop(&["price"], &[])).unwrap();
    insert(&store, "a", r#"{"price": 5}"#).await;
    drop(store);
    let store = open(folder.path(), &ShopManifest { services: [].into() }).unwrap();
    assert!(matches!(found(&store, priced(5)).await, Err(Failure::Invalid(_))));
    drop(store);
    let store = open(folder.path(), &shop(&["price"], &[])).unwrap();
    assert_eq!(found(&store, priced(5)).await.unwrap(), "a");
}

#[test]
fn only_one_store_at_a_time_opens_a_folder() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path(), &shop(&[], &[])).unwrap();
    let error = open_error(folder.path());
    assert!(matches!(error, OpenError::InUse { .. }), "{error}");
    assert!(error.to_string().contains("in use by another mercato"));
    drop(store);
    assert!(open(folder.path(), &shop(&[], &[])).is_ok());
}

#[test]
fn names_a_file_that_is_not_a_database_and_does_not_change_it() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("mercato.db");
    let garbage = "not a database, but long enough to have a header of one".repeat(100);
    fs::write(&file, &garbage).unwrap();
    let error = open_error(folder.path());
    assert!(matches!(error, OpenError::NotADatabase { .. }), "{error}");
    assert!(error.to_string().contains("mercato.db"), "{error}");
    assert_eq!(fs::read_to_string(&file).unwrap(), garbage);
}

#[tokio::test]
async fn reports_a_truncated_database_as_damaged() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path(), &shop(&[], &[])).unwrap();
    for n in 0..50 {
        insert(
            &store,
            &n.to_string(),
            &format!(r#"{{"text": "{}"}}"#, "x".repeat(1_000)),
        )
        .await;
    }
    drop(store);
    let file = fs::OpenOptions::new()
        .write(true)
        .open(folder.path().join("mercato.db"))
        .unwrap();
    file.set_len(file.metadata().unwrap().len() / 2).unwrap();
    let error = open_error(folder.path());
    assert!(matches!(error, OpenError::Damaged { .. }), "{error}");
}

#[test]
fn does_not_change_a_database_of_another_program() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("mercato.db");
    rusqlite::Connection::open(&file)
        .unwrap()
        .execute_batch("CREATE TABLE t (x)")
        .unwrap();
    let before = fs::read(&file).unwrap();
    let error = open_error(folder.path());
    assert!(error.to_string().contains("another program"), "{error}");
    assert_eq!(fs::read(&file).unwrap(), before);
}

#[test]
fn rejects_a_database_of_a_newer_format() {
    let folder = tempfile::tempdir().unwrap();
    drop(open(folder.path(), &shop(&[], &[])).unwrap());
    let file = folder.path().join("mercato.db");
    rusqlite::Connection::open(&file)
        .unwrap()
        .pragma_update(None, "user_version", 99)
        .unwrap();
    let error = open_error(folder.path());
    assert!(matches!(error, OpenError::Newer { found: 99, .. }), "{error}");
}

#[test]
fn names_a_folder_that_cannot_be_created() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let error = open_error(&file.path().join("data"));
    assert!(matches!(error, OpenError::Folder { .. }), "{error}");
    assert!(error.to_string().contains("choose a folder"), "{error}");
}

#[test]
fn rejects_a_manifest_with_an_invalid_name() {
    let folder = tempfile::tempdir().unwrap();
    let error = open(folder.path(), &shop(&["a'b"], &[])).err().unwrap();
    assert!(matches!(error, OpenError::Manifest(_)), "{error}");
}

#[cfg(unix)]
#[tokio::test]
async fn only_the_owner_can_read_the_files() {
    use std::os::unix::fs::PermissionsExt;
    let parent = tempfile::tempdir().unwrap();
    let folder = parent.path().join("data");
    let store = open(&folder, &shop(&[], &[])).unwrap();
    insert(&store, "a", "{}").await;
    assert_eq!(fs::metadata(&folder).unwrap().permissions().mode() & 0o777, 0o700);
    for entry in fs::read_dir(&folder).unwrap() {
        let entry = entry.unwrap();
        assert_eq!(
            entry.metadata().unwrap().permissions().mode() & 0o777,
            0o600,
            "{:?}",
            entry.path()
        );
    }
}
