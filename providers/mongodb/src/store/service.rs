//! The database of one service: its collections, its indexes, and its outbox.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use futures::{StreamExt, TryStreamExt, stream};
use mercato_ports::documents::Failure;
use mercato_ports::manifest::{self, ServiceManifest};
use mongodb::bson::{Bson, Document, RawDocumentBuf, doc};
use mongodb::error::Result;
use mongodb::options::IndexOptions;
use mongodb::{Database, IndexModel};
use tokio::sync::Notify;

use super::document::{self, Fields};
use super::{outbox, query};
use crate::error::code;

/// Remembers with which declarations the documents of a collection were written.
const DECLARATIONS: &str = "_declarations";

/// The code of a collection that is there already.
const EXISTS: i32 = 48;

/// How many collections are prepared at once.
const AT_ONCE: usize = 4;

/// A declared collection.
pub(crate) struct Collection {
    /// Its name, `service.things`.
    pub name: String,
    pub fields: Fields,
    pub documents: mongodb::Collection<RawDocumentBuf>,
}

/// A service and its database.
pub(crate) struct Service {
    pub name: String,
    pub database: Database,
    pub outbox: mongodb::Collection<RawDocumentBuf>,
    /// Is notified when this process has put events into the outbox.
    pub wake: Arc<Notify>,
    collections: HashMap<String, Arc<Collection>>,
}

impl Service {
    pub fn new(name: &str, manifest: &ServiceManifest, database: Database) -> Self {
        let set = |names: &[String]| names.iter().cloned().collect::<BTreeSet<_>>();
        let collection = |(full, declared): (&String, &manifest::Collection)| {
            let things = full
                .strip_prefix(name)
                .map_or(full.as_str(), |rest| rest.trim_start_matches('.'));
            let collection = Collection {
                name: full.clone(),
                fields: Fields {
                    indexed: set(&declared.fields),
                    searched: set(&declared.search),
                },
                documents: database.collection(things),
            };
            (full.clone(), Arc::new(collection))
        };
        Self {
            name: name.to_owned(),
            collections: manifest.collections.iter().map(collection).collect(),
            outbox: database.collection(outbox::COLLECTION),
            wake: Arc::new(Notify::new()),
            database,
        }
    }

    pub fn collection(&self, name: &str) -> std::result::Result<&Arc<Collection>, Failure> {
        self.collections.get(name).ok_or_else(|| {
            Failure::Invalid(format!(
                "the service `{}` declares no collection `{name}`",
                self.name
            ))
        })
    }

    /// Makes the collections and indexes that are not there yet. Indexes that are no longer declared stay, because
    /// another version of the service may still run.
    pub async fn prepare(&self) -> Result<()> {
        create(&self.database, outbox::COLLECTION).await?;
        self.outbox.create_indexes(outbox::indexes()).await?;
        create(&self.database, DECLARATIONS).await?;
        // Owned, so that this future can be seen to be `Send` wherever it is awaited.
        stream::iter(self.collections.values().cloned())
            .map(|collection| async move { self.prepare_collection(&collection).await })
            .buffer_unordered(AT_ONCE)
            .try_collect()
            .await
    }

    async fn prepare_collection(&self, collection: &Collection) -> Result<()> {
        create(&self.database, collection.documents.name()).await?;
        let indexes = indexes(&collection.fields);
        if !indexes.is_empty() {
            collection.documents.create_indexes(indexes).await?;
        }
        let declarations = self.database.collection::<Document>(DECLARATIONS);
        let id = doc! { "_id": collection.documents.name() };
        let known = declarations.find_one(id.clone()).await?.unwrap_or_default();
        let fields = &collection.fields;
        let same_search = fields.searched.is_empty() || names(&known, "search") == fields.searched;
        if !names(&known, "fields").is_superset(&fields.indexed) || !same_search {
            self.write_anew(collection).await?;
        }
        let list = |names: &BTreeSet<String>| names.iter().map(Bson::from).collect::<Vec<_>>();
        let now = doc! { "fields": list(&fields.indexed), "search": list(&fields.searched) };
        declarations
            .update_one(id, doc! { "$set": now })
            .upsert(true)
            .await?;
        Ok(())
    }

    /// Writes all documents as the collection declares its fields now. Those that change meanwhile are skipped: they
    /// are written so anyway.
    async fn write_anew(&self, collection: &Collection) -> Result<()> {
        let mut all = collection
            .documents
            .find(doc! {})
            .projection(doc! { "t": 0 })
            .await?;
        let kept = collection.documents.clone_with_type::<Document>();
        let mut count = 0_u64;
        while let Some(raw) = all.try_next().await? {
            let anew = document::decode(&raw).and_then(|old| {
                document::encode(&old.id, old.version.cast_signed(), &old.body, &collection.fields)
            });
            match anew {
                Ok(new) => {
                    let same = doc! { "_id": new.get("_id"), "v": new.get("v") };
                    kept.replace_one(same, new).await?;
                    count += 1;
                }
                Err(failure) => {
                    tracing::error!(collection = collection.name, ?failure, "a document is skipped")
                }
            }
        }
        if count > 0 {
            tracing::info!(
                collection = collection.name,
                count,
                "indexed documents for newly declared fields"
            );
        }
        Ok(())
    }
}

fn names(declaration: &Document, key: &str) -> BTreeSet<String> {
    let names = declaration.get_array(key).into_iter().flatten();
    names.filter_map(Bson::as_str).map(str::to_owned).collect()
}

pub(crate) async fn create(database: &Database, collection: &str) -> Result<()> {
    match database.create_collection(collection).await {
        Err(error) if code(&error) != Some(EXISTS) => Err(error),
        _ => Ok(()),
    }
}

/// An index for each declared field, without the documents that lack it, and one for the words of a search; equal values
/// are in the order of the ids.
fn indexes(fields: &Fields) -> Vec<IndexModel> {
    let mut indexes = Vec::new();
    for field in &fields.indexed {
        let path = query::path(field);
        let options = IndexOptions::builder()
            .name(format!("field {field}"))
            .partial_filter_expression(doc! { &path: { "$exists": true } })
            .build();
        indexes.push(
            IndexModel::builder()
                .keys(doc! { path: 1, "_id": 1 })
                .options(options)
                .build(),
        );
    }
    if !fields.searched.is_empty() {
        let options = IndexOptions::builder().name("search".to_owned()).build();
        indexes.push(
            IndexModel::builder()
                .keys(doc! { "t": 1, "_id": 1 })
                .options(options)
                .build(),
        );
    }
    indexes
}

/// The services that are served now, by name.
pub(crate) type Services = BTreeMap<String, Arc<Service>>;
