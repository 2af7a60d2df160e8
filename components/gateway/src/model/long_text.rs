//! Texts that are long enough to fill the memory if many are answered at once.

use std::borrow::Cow;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_graphql::parser::types::Field;
use async_graphql::registry::Registry;
use async_graphql::{
    ContextSelectionSet, Error, ErrorExtensions, OutputType, Positioned, ServerResult, Value,
};
use serde::Serialize;

use crate::model::convert::convert;

/// The largest answer to a GraphQL request, in bytes: 8 MiB.
pub const MAX_BYTES: usize = 8 << 20;

/// The code of a larger answer.
pub const TOO_LARGE: &str = "RESPONSE_TOO_LARGE";

/// The bytes of the long texts in an answer. Clones share the number.
#[derive(Clone, Debug, Default)]
pub struct AnswerSize(Arc<AtomicUsize>);

impl AnswerSize {
    /// Adds a text. Returns whether the answer may still have it.
    pub fn add(&self, bytes: usize) -> bool {
        let before = self.0.fetch_add(bytes, Ordering::Relaxed);
        before.saturating_add(bytes) <= MAX_BYTES
    }

    /// Returns whether the texts exceed the limit.
    pub fn is_exceeded(&self) -> bool {
        self.0.load(Ordering::Relaxed) > MAX_BYTES
    }
}

/// Returns the message for a client whose answer is too large.
pub fn too_large() -> String {
    format!(
        "The answer must be at most {MAX_BYTES} bytes. Select fewer fields or a smaller page. The changes of a mutation were made."
    )
}

/// A text without a short limit: `String` in GraphQL, and a string in JSON. Its bytes count for the size of a
/// GraphQL answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct LongText(pub String);

impl From<String> for LongText {
    fn from(text: String) -> Self {
        Self(text)
    }
}

convert!(String => LongText);

impl OutputType for LongText {
    fn type_name() -> Cow<'static, str> {
        <String as OutputType>::type_name()
    }

    fn create_type_info(registry: &mut Registry) -> String {
        <String as OutputType>::create_type_info(registry)
    }

    async fn resolve(
        &self,
        context: &ContextSelectionSet<'_>,
        field: &Positioned<Field>,
    ) -> ServerResult<Value> {
        let has_room = context
            .data_opt::<AnswerSize>()
            .is_none_or(|size| size.add(self.0.len()));
        if has_room {
            return Ok(Value::String(self.0.clone()));
        }
        let error = Error::new(too_large());
        let error = error.extend_with(|_, extensions| extensions.set("code", TOO_LARGE));
        Err(context.set_error_path(error.into_server_error(field.pos)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_the_texts_of_all_parts() {
        let size = AnswerSize::default();
        let other = size.clone();
        assert!(size.add(MAX_BYTES - 1) && other.add(1) && !size.is_exceeded());
        assert!(!other.add(1) && size.is_exceeded());
    }
}
