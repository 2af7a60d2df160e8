//! The services behind the component's imports.

use mercato_common::accounts::{
    AuditFilter, AuditPage, Channel, Client, Credentials, Session, SignIn, User, UserPage, UserPatch,
};
use mercato_common::catalog::{
    ImportOutcome, NewProduct, Product, ProductPage, ProductPatch, ProductQuery, Stock,
};
use mercato_common::discounts::{Discount, DiscountPage, NewDiscount};
use mercato_common::orders::{NewOrder, Order, OrderPage, OrderQuery, Status};
use mercato_common::services::{Accounts, Catalog, Discounts, Orders};
use mercato_common::types::{Caller, Error, Page, Role};

use super::bindings::mercato::shop::{accounts, catalog, discounts, orders};

/// Whatever the composition has put behind the imports.
pub struct Remote;

impl Accounts for Remote {
    fn register(&self, input: Credentials, client: Client) -> Result<SignIn, Error> {
        accounts::register(&input, &client)
    }

    fn login(&self, caller: &Caller, input: Credentials, client: Client) -> Result<SignIn, Error> {
        accounts::login(caller, &input, &client)
    }

    fn refresh(&self, refresh_token: &str, client: Client) -> Result<SignIn, Error> {
        accounts::refresh(refresh_token, &client)
    }

    fn logout(&self, caller: &Caller, refresh_token: Option<&str>) -> Result<bool, Error> {
        accounts::logout(caller, refresh_token)
    }

    fn sessions(&self, caller: &Caller, user_id: Option<&str>) -> Result<Vec<Session>, Error> {
        accounts::sessions(caller, user_id)
    }

    fn revoke_session(&self, caller: &Caller, id: &str) -> Result<Session, Error> {
        accounts::revoke_session(caller, id)
    }

    fn get_many(&self, caller: &Caller, ids: &[String]) -> Result<Vec<Result<User, Error>>, Error> {
        accounts::get_many(caller, ids)
    }

    fn list(&self, caller: &Caller, page: &Page) -> Result<UserPage, Error> {
        accounts::list(caller, page)
    }

    fn update(&self, caller: &Caller, id: &str, version: u64, patch: UserPatch) -> Result<User, Error> {
        accounts::update(caller, id, version, &patch)
    }

    fn change_password(&self, caller: &Caller, current: &str, new: &str) -> Result<User, Error> {
        accounts::change_password(caller, current, new)
    }

    fn request_verification(&self, caller: &Caller, channel: Channel) -> Result<u64, Error> {
        accounts::request_verification(caller, channel)
    }

    fn verify(&self, caller: &Caller, channel: Channel, code: &str) -> Result<User, Error> {
        accounts::verify(caller, channel, code)
    }

    fn set_role(&self, caller: &Caller, id: &str, role: Role) -> Result<User, Error> {
        accounts::set_role(caller, id, role)
    }

    fn export(&self, caller: &Caller, id: &str) -> Result<String, Error> {
        accounts::export(caller, id)
    }

    fn erase(&self, caller: &Caller, id: &str) -> Result<User, Error> {
        accounts::erase(caller, id)
    }

    fn audit_log(&self, caller: &Caller, filter: &AuditFilter, page: &Page) -> Result<AuditPage, Error> {
        accounts::audit_log(caller, filter, page)
    }
}

impl Catalog for Remote {
    fn create(&self, caller: &Caller, input: NewProduct) -> Result<Product, Error> {
        catalog::create(caller, &input)
    }

    fn import_many(
        &self,
        caller: &Caller,
        rows: Vec<NewProduct>,
    ) -> Result<Vec<Result<ImportOutcome, Error>>, Error> {
        catalog::import_many(caller, &rows)
    }

    fn update(&self, caller: &Caller, id: &str, version: u64, patch: ProductPatch) -> Result<Product, Error> {
        catalog::update(caller, id, version, &patch)
    }

    fn receive(&self, caller: &Caller, id: &str, quantity: i64) -> Result<Product, Error> {
        catalog::receive(caller, id, quantity)
    }

    fn deduct(&self, caller: &Caller, id: &str, quantity: i64) -> Result<Product, Error> {
        catalog::deduct(caller, id, quantity)
    }

    fn list(&self, query: &ProductQuery) -> Result<ProductPage, Error> {
        catalog::list(query)
    }

    fn get_many(&self, ids: &[String]) -> Result<Vec<Option<Product>>, Error> {
        catalog::get_many(ids)
    }

    fn stock_many(&self, caller: &Caller, ids: &[String]) -> Result<Vec<Option<Stock>>, Error> {
        catalog::stock_many(caller, ids)
    }
}

impl Orders for Remote {
    fn place(&self, caller: &Caller, input: &NewOrder) -> Result<Order, Error> {
        orders::place(caller, input)
    }

    fn update_status(
        &self,
        caller: &Caller,
        id: &str,
        status: Status,
        version: Option<u64>,
        note: Option<&str>,
    ) -> Result<Order, Error> {
        orders::update_status(caller, id, status, version, note)
    }

    fn cancel(&self, caller: &Caller, id: &str, reason: Option<&str>) -> Result<Order, Error> {
        orders::cancel(caller, id, reason)
    }

    fn get_many(&self, caller: &Caller, ids: &[String]) -> Result<Vec<Result<Order, Error>>, Error> {
        orders::get_many(caller, ids)
    }

    fn list(&self, caller: &Caller, query: &OrderQuery) -> Result<OrderPage, Error> {
        orders::list(caller, query)
    }
}

impl Discounts for Remote {
    fn create(&self, caller: &Caller, input: NewDiscount) -> Result<Discount, Error> {
        discounts::create(caller, &input)
    }

    fn disable(&self, caller: &Caller, code: &str) -> Result<Discount, Error> {
        discounts::disable(caller, code)
    }

    fn list(&self, caller: &Caller, page: &Page) -> Result<DiscountPage, Error> {
        discounts::list(caller, page)
    }
}
