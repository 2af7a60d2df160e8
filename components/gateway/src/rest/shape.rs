//! The JSON Schemas of inputs: the checks that Serde does not make, and the words for errors about a field.

use std::any::type_name;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde_json::Value;

/// The schema of an input.
pub struct Shape {
    root: Value,
}

/// A value that a schema does not allow: its path, empty for the whole input, and the message.
pub type Mismatch = (String, String);

impl Shape {
    /// Returns the shape of a type. It is generated once for each instance.
    pub fn of<T: JsonSchema>() -> Arc<Self> {
        static SHAPES: Mutex<BTreeMap<&str, Arc<Shape>>> = Mutex::new(BTreeMap::new());
        let generate = || {
            let settings = SchemaSettings::draft2020_12().for_deserialize();
            let root = settings.into_generator().into_root_schema_for::<T>();
            Arc::new(Self {
                root: root.to_value(),
            })
        };
        let mut shapes = SHAPES.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(shapes.entry(type_name::<T>()).or_insert_with(generate))
    }

    /// Returns the first value of another kind than the schema allows, and the first number out of its range.
    /// Serde accepts arrays in place of objects, and objects in place of names.
    pub fn mismatch(&self, value: &Value) -> Option<Mismatch> {
        self.find(value, &self.root, String::new())
    }

    fn find(&self, value: &Value, schema: &Value, path: String) -> Option<Mismatch> {
        let options = self.options(schema);
        let part = |name: &str| options.iter().find_map(|option| option.get(name));
        let differs = |path| Some((path, must_be(&options))).filter(|(_, message)| !message.is_empty());
        let is = |kind| has_type(&options, kind);
        match value {
            // Serde knows better which fields take null.
            Value::Null => None,
            Value::Array(items) => match part("items") {
                Some(schema) => items
                    .iter()
                    .enumerate()
                    .find_map(|(index, item)| self.find(item, schema, format!("{path}[{index}]"))),
                None => differs(path),
            },
            Value::Object(fields) => match (part("properties"), part("additionalProperties")) {
                (Some(schemas), _) => fields.iter().find_map(|(name, field)| {
                    let dot = if path.is_empty() { "" } else { "." };
                    self.find(field, schemas.get(name)?, format!("{path}{dot}{name}"))
                }),
                (None, Some(Value::Object(_) | Value::Bool(true))) => None,
                (None, _) => differs(path),
            },
            Value::Bool(_) if is("boolean") => None,
            Value::String(_) if is("string") => None,
            Value::Number(number) if is("number") || is("integer") => {
                let whole = number
                    .as_i64()
                    .map(i128::from)
                    .or(number.as_u64().map(i128::from));
                let fits = match whole {
                    Some(number) => fits(number, &options),
                    None => is("number"),
                };
                if fits { None } else { differs(path) }
            }
            Value::Bool(_) | Value::String(_) | Value::Number(_) => differs(path),
        }
    }

    /// Returns the message about the value at a path, such as `products[1].quantity`. `None` if its schema
    /// does not say its kind.
    pub fn advice(&self, path: &str) -> Option<String> {
        let steps = path
            .split(['.', '['])
            .map(|step| step.trim_end_matches(']'))
            .filter(|step| !step.is_empty());
        let mut options = self.options(&self.root);
        for step in steps {
            let next = options.iter().find_map(|option| {
                let property = option.get("properties").and_then(|all| all.get(step));
                property.or_else(|| step.parse::<usize>().ok().and_then(|_| option.get("items")))
            })?;
            options = self.options(next);
        }
        Some(must_be(&options)).filter(|message| !message.is_empty())
    }

    /// Returns whether a field of the input is a boolean.
    pub fn is_flag(&self, name: &str) -> bool {
        let properties = self.root.get("properties");
        let field = properties.and_then(|properties| properties.get(name));
        field.is_some_and(|field| has_type(&self.options(field), "boolean"))
    }

