//! Finds the module that defines what a path names.

use super::tree::{Crate, Module};

/// Resolves the paths of one crate.
pub struct Resolver<'a> {
    tree: &'a Crate,
}

/// A module, and whether the path names the module itself.
#[derive(Clone, Copy)]
struct Found {
    module: usize,
    is_module: bool,
}

impl<'a> Resolver<'a> {
    /// Creates a resolver.
    pub fn new(tree: &'a Crate) -> Self {
        Self { tree }
    }

    /// Returns the module that defines the item of a path, which is named in the module `from`. Follows
    /// imports and re-exports. Returns `None` for items of other crates, and for paths that end at a module:
    /// such an import is used by other paths, which name an item.
    pub fn item(&self, from: usize, path: &[String]) -> Option<&'a Module> {
        let found = self.walk(from, path, &mut Vec::new())?;
        (!found.is_module).then(|| self.tree.module(found.module))?
    }

    /// Returns the module that a path names, such as that of a glob import.
    pub fn module(&self, from: usize, path: &[String]) -> Option<&'a Module> {
        let found = self.walk(from, path, &mut Vec::new())?;
        found.is_module.then(|| self.tree.module(found.module))?
    }

    fn walk(&self, from: usize, path: &[String], seen: &mut Vec<(usize, String)>) -> Option<Found> {
        let mut current = Found {
            module: from,
            is_module: true,
        };
        for (index, name) in path.iter().enumerate() {
            let module = self.tree.module(current.module)?;
            current = match name.as_str() {
                "crate" if index == 0 => Found { module: 0, ..current },
                "self" if index == 0 => current,
                "super" => Found {
                    module: module.parent,
                    ..current
                },
                name => self.lookup(current.module, name, seen)?,
            };
            if !current.is_module {
                break;
            }
        }
        Some(current)
    }

    fn lookup(&self, id: usize, name: &str, seen: &mut Vec<(usize, String)>) -> Option<Found> {
        let module = self.tree.module(id)?;
        if let Some(&child) = module.children.get(name) {
            return Some(Found {
                module: child,
                is_module: true,
            });
        }
        if module.items.iter().any(|item| item == name) {
            return Some(Found {
                module: id,
                is_module: false,
            });
        }
        // An import may lead back here, when a name of another crate is imported under its own name.
        let step = (id, name.to_owned());
        if seen.contains(&step) {
            return None;
        }
        seen.push(step);
        if let Some(path) = module.imported.get(name) {
            return self.walk(id, path, seen);
        }
        module.globs.iter().find_map(|path| {
            let target = self.walk(id, path, seen)?;
            target.is_module.then(|| self.lookup(target.module, name, seen))?
        })
    }
}
