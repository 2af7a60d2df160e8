//! What the guests of Mercato share: the types of the domain as `wit/shop` defines them, the services as traits,
//! typed collections over the port `documents`, ids and cursors.

pub mod address;
pub mod audit;
mod bindings;
pub mod breaker;
pub mod browsers;
pub mod cache;
mod caller;
pub mod changes;
pub mod collection;
pub mod currency;
pub mod cursor;
mod details;
pub mod error;
pub mod external;
pub mod id;
pub mod locale;
pub mod ports;
pub mod pruning;
pub mod services;
pub mod settings;
#[cfg(all(feature = "testing", not(target_arch = "wasm32")))]
pub mod testing;
pub mod token_keys;

/// What all services speak of: callers, money, errors.
pub mod types {
    pub use crate::bindings::mercato::shop::types::{
        Caller, Error, Line, Money, Page, PricedLine, Role, Shortage, SignedIn, Violation,
    };
}

/// What the accounts service speaks of.
pub mod accounts {
    pub use crate::bindings::mercato::shop::account_types::{
        AuditAction, AuditEdge, AuditEntry, AuditFilter, AuditOutcome, AuditPage, Channel, Client, Contact,
        Credentials, ExternalIdentity, PhoneCode, Session, SignIn, User, UserEdge, UserPage, UserPatch,
    };
}

/// What the catalog service speaks of.
pub mod catalog {
    pub use crate::bindings::mercato::shop::product_types::{
        Attribute, Category, CategoryPatch, Facet, Facets, Image, ImportOutcome, MovementEdge, MovementKind,
        MovementPage, NewCategory, NewProduct, PriceFacet, Product, ProductChange, ProductChanges,
        ProductDetails, ProductEdge, ProductFilter, ProductPage, ProductPatch, ProductQuery, ProductSort,
        SortKey, Stock, StockMovement,
    };
}

/// What the orders service speaks of.
pub mod orders {
    pub use crate::bindings::mercato::shop::order_types::{
        Actor, Amounts, NewOrder, Order, OrderChange, OrderChanges, OrderEdge, OrderFilter, OrderLine,
        OrderPage, OrderQuery, Status, StatusChange,
    };
}

/// What the carts service speaks of.
pub mod carts {
    pub use crate::bindings::mercato::shop::cart_types::{Cart, CartLine, Change, ChangeKind, Terms, Whose};
}

/// What the orders service says of discount codes.
pub mod discounts {
    pub use crate::bindings::mercato::shop::discount_types::{
        Discount, DiscountEdge, DiscountPage, NewDiscount, Reduction,
    };
}

/// What the payments service speaks of.
pub mod payments {
    pub use crate::bindings::mercato::shop::payment_types::{
        Payment, PaymentInput, PaymentStatus, Refund, RefundInput, RefundStatus,
    };
}

/// What the notifications service speaks of.
pub mod notifications {
    pub use crate::bindings::mercato::shop::notification_types::{
        Email, Kind, Medium, Notification, NotificationEdge, NotificationFilter, NotificationPage,
        NotificationStatus, Preference, Sms,
    };
}

/// What the webhooks service speaks of.
pub mod webhooks {
    pub use crate::bindings::mercato::shop::webhook_types::{
        Delivery, DeliveryEdge, DeliveryFilter, DeliveryPage, DeliveryStatus, NewWebhook, SecretWebhook,
        Webhook, WebhookPatch,
    };
}

/// The generated modules under their WIT names, for the services' `wit_bindgen::generate!` to map onto (option `with`).
pub mod wit {
    pub use crate::bindings::mercato::shop::{
        account_types, cart_types, discount_types, notification_types, order_types, payment_types,
        product_types, types, webhook_types,
    };
}

/// The allocator of every guest: the standard library's own takes a good part of a request's time in WebAssembly.
#[cfg(target_arch = "wasm32")]
#[global_allocator]
static ALLOCATOR: talc::wasm::WasmDynamicTalc = talc::wasm::new_wasm_dynamic_allocator();
