//! The users of a run.

use std::cell::RefCell;
use std::time::{Duration, Instant};

use anyhow::Result;
use serde_json::{Value, json};

use crate::api::Api;

/// The password of all users.
pub const PASSWORD: &str = "tangerine harbour 57";
/// The most users. With more connections, some of them share a user.
const MAX_USERS: usize = 64;
/// The age at which tokens are replaced. They are valid for 15 minutes.
const FRESH: Duration = Duration::from_secs(300);

/// The users of a run.
pub struct Shoppers {
    names: Vec<String>,
    tokens: RefCell<Tokens>,
}

struct Tokens {
    since: Instant,
    tokens: Vec<String>,
}

impl Shoppers {
    /// Registers a user for each connection.
    ///
    /// # Errors
    /// The shop rejects a request.
    pub fn register(api: &Api, connections: usize) -> Result<Self> {
        let since = Instant::now();
        let names = (0..connections.min(MAX_USERS)).map(|number| format!("shopper{number:02}"));
        let names: Vec<_> = names.collect();
        let tokens = names.iter().map(|name| api.register(name, PASSWORD));
        let tokens = tokens.collect::<Result<_>>()?;
        Ok(Self {
            names,
            tokens: RefCell::new(Tokens { since, tokens }),
        })
    }

    /// Returns no users.
    pub fn none() -> Self {
        let (since, tokens) = (Instant::now(), Vec::new());
        Self {
            names: Vec::new(),
            tokens: RefCell::new(Tokens { since, tokens }),
        }
    }

    /// Returns the user names.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// Returns the tokens of the users, one for each connection. Signs in again if the tokens are old.
    ///
    /// # Errors
    /// The shop rejects a request.
    pub fn tokens(&self, api: &Api, connections: usize) -> Result<Vec<String>> {
        let mut current = self.tokens.borrow_mut();
        if current.since.elapsed() > FRESH {
            current.since = Instant::now();
            let tokens = self.names.iter().map(|name| api.sign_in(name, PASSWORD));
            current.tokens = tokens.collect::<Result<_>>()?;
        }
        let tokens = current.tokens.iter().cycle();
        Ok(tokens.take(connections).cloned().collect())
    }

    /// Adds up the units in the carts of all users.
    ///
    /// # Errors
    /// The shop rejects a request.
    pub fn units_in_carts(&self, api: &Api) -> Result<u64> {
        let mut units = 0;
        for token in self.tokens(api, self.names.len())? {
            let data = api.execute_as(&token, "{cart{lines{quantity}}}", &json!({}))?;
            let lines = data.pointer("/cart/lines").and_then(Value::as_array);
            let quantities = lines
                .into_iter()
                .flatten()
                .filter_map(|line| line.get("quantity")?.as_u64());
            units += quantities.sum::<u64>();
        }
        Ok(units)
    }
}
