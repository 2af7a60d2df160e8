//! The services as traits, one for each interface of `wit/shop`.
//!
//! A service implements its traits in its own crate. In a component, `Imports` implements all of them by
//! calling the imported functions. `wit/shop` documents what each function does.
#![allow(
    missing_docs,
    clippy::missing_errors_doc,
    reason = "wit/shop documents the functions and their errors"
)]

use crate::accounts::{
    AuditFilter, AuditPage, Channel, Client, Contact, Credentials, ExternalIdentity, LoginName, PhoneCode,
    Registration, Session, SignIn, TokenClaims, User, UserPage, UserPatch,
};
use crate::carts::{Cart, Owner, Terms};
use crate::catalog::{
    Attribute, Category, CategoryPatch, Facets, ImportOutcome, ImportRow, MovementPage, NewCategory,
    NewProduct, Offer, Product, ProductChanges, ProductFilter, ProductPage, ProductPatch, ProductQuery,
    Stock, StockPolicy,
};
use crate::discounts::{Discount, DiscountPage, NewDiscount};
use crate::notifications::{Email, Notification, NotificationFilter, NotificationPage, Preference, Sms};
use crate::orders::{NewOrder, Order, OrderChanges, OrderPage, OrderQuery, Status};
use crate::payments::{Payment, PaymentInput, RefundInput};
use crate::types::{Caller, Error, Line, Money, Page, PricedLine, Role};
use crate::webhooks::{
    Delivery, DeliveryFilter, DeliveryPage, NewWebhook, SecretWebhook, Webhook, WebhookPatch,
};

