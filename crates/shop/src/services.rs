//! The services as traits: implemented by their domain logic, and by the imports of a component that calls them.
//! What the functions mean is said once, in `wit/shop`.
#![allow(
    clippy::missing_errors_doc,
    reason = "the WIT documentation says what each function refuses"
)]

use crate::accounts::{
    AuditFilter, AuditPage, Channel, Client, Contact, Credentials, ExternalIdentity, PhoneCode, Session,
    SignIn, User, UserPage, UserPatch,
};
use crate::carts::{Cart, Terms, Whose};
use crate::catalog::{
    Attribute, Category, CategoryPatch, Facets, ImportOutcome, MovementPage, NewCategory, NewProduct,
    Product, ProductChanges, ProductFilter, ProductPage, ProductPatch, ProductQuery, Stock,
};
use crate::discounts::{Discount, DiscountPage, NewDiscount};
use crate::notifications::{Email, Notification, NotificationFilter, NotificationPage, Preference, Sms};
use crate::orders::{NewOrder, Order, OrderChanges, OrderPage, OrderQuery, Status};
use crate::payments::{Payment, PaymentInput, RefundInput};
use crate::types::{Caller, Error, Line, Money, Page, PricedLine, Role};
use crate::webhooks::{
    Delivery, DeliveryFilter, DeliveryPage, NewWebhook, SecretWebhook, Webhook, WebhookPatch,
};

/// `mercato:shop/accounts`.
pub trait Accounts {
    /// `register`
    fn register(&self, input: Credentials, client: Client) -> Result<SignIn, Error>;
    /// `login`
    fn login(&self, caller: &Caller, input: Credentials, client: Client) -> Result<SignIn, Error>;
    /// `sign-in-external`
    fn sign_in_external(&self, identity: ExternalIdentity) -> Result<User, Error>;
    /// `refresh`
    fn refresh(&self, refresh_token: &str, client: Client) -> Result<SignIn, Error>;
    /// `logout`
    fn logout(&self, caller: &Caller, refresh_token: Option<&str>) -> Result<bool, Error>;
    /// `sessions`
    fn sessions(&self, caller: &Caller, user_id: Option<&str>) -> Result<Vec<Session>, Error>;
    /// `revoke-session`
    fn revoke_session(&self, caller: &Caller, id: &str) -> Result<Session, Error>;
    /// `get-many`
    fn get_many(&self, caller: &Caller, ids: &[String]) -> Result<Vec<Result<User, Error>>, Error>;
    /// `list`
    fn list(&self, caller: &Caller, page: &Page) -> Result<UserPage, Error>;
    /// `update`
    fn update(&self, caller: &Caller, id: &str, version: u64, patch: UserPatch) -> Result<User, Error>;
    /// `change-password`
    fn change_password(&self, caller: &Caller, current: &str, new: &str) -> Result<User, Error>;
    /// `request-verification`
    fn request_verification(&self, caller: &Caller, channel: Channel) -> Result<u64, Error>;
    /// `verify`
    fn verify(&self, caller: &Caller, channel: Channel, code: &str) -> Result<User, Error>;
    /// `set-role`
    fn set_role(&self, caller: &Caller, id: &str, role: Role) -> Result<User, Error>;
    /// `export`
    fn export(&self, caller: &Caller, id: &str) -> Result<String, Error>;
    /// `erase`
    fn erase(&self, caller: &Caller, id: &str) -> Result<User, Error>;
    /// `audit-log`
    fn audit_log(&self, caller: &Caller, filter: &AuditFilter, page: &Page) -> Result<AuditPage, Error>;
}

/// `mercato:shop/contacts`.
pub trait Contacts {
    /// `look-up`
    fn look_up(&self, ids: &[String]) -> Result<Vec<Option<Contact>>, Error>;
    /// `look-up-code`
    fn look_up_code(&self, user_id: &str, verification_id: &str) -> Result<Option<PhoneCode>, Error>;
}

