//! The groups of rows that are one product with variants.
//!
//! A group is held in memory until its last row. So the memory is bounded by the rows between the first and the
//! last row of the groups that overlap, and by a few bytes for each group.

use std::borrow::Cow;
use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use unicode_normalization::UnicodeNormalization;

use crate::columns::{Columns, Field};
use crate::layout::Layout;
use crate::source::Value;

/// The hash of a text. It has 128 bits, so two texts never have the same one in practice.
pub type Key = u128;

/// Returns the key of a text. Composed and decomposed letters are the same (Unicode NFC).
pub fn key(text: &str) -> Key {
    let text: Cow<str> = if text.is_ascii() {
        text.into()
    } else {
        text.nfc().collect::<String>().into()
    };
    let half = |seed: u8| {
        let mut hasher = DefaultHasher::new();
        (seed, text.as_ref()).hash(&mut hasher);
        u128::from(hasher.finish())
    };
    half(0) << 64 | half(1)
}

/// How a row belongs to a group.
enum Membership {
    /// The row is a product of its own.
    None,
    /// The row belongs to a group.
    Member(Key),
    /// The row may be the parent of a group, if other rows say so.
    Parent(Key),
}

/// The last lines of the groups of a feed.
#[derive(Clone, Debug, Default)]
pub struct Groups {
    last: HashMap<Key, LastRow>,
    /// The keys of WooCommerce's products by the keys of their SKUs.
    by_sku: HashMap<Key, Key>,
}

#[derive(Clone, Copy, Debug)]
struct LastRow {
    line: u64,
    rows: u32,
}

impl Groups {
    /// Adds a row.
    pub fn add(&mut self, layout: Layout, columns: &Columns, row: &[Value], line: u64) {
        match membership(layout, columns, row) {
            Membership::None => {}
            Membership::Member(key) => {
                let last = self.last.entry(key).or_insert(LastRow { line, rows: 0 });
                last.line = line;
                last.rows += 1;
            }
            Membership::Parent(key) => {
                if let Some(last) = self.last.get_mut(&key) {
                    last.line = line;
                }
            }
        }
        if layout == Layout::Woocommerce && kind(columns, row).contains("variable") {
            let sku = columns.text_of(row, "sku");
            if let Membership::Member(id) = membership(layout, columns, row)
                && !sku.is_empty()
            {
                self.by_sku.insert(key(&format!("sku:{sku}")), id);
            }
        }
    }

    /// Completes the groups after the last row.
    pub fn finish(&mut self, layout: Layout) {
        // Variations name their product by its id or by its SKU.
        for (sku, id) in &self.by_sku {
            if sku == id {
                continue;
            }
            if let Some(by_sku) = self.last.remove(sku) {
                let last = self.last.entry(*id).or_insert(by_sku);
                last.line = last.line.max(by_sku.line);
            }
        }
        // An item group of one item is a product of its own.
        if layout == Layout::Google {
            self.last.retain(|_, last| last.rows > 1);
        }
        self.last.shrink_to_fit();
    }

    /// Returns the group of a row and the line of the last row of the group.
    pub fn find(&self, layout: Layout, columns: &Columns, row: &[Value]) -> Option<(Key, u64)> {
        let key = match membership(layout, columns, row) {
            Membership::None => return None,
            Membership::Member(key) | Membership::Parent(key) => *self.by_sku.get(&key).unwrap_or(&key),
        };
        self.last.get(&key).map(|last| (key, last.line))
    }

    /// Returns the number of groups.
    pub fn count(&self) -> usize {
        self.last.len()
    }
}

fn membership(layout: Layout, columns: &Columns, row: &[Value]) -> Membership {
    let text = |field| columns.text(row, field).ok().flatten().unwrap_or_default();
    let member = |text: &str| match text {
        "" => Membership::None,
        text => Membership::Member(key(text)),
    };
    match layout {
        Layout::Shopify => member(text(Field::ExternalId)),
        Layout::Google => member(columns.text_of(row, "itemgroupid")),
        Layout::Woocommerce => {
            let kind = kind(columns, row);
            let parent = text(Field::Parent);
            if kind.contains("variation") {
                match parent {
                    "" => Membership::None,
                    id if id.starts_with("id:") => Membership::Member(key(id)),
                    sku => Membership::Member(key(&format!("sku:{sku}"))),
                }
            } else if kind.contains("variable") {
                let (id, sku) = (text(Field::ExternalId), text(Field::Sku));
                let name = if id.is_empty() {
                    format!("sku:{sku}")
                } else {
                    format!("id:{id}")
                };
                Membership::Member(key(&name))
            } else {
                Membership::None
            }
        }
        Layout::Plain | Layout::Table => match text(Field::Parent) {
            "" if columns.has(Field::Parent) => Membership::Parent(key(text(Field::ExternalId))),
            parent => member(parent),
        },
    }
}

/// Returns the type of a row of WooCommerce, such as `variation, virtual`.
pub fn kind(columns: &Columns, row: &[Value]) -> String {
    columns.text_of(row, "type").to_lowercase()
}
