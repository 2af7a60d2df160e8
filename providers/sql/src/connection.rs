//! What runs statements: SQLite itself, or a runtime that offers it.

use std::ops::ControlFlow;

/// A value that a statement is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Value<'a> {
    /// NULL.
    Null,
    /// An integer of 64 bits.
    Integer(i64),
    /// A text.
    Text(&'a str),
}

impl From<i64> for Value<'_> {
    fn from(value: i64) -> Self {
        Self::Integer(value)
    }
}

impl<'a> From<&'a str> for Value<'a> {
    fn from(value: &'a str) -> Self {
        Self::Text(value)
    }
}

impl From<Option<i64>> for Value<'_> {
    fn from(value: Option<i64>) -> Self {
        value.map_or(Self::Null, Self::Integer)
    }
}

/// A value that a statement returned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cell {
    /// NULL.
    Null,
    /// An integer of 64 bits.
    Integer(i64),
    /// A text.
    Text(String),
    /// What no table of ours holds.
    Other,
}

impl Cell {
    /// The text of a column that holds nothing else: all tables are STRICT.
    #[must_use]
    pub fn text(self) -> String {
        match self {
            Self::Text(text) => text,
            Self::Null | Self::Integer(_) | Self::Other => String::new(),
        }
    }

    /// The integer of a column that holds nothing else.
    #[must_use]
    pub fn integer(self) -> i64 {
        self.optional().unwrap_or_default()
    }

    /// The integer of a column that may hold NULL.
    #[must_use]
    pub fn optional(self) -> Option<i64> {
        match self {
            Self::Integer(integer) => Some(integer),
            Self::Null | Self::Text(_) | Self::Other => None,
        }
    }
}

/// One row of a result.
pub trait Row<E> {
    /// The value in a column, counted from 0.
    ///
    /// # Errors
    /// Where there is no such column.
    fn cell(&self, column: usize) -> Result<Cell, E>;
}

/// What is done with each row; it tells whether it wants more.
pub type OnRow<'a, E> = dyn FnMut(&dyn Row<E>) -> Result<ControlFlow<()>, E> + 'a;

/// A connection to a database. Statements of the same text come again and again: it had better keep them prepared.
pub trait Connection {
    /// What SQLite says when it fails.
    type Error;

    /// Runs one statement, and hands over its rows until no more are wanted.
    ///
    /// # Errors
    /// As SQLite fails; or what `on_row` returned.
    fn run(
        &self,
        sql: &str,
        values: &[Value<'_>],
        on_row: &mut OnRow<'_, Self::Error>,
    ) -> Result<(), Self::Error>;

    /// Runs one statement for what it changes.
    ///
    /// # Errors
    /// As SQLite fails.
    fn execute(&self, sql: &str, values: &[Value<'_>]) -> Result<(), Self::Error> {
        self.run(sql, values, &mut |_| Ok(ControlFlow::Continue(())))
    }

    /// All rows of a statement.
    ///
    /// # Errors
    /// As SQLite fails.
    fn all<T>(
        &self,
        sql: &str,
        values: &[Value<'_>],
        read: impl Fn(&dyn Row<Self::Error>) -> Result<T, Self::Error>,
    ) -> Result<Vec<T>, Self::Error> {
        let mut rows = Vec::new();
        self.run(sql, values, &mut |row| {
            rows.push(read(row)?);
            Ok(ControlFlow::Continue(()))
        })?;
        Ok(rows)
    }

    /// The first row of a statement, if it returns any.
    ///
    /// # Errors
    /// As SQLite fails.
    fn first<T>(
        &self,
        sql: &str,
        values: &[Value<'_>],
        read: impl Fn(&dyn Row<Self::Error>) -> Result<T, Self::Error>,
    ) -> Result<Option<T>, Self::Error> {
        let mut first = None;
        self.run(sql, values, &mut |row| {
            first = Some(read(row)?);
            Ok(ControlFlow::Break(()))
        })?;
        Ok(first)
    }
}

/// Does work in one transaction that waits for its turn to write; where it fails, it leaves no trace.
///
/// # Errors
/// What the work returned, or as SQLite fails.
pub fn transaction<C: Connection, T, E: From<C::Error>>(
    connection: &C,
    work: impl FnOnce() -> Result<T, E>,
) -> Result<T, E> {
    connection.execute("BEGIN IMMEDIATE", &[])?;
    let done = work().and_then(|done| Ok(connection.execute("COMMIT", &[]).map(|()| done)?));
    if done.is_err() {
        // Fails where the failure has ended the transaction already.
        let _ = connection.execute("ROLLBACK", &[]);
    }
    done
}
