//! What a subscription tells beside its results: where it goes on.

use std::sync::{Arc, Mutex, PoisonError};

use async_graphql::Context;
use mercato_shop::types::Error;

/// The cursors of one answer to a subscription.
#[derive(Debug)]
pub struct Watch {
    after: Option<String>,
    told: Mutex<Vec<Told>>,
}

/// What one field of a subscription has told.
#[derive(Debug)]
pub struct Told {
    /// One for each result, in their order: the cursor after which it is not told again.
    pub cursors: Vec<String>,
    /// The cursor behind all of them.
    pub cursor: String,
    /// Whether there is more to be told at once.
    pub more: bool,
}

impl Watch {
    /// A watch that goes on after this cursor, or begins.
    pub const fn new(after: Option<String>) -> Self {
        Self {
            after,
            told: Mutex::new(Vec::new()),
        }
    }

    /// The watch of the request that a field is resolved for.
    pub fn of<'a>(context: &Context<'a>) -> async_graphql::Result<&'a Self> {
        context.data::<Arc<Self>>().map(|watch| &**watch)
    }

    /// The cursor to go on after.
    pub fn after(&self) -> Option<&str> {
        self.after.as_deref()
    }

    /// Remembers what a field has told.
    pub fn tell(&self, told: Told) {
        self.told
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(told);
    }

    /// What was told, if by one field: cursors of two would be those of neither.
    ///
    /// # Errors
    /// [`Error::Invalid`] where there are several fields; none where there is no field at all, or it has failed.
    pub fn told(&self) -> Result<Option<Told>, Error> {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        let one = told.pop();
        if told.is_empty() {
            return Ok(one);
        }
        Err(Error::invalid(
            "subscription",
            "A subscription asks for one field. Send one for each.",
        ))
    }
}
