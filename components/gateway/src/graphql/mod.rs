//! GraphQL over HTTP (the GraphQL Foundation's specification, draft of 2025): the schema and its execution.

pub mod accept;
mod accounts;
mod carts;
mod catalog;
mod csv_table;
mod discounts;
pub mod engine;
pub mod envelope;
mod errors;
pub mod event_stream;
pub mod explorer;
mod export;
mod export_row;
mod limits;
mod notifications;
mod nulls;
mod orders;
pub mod outcome;
mod payments;
pub mod persisted;
mod resolve;
pub mod schema;
pub mod subscribe;
mod subscriptions;
mod watch;
mod webhooks;
