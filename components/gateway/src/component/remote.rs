//! The services behind the component's imports.

use mercato_shop::accounts::{
    AuditFilter, AuditPage, Channel, Client, Credentials, ExternalIdentity, Session, SignIn, User, UserPage,
    UserPatch,
};
use mercato_shop::carts::{Cart, Terms, Whose};
use mercato_shop::catalog::{
    Attribute, Category, CategoryPatch, Facets, ImportOutcome, MovementPage, NewCategory, NewProduct,
    Product, ProductChanges, ProductFilter, ProductPage, ProductPatch, ProductQuery, Stock,
};
use mercato_shop::discounts::{Discount, DiscountPage, NewDiscount};
use mercato_shop::notifications::{
    Email, Notification, NotificationFilter, NotificationPage, Preference, Sms,
};
use mercato_shop::orders::{NewOrder, Order, OrderChanges, OrderPage, OrderQuery, Status};
use mercato_shop::payments::{Payment, PaymentInput, RefundInput};
use mercato_shop::services::{
    Accounts, Carts, Catalog, Discounts, Notifications, Orders, Payments, Placement, Webhooks,
};
use mercato_shop::types::{Caller, Error, Page, Role};
use mercato_shop::webhooks::{
    Delivery, DeliveryFilter, DeliveryPage, NewWebhook, SecretWebhook, Webhook, WebhookPatch,
};

use super::bindings::mercato::shop::{
    accounts, carts, catalog, discounts, notifications, orders, payments, placement, webhooks,
};

/// Whatever the composition has put behind the imports.
pub struct Remote;

impl Accounts for Remote {
    fn register(&self, input: Credentials, client: Client) -> Result<SignIn, Error> {
        accounts::register(&input, &client)
    }

    fn login(&self, caller: &Caller, input: Credentials, client: Client) -> Result<SignIn, Error> {
        accounts::login(caller, &input, &client)
    }

