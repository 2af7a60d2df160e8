//! The interface to SQLite: this process's own, or that of a runtime that offers it to guests.

use std::ops::ControlFlow;

/// A parameter of a statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Value<'a> {
    /// NULL.
    Null,
    /// A 64-bit integer.
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

/// A value in a row of a result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cell {
    /// NULL.
    Null,
    /// A 64-bit integer.
    Integer(i64),
    /// A text.
    Text(String),
    /// A type that no table of Mercato stores.
    Other,
}

impl Cell {
    /// Returns the text of a TEXT NOT NULL column. All tables are STRICT, so such a column holds nothing
    /// else.
    #[must_use]
    pub fn text(self) -> String {
        match self {
            Self::Text(text) => text,
            Self::Null | Self::Integer(_) | Self::Other => String::new(),
        }
    }

    /// Returns the integer of an INTEGER NOT NULL column.
    #[must_use]
    pub fn integer(self) -> i64 {
        self.optional().unwrap_or_default()
    }

    /// Returns the integer of a column that may hold NULL.
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
    /// Returns the value in a column, counted from 0.
    ///
    /// # Errors
    /// If the row has no such column.
    fn cell(&self, column: usize) -> Result<Cell, E>;
}

/// Handles one row, and returns whether to read the next one.
pub type OnRow<'a, E> = dyn FnMut(&dyn Row<E>) -> Result<ControlFlow<()>, E> + 'a;

/// A connection to a database. The same few statements run again and again, so implementations should cache
/// prepared statements.
pub trait Connection {
    /// An error of SQLite.
    type Error;

    /// Runs one statement and passes its rows to `on_row` until `on_row` breaks.
    ///
    /// # Errors
    /// If SQLite fails, or if `on_row` returns an error.
    fn run(
        &self,
        sql: &str,
        values: &[Value<'_>],
        on_row: &mut OnRow<'_, Self::Error>,
    ) -> Result<(), Self::Error>;

    /// Runs one statement and ignores its rows.
    ///
    /// # Errors
    /// If SQLite fails.
    fn execute(&self, sql: &str, values: &[Value<'_>]) -> Result<(), Self::Error> {
        self.run(sql, values, &mut |_| Ok(ControlFlow::Continue(())))
    }

    /// Returns all rows of a statement.
    ///
    /// # Errors
    /// If SQLite fails.
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

    /// Returns the first row of a statement, if there is one.
    ///
    /// # Errors
    /// If SQLite fails.
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

/// Runs `work` in a write transaction, and rolls the transaction back if `work` fails.
///
/// # Errors
/// If `work` returns an error, or if SQLite fails.
pub fn transaction<C: Connection, T, E: From<C::Error>>(
    connection: &C,
    work: impl FnOnce() -> Result<T, E>,
) -> Result<T, E> {
    connection.execute("BEGIN IMMEDIATE", &[])?;
    let result = work().and_then(|value| Ok(connection.execute("COMMIT", &[]).map(|()| value)?));
    if result.is_err() {
        // This fails if the error has already ended the transaction.
        let _ = connection.execute("ROLLBACK", &[]);
    }
    result
}
