//! Text tables.

/// A table of four columns with a heading.
pub struct Table {
    rows: Vec<[String; 4]>,
}

impl Table {
    /// Creates a table without rows.
    pub fn new(heading: [&str; 4]) -> Self {
        Self {
            rows: vec![heading.map(str::to_owned)],
        }
    }

    /// Adds a row.
    pub fn row(&mut self, row: [String; 4]) {
        self.rows.push(row);
    }

    /// Returns the table, followed by an empty line.
    pub fn paragraph(&self) -> String {
        self.text() + "\n"
    }

    fn text(&self) -> String {
        let mut widths = [0; 4];
        for row in &self.rows {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = cell.chars().count().max(*width);
            }
        }
        let mut text = String::new();
        for row in &self.rows {
            let cells = row.iter().zip(widths);
            let line = cells
                .map(|(cell, width)| format!("{cell:width$}"))
                .collect::<Vec<_>>()
                .join("  ");
            text += line.trim_end();
            text.push('\n');
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let mut table = Table::new(["A", "B", "C", "D"]);
        table.row(["one", "", "3", ""].map(str::to_owned));
        assert_eq!(table.text(), "A    B  C  D\none     3\n");
    }
}
