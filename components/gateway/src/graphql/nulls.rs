//! Puts null where a field failed (GraphQL, section 6.4.4).
//!
//! async-graphql leaves out fields with invalid arguments. If an object has no other field, the object is
//! null. In this schema, only nullable fields can fail.

use async_graphql::{Name, PathSegment, Response, Value};

/// Puts null where a field failed.
pub fn fill(response: &mut Response) {
    for error in &response.errors {
        put(&mut response.data, &error.path);
    }
}

fn put(value: &mut Value, path: &[PathSegment]) {
    let Some((segment, rest)) = path.split_first() else {
        return;
    };
    if let (Value::Null, PathSegment::Field(_)) = (&*value, segment) {
        *value = Value::Object(Default::default());
    }
    let inner = match (value, segment) {
        (Value::Object(fields), PathSegment::Field(name)) => {
            Some(fields.entry(Name::new(name)).or_insert(Value::Null))
        }
        (Value::List(items), PathSegment::Index(index)) => items.get_mut(*index),
        _ => None,
    };
    if let Some(inner) = inner {
        put(inner, rest);
    }
}
