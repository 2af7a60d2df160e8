//! REST: the functions of the services by methods and paths.
//!
//! Each area has its routes and handlers in one file. The router and the OpenAPI document use the same list
//! of operations.

mod accounts;
pub mod answer;
mod body;
pub mod call;
mod carts;
pub mod health;
mod notifications;
pub mod openapi;
pub mod operation;
mod operation_error;
mod operations;
mod orders;
mod payments;
mod precondition;
mod products;
pub mod routes;
mod shape;
pub mod stripe;
mod versioned;
