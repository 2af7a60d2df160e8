//! Reads of documents. Those that wait at the same time are merged.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use futures::TryStreamExt;
use mercato_ports::documents::{Document, Failure, Query};
use mongodb::action::Find;
use mongodb::bson::{RawDocumentBuf, doc};

use super::bounds::{READ_TIMEOUT, bounded, stopped};
use super::merged::Merged;
use super::service::Collection;
use super::{document, query};
use crate::error::failure;

/// A read of more documents than this is made alone, so that it delays no others.
const MERGED_IDS: usize = 100;

type Found = Arc<HashMap<String, Document>>;

/// The reads that run now.
#[derive(Default)]
pub(crate) struct Reads {
    /// By collection.
    documents: Merged<String, Vec<String>, Result<Found, Failure>>,
    queries: Merged<Query, (), Result<Vec<Document>, Failure>>,
}

impl Reads {
    /// Returns the documents with these ids, in the order of the ids.
    pub async fn documents(
        &self,
        collection: Arc<Collection>,
        ids: Vec<String>,
    ) -> Result<Vec<Option<Document>>, Failure> {
        let found = if ids.len() > MERGED_IDS {
            read_documents(&collection, &ids).await?
        } else {
            let name = collection.name.clone();
            let make = move |requests: Vec<Vec<String>>| {
                let collection = Arc::clone(&collection);
                async move {
                    let ids: BTreeSet<String> = requests.into_iter().flatten().collect();
                    read_documents(&collection, &Vec::from_iter(ids)).await
                }
            };
            let read = self.documents.read(name, ids.clone(), make);
            bounded(READ_TIMEOUT, read).await?.ok_or_else(stopped)??
        };
        Ok(ids.iter().map(|id| found.get(id).cloned()).collect())
    }

    /// Returns the documents that a query selects.
    pub async fn query(&self, collection: Arc<Collection>, query: Query) -> Result<Vec<Document>, Failure> {
        let selected = query.clone();
        let make = move |_: Vec<()>| {
            let (collection, query) = (Arc::clone(&collection), selected.clone());
            async move { read_query(&collection, &query).await }
        };
        let read = self.queries.read(query, (), make);
        bounded(READ_TIMEOUT, read).await?.ok_or_else(stopped)?
    }
}

async fn read_documents(collection: &Collection, ids: &[String]) -> Result<Found, Failure> {
    let batch = u32::try_from(ids.len()).unwrap_or(u32::MAX);
    // MongoDB finds one id by equality faster than by `$in`.
    let select = match ids {
        [id] => doc! { "_id": id },
        ids => doc! { "_id": { "$in": ids } },
    };
    let find = collection.documents.find(select);
    let found = read(find.batch_size(batch.saturating_add(1))).await?.into_iter();
    Ok(Arc::new(
        found.map(|document| (document.id.clone(), document)).collect(),
    ))
}

async fn read_query(collection: &Collection, query: &Query) -> Result<Vec<Document>, Failure> {
    let select = query::select(query, &collection.fields)?;
    let find = collection.documents.find(select.filter).sort(select.sort);
    read(find.limit(query.limit.into()).batch_size(query.limit)).await
}

/// Reads documents without their tokens.
async fn read(find: Find<'_, RawDocumentBuf>) -> Result<Vec<Document>, Failure> {
    let found = async {
        find.projection(doc! { "t": 0 })
            .await?
            .try_collect::<Vec<_>>()
            .await
    };
    let found = bounded(READ_TIMEOUT, found)
        .await?
        .map_err(|error| failure(&error))?;
    found.iter().map(|raw| document::decode(raw)).collect()
}
