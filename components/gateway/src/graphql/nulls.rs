//! Puts null where a field failed (GraphQL, section 6.4.4).
//!
//! async-graphql leaves out fields with invalid arguments. If an object has no other field, the object is
//! null. In this schema, the fields of amounts are the only non-null fields that can fail.

use async_graphql::{Name, PathSegment, Response, Value};

use crate::model::scalar::AmountTooLarge;

/// Puts null where a field failed.
pub fn fill(response: &mut Response) {
    for error in &response.errors {
        match error.source::<AmountTooLarge>() {
            Some(AmountTooLarge { nullable_depth, .. }) => {
                let (path, _) = error.path.split_at(error.path.len().min(*nullable_depth));
                clear(&mut response.data, path);
            }
            None => put(&mut response.data, &error.path),
        }
    }
}

/// Makes the value at a path null.
fn clear(value: &mut Value, path: &[PathSegment]) {
    let Some((segment, rest)) = path.split_first() else {
        *value = Value::Null;
        return;
    };
    let inner = match (value, segment) {
        (Value::Object(fields), PathSegment::Field(name)) => fields.get_mut(name.as_str()),
        (Value::List(items), PathSegment::Index(index)) => items.get_mut(*index),
        _ => None,
    };
    if let Some(inner) = inner {
        clear(inner, rest);
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