/// Defines the trait of each interface, and implements it for `Imports`.
macro_rules! services {
    ($(
        $(#[$doc:meta])*
        trait $service:ident = $interface:ident {
            $(fn $function:ident($($argument:ident: $type:ty),* $(,)?) -> $answer:ty;)*
        }
    )*) => {$(
        $(#[$doc])*
        pub trait $service {
            $(fn $function(&self, $($argument: $type),*) -> Result<$answer, Error>;)*
        }

        #[cfg(target_arch = "wasm32")]
        impl $service for crate::ports::Imports {
            $(
                fn $function(&self, $($argument: $type),*) -> Result<$answer, Error> {
                    crate::bindings::mercato::shop::$interface::$function($($argument),*)
                }
            )*
        }
    )*};
}

services! {
    /// The interface `mercato:shop/accounts`.
    trait Accounts = accounts {
        fn register(input: &Registration, client: &Client) -> SignIn;
        fn login(caller: &Caller, input: &Credentials, client: &Client) -> SignIn;
        fn standing(token: &TokenClaims) -> Role;
        fn sign_in_external(identity: &ExternalIdentity) -> User;
        fn refresh(refresh_token: &str, client: &Client) -> SignIn;
        fn logout(caller: &Caller, refresh_token: Option<&str>) -> bool;
        fn sessions(caller: &Caller, user_id: Option<&str>) -> Vec<Session>;
        fn revoke_session(caller: &Caller, id: &str) -> Session;
        fn get_many(caller: &Caller, ids: &[String]) -> Vec<Result<User, Error>>;
        fn list(caller: &Caller, page: &Page) -> UserPage;
        fn find(caller: &Caller, name: &LoginName) -> Option<User>;
        fn update(caller: &Caller, id: &str, version: u64, patch: &UserPatch) -> User;
        fn change_password(caller: &Caller, current: &str, new: &str) -> User;
        fn request_password_reset(email: &str, client: &Client) -> u32;
        fn reset_password(token: &str, password: &str, client: &Client) -> User;
        fn request_verification(caller: &Caller, channel: Channel, client: &Client) -> u64;
        fn verify(caller: &Caller, channel: Channel, code: &str) -> User;
        fn set_role(caller: &Caller, id: &str, role: Role) -> User;
        fn export(caller: &Caller, id: &str) -> String;
        fn erase(caller: &Caller, id: &str) -> User;
        fn audit_log(caller: &Caller, filter: &AuditFilter, page: &Page) -> AuditPage;
    }

    /// The interface `mercato:shop/contacts`.
    trait Contacts = contacts {
        fn look_up(ids: &[String]) -> Vec<Option<Contact>>;
        fn look_up_code(user_id: &str, verification_id: &str) -> Option<PhoneCode>;
    }

    /// The interface `mercato:shop/catalog`.
    trait Catalog = catalog {
        fn create(caller: &Caller, input: &NewProduct) -> Product;
        fn import_many(
            caller: &Caller, rows: &[ImportRow], stock: StockPolicy,
        ) -> Vec<Result<ImportOutcome, Error>>;
        fn update(caller: &Caller, id: &str, version: u64, patch: &ProductPatch) -> Product;
        fn archive(caller: &Caller, id: &str, version: u64) -> Product;
        fn receive_stock(caller: &Caller, id: &str, quantity: i64) -> Product;
        fn adjust_stock(caller: &Caller, id: &str, delta: i64, reason: &str) -> Product;
        fn set_stock(caller: &Caller, id: &str, quantity: i64, reason: Option<&str>) -> Product;
        fn stock_movements(caller: &Caller, id: &str, page: &Page) -> MovementPage;
        fn categories() -> Vec<Category>;
        fn create_category(caller: &Caller, input: &NewCategory) -> Category;
        fn update_category(caller: &Caller, id: &str, patch: &CategoryPatch) -> Category;
        fn move_category(caller: &Caller, id: &str, parent_id: Option<&str>) -> Category;
        fn delete_category(caller: &Caller, id: &str) -> Category;
        fn create_variant(
            caller: &Caller, parent_id: &str, options: &[Attribute], input: &NewProduct,
        ) -> Product;
        fn list(query: &ProductQuery) -> ProductPage;
        fn count_facets(filter: &ProductFilter) -> Facets;
        fn get_many(ids: &[String]) -> Vec<Option<Product>>;
        fn get_offers(ids: &[String]) -> Vec<Option<Offer>>;
        fn get_many_including_archived(ids: &[String]) -> Vec<Option<Product>>;
        fn list_archived(caller: &Caller, page: &Page) -> ProductPage;
        fn get_stock_many(caller: &Caller, ids: &[String]) -> Vec<Option<Stock>>;
        fn changes(ids: Option<&[String]>, after: Option<&str>) -> ProductChanges;
    }

    /// The interface `mercato:shop/inventory`.
    trait Inventory = inventory {
        fn reserve(order_id: &str, lines: &[Line], due: u64) -> Vec<PricedLine>;
        fn settle_many(order_ids: &[String]) -> Vec<Result<(), Error>>;
        fn release(order_id: &str) -> ();
        fn restock(order_id: &str) -> ();
    }

    /// The interface `mercato:shop/orders`.
    trait Orders = orders {
        fn place(caller: &Caller, input: &NewOrder) -> Order;
        fn update_status(
            caller: &Caller, id: &str, status: Status, version: Option<u64>, note: Option<&str>,
        ) -> Order;
        fn cancel(caller: &Caller, id: &str, reason: Option<&str>) -> Order;
        fn get_many(caller: &Caller, ids: &[String]) -> Vec<Result<Order, Error>>;
        fn list(caller: &Caller, query: &OrderQuery) -> OrderPage;
        fn changes(caller: &Caller, id: Option<&str>, after: Option<&str>) -> OrderChanges;
    }

    /// The interface `mercato:shop/placement`.
    trait Placement = placement {
        fn place(
            caller: &Caller, order_id: &str, user_id: &str, input: &NewOrder, expected_subtotal: Option<i64>,
        ) -> Order;
        fn withdraw(caller: &Caller, order_id: &str, user_id: &str) -> Option<Order>;
    }

    /// The interface `mercato:shop/settlement`.
    trait Settlement = settlement {
        fn mark_paid(order_id: &str, amount: &Money) -> ();
        fn mark_refunded(order_id: &str) -> ();
    }

    /// The interface `mercato:shop/discounts`.
    trait Discounts = discounts {
        fn create(caller: &Caller, input: &NewDiscount) -> Discount;
        fn disable(caller: &Caller, code: &str) -> Discount;
        fn get_many(caller: &Caller, codes: &[String]) -> Vec<Result<Discount, Error>>;
        fn list(caller: &Caller, page: &Page) -> DiscountPage;
    }

    /// The interface `mercato:shop/carts`.
    trait Carts = carts {
        fn view(caller: &Caller, owner: &Owner) -> Cart;
        fn add(caller: &Caller, owner: &Owner, product_id: &str, quantity: u32) -> Cart;
        fn update(caller: &Caller, owner: &Owner, product_id: &str, quantity: u32) -> Cart;
        fn clear(caller: &Caller, owner: &Owner) -> Cart;
        fn merge(caller: &Caller, guest: &str) -> Cart;
        fn erase(caller: &Caller, user_id: &str) -> ();
        fn checkout(caller: &Caller, user_id: Option<&str>, terms: &Terms) -> Order;
    }

    /// The interface `mercato:shop/payments`.
    trait Payments = payments {
        fn pay(caller: &Caller, input: &PaymentInput) -> Payment;
        fn refund(caller: &Caller, input: &RefundInput) -> Payment;
        fn get_many(caller: &Caller, ids: &[String]) -> Vec<Result<Option<Payment>, Error>>;
        fn handle_webhook(body: &[u8], signature: &str) -> ();
        fn ready() -> ();
    }

    /// The interface `mercato:shop/notifications`.
    trait Notifications = notifications {
        fn get_many(caller: &Caller, ids: &[String]) -> Vec<Result<Notification, Error>>;
        fn list(caller: &Caller, filter: &NotificationFilter, page: &Page) -> NotificationPage;
        fn preferences(caller: &Caller, user_id: Option<&str>) -> Vec<Preference>;
        fn set_preferences(
            caller: &Caller, user_id: Option<&str>, choices: &[Preference],
        ) -> Vec<Preference>;
        fn send_email(caller: &Caller, input: &Email) -> Notification;
        fn send_sms(caller: &Caller, input: &Sms) -> Notification;
        fn retry(caller: &Caller, id: &str) -> Notification;
    }

    /// The interface `mercato:shop/webhooks`.
    trait Webhooks = webhooks {
        fn create(caller: &Caller, input: &NewWebhook) -> SecretWebhook;
        fn update(caller: &Caller, id: &str, patch: &WebhookPatch) -> Webhook;
        fn delete(caller: &Caller, id: &str) -> Webhook;
        fn rotate_secret(caller: &Caller, id: &str) -> SecretWebhook;
        fn list(caller: &Caller) -> Vec<Webhook>;
        fn get_deliveries(caller: &Caller, ids: &[String]) -> Vec<Result<Delivery, Error>>;
        fn deliveries(caller: &Caller, filter: &DeliveryFilter, page: &Page) -> DeliveryPage;
        fn replay(caller: &Caller, id: &str) -> Delivery;
    }
}
