//! Reads product feeds: CSV, JSON Lines, and the shop's own exports. Nothing here sends anything.

pub mod columns;
pub mod export;
pub mod price;
pub mod product;
pub mod source;