    /// Returns the schemas of which a value must meet one, without references.
    fn options<'a>(&'a self, schema: &'a Value) -> Vec<&'a Value> {
        let schema = self.resolve(schema);
        let any_of = schema.get("anyOf").and_then(Value::as_array);
        match any_of {
            Some(options) => options.iter().map(|option| self.resolve(option)).collect(),
            None => vec![schema],
        }
    }

    /// Follows a reference to another schema.
    fn resolve<'a>(&'a self, schema: &'a Value) -> &'a Value {
        let reference = schema.get("$ref").and_then(Value::as_str);
        let pointer = reference.and_then(|reference| reference.strip_prefix('#'));
        pointer
            .and_then(|pointer| self.root.pointer(pointer))
            .unwrap_or(schema)
    }
}

/// Returns the types that the schemas allow, other than null.
fn types<'a>(options: &'a [&'a Value]) -> impl Iterator<Item = &'a str> {
    let named = options.iter().filter_map(|option| option.get("type"));
    let names = named.flat_map(|named| match named {
        Value::Array(names) => names.as_slice(),
        name => std::slice::from_ref(name),
    });
    names.filter_map(Value::as_str).filter(|name| *name != "null")
}

fn has_type(options: &[&Value], kind: &str) -> bool {
    let names = options.iter().any(|option| !names_of(option).is_empty());
    types(options).any(|name| name == kind) || (kind == "string" && names)
}

/// Returns the names that an enum allows.
fn names_of(schema: &Value) -> Vec<&str> {
    let listed = schema.get("enum").and_then(Value::as_array);
    let described = schema.get("oneOf").and_then(Value::as_array);
    let constants = described.into_iter().flatten();
    // A description may stand for several names.
    constants
        .flat_map(|one| match one.get("enum").and_then(Value::as_array) {
            Some(names) => names.as_slice(),
            None => one.get("const").map_or(&[][..], std::slice::from_ref),
        })
        .chain(listed.into_iter().flatten())
        .filter_map(Value::as_str)
        .collect()
}

/// Returns the smallest and the largest number that the schemas allow.
fn range(options: &[&Value]) -> (Option<i128>, Option<i128>) {
    let bound = |name: &str| {
        let bound = options.iter().find_map(|option| option.get(name))?;
        bound
            .as_i64()
            .map(i128::from)
            .or(bound.as_u64().map(i128::from))
            .or(bound.as_f64().map(whole))
    };
    let format = options.iter().find_map(|option| option.get("format")?.as_str());
    let (least, most) = match format {
        Some("int32") => (Some(i32::MIN.into()), Some(i32::MAX.into())),
        Some("uint32") => (Some(0), Some(u32::MAX.into())),
        Some("int64") => (Some(i64::MIN.into()), Some(i64::MAX.into())),
        Some("uint64") => (Some(0), Some(u64::MAX.into())),
        _ => (None, None),
    };
    (bound("minimum").or(least), bound("maximum").or(most))
}

/// Schemas write whole bounds as floating-point numbers too.
#[allow(
    clippy::cast_possible_truncation,
    reason = "bounds are whole numbers below 2^64"
)]
const fn whole(bound: f64) -> i128 {
    bound as i128
}

fn fits(number: i128, options: &[&Value]) -> bool {
    let (least, most) = range(options);
    least.is_none_or(|least| least <= number) && most.is_none_or(|most| number <= most)
}

/// Returns the sentence about the allowed values. Empty if the schemas do not tell.
fn must_be(options: &[&Value]) -> String {
    let names: Vec<_> = options.iter().flat_map(|option| names_of(option)).collect();
    if !names.is_empty() {
        return format!("Must be one of: {}.", names.join(", "));
    }
    let kind = types(options).next().or_else(|| {
        let is_object = options.iter().any(|option| option.get("properties").is_some());
        is_object.then_some("object")
    });
    let text = |name: &str| options.iter().find_map(|option| option.get(name));
    let kind = match kind {
        Some("integer") => whole_number(range(options)),
        Some("number") => "a number".to_owned(),
        Some("boolean") => "true or false".to_owned(),
        Some("string") => match text("format").and_then(Value::as_str) {
            Some("date-time") => "a time in RFC 3339, such as 2026-11-21T03:29:07Z".to_owned(),
            _ => match text("maxLength") {
                Some(most) => format!("text of at most {most} characters"),
                None => "text".to_owned(),
            },
        },
        Some("array") => match text("maxItems") {
            Some(most) => format!("an array of at most {most} values"),
            None => "an array".to_owned(),
        },
        Some("object") => "a JSON object".to_owned(),
        _ => return String::new(),
    };
    format!("Must be {kind}.")
}

