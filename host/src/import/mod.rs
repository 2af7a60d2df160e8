//! `mercato import`: imports a product feed into a running shop, through its API.

mod client;
mod export;
mod options;
mod report;
mod run;
mod sender;

pub use options::Options;
pub use run::run;