/// `mercato:shop/catalog`.
pub trait Catalog {
    /// `create`
    fn create(&self, caller: &Caller, input: NewProduct) -> Result<Product, Error>;
    /// `import-many`
    fn import_many(
        &self,
        caller: &Caller,
        rows: Vec<NewProduct>,
    ) -> Result<Vec<Result<ImportOutcome, Error>>, Error>;
    /// `update`
    fn update(&self, caller: &Caller, id: &str, version: u64, patch: ProductPatch) -> Result<Product, Error>;
    /// `archive`
    fn archive(&self, caller: &Caller, id: &str, version: u64) -> Result<Product, Error>;
    /// `receive`
    fn receive(&self, caller: &Caller, id: &str, quantity: i64) -> Result<Product, Error>;
    /// `adjust-stock`
    fn adjust_stock(&self, caller: &Caller, id: &str, delta: i64, reason: &str) -> Result<Product, Error>;
    /// `set-stock`
    fn set_stock(
        &self,
        caller: &Caller,
        id: &str,
        quantity: i64,
        reason: Option<&str>,
    ) -> Result<Product, Error>;
    /// `stock-movements`
    fn stock_movements(&self, caller: &Caller, id: &str, page: &Page) -> Result<MovementPage, Error>;
    /// `categories`
    fn categories(&self) -> Result<Vec<Category>, Error>;
    /// `create-category`
    fn create_category(&self, caller: &Caller, input: NewCategory) -> Result<Category, Error>;
    /// `update-category`
    fn update_category(&self, caller: &Caller, id: &str, patch: &CategoryPatch) -> Result<Category, Error>;
    /// `move-category`
    fn move_category(&self, caller: &Caller, id: &str, parent_id: Option<&str>) -> Result<Category, Error>;
    /// `delete-category`
    fn delete_category(&self, caller: &Caller, id: &str) -> Result<Category, Error>;
    /// `create-variant`
    fn create_variant(
        &self,
        caller: &Caller,
        parent_id: &str,
        options: Vec<Attribute>,
        input: NewProduct,
    ) -> Result<Product, Error>;
    /// `list`
    fn list(&self, query: &ProductQuery) -> Result<ProductPage, Error>;
    /// `count-facets`
    fn count_facets(&self, filter: &ProductFilter) -> Result<Facets, Error>;
    /// `get-many`
    fn get_many(&self, ids: &[String]) -> Result<Vec<Option<Product>>, Error>;
    /// `get-ever-many`
    fn get_ever_many(&self, ids: &[String]) -> Result<Vec<Option<Product>>, Error>;
    /// `archived`
    fn archived(&self, caller: &Caller, page: &Page) -> Result<ProductPage, Error>;
    /// `stock-many`
    fn stock_many(&self, caller: &Caller, ids: &[String]) -> Result<Vec<Option<Stock>>, Error>;
    /// `changes`
    fn changes(&self, ids: Option<&[String]>, after: Option<&str>) -> Result<ProductChanges, Error>;
}

/// `mercato:shop/inventory`.
pub trait Inventory {
    /// `reserve`
    fn reserve(&self, order_id: &str, lines: &[Line], due: u64) -> Result<Vec<PricedLine>, Error>;
    /// `settle`
    fn settle(&self, order_id: &str) -> Result<(), Error>;
    /// `release`
    fn release(&self, order_id: &str) -> Result<(), Error>;
    /// `restock`
    fn restock(&self, order_id: &str) -> Result<(), Error>;
}

/// `mercato:shop/orders`.
pub trait Orders {
    /// `place`
    fn place(&self, caller: &Caller, input: &NewOrder) -> Result<Order, Error>;
    /// `update-status`
    fn update_status(
        &self,
        caller: &Caller,
        id: &str,
        status: Status,
        version: Option<u64>,
        note: Option<&str>,
    ) -> Result<Order, Error>;
    /// `cancel`
    fn cancel(&self, caller: &Caller, id: &str, reason: Option<&str>) -> Result<Order, Error>;
    /// `get-many`
    fn get_many(&self, caller: &Caller, ids: &[String]) -> Result<Vec<Result<Order, Error>>, Error>;
    /// `list`
    fn list(&self, caller: &Caller, query: &OrderQuery) -> Result<OrderPage, Error>;
    /// `changes`
    fn changes(&self, caller: &Caller, id: Option<&str>, after: Option<&str>) -> Result<OrderChanges, Error>;
}

/// `mercato:shop/discounts`.
pub trait Discounts {
    /// `create`
    fn create(&self, caller: &Caller, input: NewDiscount) -> Result<Discount, Error>;
    /// `disable`
    fn disable(&self, caller: &Caller, code: &str) -> Result<Discount, Error>;
    /// `list`
    fn list(&self, caller: &Caller, page: &Page) -> Result<DiscountPage, Error>;
}