fn whole_number(range: (Option<i128>, Option<i128>)) -> String {
    match range {
        (Some(least), Some(most)) if most < i64::MAX.into() => {
            format!("a whole number from {least} to {most}")
        }
        (Some(least), _) if least > i64::MIN.into() => format!("a whole number, {least} or more"),
        _ => "a whole number".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use schemars::JsonSchema;
    use serde_json::json;

    use super::*;

    #[derive(JsonSchema)]
    #[serde(rename_all = "camelCase")]
    #[allow(dead_code, reason = "only the schema is used")]
    struct Input {
        count: Option<u32>,
        price: i64,
        #[schemars(range(min = 1, max = 100))]
        first: u32,
        in_stock: Option<bool>,
        name: Option<String>,
        lines: Vec<Line>,
        color: Option<Color>,
    }

    #[derive(JsonSchema)]
    #[allow(dead_code, reason = "only the schema is used")]
    struct Line {
        quantity: u32,
    }

    #[derive(JsonSchema)]
    #[serde(rename_all = "kebab-case")]
    #[allow(dead_code, reason = "only the schema is used")]
    enum Color {
        /// Red.
        Red,
        /// Blue.
        DarkBlue,
    }

    #[test]
    fn names_the_kind_and_the_range_of_a_value() {
        let shape = Shape::of::<Input>();
        for (input, path, message) in [
            (json!([]), "", "Must be a JSON object."),
            (json!("x"), "", "Must be a JSON object."),
            (
                json!({ "count": -1 }),
                "count",
                "Must be a whole number from 0 to 4294967295.",
            ),
            (
                json!({ "count": 4_294_967_296_u64 }),
                "count",
                "Must be a whole number from 0 to 4294967295.",
            ),
            (json!({ "price": 1.5 }), "price", "Must be a whole number."),
            (json!({ "price": "5" }), "price", "Must be a whole number."),
            (
                json!({ "first": 101 }),
                "first",
                "Must be a whole number from 1 to 100.",
            ),
            (json!({ "inStock": 1 }), "inStock", "Must be true or false."),
            (json!({ "name": 5 }), "name", "Must be text."),
            (json!({ "name": [] }), "name", "Must be text."),
            (json!({ "lines": {} }), "lines", "Must be an array."),
            (json!({ "lines": [[1]] }), "lines[0]", "Must be a JSON object."),
            (
                json!({ "lines": [{ "quantity": {} }] }),
                "lines[0].quantity",
                "Must be a whole number from 0 to 4294967295.",
            ),
            (json!({ "color": 5 }), "color", "Must be one of: red, dark-blue."),
            (
                json!({ "color": { "red": null } }),
                "color",
                "Must be one of: red, dark-blue.",
            ),
        ] {
            let expected = Some((path.to_owned(), message.to_owned()));
            assert_eq!(shape.mismatch(&input), expected, "{input}");
            if !path.is_empty() {
                assert_eq!(shape.advice(path).as_deref(), Some(message), "{path}");
            }
        }
    }

    #[test]
    fn accepts_values_of_the_right_kind() {
        let shape = Shape::of::<Input>();
        let full = json!({
            "count": null, "price": -5, "first": 1, "inStock": true, "name": "a", "lines": [{ "quantity": 1 }],
            "color": "RED", "unknown": [{}],
        });
        assert_eq!(shape.mismatch(&full), None);
        assert!(shape.is_flag("inStock"));
        assert!(!shape.is_flag("count") && !shape.is_flag("unknown"));
    }
}
