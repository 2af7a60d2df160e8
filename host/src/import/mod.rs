//! `mercato import`: imports a product feed into a running shop, through its API.

pub mod client;
mod detected;
mod export;
mod options;
mod report;
mod run;
mod sender;

pub use options::{Options, Stock};
pub use run::run;
