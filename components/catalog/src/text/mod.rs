//! Forms of texts: the tokens of the search, slugs, and keys to sort by. They are the same in every store.

mod letters;
pub mod search;
pub mod slug;
pub mod sort_key;
mod stem;
mod tokens;

pub use tokens::Index;