/// `mercato:shop/placement`.
pub trait Placement {
    /// `place`
    fn place(
        &self,
        caller: &Caller,
        order_id: &str,
        user_id: &str,
        input: &NewOrder,
        expected_subtotal: Option<i64>,
    ) -> Result<Order, Error>;
    /// `withdraw`
    fn withdraw(&self, caller: &Caller, order_id: &str, user_id: &str) -> Result<Option<Order>, Error>;
}

/// `mercato:shop/carts`.
pub trait Carts {
    /// `view`
    fn view(&self, caller: &Caller, whose: &Whose) -> Result<Cart, Error>;
    /// `add`
    fn add(&self, caller: &Caller, whose: &Whose, product_id: &str, quantity: u32) -> Result<Cart, Error>;
    /// `update`
    fn update(&self, caller: &Caller, whose: &Whose, product_id: &str, quantity: u32) -> Result<Cart, Error>;
    /// `clear`
    fn clear(&self, caller: &Caller, whose: &Whose) -> Result<Cart, Error>;
    /// `merge`
    fn merge(&self, caller: &Caller, guest: &str) -> Result<Cart, Error>;
    /// `forget`
    fn forget(&self, caller: &Caller, user_id: &str) -> Result<(), Error>;
    /// `checkout`
    fn checkout(&self, caller: &Caller, user_id: Option<&str>, terms: &Terms) -> Result<Order, Error>;
}

/// `mercato:shop/settlement`.
pub trait Settlement {
    /// `paid`
    fn paid(&self, order_id: &str, amount: &Money) -> Result<(), Error>;
    /// `refunded`
    fn refunded(&self, order_id: &str) -> Result<(), Error>;
}

/// `mercato:shop/payments`.
pub trait Payments {
    /// `pay`
    fn pay(&self, caller: &Caller, input: &PaymentInput) -> Result<Payment, Error>;
    /// `refund`
    fn refund(&self, caller: &Caller, input: &RefundInput) -> Result<Payment, Error>;
    /// `get-many`
    fn get_many(&self, caller: &Caller, ids: &[String])
    -> Result<Vec<Result<Option<Payment>, Error>>, Error>;
    /// `webhook`
    fn webhook(&self, body: &[u8], signature: &str) -> Result<(), Error>;
    /// `ready`
    fn ready(&self) -> Result<(), Error>;
}

/// `mercato:shop/notifications`.
pub trait Notifications {
    /// `list`
    fn list(
        &self,
        caller: &Caller,
        filter: &NotificationFilter,
        page: &Page,
    ) -> Result<NotificationPage, Error>;
    /// `preferences`
    fn preferences(&self, caller: &Caller, user_id: Option<&str>) -> Result<Vec<Preference>, Error>;
    /// `set-preferences`
    fn set_preferences(
        &self,
        caller: &Caller,
        user_id: Option<&str>,
        choices: &[Preference],
    ) -> Result<Vec<Preference>, Error>;
    /// `send-email`
    fn send_email(&self, caller: &Caller, input: &Email) -> Result<Notification, Error>;
    /// `send-sms`
    fn send_sms(&self, caller: &Caller, input: &Sms) -> Result<Notification, Error>;
    /// `retry`
    fn retry(&self, caller: &Caller, id: &str) -> Result<Notification, Error>;
}

/// `mercato:shop/webhooks`.
pub trait Webhooks {
    /// `create`
    fn create(&self, caller: &Caller, input: &NewWebhook) -> Result<SecretWebhook, Error>;
    /// `update`
    fn update(&self, caller: &Caller, id: &str, patch: &WebhookPatch) -> Result<Webhook, Error>;
    /// `delete`
    fn delete(&self, caller: &Caller, id: &str) -> Result<Webhook, Error>;
    /// `rotate-secret`
    fn rotate_secret(&self, caller: &Caller, id: &str) -> Result<SecretWebhook, Error>;
    /// `list`
    fn list(&self, caller: &Caller) -> Result<Vec<Webhook>, Error>;
    /// `deliveries`
    fn deliveries(
        &self,
        caller: &Caller,
        filter: &DeliveryFilter,
        page: &Page,
    ) -> Result<DeliveryPage, Error>;
    /// `replay`
    fn replay(&self, caller: &Caller, id: &str) -> Result<Delivery, Error>;
}
