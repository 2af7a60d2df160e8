//! The arguments of fields, whether they are literals or variables.

use std::collections::HashMap;

use async_graphql::parser::types::{Field, VariableDefinition};
use async_graphql::{Positioned, Variables};
use async_graphql_value::{ConstValue, Name, Value};

/// Reads arguments by the variables of an operation.
pub struct Arguments<'a> {
    /// The values of the variables, or their defaults.
    variables: HashMap<&'a str, &'a ConstValue>,
    /// The number of bytes of each variable. A document may use it many times.
    sizes: HashMap<&'a str, usize>,
}

/// A value of an argument.
enum Given<'a> {
    Literal(&'a Value),
    Variable(&'a ConstValue),
}

impl<'a> Arguments<'a> {
    /// Returns a reader for these values and definitions of variables.
    pub fn new(variables: &'a Variables, definitions: &'a [Positioned<VariableDefinition>]) -> Self {
        let defaults = definitions.iter().filter_map(|definition| {
            let definition = &definition.node;
            let default = definition.default_value.as_ref()?;
            Some((definition.name.node.as_str(), &default.node))
        });
        let values = variables.iter().map(|(name, value)| (name.as_str(), value));
        let variables: HashMap<_, _> = defaults.chain(values).collect();
        let sizes = variables.iter().map(|(name, value)| (*name, size(value)));
        Self {
            sizes: sizes.collect(),
            variables,
        }
    }

    /// Returns a number that is not negative.
    pub fn number(&self, field: &Field, name: &str) -> Option<usize> {
        let number = match self.given(field, name)? {
            Given::Literal(Value::Number(number)) | Given::Variable(ConstValue::Number(number)) => number,
            _ => return None,
        };
        number.as_u64().and_then(|number| usize::try_from(number).ok())
    }

    /// Returns the length of a list. One item counts as a list of it.
    pub fn length(&self, field: &Field, name: &str) -> Option<usize> {
        match self.given(field, name)? {
            Given::Literal(Value::List(items)) => Some(items.len()),
            Given::Variable(ConstValue::List(items)) => Some(items.len()),
            Given::Literal(Value::Null) | Given::Variable(ConstValue::Null) => None,
            Given::Literal(_) | Given::Variable(_) => Some(1),
        }
    }

    /// Returns a text.
    pub fn text<'b>(&'b self, field: &'b Field, name: &str) -> Option<&'b str> {
        match self.given(field, name)? {
            Given::Literal(Value::String(text)) | Given::Variable(ConstValue::String(text)) => Some(text),
            _ => None,
        }
    }

    /// Returns whether an argument is an object with this member.
    pub fn has(&self, field: &Field, name: &str, member: &str) -> bool {
        match self.given(field, name) {
            Some(Given::Literal(Value::Object(members))) => match members.get(member) {
                None | Some(Value::Null) => false,
                Some(Value::Variable(name)) => {
                    let value = self.variables.get(name.as_str());
                    value.is_some_and(|value| **value != ConstValue::Null)
                }
                Some(_) => true,
            },
            Some(Given::Variable(ConstValue::Object(members))) => {
                let value = members.get(member);
                value.is_some_and(|value| *value != ConstValue::Null)
            }
            _ => false,
        }
    }

    /// Returns the number of bytes of all arguments of a field.
    pub fn bytes(&self, field: &Field) -> usize {
        let arguments = field.arguments.iter();
        sum(arguments.map(|(_, value)| self.literal_size(&value.node)))
    }

    fn given<'b>(&'b self, field: &'b Field, name: &str) -> Option<Given<'b>> {
        match &field.get_argument(name)?.node {
            Value::Variable(name) => self
                .variables
                .get(name.as_str())
                .map(|value| Given::Variable(value)),
            literal => Some(Given::Literal(literal)),
        }
    }

    fn literal_size(&self, value: &Value) -> usize {
        match value {
            Value::Variable(name) => self.sizes.get(name.as_str()).copied().unwrap_or_default(),
            Value::List(items) => sum(items.iter().map(|item| self.literal_size(item) + OVERHEAD)),
            Value::Object(members) => {
                let members = members.iter();
                sum(members.map(|(name, value)| name.len() + self.literal_size(value) + OVERHEAD))
            }
            Value::Number(_) => OVERHEAD,
            Value::String(text) => text.len(),
            Value::Enum(name) => name.len(),
            Value::Binary(bytes) => bytes.len(),
            Value::Null | Value::Boolean(_) => 0,
        }
    }
}

/// The number of bytes of an item or a member beside its value.
const OVERHEAD: usize = 8;

fn size(value: &ConstValue) -> usize {
    match value {
        ConstValue::List(items) => sum(items.iter().map(|item| size(item) + OVERHEAD)),
        ConstValue::Object(members) => {
            let members = members.iter();
            sum(members.map(|(name, value): (&Name, _)| name.len() + size(value) + OVERHEAD))
        }
        ConstValue::Number(_) => OVERHEAD,
        ConstValue::String(text) => text.len(),
        ConstValue::Enum(name) => name.len(),
        ConstValue::Binary(bytes) => bytes.len(),
        ConstValue::Null | ConstValue::Boolean(_) => 0,
    }
}

fn sum(sizes: impl Iterator<Item = usize>) -> usize {
    sizes.fold(0, usize::saturating_add)
}
