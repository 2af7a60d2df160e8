//! Reads product feeds: CSV, JSON Lines, exports of Shopify and WooCommerce, Google's product feed, and exports
//! of a shop. This crate sends no requests.

mod currency;
mod groups;
mod row_error;
mod sale;
mod weight;

pub mod columns;
pub mod export;
pub mod layout;
pub mod number;
pub mod price;
pub mod product;
pub mod products;
pub mod source;
pub mod survey;
mod visibility;

pub use currency::from_code as currency_from_code;
pub use row_error::RowError;
