//! What the functions of this service work with.

use mercato_shop::cache::Cache;
use mercato_shop::ports::{HttpClient, Ports};
use mercato_shop::services::{Orders, Settlement};

/// The ports of the service, and the orders service.
pub trait Context {
    type Ports: Ports + Cache + HttpClient;
    type Orders: Orders + Settlement;

    fn ports(&self) -> &Self::Ports;

    fn orders(&self) -> &Self::Orders;
}
