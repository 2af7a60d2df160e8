//! Imports an export of products (JSON Lines) into the same shop or another one.
//!
//! An export has more than a feed: prices in minor units, SKUs, variants, and categories with their
//! ancestors. Missing categories are created.
//!
//! The external id identifies a product. A product without one gets its id in the source shop as external id
//! in the target shop. The import has two passes: first the products without a parent, then the variants,
//! whose parents exist by then.

mod target;

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use mercato_feeds::RowError;
use mercato_feeds::export::ExportedProduct;
use mercato_feeds::product;

use self::target::TargetShop;
use super::client::Error;
use super::options::{Format, Options};
use super::sender::{Row, Sender};
use crate::command_error::{Code, CommandError};

/// The maximum length of the first line, which decides whether a file is an export. In bytes.
const MAX_FIRST_LINE: u64 = 1024 * 1024;

/// Returns whether the file is an export, by the format option or by the first line.
///
/// # Errors
/// If the file cannot be read.
pub fn is_export(options: &Options) -> io::Result<bool> {
    match options.format {
        Some(format) => return Ok(format == Format::Export),
        None if !options.map.is_empty() => return Ok(false),
        None => {}
    }
    let mut reader = BufReader::new(File::open(&options.file)?.take(MAX_FIRST_LINE));
    let mut first = Vec::new();
    while first.trim_ascii().is_empty() {
        first.clear();
        if reader.read_until(b'\n', &mut first)? == 0 {
            return Ok(false);
        }
    }
    Ok(ExportedProduct::parse(&first).is_ok())
}

/// Imports an export.
///
/// # Errors
/// If the file cannot be read, or if the shop cannot be reached. A refused line is not an error.
pub fn import(
    options: &Options,
    sender: &mut Sender,
    interrupted: &AtomicBool,
    unreadable: &dyn Fn(io::Error) -> CommandError,
) -> Result<(), CommandError> {
    eprintln!(
        "Detected in {}:\n  format     JSON Lines, the export of a shop  (--format)",
        options.file.display()
    );
    let target = match &sender.client {
        Some(client) => TargetShop::read(client).map_err(|error| stop_error(sender, &error, 1))?,
        None => TargetShop::default(),
    };
    let mut import = ExportImport {
        sender,
        target,
        parents: HashMap::new(),
        interrupted,
    };
    import.products(&options.file, options.from_line, unreadable)?;
    import.variants(&options.file, unreadable)
}

/// The import of one export.
struct ExportImport<'a> {
    sender: &'a mut Sender,
    target: TargetShop,
    /// The external ids in the target shop of possible parents, by their ids in the source shop.
    parents: HashMap<String, String>,
    interrupted: &'a AtomicBool,
}

impl ExportImport<'_> {
    /// Imports the products without a parent, starting at a line.
    fn products(
        &mut self,
        file: &Path,
        from_line: u64,
        unreadable: &dyn Fn(io::Error) -> CommandError,
    ) -> Result<(), CommandError> {
        self.for_each_line(file, unreadable, |import, line, product| match product {
            Ok(product) if product.parent_id.is_some() => Ok(()),
            Ok(product) => {
                let external_id = product.target_external_id().to_owned();
                import.parents.insert(product.id.clone(), external_id);
                if line < from_line {
                    return Ok(());
                }
                import.product(line, &product)
            }
            Err(reason) if line >= from_line => import.refuse(line, "", RowError::bad_input("", reason)),
            Err(_) => Ok(()),
        })
    }

    /// Imports the variants of the whole file. The start line does not apply: an interrupted import may have
    /// stopped before the first variant.
    fn variants(
        &mut self,
        file: &Path,
        unreadable: &dyn Fn(io::Error) -> CommandError,
    ) -> Result<(), CommandError> {
        self.for_each_line(file, unreadable, |import, line, product| match product {
            Ok(product) if product.parent_id.is_some() => import.product(line, &product),
            _ => Ok(()),
        })
    }

    /// Calls `work` for each line that is not blank, and sends the last batch.
    fn for_each_line(
        &mut self,
        file: &Path,
        unreadable: &dyn Fn(io::Error) -> CommandError,
        mut work: impl FnMut(&mut Self, u64, Result<ExportedProduct, String>) -> Result<(), CommandError>,
    ) -> Result<(), CommandError> {
        let mut reader = BufReader::new(File::open(file).map_err(unreadable)?);
        let (mut line, mut text) = (0_u64, Vec::new());
        while reader.read_until(b'\n', &mut text).map_err(unreadable)? > 0 {
            line += 1;
            if self.interrupted.load(Ordering::Relaxed) {
                return Err(self.sender.stop_error(Code::Unavailable, "interrupted", line));
            }
            if !text.trim_ascii().is_empty() {
                work(self, line, ExportedProduct::parse(&text))?;
            }
            text.clear();
        }
        self.sender.flush()
    }

    fn product(&mut self, line: u64, product: &ExportedProduct) -> Result<(), CommandError> {
        let external_id = product.target_external_id();
        if product.external_id.is_none() && self.target.has_without_external_id(&product.id) {
            let message = "this shop has the product already, without an external id to import it by";
            return self.refuse(line, external_id, RowError::bad_input("externalId", message));
        }
        let category = match &self.sender.client {
            Some(client) => self
                .target
                .category(client, product)
                .map_err(|error| stop_error(self.sender, &error, line))?,
            None => Ok(None),
        };
        let category = match category {
            Ok(category) => category,
            Err(error) => return self.refuse(line, external_id, error),
        };
        let parent = match &product.parent_id {
            None => None,
            Some(id) => match self
                .parents
                .get(id)
                .map(String::as_str)
                .or(product.parent_external_id.as_deref())
            {
                // This shop has the variant already, and its parent without an external id.
                _ if self.target.has_without_external_id(id) => None,
                None => {
                    let message = "its parent is not in the export, or was refused";
                    return self.refuse(line, external_id, RowError::bad_input("parentId", message));
                }
                parent => parent,
            },
        };
        match product::to_json(&product.input(category.as_deref(), parent)) {
            Ok(json) => self.sender.push(row(line, external_id, true), json),
            Err(error) => self.refuse(line, external_id, error),
        }
    }

    fn refuse(&mut self, line: u64, external_id: &str, error: RowError) -> Result<(), CommandError> {
        self.sender.refuse(row(line, external_id, false), error)
    }
}

fn row(line: u64, external_id: &str, has_stock: bool) -> Row {
    Row {
        line,
        at: line,
        external_id: external_id.to_owned(),
        has_stock,
    }
}

fn stop_error(sender: &Sender, error: &Error, line: u64) -> CommandError {
    sender.stop_error(Code::Unavailable, &error.to_string(), line)
}
