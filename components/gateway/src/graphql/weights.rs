//! The weights of fields, and the lengths of their lists.
//!
//! A field costs 1 and its weight. The fields below a list count once for each item of the list. Most lists
//! have a limit or a page. Where lists are far shorter than their limit, a typical length counts.

/// How often the fields below a field count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Length {
    /// As often as the list has items, or once.
    Items(usize),
    /// As often as the page of the connection has items, by `first` or `last`. Only the items of the page
    /// count.
    Page,
    /// These are the items of a page.
    PageItems,
    /// As often as there are `ids`, or this number without them.
    Ids(usize),
}

/// What a field costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Weight {
    /// The cost of the field itself, in addition to 1.
    pub own: usize,
    /// How often the fields below it count.
    pub length: Length,
}

/// The weight of a search by text, in addition to the field that has it.
pub const SEARCH: usize = 600;

/// The weight of counting the items of all pages.
const TOTAL: usize = 500;

/// The weight of facets. Anonymous callers count at most ten in a request.
const FACETS: usize = 2_900;

/// The weight of exports, which read hundreds of documents.
const EXPORT: usize = 1_000;

/// The weight of a lookup of each type.
const ANY_TYPE: usize = 5;

/// The results of a subscription in one answer.
const RESULTS: usize = 20;

/// Returns the weight of a field of the root types.
pub fn of_root(name: &str) -> Weight {
    let (own, length) = match name {
        "products" => (0, Length::Items(1_000)),
        "users" | "orders" | "sessions" => (0, Length::Items(100)),
        "categories" => (0, Length::Items(30)),
        "webhooks" => (0, Length::Items(50)),
        "notificationPreferences" | "updateNotificationPreferences" => (0, Length::Items(10)),
        "productConnection" | "archivedProducts" | "stockMovements" | "orderConnection"
        | "userConnection" | "auditLog" | "discounts" | "notifications" | "webhookDeliveries" => {
            (0, Length::Page)
        }
        "productFacets" => (FACETS, Length::Items(1)),
        "exportProducts" | "exportUser" => (EXPORT, Length::Items(1)),
        "node" => (ANY_TYPE, Length::Items(1)),
        "nodes" => (ANY_TYPE, Length::Ids(100)),
        "productChanged" => (0, Length::Ids(RESULTS)),
        "orderChanged" => (0, Length::Items(RESULTS)),
        _ => (0, Length::Items(1)),
    };
    Weight { own, length }
}

/// Returns the weight of a field of any other type.
pub fn of(name: &str) -> Weight {
    let (own, length) = match name {
        "edges" | "nodes" => (0, Length::PageItems),
        "totalCount" => (TOTAL, Length::Items(1)),
        "outcomes" => (0, Length::Items(500)),
        "manufacturers" => (0, Length::Items(50)),
        "categories" => (0, Length::Items(20)),
        "attributes" | "lines" | "products" => (0, Length::Items(10)),
        "ancestors" | "changes" | "children" | "images" | "prices" | "refunds" | "timeline" | "variants" => {
            (0, Length::Items(5))
        }
        "options" => (0, Length::Items(3)),
        _ => (0, Length::Items(1)),
    };
    Weight { own, length }
}

#[cfg(test)]
mod tests {
    use async_graphql::parser::parse_schema;
    use async_graphql::parser::types::{BaseType, FieldDefinition, Type, TypeKind, TypeSystemDefinition};

    use super::*;
    use crate::graphql::schema;

    /// Calls a function with each field of each object type, and the name of its type.
    fn each_field(mut check: impl FnMut(&str, &FieldDefinition)) {
        let document = parse_schema(schema::build().sdl()).unwrap();
        for definition in document.definitions {
            let TypeSystemDefinition::Type(definition) = definition else {
                continue;
            };
            if let TypeKind::Object(object) = &definition.node.kind {
                for field in &object.fields {
                    check(&definition.node.name.node, &field.node);
                }
            }
        }
    }

    fn named(ty: &Type) -> (bool, &str) {
        match &ty.base {
            BaseType::Named(name) => (false, name),
            BaseType::List(item) => (true, named(item).1),
        }
    }

    #[test]
    fn every_list_and_every_connection_has_a_length_and_no_other_field() {
        let mut fields = 0;
        each_field(|parent, field| {
            let is_root = ["Query", "Mutation", "Subscription"].contains(&parent);
            let name = field.name.node.as_str();
            let (is_list, ty) = named(&field.ty.node);
            let length = if is_root { of_root(name) } else { of(name) }.length;
            let is_value = ["String", "Int", "ID"].contains(&ty);
            let has_ids = field
                .arguments
                .iter()
                .any(|argument| argument.node.name.node == "ids");
            let expected = match length {
                Length::Items(items) if parent == "Subscription" => items == RESULTS,
                Length::Items(items) if is_list && !is_value => items > 1,
                Length::Items(items) => items == 1 && !ty.ends_with("Connection"),
                Length::Page => ty.ends_with("Connection"),
                Length::PageItems => is_list && parent.ends_with("Connection"),
                Length::Ids(_) => has_ids,
            };
            assert!(expected, "{parent}.{name} has {length:?}");
            fields += 1;
        });
        assert!(fields > 300, "{fields}");
    }

    #[test]
    fn expensive_fields_weigh_more() {
        assert!(of_root("productFacets").own > of_root("exportProducts").own);
        assert!(of_root("exportUser").own > of("totalCount").own);
        assert_eq!(of("name").own, 0);
    }
}
