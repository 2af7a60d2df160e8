//! `cargo xtask bench` and `cargo xtask attacks`: measure a shop on this machine.

mod answers;
mod attacks;
mod catalog;
mod contenders;
mod data;
mod http;
mod load;
mod measure;
mod meter;
mod options;
mod report;
mod request;
mod run;
mod scale;
mod shoppers;
mod usage;
mod workloads;

pub use self::attacks::Attacks;
pub use self::options::Bench;
pub use self::scale::Scale;
