//! Reads product feeds: CSV, JSON Lines, and exports of a shop. This crate sends no requests.

pub mod columns;
pub mod export;
pub mod price;
pub mod product;
pub mod source;
