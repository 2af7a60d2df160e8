//! From a method and a path to an operation.

use http::Method;
use matchit::{Params, Router};

use crate::rest::operation::Operation;

/// The table of all operations, and the way into it.
pub struct Routes {
    operations: Vec<Operation>,
    /// The indexes of the operations at each path.
    paths: Router<Vec<usize>>,
}

/// What a request is for.
pub enum Found<'a> {
    Operation(&'a Operation, Params<'a, 'a>),
    /// What methods there are, is asked for.
    Options(String),
    /// The path has these methods only.
    OtherMethods(String),
    /// The path is REST's, and there is nothing.
    Nothing,
}

impl Routes {
    /// The routes to these operations.
    pub fn new(operations: Vec<Operation>) -> Self {
        let mut shared: Vec<(&str, Vec<usize>)> = Vec::new();
        for (index, operation) in operations.iter().enumerate() {
            for path in operation.paths {
                match shared.iter_mut().find(|(known, _)| known == path) {
                    Some((_, indexes)) => indexes.push(index),
                    None => shared.push((path, vec![index])),
                }
            }
        }
        let mut paths = Router::new();
        for (path, indexes) in shared {
            if let Err(error) = paths.insert(path, indexes) {
                eprintln!("internal error: the route {path} can't be used: {error}");
            }
        }
        Self { operations, paths }
    }

    /// Every operation there is.
    pub fn operations(&self) -> &[Operation] {
        &self.operations
    }

    /// What a request is for; none where its path is not REST's. GET serves HEAD, too.
    pub fn find<'a>(&'a self, method: &Method, path: &'a str) -> Option<Found<'a>> {
        let Ok(found) = self.paths.at(path) else {
            return path
                .strip_prefix("/api")
                .filter(|rest| rest.is_empty() || rest.starts_with('/'))
                .map(|_| Found::Nothing);
        };
        let method = if method == Method::HEAD {
            &Method::GET
        } else {
            method
        };
        let mut here = found.value.iter().filter_map(|&index| self.operations.get(index));
        if let Some(operation) = here.clone().find(|operation| operation.method == *method) {
            return Some(Found::Operation(operation, found.params));
        }
        let allow = here.by_ref().fold("OPTIONS".to_owned(), |mut list, operation| {
            let more = if operation.method == Method::GET {
                ", GET, HEAD"
            } else {
                ", "
            };
            list.push_str(more);
            if operation.method != Method::GET {
                list.push_str(operation.method.as_str());
            }
            list
        });
        Some(if method == Method::OPTIONS {
            Found::Options(allow)
        } else {
            Found::OtherMethods(allow)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rest::operations;

    #[test]
    fn every_operation_is_found_by_each_of_its_paths_and_by_no_other() {
        let all = operations();
        let routes = Routes::new(all.clone());
        for operation in &all {
            for path in operation.paths {
                match routes.find(&operation.method, path) {
                    Some(Found::Operation(found, _)) => assert_eq!(found.name, operation.name, "{path}"),
                    _ => panic!("{} {path} should be routed", operation.method),
                }
            }
        }
        assert!(matches!(
            routes.find(&Method::GET, "/api/nonsense"),
            Some(Found::Nothing)
        ));
        assert!(matches!(routes.find(&Method::GET, "/api"), Some(Found::Nothing)));
        assert!(routes.find(&Method::GET, "/apis").is_none());
    }

    #[test]
    fn the_other_methods_of_a_path_are_told() {
        let routes = Routes::new(operations());
        match routes.find(&Method::DELETE, "/api/products") {
            Some(Found::OtherMethods(allow)) => assert_eq!(allow, "OPTIONS, GET, HEAD, POST"),
            _ => panic!("there is no DELETE"),
        }
        assert!(matches!(
            routes.find(&Method::HEAD, "/products"),
            Some(Found::Operation(..))
        ));
    }
}
