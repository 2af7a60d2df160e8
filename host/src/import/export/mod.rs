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

use mercato_feeds::export::ExportedProduct;
use mercato_feeds::product::{self, RowError};
use mercato_feeds::source::Format;
use serde::Deserialize;
use serde_json::{Value, json};

use self::target::TargetShop;
use super::client::{Error, Outcome};
use super::options::Options;
use super::sender::Sender;
use crate::command_error::{Code, CommandError};

const PRODUCT: &str =
    "mutation($input: CreateProductInput!) { created: createProduct(input: $input) { _id } }";

const VARIANT: &str = "mutation($parent: ID!, $options: [AttributeInput!]!, $input: CreateProductInput!) { \
    created: createVariant(parentId: $parent, options: $options, input: $input) { _id } }";

/// The maximum length of the first line, which decides whether a file is an export. In bytes.
const MAX_FIRST_LINE: u64 = 1024 * 1024;

/// The data of either mutation.
#[derive(Deserialize)]
struct Data {
    created: Option<CreatedProduct>,
}

#[derive(Deserialize)]
struct CreatedProduct {
    #[serde(rename = "_id")]
    id: String,
}

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
    let target = TargetShop::read(&sender.client);
    let target = target.map_err(|error| sender.stop_error(Code::Unavailable, &error.to_string(), 1))?;
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
        let read = self.target.read_products(&self.sender.client);
        read.map_err(|error| self.stop_error(&error, 1))?;
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
        let category = self.target.category(&self.sender.client, product);
        let category = match category.map_err(|error| self.stop_error(&error, line))? {
            Ok(category) => category,
            Err(error) => return self.refuse(line, external_id, error),
        };
        let exists = self.target.id_of(external_id).is_some();
        if exists || (product.parent_id.is_none() && product.sku.is_none()) {
            return match product::to_json(&product.import_input(category.as_deref())) {
                Ok(json) => self.sender.push(line, external_id.to_owned(), json),
                Err(error) => self.refuse(line, external_id, error),
            };
        }
        let input = product.create_input(category.as_deref());
        let (mutation, variables) = match &product.parent_id {
            None => (PRODUCT, json!({ "input": input })),
            Some(parent) => {
                let Some(parent) = self.parent(parent) else {
                    let message = "its parent is not in the export, or was refused";
                    return self.refuse(line, external_id, RowError::bad_input("parentId", message));
                };
                let variables = json!({ "parent": parent, "options": product.options, "input": input });
                (VARIANT, variables)
            }
        };
        self.create(line, external_id, mutation, &variables)
    }

    fn create(
        &mut self,
        line: u64,
        external_id: &str,
        mutation: &str,
        variables: &Value,
    ) -> Result<(), CommandError> {
        let result = self.sender.client.graphql::<Data>(mutation, variables);
        match result.map_err(|error| self.stop_error(&error, line))? {
            Ok(data) => {
                if let Some(created) = data.created {
                    self.target.add_product(external_id, created.id);
                }
                self.sender.report(line, external_id, &Outcome::Created)
            }
            Err(error) => self.refuse(line, external_id, error),
        }
    }

    /// Returns the id of a parent in the target shop, by its id in the source shop.
    fn parent(&self, id: &str) -> Option<String> {
        let external_id = self.parents.get(id)?;
        let same_shop = || self.target.has_without_external_id(id).then_some(id);
        self.target
            .id_of(external_id)
            .or_else(same_shop)
            .map(str::to_owned)
    }

    fn refuse(&mut self, line: u64, external_id: &str, error: RowError) -> Result<(), CommandError> {
        self.sender.report(line, external_id, &Outcome::Refused(error))
    }

    fn stop_error(&self, error: &Error, line: u64) -> CommandError {
        self.sender
            .stop_error(Code::Unavailable, &error.to_string(), line)
    }
}
