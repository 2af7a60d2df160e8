//! Deliveries: how they are created, attempted, listed and replayed.

pub mod attempt;
pub mod fan_out;
pub mod history;
mod schedule;
