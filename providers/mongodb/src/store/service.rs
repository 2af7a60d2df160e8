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
use super::index::drop_index;
use super::{outbox, query, search};
use crate::error::code;

/// The collection that records the declaration with which each collection's documents were written.
const DECLARATIONS: &str = "_declarations";

/// The error code of a collection that already exists.
const NAMESPACE_EXISTS: i32 = 48;

/// The format of the tokens in documents. Documents of another format are encoded again.
const TOKENS_FORMAT: i32 = 2;

/// The index of the words of all searched fields, in the first format.
const WORDS_INDEX: &str = "search";

/// The number of collections that are prepared at the same time.
const CONCURRENCY: usize = 4;

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
    /// The id of the store, which its entries in the outbox have.
    pub store: String,
    /// Notified when this process has written events to the outbox.
    pub wake: Arc<Notify>,
    /// Notified when another process has released the lease of the outbox.
    pub released: Arc<Notify>,
    collections: HashMap<String, Arc<Collection>>,
}

impl Service {
    pub fn new(name: &str, manifest: &ServiceManifest, database: Database, store: &str) -> Self {
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
            store: store.to_owned(),
            wake: Arc::default(),
            released: Arc::default(),
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

    /// Creates the missing collections and indexes. Indexes that are no longer declared stay, because another
    /// version of the service may still run.
    pub async fn prepare(&self) -> Result<()> {
        create(&self.database, outbox::COLLECTION).await?;
        outbox::prepare(&self.outbox).await?;
        create(&self.database, DECLARATIONS).await?;
        // The stream owns the collections. With references the compiler could not prove that the future is
        // `Send`.
        stream::iter(self.collections.values().cloned())
            .map(|collection| async move { self.prepare_collection(&collection).await })
            .buffer_unordered(CONCURRENCY)
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
        let previous = declarations.find_one(id.clone()).await?.unwrap_or_default();
        let fields = &collection.fields;
        let same_format = previous.get_i32("tokens").ok() == Some(TOKENS_FORMAT);
        let same_search =
            fields.searched.is_empty() || (names(&previous, "search") == fields.searched && same_format);
        if !names(&previous, "fields").is_superset(&fields.indexed) || !same_search {
            self.rewrite_documents(collection).await?;
        }
        if !same_search {
            drop_index(&collection.documents, WORDS_INDEX).await?;
        }
        let list = |names: &BTreeSet<String>| names.iter().map(Bson::from).collect::<Vec<_>>();
        let current = doc! {
            "fields": list(&fields.indexed), "search": list(&fields.searched), "tokens": TOKENS_FORMAT,
        };
        declarations
            .update_one(id, doc! { "$set": current })
            .upsert(true)
            .await?;
        Ok(())
    }

    /// Encodes all documents again, with the fields that the collection declares now. A document that changes
    /// at the same time is skipped, because that change encodes it.
    async fn rewrite_documents(&self, collection: &Collection) -> Result<()> {
        let mut all = collection
            .documents
            .find(doc! {})
            .projection(doc! { "t": 0 })
            .await?;
        let documents = collection.documents.clone_with_type::<Document>();
        let mut count = 0_u64;
        while let Some(raw) = all.try_next().await? {
            let encoded = document::decode(&raw).and_then(|old| {
                document::encode(&old.id, old.version.cast_signed(), &old.body, &collection.fields)
            });
            match encoded {
                Ok(new) => {
                    let unchanged = doc! { "_id": new.get("_id"), "v": new.get("v") };
                    documents.replace_one(unchanged, new).await?;
                    count += 1;
                }
                Err(failure) => {
                    tracing::error!(
                        collection = collection.name,
                        ?failure,
                        "a damaged document is not indexed"
                    )
                }
            }
        }
        if count > 0 {
            tracing::info!(
                collection = collection.name,
                count,
                "the documents are indexed for newly declared fields"
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
        Err(error) if code(&error) != Some(NAMESPACE_EXISTS) => Err(error),
        _ => Ok(()),
    }
}

/// Returns an index for each declared field, without the documents that lack it, and one for the tokens of
/// each searched field. Entries of equal value are in the order of their ids.
fn indexes(fields: &Fields) -> Vec<IndexModel> {
    let index = |name: String, path: String| {
        let options = IndexOptions::builder()
            .name(name)
            .partial_filter_expression(doc! { &path: { "$exists": true } })
            .build();
        IndexModel::builder()
            .keys(doc! { path: 1, "_id": 1 })
            .options(options)
            .build()
    };
    let indexed = fields.indexed.iter();
    let indexed = indexed.map(|field| index(format!("field {field}"), query::path(field)));
    let searched = fields.searched.iter();
    let searched = searched.map(|field| index(format!("tokens {field}"), search::path(field)));
    indexed.chain(searched).collect()
}

/// The added services, by name.
pub(crate) type Services = BTreeMap<String, Arc<Service>>;
