//! The services as traits: implemented by their domain logic, and by the imports of a component that calls them.
//! What the functions mean is said once, in `wit/shop`.
#![allow(
    clippy::missing_errors_doc,
    reason = "the WIT documentation says what each function refuses"
)]

use crate::accounts::{
    AuditFilter, AuditPage, Channel, Client, Credentials, Session, SignIn, User, UserPage, UserPatch,
};
use crate::catalog::{ImportOutcome, NewProduct, Product, ProductPage, ProductPatch, ProductQuery, Stock};
use crate::discounts::{Discount, DiscountPage, NewDiscount};
use crate::orders::{NewOrder, Order, OrderPage, OrderQuery, Status};
use crate::types::{Caller, Error, Line, Page, PricedLine, Role};

/// `mercato:shop/accounts`.
pub trait Accounts {
    /// `register`
    fn register(&self, input: Credentials, client: Client) -> Result<SignIn, Error>;
    /// `login`
    fn login(&self, caller: &Caller, input: Credentials, client: Client) -> Result<SignIn, Error>;
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
    /// `receive`
    fn receive(&self, caller: &Caller, id: &str, quantity: i64) -> Result<Product, Error>;
    /// `deduct`
    fn deduct(&self, caller: &Caller, id: &str, quantity: i64) -> Result<Product, Error>;
    /// `list`
    fn list(&self, query: &ProductQuery) -> Result<ProductPage, Error>;
    /// `get-many`
    fn get_many(&self, ids: &[String]) -> Result<Vec<Option<Product>>, Error>;
    /// `stock-many`
    fn stock_many(&self, caller: &Caller, ids: &[String]) -> Result<Vec<Option<Stock>>, Error>;
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