    fn sign_in_external(&self, identity: ExternalIdentity) -> Result<User, Error> {
        accounts::sign_in_external(&identity)
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

    fn archive(&self, caller: &Caller, id: &str, version: u64) -> Result<Product, Error> {
        catalog::archive(caller, id, version)
    }

    fn receive(&self, caller: &Caller, id: &str, quantity: i64) -> Result<Product, Error> {
        catalog::receive(caller, id, quantity)
    }

    fn adjust_stock(&self, caller: &Caller, id: &str, delta: i64, reason: &str) -> Result<Product, Error> {
        catalog::adjust_stock(caller, id, delta, reason)
    }

    fn set_stock(
        &self,
        caller: &Caller,
        id: &str,
        quantity: i64,
        reason: Option<&str>,
    ) -> Result<Product, Error> {
        catalog::set_stock(caller, id, quantity, reason)
    }

    fn stock_movements(&self, caller: &Caller, id: &str, page: &Page) -> Result<MovementPage, Error> {
        catalog::stock_movements(caller, id, page)
    }

    fn categories(&self) -> Result<Vec<Category>, Error> {
        catalog::categories()
    }

    fn create_category(&self, caller: &Caller, input: NewCategory) -> Result<Category, Error> {
        catalog::create_category(caller, &input)
    }

    fn update_category(&self, caller: &Caller, id: &str, patch: &CategoryPatch) -> Result<Category, Error> {
        catalog::update_category(caller, id, patch)
    }

    fn move_category(&self, caller: &Caller, id: &str, parent_id: Option<&str>) -> Result<Category, Error> {
        catalog::move_category(caller, id, parent_id)
    }

    fn delete_category(&self, caller: &Caller, id: &str) -> Result<Category, Error> {
        catalog::delete_category(caller, id)
    }

    fn create_variant(
        &self,
        caller: &Caller,
        parent_id: &str,
        options: Vec<Attribute>,
        input: NewProduct,
    ) -> Result<Product, Error> {
        catalog::create_variant(caller, parent_id, &options, &input)
    }

    fn list(&self, query: &ProductQuery) -> Result<ProductPage, Error> {
        catalog::list(query)
    }

    fn count_facets(&self, filter: &ProductFilter) -> Result<Facets, Error> {
        catalog::count_facets(filter)
    }

    fn get_many(&self, ids: &[String]) -> Result<Vec<Option<Product>>, Error> {
        catalog::get_many(ids)
    }

    fn get_ever_many(&self, ids: &[String]) -> Result<Vec<Option<Product>>, Error> {
        catalog::get_ever_many(ids)
    }

    fn archived(&self, caller: &Caller, page: &Page) -> Result<ProductPage, Error> {
        catalog::archived(caller, page)
    }

    fn stock_many(&self, caller: &Caller, ids: &[String]) -> Result<Vec<Option<Stock>>, Error> {
        catalog::stock_many(caller, ids)
    }

    fn changes(&self, ids: Option<&[String]>, after: Option<&str>) -> Result<ProductChanges, Error> {
        catalog::changes(ids, after)
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

    fn changes(&self, caller: &Caller, id: Option<&str>, after: Option<&str>) -> Result<OrderChanges, Error> {
        orders::changes(caller, id, after)
    }
}

impl Placement for Remote {
    fn place(
        &self,
        caller: &Caller,
        order_id: &str,
        user_id: &str,
        input: &NewOrder,
        expected_subtotal: Option<i64>,
    ) -> Result<Order, Error> {
        placement::place(caller, order_id, user_id, input, expected_subtotal)
    }

    fn withdraw(&self, caller: &Caller, order_id: &str, user_id: &str) -> Result<Option<Order>, Error> {
        placement::withdraw(caller, order_id, user_id)
    }
}

impl Carts for Remote {
    fn view(&self, caller: &Caller, whose: &Whose) -> Result<Cart, Error> {
        carts::view(caller, whose)
    }

    fn add(&self, caller: &Caller, whose: &Whose, product_id: &str, quantity: u32) -> Result<Cart, Error> {
        carts::add(caller, whose, product_id, quantity)
    }

    fn update(&self, caller: &Caller, whose: &Whose, product_id: &str, quantity: u32) -> Result<Cart, Error> {
        carts::update(caller, whose, product_id, quantity)
    }

    fn clear(&self, caller: &Caller, whose: &Whose) -> Result<Cart, Error> {
        carts::clear(caller, whose)
    }

    fn merge(&self, caller: &Caller, guest: &str) -> Result<Cart, Error> {
        carts::merge(caller, guest)
    }

    fn forget(&self, caller: &Caller, user_id: &str) -> Result<(), Error> {
        carts::forget(caller, user_id)
    }

    fn checkout(&self, caller: &Caller, user_id: Option<&str>, terms: &Terms) -> Result<Order, Error> {
        carts::checkout(caller, user_id, terms)
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

impl Payments for Remote {
    fn pay(&self, caller: &Caller, input: &PaymentInput) -> Result<Payment, Error> {
        payments::pay(caller, input)
    }

    fn refund(&self, caller: &Caller, input: &RefundInput) -> Result<Payment, Error> {
        payments::refund(caller, input)
    }

    fn get_many(
        &self,
        caller: &Caller,
        ids: &[String],
    ) -> Result<Vec<Result<Option<Payment>, Error>>, Error> {
        payments::get_many(caller, ids)
    }

    fn webhook(&self, body: &[u8], signature: &str) -> Result<(), Error> {
        payments::webhook(body, signature)
    }

    fn ready(&self) -> Result<(), Error> {
        payments::ready()
    }
}

impl Notifications for Remote {
    fn list(
        &self,
        caller: &Caller,
        filter: &NotificationFilter,
        page: &Page,
    ) -> Result<NotificationPage, Error> {
        notifications::list(caller, filter, page)
    }

    fn preferences(&self, caller: &Caller, user_id: Option<&str>) -> Result<Vec<Preference>, Error> {
        notifications::preferences(caller, user_id)
    }

    fn set_preferences(
        &self,
        caller: &Caller,
        user_id: Option<&str>,
        choices: &[Preference],
    ) -> Result<Vec<Preference>, Error> {
        notifications::set_preferences(caller, user_id, choices)
    }

    fn send_email(&self, caller: &Caller, input: &Email) -> Result<Notification, Error> {
        notifications::send_email(caller, input)
    }

    fn send_sms(&self, caller: &Caller, input: &Sms) -> Result<Notification, Error> {
        notifications::send_sms(caller, input)
    }

    fn retry(&self, caller: &Caller, id: &str) -> Result<Notification, Error> {
        notifications::retry(caller, id)
    }
}

impl Webhooks for Remote {
    fn create(&self, caller: &Caller, input: &NewWebhook) -> Result<SecretWebhook, Error> {
        webhooks::create(caller, input)
    }

    fn update(&self, caller: &Caller, id: &str, patch: &WebhookPatch) -> Result<Webhook, Error> {
        webhooks::update(caller, id, patch)
    }

    fn delete(&self, caller: &Caller, id: &str) -> Result<Webhook, Error> {
        webhooks::delete(caller, id)
    }

    fn rotate_secret(&self, caller: &Caller, id: &str) -> Result<SecretWebhook, Error> {
        webhooks::rotate_secret(caller, id)
    }

    fn list(&self, caller: &Caller) -> Result<Vec<Webhook>, Error> {
        webhooks::list(caller)
    }

    fn deliveries(
        &self,
        caller: &Caller,
        filter: &DeliveryFilter,
        page: &Page,
    ) -> Result<DeliveryPage, Error> {
        webhooks::deliveries(caller, filter, page)
    }

    fn replay(&self, caller: &Caller, id: &str) -> Result<Delivery, Error> {
        webhooks::replay(caller, id)
    }
}
