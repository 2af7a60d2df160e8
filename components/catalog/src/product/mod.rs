//! Products: input, edits, variants, imports, lists and watches.

pub mod archive;
pub mod changes;
pub mod create;
pub mod facets;
pub mod import;
pub mod index;
pub mod input;
pub mod list;
pub mod offer;
mod slugs;
pub mod update;
pub mod variant;
