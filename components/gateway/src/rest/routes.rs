//! The router: finds the operation of a method and a path.

use std::sync::LazyLock;

use http::Method;
use matchit::{Params, Router};

use crate::rest::operation::Operation;
use crate::rest::operations;

/// The router of all operations, which all gateways share. It is built at the first use.
pub static ROUTES: LazyLock<Routes> = LazyLock::new(Routes::new);

/// A router of operations.
pub struct Routes {
    operations: Vec<Operation>,
    /// The indexes of the operations at each path.
    paths: Router<Vec<usize>>,
}

/// The match of a request.
pub enum Found<'a> {
    Operation(&'a Operation, Params<'a, 'a>),
    /// The request is OPTIONS. The path has these methods.
    Options(String),
    /// The path has only these methods.
    OtherMethods(String),
    /// The path is below `/api`, but is unknown.
    Nothing,
}

impl Routes {
    /// Returns the router of all operations.
    pub fn new() -> Self {
        let operations = operations::all();
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
                eprintln!("internal error: the route {path} is invalid: {error}");
            }
        }
        Self { operations, paths }
    }

    /// Returns all operations.
    pub fn operations(&self) -> &[Operation] {
        &self.operations
    }

    /// Returns the match of a request. `None` if the path does not belong to REST. GET also answers HEAD. A
    /// slash at the end of the path is ignored.
    pub fn find<'a>(&'a self, method: &Method, path: &'a str) -> Option<Found<'a>> {
        let path = path.trim_end_matches('/');
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
        let here = found.value.iter().filter_map(|&index| self.operations.get(index));
        if let Some(operation) = here.clone().find(|operation| operation.method == *method) {
            return Some(Found::Operation(operation, found.params));
        }
        let allow = here.fold("OPTIONS".to_owned(), |list, operation| {
            let head = if operation.method == Method::GET {
                ", HEAD"
            } else {
                ""
            };
            list + ", " + operation.method.as_str() + head
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

    #[test]
    fn finds_each_operation_by_each_of_its_paths() {
        let routes = Routes::new();
        for operation in routes.operations() {
            for path in operation.paths {
                match routes.find(&operation.method, path) {
                    Some(Found::Operation(found, _)) => assert_eq!(found.name, operation.name, "{path}"),
                    _ => panic!("{} {path} should be routed", operation.method),
                }
                match routes.find(&operation.method, &format!("{path}/")) {
                    Some(Found::Operation(found, _)) => assert_eq!(found.name, operation.name, "{path}/"),
                    _ => panic!("{} {path}/ should be routed", operation.method),
                }
            }
        }
        assert!(matches!(
            routes.find(&Method::GET, "/api/nonsense"),
            Some(Found::Nothing)
        ));
        assert!(matches!(routes.find(&Method::GET, "/api"), Some(Found::Nothing)));
        assert!(routes.find(&Method::GET, "/apis").is_none());
        assert!(routes.find(&Method::GET, "/").is_none());
    }

    #[test]
    fn lists_the_other_methods_of_a_path() {
        let routes = Routes::new();
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
