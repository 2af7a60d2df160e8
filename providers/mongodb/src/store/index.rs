//! Indexes of MongoDB.

use mongodb::Collection;
use mongodb::bson::RawDocumentBuf;
use mongodb::error::Result;

use crate::error::code;

/// The error code of an index that does not exist.
const INDEX_NOT_FOUND: i32 = 27;

/// Drops an index, if it exists.
pub(crate) async fn drop_index(documents: &Collection<RawDocumentBuf>, name: &str) -> Result<()> {
    match documents.drop_index(name).await {
        Err(error) if code(&error) != Some(INDEX_NOT_FOUND) => Err(error),
        _ => Ok(()),
    }
}
