//! The API model: one type for each thing that clients see.
//!
//! GraphQL's types, the JSON of REST and the schemas of the OpenAPI document are derived from the same
//! struct. Where only one of the two APIs has a field, the other skips it. Resolvers that call a service are
//! in `graphql`.

pub mod audit;
pub mod cart;
pub mod category;
pub mod convert;
pub mod discount;
pub mod entity_id;
pub mod facets;
pub mod import;
pub mod long_text;
pub mod notification;
pub mod nullable;
pub mod order;
pub mod page;
pub mod payment;
pub mod product;
pub mod scalar;
pub mod session;
pub mod shop;
pub mod stock;
pub mod user;
pub mod webhook;
