//! The position of a subscription: where it starts, and the cursors of its results.

use std::sync::{Arc, Mutex, PoisonError};

use async_graphql::Context;
use mercato_shop::types::Error;

/// The position of one subscription request.
#[derive(Debug)]
pub struct Watch {
    after: Option<String>,
    progress: Mutex<Vec<Progress>>,
}

/// The cursors of a subscription field.
#[derive(Debug)]
pub struct Progress {
    /// The cursor of each result. A client that sends it does not get the result again.
    pub cursors: Vec<String>,
    /// The cursor after all results.
    pub cursor: String,
    /// Whether more results are waiting.
    pub more: bool,
}

impl Watch {
    /// Returns a watch that starts after this cursor, or with the current state.
    pub const fn new(after: Option<String>) -> Self {
        Self {
            after,
            progress: Mutex::new(Vec::new()),
        }
    }

    /// Returns the watch of a field.
    pub fn of<'a>(context: &Context<'a>) -> async_graphql::Result<&'a Self> {
        context.data::<Arc<Self>>().map(|watch| &**watch)
    }

    /// Returns the cursor to start after.
    pub fn after(&self) -> Option<&str> {
        self.after.as_deref()
    }

    /// Adds the cursors of a field.
    pub fn add(&self, progress: Progress) {
        let mut all = self.progress.lock().unwrap_or_else(PoisonError::into_inner);
        all.push(progress);
    }

    /// Returns the cursors of the only field. `None` if there is no field, or if it failed.
    ///
    /// # Errors
    /// [`Error::Invalid`] for several fields. One cursor cannot be the position of both.
    pub fn take(&self) -> Result<Option<Progress>, Error> {
        let mut all = self.progress.lock().unwrap_or_else(PoisonError::into_inner);
        let one = all.pop();
        if all.is_empty() {
            return Ok(one);
        }
        let message = "A subscription must have one field. Send one subscription for each field.";
        Err(Error::invalid("subscription", message))
    }
}
