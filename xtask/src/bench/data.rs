//! What a contender has after it was filled.

use anyhow::Result;

use super::catalog::{self, MAX_USED};
use super::shoppers::Shoppers;
use crate::api::Api;

/// What a contender has, and the number of connections that use it.
pub struct Data<'a> {
    /// The API of the shop.
    pub api: &'a Api,
    /// The ids of the oldest products, which are the same products everywhere.
    pub ids: Vec<String>,
    /// The users.
    pub shoppers: Shoppers,
    /// The requests that run at a time.
    pub connections: usize,
}

impl<'a> Data<'a> {
    /// Reads the products of a shop that has this many, and registers users.
    ///
    /// # Errors
    /// The shop has fewer products, or rejects a request.
    pub fn prepare(api: &'a Api, products: usize, connections: usize) -> Result<Self> {
        Ok(Self {
            api,
            ids: catalog::ids(api, products.min(MAX_USED))?,
            shoppers: Shoppers::register(api, connections)?,
            connections,
        })
    }

    /// Returns what a shop without data has.
    pub fn none(api: &'a Api, connections: usize) -> Self {
        Self {
            api,
            ids: Vec::new(),
            shoppers: Shoppers::none(),
            connections,
        }
    }

    /// Returns the access token of each connection.
    ///
    /// # Errors
    /// The shop rejects a request.
    pub fn tokens(&self) -> Result<Vec<String>> {
        self.shoppers.tokens(self.api, self.connections)
    }
}
