//! The modules of a crate, with the paths that their code names.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use quote::ToTokens as _;
use syn::{Attribute, Item, UseTree};

use super::names::paths;

/// The segments of a path, such as `["crate", "orders", "Order"]`.
pub type Segments = Vec<String>;

/// A crate. The first module is its root.
#[derive(Debug, Default)]
pub struct Crate {
    modules: Vec<Module>,
}

/// One module, in a file of its own or within another module's file.
#[derive(Debug, Default)]
pub struct Module {
    /// The file.
    pub file: PathBuf,
    /// The parent; the root is its own parent.
    pub parent: usize,
    /// The modules inside, by their names.
    pub children: BTreeMap<String, usize>,
    /// The names of the items that the module defines.
    pub items: Vec<String>,
    /// The names that the module imports, with their paths.
    pub imported: BTreeMap<String, Segments>,
    /// The paths of glob imports.
    pub globs: Vec<Segments>,
    /// All paths in the code, without those for tests.
    pub paths: Vec<Segments>,
}

impl Crate {
    /// Reads the root file and the files of all modules.
    ///
    /// # Errors
    /// A file is missing or is not Rust.
    pub fn read(root: &Path) -> Result<Self> {
        let mut tree = Self::default();
        let folder = root.parent().context("the root file has no folder")?;
        tree.add_file(root, folder, 0)?;
        Ok(tree)
    }

    /// Returns a module.
    pub fn module(&self, id: usize) -> Option<&Module> {
        self.modules.get(id)
    }

    /// Iterates over all modules, in the order of their ids.
    pub fn modules(&self) -> impl Iterator<Item = &Module> {
        self.modules.iter()
    }

    /// Adds the module in a file. `folder` holds the files of the modules inside.
    fn add_file(&mut self, file: &Path, folder: &Path, parent: usize) -> Result<usize> {
        let text = fs::read_to_string(file).with_context(|| format!("can't read {}", file.display()))?;
        let parsed = syn::parse_file(&text).with_context(|| format!("{} is not Rust", file.display()))?;
        self.add(file, folder, parent, parsed.items)
    }

    fn add(&mut self, file: &Path, folder: &Path, parent: usize, items: Vec<Item>) -> Result<usize> {
        let id = self.modules.len();
        self.modules.push(Module {
            file: file.to_owned(),
            parent,
            ..Module::default()
        });
        let mut module = Module::default();
        for item in items {
            if is_for_tests(attributes(&item)) {
                continue;
            }
            match item {
                Item::Mod(item) => {
                    let name = item.ident.to_string();
                    let inside = folder.join(&name);
                    let child = match item.content {
                        Some((_, items)) => self.add(file, &inside, id, items)?,
                        None => {
                            let alone = inside.with_extension("rs");
                            let file = if alone.is_file() {
                                alone
                            } else {
                                inside.join("mod.rs")
                            };
                            self.add_file(&file, &inside, id)?
                        }
                    };
                    module.children.insert(name, child);
                }
                Item::Use(item) => module.import(&item.tree, &mut Vec::new()),
                item => {
                    module.items.extend(name(&item));
                    module.paths.extend(paths(item.into_token_stream()));
                }
            }
        }
        if let Some(added) = self.modules.get_mut(id) {
            *added = Module {
                file: file.to_owned(),
                parent,
                ..module
            };
        }
        Ok(id)
    }
}

impl Module {
    fn import(&mut self, tree: &UseTree, before: &mut Segments) {
        match tree {
            UseTree::Path(path) => {
                before.push(path.ident.to_string());
                self.import(&path.tree, before);
                before.pop();
            }
            UseTree::Name(name) => self.import_name(&name.ident.to_string(), None, before),
            UseTree::Rename(name) => {
                let renamed = name.rename.to_string();
                self.import_name(&name.ident.to_string(), Some(renamed), before);
            }
            UseTree::Glob(_) => self.globs.push(before.clone()),
            UseTree::Group(group) => {
                for tree in &group.items {
                    self.import(tree, before);
                }
            }
        }
    }

    fn import_name(&mut self, name: &str, renamed: Option<String>, before: &Segments) {
        let mut path = before.clone();
        if name != "self" {
            path.push(name.to_owned());
        }
        self.paths.push(path.clone());
        if let Some(name) = renamed.or_else(|| path.last().cloned()) {
            self.imported.insert(name, path);
        }
    }
}

fn is_for_tests(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        attribute.path().is_ident("test")
            || attribute.path().is_ident("cfg") && attribute.to_token_stream().to_string().contains("test")
    })
}

fn attributes(item: &Item) -> &[Attribute] {
    match item {
        Item::Const(item) => &item.attrs,
        Item::Enum(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        Item::Macro(item) => &item.attrs,
        Item::Mod(item) => &item.attrs,
        Item::Static(item) => &item.attrs,
        Item::Struct(item) => &item.attrs,
        Item::Trait(item) => &item.attrs,
        Item::Type(item) => &item.attrs,
        Item::Use(item) => &item.attrs,
        _ => &[],
    }
}

fn name(item: &Item) -> Option<String> {
    let ident = match item {
        Item::Const(item) => &item.ident,
        Item::Enum(item) => &item.ident,
        Item::Fn(item) => &item.sig.ident,
        Item::Macro(item) => item.ident.as_ref()?,
        Item::Static(item) => &item.ident,
        Item::Struct(item) => &item.ident,
        Item::Trait(item) => &item.ident,
        Item::Type(item) => &item.ident,
        Item::Union(item) => &item.ident,
        _ => return None,
    };
    Some(ident.to_string())
}
