//! Examples of bodies and answers, made from their schemas.

use serde_json::{Map, Value, json};

/// An id of this shop.
const ID: &str = "0198c0de-1f2e-7abc-8def-0123456789ab";

/// Bodies of which the required fields alone are no useful example, by the names of their schemas.
const BODIES: [(&str, &str); 11] = [
    (
        "Addition",
        r#"{"productId": "0198c0de-1f2e-7abc-8def-0123456789ab", "quantity": 2}"#,
    ),
    ("CheckoutTerms", r#"{"expectedTotal": 5800}"#),
    (
        "Credentials",
        r#"{"username": "ada", "password": "a long password"}"#,
    ),
    ("Deletion", r#"{"version": 3}"#),
    ("Logout", r#"{"refresh_token": "q83vEjRWeJA…"}"#),
    (
        "NewOrder",
        r#"{"products": [{"_id": "0198c0de-1f2e-7abc-8def-0123456789ab", "quantity": 2}]}"#,
    ),
    (
        "NewRefund",
        r#"{"amount": 2900, "reason": "One hat was damaged."}"#,
    ),
    (
        "NewSms",
        r#"{"to": "+4915112345678", "text": "Your order is on its way."}"#,
    ),
    ("OrderDeletion", r#"{"reason": "Ordered by mistake."}"#),
    ("ProductChanges", r#"{"price": 2500, "version": 3}"#),
    ("UserChanges", r#"{"name": "Ada Lovelace", "version": 3}"#),
];

/// The examples of a document.
pub struct Examples {
    schemas: Value,
}

impl Examples {
    /// Returns the examples for the schemas of a document.
    pub fn of(document: &Value) -> Self {
        let schemas = document.pointer("/components/schemas");
        Self {
            schemas: schemas.cloned().unwrap_or_default(),
        }
    }

    /// Writes an example beside the schema of each JSON body and answer that has none.
    pub fn write(&self, document: &mut Value) {
        let paths = document.get_mut("paths").and_then(Value::as_object_mut);
        for item in paths.into_iter().flat_map(Map::values_mut) {
            for operation in item.as_object_mut().into_iter().flat_map(Map::values_mut) {
                if let Some(content) = operation.pointer_mut("/requestBody/content/application~1json") {
                    self.add(content, true);
                }
                let responses = operation.get_mut("responses").and_then(Value::as_object_mut);
                for response in responses.into_iter().flat_map(Map::values_mut) {
                    if let Some(content) = response.pointer_mut("/content/application~1json") {
                        self.add(content, false);
                    }
                }
            }
        }
    }

    fn add(&self, content: &mut Value, is_body: bool) {
        let example = self.sample("", content.get("schema").unwrap_or(&Value::Null), is_body);
        if let Some(content) = content.as_object_mut()
            && !example.is_null()
        {
            content.entry("example").or_insert(example);
        }
    }

    /// Returns a value of a schema. A body has its required fields only.
    fn sample(&self, field: &str, schema: &Value, is_body: bool) -> Value {
        if ["archivedAt", "erasedAt", "failure"].contains(&field) {
            return Value::Null;
        }
        let reference = schema.get("$ref").and_then(Value::as_str);
        if let Some(name) = reference.and_then(|reference| reference.rsplit('/').next()) {
            let known = BODIES.iter().find(|(known, _)| is_body && *known == name);
            if let Some(body) = known.and_then(|(_, body)| serde_json::from_str(body).ok()) {
                return body;
            }
            return self.sample(field, self.schemas.get(name).unwrap_or(&Value::Null), is_body);
        }
        let example = schema.get("examples").and_then(|all| all.get(0));
        if let Some(known) = example.or(schema.get("const")).or(schema.pointer("/enum/0")) {
            return known.clone();
        }
        for choices in ["oneOf", "anyOf"] {
            if let Some(first) = schema.get(choices).and_then(|all| all.get(0)) {
                return self.sample(field, first, is_body);
            }
        }
        let kind = match schema.get("type") {
            Some(Value::Array(kinds)) => kinds.iter().find(|kind| *kind != "null"),
            kind => kind,
        };
        match kind.and_then(Value::as_str) {
            Some("object") => self.object(schema, is_body),
            Some("array") => {
                let items = schema.get("items").unwrap_or(&Value::Null);
                json!([self.sample(field, items, is_body)])
            }
            Some("string") => text(field, schema),
            Some("integer" | "number") => number(field, schema),
            Some("boolean") => json!(true),
            _ => Value::Null,
        }
    }

    fn object(&self, schema: &Value, is_body: bool) -> Value {
        let required = schema.get("required").and_then(Value::as_array);
        let is_required = |name: &str| required.is_some_and(|names| names.iter().any(|other| other == name));
        let properties = schema.get("properties").and_then(Value::as_object);
        let fields = properties.into_iter().flatten();
        fields
            .filter(|(name, _)| !is_body || is_required(name))
            .map(|(name, schema)| (name.clone(), self.sample(name, schema, is_body)))
            .collect::<Map<_, _>>()
            .into()
    }
}

fn text(field: &str, schema: &Value) -> Value {
    if schema.get("format").and_then(Value::as_str) == Some("date-time") {
        return json!("2026-11-21T03:29:07.123Z");
    }
    json!(match field {
        "username" => "ada",
        "password" => "a long password",
        "email" | "to" => "ada@example.com",
        "phone" => "+4915112345678",
        "recipient" => "a…@example.com",
        "access_token" => "eyJhbGciOiJIUzI1NiJ9…",
        "refresh_token" | "clientSecret" => "q83vEjRWeJA…",
        "code" => "123456",
        "currency" => "EUR",
        "region" => "DE",
        "locale" => "de-DE",
        "paymentMethod" => "pm_card_visa",
        "url" => "https://shop.example/images/hat.jpg",
        "slug" => "felt-hat",
        "sku" | "externalId" => "HAT-1",
        "description" => "A green hat of wool felt.",
        "alt" => "A green hat",
        "text" => "Your order is on its way.",
        "html" => "<p>Your order is on its way.</p>",
        "reason" | "note" => "Ordered by mistake.",
        "name" => "Felt hat",
        "manufacturer" => "Zokks",
        "value" => "green",
        "discountCode" => "SPRING",
        "subject" => "Your order",
        "endCursor" => "MjAyNi0xMS0yMQ",
        "status" => "ready",
        id if id.ends_with("id") || id.ends_with("Id") => ID,
        _ => "A text.",
    })
}

fn number(field: &str, schema: &Value) -> Value {
    json!(match field {
        "price" | "unitPrice" | "minPrice" => 2_900,
        "compareAtPrice" => 3_900,
        "total" | "subtotal" | "amount" => 5_800,
        "quantity" | "requested" => 2,
        "version" => 3,
        "available" => 1,
        "discount" | "tax" | "refunded" | "position" => 0,
        _ => schema
            .get("minimum")
            .and_then(Value::as_i64)
            .unwrap_or_default()
            .max(1),
    })
}
