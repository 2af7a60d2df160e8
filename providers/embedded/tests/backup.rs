//! Tests of backups, restores and the identity of a data folder.
#![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

use std::fs::{self, OpenOptions};
use std::path::{Path, PathBuf};

use mercato_embedded::{BackupError, Identity, OpenError, Options, Restored, Store, backup, report, restore};
use mercato_ports::documents::{Documents, Insertion, Query, Write};
use mercato_ports::manifest::{Collection, ServiceManifest, ShopManifest};
use tempfile::TempDir;

const PRODUCTS: &str = "catalog.products";

const STOCK: &str = "catalog.stock";

/// The database of a shop, with all files that are beside it.
const FILES: [&str; 5] = [
    "mercato.db",
    "mercato.db-wal",
    "mercato.db-shm",
    "mercato.commits",
    "shop.json",
];

fn shop() -> ShopManifest {
    let collection = Collection {
        fields: vec!["name".into()],
        search: vec!["name".into()],
    };
    let service = ServiceManifest {
        collections: [(PRODUCTS.into(), collection.clone()), (STOCK.into(), collection)].into(),
        ..ServiceManifest::default()
    };
    ShopManifest {
        services: [("catalog".into(), service)].into(),
    }
}

fn open(folder: &Path) -> Result<Store, OpenError> {
    Store::open(folder, &shop(), Options::default())
}

fn open_error(folder: &Path) -> OpenError {
    open(folder).err().unwrap()
}

