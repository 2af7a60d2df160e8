//! The format of the authorization tables: for each operation, the status that each kind of caller gets.

use anyhow::Result;
use serde_json::json;

use crate::shop::{As, Shop, User};
use crate::tokens;

/// The statuses of a row, in the order of [`Callers`].
pub type Statuses = [&'static str; 7];

/// The callers of an operation on an owner's data.
pub struct Callers<'a> {
    owner: &'a User,
    other: &'a User,
    admin: &'a User,
    expired: String,
}

impl<'a> Callers<'a> {
    /// Returns the callers for this owner.
    pub fn new(shop: &'a Shop, owner: &'a User) -> Result<Self> {
        let expired =
            json!({ "userId": owner.id, "role": "ADMIN", "iat": 1_000_000_000, "exp": 1_000_003_600 });
        Ok(Self {
            owner,
            other: shop.bob()?,
            admin: shop.root()?,
            expired: tokens::signed(shop.secret(), &expired)?,
        })
    }

    /// Returns each caller with its name.
    pub fn all(&self) -> [(&'static str, As<'_>); 7] {
        [
            ("an anonymous caller", As::Anonymous),
            ("the owner", self.owner.caller()),
            ("another customer", self.other.caller()),
            ("an administrator", self.admin.caller()),
            ("the API key", As::Key),
            ("a wrong key", As::WrongKey),
            ("an expired token", As::Token(&self.expired)),
        ]
    }
}

/// Returns the rows of a table: the statuses, and the rest of the line as two words and the remainder.
pub fn rows(
    table: &'static str,
) -> impl Iterator<Item = (Statuses, &'static str, &'static str, &'static str)> {
    table
        .lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| {
            let mut rest = line;
            let mut statuses = Statuses::default();
            for status in &mut statuses {
                *status = next_word(&mut rest)?;
            }
            Some((statuses, next_word(&mut rest)?, next_word(&mut rest)?, rest))
        })
}

/// Removes the first word from a line and returns it. Fails at the end of the line.
fn next_word<'a>(line: &mut &'a str) -> Option<&'a str> {
    let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
    *line = rest.trim_start();
    Some(word).filter(|word| !word.is_empty())
}