/// Inserts a product and its stock in one commit.
async fn insert(store: &Store, id: &str) {
    let insertion = |collection: &str| {
        Write::Insert(Insertion {
            collection: collection.into(),
            id: id.into(),
            body: format!(r#"{{"name": "sock {id}", "text": "{}"}}"#, "x".repeat(500)),
        })
    };
    let writes = vec![insertion(PRODUCTS), insertion(STOCK)];
    store.commit(writes, vec![]).await.unwrap();
}

async fn ids(store: &Store, collection: &str) -> Vec<String> {
    let documents = store.find(Query::all(collection, 1_000)).await.unwrap();
    documents.into_iter().map(|document| document.id).collect()
}

/// A folder with the data folder `data` of a shop with this many products.
async fn folder_with(products: usize) -> (TempDir, PathBuf) {
    let home = tempfile::tempdir().unwrap();
    let data = home.path().join("data");
    let store = open(&data).unwrap();
    for n in 0..products {
        insert(&store, &n.to_string()).await;
    }
    (home, data)
}

fn identity(folder: &Path) -> Identity {
    report(folder).unwrap().unwrap().identity.unwrap()
}

/// Copies the files of a folder as they are at this moment, as a crash leaves them.
fn copy_files(from: &Path, to: &Path, names: &[&str]) {
    fs::create_dir_all(to).unwrap();
    for name in names {
        fs::copy(from.join(name), to.join(name)).unwrap();
    }
}

/// Overwrites a page in the middle of a file.
fn damage(file: &Path) {
    use std::io::{Seek, SeekFrom, Write as _};
    let size = file.metadata().unwrap().len();
    let mut file = OpenOptions::new().write(true).open(file).unwrap();
    file.seek(SeekFrom::Start(size / 2 / 4_096 * 4_096)).unwrap();
    file.write_all(&[0x5A; 4_096]).unwrap();
}

fn set_format(file: &Path, format: u32) {
    let database = rusqlite::Connection::open(file).unwrap();
    if format < 2 {
        database.execute_batch("DROP TABLE identity").unwrap();
    }
    database.pragma_update(None, "user_version", format).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_during_commits_is_one_moment_and_can_be_restored() {
    let (home, data) = folder_with(20).await;
    let store = open(&data).unwrap();
    let file = home.path().join("shop.backup");
    let made = {
        let (data, file) = (data.clone(), file.clone());
        tokio::task::spawn_blocking(move || backup(&data, &file, false))
    };
    let mut sold = 20;
    while !made.is_finished() {
        insert(&store, &sold.to_string()).await;
        sold += 1;
    }
    let made = made.await.unwrap().unwrap();
    assert!(made.total() >= 40 && made.total() <= 2 * sold, "{made:?}");
    let other = home.path().join("other");
    let Restored { report, replaced } = restore(&file, &other, false).unwrap();
    assert_eq!((report.documents, replaced), (made.documents, None));
    let copy = open(&other).unwrap();
    assert_eq!(ids(&copy, PRODUCTS).await, ids(&copy, STOCK).await);
    insert(&copy, "new").await;
}

#[tokio::test]
async fn a_backup_includes_what_a_crashed_shop_has_confirmed() {
    let (home, data) = folder_with(0).await;
    let store = open(&data).unwrap();
    insert(&store, "1").await;
    let crashed = home.path().join("crashed");
    copy_files(&data, &crashed, &FILES);
    let file = home.path().join("shop.backup");
    assert_eq!(backup(&crashed, &file, false).unwrap().total(), 2);
}

#[cfg(unix)]
#[tokio::test]
async fn only_the_owner_can_read_a_backup_and_nothing_else_is_left() {
    use std::os::unix::fs::PermissionsExt;
    let (home, data) = folder_with(1).await;
    let file = home.path().join("shop.backup");
    backup(&data, &file, false).unwrap();
    assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    let other = home.path().join("other");
    restore(&file, &other, false).unwrap();
    let database = other.join("mercato.db");
    assert_eq!(database.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(names(home.path()), ["data", "other", "shop.backup"]);
    assert_eq!(names(&other), ["mercato.db", "mercato.lock", "shop.json"]);
}

fn names(folder: &Path) -> Vec<String> {
    let name = |entry: Result<fs::DirEntry, _>| entry.unwrap().file_name().into_string().unwrap();
    let mut names = fs::read_dir(folder).unwrap().map(name).collect::<Vec<_>>();
    names.sort();
    names
}

#[tokio::test]
async fn a_backup_replaces_a_file_only_on_demand() {
    let (home, data) = folder_with(1).await;
    let file = home.path().join("shop.backup");
    fs::write(&file, "precious").unwrap();
    let error = backup(&data, &file, false).err().unwrap();
    assert!(matches!(error, BackupError::Exists { .. }), "{error}");
    assert_eq!(fs::read_to_string(&file).unwrap(), "precious");
    backup(&data, &file, true).unwrap();
    assert_eq!(report(&file).unwrap().unwrap().total(), 2);
}

#[tokio::test]
async fn a_backup_is_not_written_into_the_data_folder() {
    let (_home, data) = folder_with(1).await;
    for name in ["mercato.db", "shop.backup"] {
        let error = backup(&data, &data.join(name), true).err().unwrap();
        assert!(matches!(error, BackupError::Inside { .. }), "{error}");
    }
    drop(open(&data).unwrap());
}

#[tokio::test]
async fn removes_what_a_killed_backup_has_left() {
    let (home, data) = folder_with(1).await;
    let left = home.path().join(".shop.backup.a1b2c3.partial");
    fs::create_dir(&left).unwrap();
    fs::write(left.join("mercato.db"), "half").unwrap();
    let others = home.path().join(".other.backup.a1b2c3.partial");
    fs::create_dir(&others).unwrap();
    backup(&data, &home.path().join("shop.backup"), false).unwrap();
    assert!(!left.exists() && others.exists());
}

#[tokio::test]
async fn refuses_to_back_up_a_damaged_database() {
    let (home, data) = folder_with(200).await;
    damage(&data.join("mercato.db"));
    let file = home.path().join("shop.backup");
    let error = backup(&data, &file, false).err().unwrap();
    assert!(
        matches!(error, BackupError::Open(OpenError::Damaged { .. })),
        "{error}"
    );
    assert_eq!(names(home.path()), ["data"]);
}

#[tokio::test]
async fn refuses_to_back_up_a_folder_without_a_database() {
    let home = tempfile::tempdir().unwrap();
    let error = backup(home.path(), &home.path().join("x/shop.backup"), false)
        .err()
        .unwrap();
    assert!(matches!(error, BackupError::Empty { .. }), "{error}");
    assert_eq!(report(home.path()).unwrap(), None);
}

#[tokio::test]
async fn a_restore_starts_a_new_generation_and_keeps_the_replaced_database() {
    let (home, data) = folder_with(1).await;
    fs::write(data.join("api-secret"), "secret").unwrap();
    let first = identity(&data);
    let file = home.path().join("shop.backup");
    backup(&data, &file, false).unwrap();
    let store = open(&data).unwrap();
    insert(&store, "late").await;
    let error = restore(&file, &data, true).err().unwrap();
    assert!(
        matches!(error, BackupError::Open(OpenError::InUse { .. })),
        "{error}"
    );
    drop(store);
    let error = restore(&file, &data, false).err().unwrap();
    assert!(matches!(error, BackupError::Occupied { .. }), "{error}");
    let replaced = restore(&file, &data, true).unwrap().replaced.unwrap();
    assert_eq!(report(&data).unwrap().unwrap().total(), 2);
    assert_eq!(fs::read_to_string(data.join("api-secret")).unwrap(), "secret");
    let second = identity(&data);
    assert_eq!((&second.id, second.generation), (&first.id, first.generation + 1));
    assert_eq!(report(&replaced).unwrap().unwrap().total(), 4);
    assert_eq!(identity(&replaced), first);
    restore(&file, &data, true).unwrap();
    assert_eq!(identity(&data).generation, first.generation + 2);
    drop(open(&data).unwrap());
}

#[tokio::test]
async fn a_bad_backup_does_not_change_the_folder() {
    let (home, data) = folder_with(200).await;
    let file = home.path().join("shop.backup");
    let files =
        || ["mercato.db", "mercato.commits", "shop.json"].map(|name| fs::read(data.join(name)).unwrap());
    let before = files();
    let fails = |expected: &str| {
        let error = restore(&file, &data, true).err().unwrap().to_string();
        assert!(
            error.contains(expected) && error.contains("shop.backup"),
            "{error}"
        );
        assert!(files() == before, "{expected}");
        assert!(
            !names(&data).iter().any(|name| name.contains("restor")),
            "{expected}"
        );
    };
    fails("cannot read");
    fs::write(&file, "text").unwrap();
    fails("not a backup");
    fs::write(&file, "").unwrap();
    fails("not a backup");
    backup(&data, &file, true).unwrap();
    damage(&file);
    fails("is damaged");
    backup(&data, &file, true).unwrap();
    set_format(&file, 99);
    fails("has format 99");
    fs::copy(data.join("mercato.db"), &file).unwrap();
    fs::write(home.path().join("shop.backup-wal"), "pages").unwrap();
    fails("write-ahead log");
    drop(open(&data).unwrap());
}

#[tokio::test]
async fn restores_a_database_file_of_the_first_format() {
    let (home, data) = folder_with(3).await;
    let file = home.path().join("copy.db");
    fs::copy(data.join("mercato.db"), &file).unwrap();
    set_format(&file, 1);
    assert_eq!(report(&file).unwrap().unwrap().identity, None);
    let other = home.path().join("other");
    restore(&file, &other, false).unwrap();
    assert_eq!(identity(&other).generation, 1);
    assert_eq!(ids(&open(&other).unwrap(), PRODUCTS).await.len(), 3);
}

#[tokio::test]
async fn a_folder_of_the_first_format_gets_an_identity() {
    let (_home, data) = folder_with(3).await;
    set_format(&data.join("mercato.db"), 1);
    fs::remove_file(data.join("shop.json")).unwrap();
    fs::remove_file(data.join("mercato.commits")).unwrap();
    let store = open(&data).unwrap();
    assert_eq!(ids(&store, PRODUCTS).await.len(), 3);
    insert(&store, "new").await;
    drop(store);
    let first = identity(&data);
    drop(open(&data).unwrap());
    assert_eq!(identity(&data), first);
}

#[tokio::test]
async fn a_missing_database_is_not_an_empty_shop() {
    let (_home, data) = folder_with(1).await;
    let file = data.join("mercato.db");
    fs::remove_file(&file).unwrap();
    for content in [None, Some("")] {
        if let Some(content) = content {
            fs::write(&file, content).unwrap();
        }
        let error = open_error(&data);
        assert!(matches!(error, OpenError::Missing { .. }), "{error}");
        assert!(error.to_string().contains("mercato restore"), "{error}");
    }
    fs::remove_file(data.join("shop.json")).unwrap();
    assert!(ids(&open(&data).unwrap(), PRODUCTS).await.is_empty());
}

#[tokio::test]
async fn a_write_ahead_log_without_its_database_is_not_an_empty_shop() {
    let (home, data) = folder_with(0).await;
    let store = open(&data).unwrap();
    insert(&store, "1").await;
    let crashed = home.path().join("crashed");
    copy_files(&data, &crashed, &["mercato.db-wal"]);
    let error = open_error(&crashed);
    assert!(error.to_string().contains("mercato.db-wal"), "{error}");
}

#[tokio::test]
async fn notices_that_confirmed_changes_are_missing() {
    let (home, data) = folder_with(3).await;
    let store = open(&data).unwrap();
    for id in ["a", "b", "c"] {
        insert(&store, id).await;
    }
    let whole = home.path().join("whole");
    copy_files(&data, &whole, &FILES);
    assert_eq!(ids(&open(&whole).unwrap(), PRODUCTS).await.len(), 6);
    let without = home.path().join("without");
    copy_files(&data, &without, &FILES);
    fs::remove_file(without.join("mercato.db-wal")).unwrap();
    let cut = home.path().join("cut");
    copy_files(&data, &cut, &FILES);
    let log = OpenOptions::new()
        .write(true)
        .open(cut.join("mercato.db-wal"))
        .unwrap();
    log.set_len(log.metadata().unwrap().len() / 2).unwrap();
    for folder in [&without, &cut] {
        let before = fs::read(folder.join("mercato.db")).unwrap();
        let error = open_error(folder);
        assert!(matches!(error, OpenError::Lost { .. }), "{error}");
        assert!(error.to_string().contains("--accept-loss"), "{error}");
        assert!(matches!(report(folder), Err(OpenError::Lost { .. })));
        assert_eq!(fs::read(folder.join("mercato.db")).unwrap(), before);
    }
    // The log is put back.
    fs::copy(data.join("mercato.db-wal"), without.join("mercato.db-wal")).unwrap();
    assert_eq!(ids(&open(&without).unwrap(), PRODUCTS).await.len(), 6);
    let options = Options {
        accept_loss: true,
        ..Options::default()
    };
    let store = Store::open(&cut, &shop(), options).unwrap();
    assert!(ids(&store, PRODUCTS).await.len() < 6);
    drop(store);
    drop(open(&cut).unwrap());
}

#[tokio::test]
async fn notices_an_old_copy_of_the_database() {
    let (home, data) = folder_with(1).await;
    let old = home.path().join("old.db");
    fs::copy(data.join("mercato.db"), &old).unwrap();
    let store = open(&data).unwrap();
    insert(&store, "late").await;
    drop(store);
    fs::copy(&old, data.join("mercato.db")).unwrap();
    let error = open_error(&data);
    assert!(matches!(error, OpenError::Lost { .. }), "{error}");
}

#[tokio::test]
async fn refuses_the_database_of_another_shop_and_of_another_generation() {
    let (home, data) = folder_with(1).await;
    let file = home.path().join("shop.backup");
    backup(&data, &file, false).unwrap();
    let (_other_home, other) = folder_with(2).await;
    fs::copy(&file, other.join("mercato.db")).unwrap();
    let error = open_error(&other);
    assert!(matches!(error, OpenError::Foreign { .. }), "{error}");
    restore(&file, &data, true).unwrap();
    fs::copy(&file, data.join("mercato.db")).unwrap();
    let error = open_error(&data);
    assert!(error.to_string().contains("generation 2"), "{error}");
    fs::remove_file(data.join("shop.json")).unwrap();
    drop(open(&data).unwrap());
}

#[tokio::test]
async fn an_interrupted_restore_is_refused_until_it_is_repeated() {
    let (home, data) = folder_with(1).await;
    let file = home.path().join("shop.backup");
    backup(&data, &file, false).unwrap();
    // A restore writes the new identity before it moves the database.
    let old = identity(&data);
    let next = Identity {
        generation: old.generation + 1,
        ..old
    };
    fs::write(data.join("shop.json"), serde_json::to_string(&next).unwrap()).unwrap();
    fs::write(data.join("restoring.db"), "half").unwrap();
    assert!(matches!(open_error(&data), OpenError::Foreign { .. }));
    fs::remove_file(data.join("mercato.db")).unwrap();
    assert!(matches!(open_error(&data), OpenError::Missing { .. }));
    restore(&file, &data, true).unwrap();
    assert_eq!(ids(&open(&data).unwrap(), PRODUCTS).await, ["0"]);
}

#[tokio::test]
async fn refuses_a_damaged_database_at_the_start_and_does_not_change_it() {
    let (_home, data) = folder_with(200).await;
    let file = data.join("mercato.db");
    damage(&file);
    let before = fs::read(&file).unwrap();
    let error = open_error(&data);
    assert!(matches!(error, OpenError::Damaged { .. }), "{error}");
    assert!(error.to_string().contains("mercato restore"), "{error}");
    assert_eq!(fs::read(&file).unwrap(), before);
}

#[tokio::test]
async fn finds_an_index_with_wrong_entries() {
    let (_home, data) = folder_with(20).await;
    let file = data.join("mercato.db");
    let database = rusqlite::Connection::open(&file).unwrap();
    // The index gets as many entries as before, by another column.
    let definition: String = database
        .query_row(
            "SELECT sql FROM sqlite_schema WHERE name = 'catalog.stock/name'",
            (),
            |row| row.get(0),
        )
        .unwrap();
    database
        .execute_batch(r#"DROP INDEX "catalog.stock/name""#)
        .unwrap();
    let other = definition.replace(r#""$name""#, "version");
    database.execute_batch(&other).unwrap();
    database.pragma_update(None, "writable_schema", true).unwrap();
    database
        .execute(
            "UPDATE sqlite_schema SET sql = ? WHERE sql = ?",
            (&definition, &other),
        )
        .unwrap();
    drop(database);
    let error = open_error(&data);
    assert!(matches!(error, OpenError::Damaged { .. }), "{error}");
}

#[tokio::test]
async fn reports_what_a_running_shop_holds() {
    let (_home, data) = folder_with(2).await;
    let store = open(&data).unwrap();
    insert(&store, "new").await;
    let report = report(&data).unwrap().unwrap();
    assert_eq!(
        report.documents,
        [(PRODUCTS.to_owned(), 3), (STOCK.to_owned(), 3)]
    );
    assert_eq!((report.waiting, report.oldest, report.dead_letters), (0, None, 0));
    assert!(report.size > 4_096);
}
