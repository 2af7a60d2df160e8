//! The session of one request: its caller, the services, and the loaders that its fields share.

mod loader;
pub mod personal_data;
pub mod replay_ids;
pub mod shown_units;

use std::sync::{Arc, OnceLock};

use mercato_shop::accounts::{Client, User};
use mercato_shop::carts::{Cart, Owner};
use mercato_shop::catalog::{Category, Product, Stock};
use mercato_shop::discounts::Discount;
use mercato_shop::id;
use mercato_shop::notifications::Notification;
use mercato_shop::orders::{NewOrder, Order};
use mercato_shop::payments::Payment;
use mercato_shop::types::{Caller, Error, SignedIn};
use mercato_shop::webhooks::{Delivery, Webhook};

use crate::auth::identity::{Identity, Verifier};
use crate::model::long_text::AnswerSize;
use crate::request_session::loader::Loader;
use crate::request_session::replay_ids::ReplayIds;
use crate::request_session::shown_units::ShownUnits;
use crate::services::Services;

/// The origin of a request.
#[derive(Clone)]
pub struct RequestContext {
    pub verifier: Arc<Verifier>,
    pub identity: Identity,
    pub client: Client,
    /// The ids for the things that the request creates, if it has an `Idempotency-Key`.
    pub ids: Option<Arc<ReplayIds>>,
    /// The size of the answer. All requests of a batch share it.
    pub answer_size: AnswerSize,
}

/// The caller of a request. The caller's token is checked at the first use.
struct LazyIdentity {
    services: Arc<Services>,
    unchecked: Identity,
    checked: OnceLock<Identity>,
}

impl LazyIdentity {
    fn get(&self) -> &Identity {
        self.checked
            .get_or_init(|| self.unchecked.clone().checked(&self.services))
    }

    fn caller(&self) -> &Caller {
        &self.get().caller
    }
}

/// The session of one request.
pub struct RequestSession {
    pub services: Arc<Services>,
    pub client: Client,
    verifier: Arc<Verifier>,
    identity: Arc<LazyIdentity>,
    ids: Option<Arc<ReplayIds>>,
    pub answer_size: AnswerSize,
    /// The products whose units on hand the answer shows.
    pub shown_units: ShownUnits,
    pub products: Loader<Option<Product>>,
    pub products_including_archived: Loader<Option<Product>>,
    /// All categories, for any key.
    pub categories: Loader<Arc<Vec<Category>>>,
    pub stock: Loader<Option<Stock>>,
    pub users: Loader<User>,
    pub orders: Loader<Order>,
    pub payments: Loader<Option<Payment>>,
    pub carts: Loader<Cart>,
    /// By code.
    pub discounts: Loader<Discount>,
    pub notifications: Loader<Notification>,
    /// All webhooks, for any key.
    pub webhooks: Loader<Arc<Vec<Webhook>>>,
    pub deliveries: Loader<Delivery>,
}

impl RequestSession {
    /// Returns the client of a registration. The server that holds the API key registers for many people, so its
    /// address says nothing about them.
    pub fn client_to_register(&self) -> Client {
        match self.caller() {
            Caller::ApiKey => Client {
                address: None,
                ..self.client.clone()
            },
            _ => self.client.clone(),
        }
    }

    /// Returns the session of a request.
    pub fn new(services: &Arc<Services>, context: RequestContext) -> Self {
        let identity = Arc::new(LazyIdentity {
            services: Arc::clone(services),
            unchecked: context.identity,
            checked: OnceLock::new(),
        });
        let loader = || (Arc::clone(services), Arc::clone(&identity));
        let (products, _) = loader();
        let (including_archived, _) = loader();
        let (categories, _) = loader();
        let (stock, stock_caller) = loader();
        let (users, users_caller) = loader();
        let (orders, orders_caller) = loader();
        let (payments, payments_caller) = loader();
        let (carts, carts_caller) = loader();
        let (discounts, discounts_caller) = loader();
        let (notifications, notifications_caller) = loader();
        let (webhooks, webhooks_caller) = loader();
        let (deliveries, deliveries_caller) = loader();
        Self {
            services: Arc::clone(services),
            client: context.client,
            products: Loader::new(move |ids| per_key(ids, products.catalog.get_many(ids).map(all_ok))),
            products_including_archived: Loader::new(move |ids| {
                let found = including_archived.catalog.get_many_including_archived(ids);
                per_key(ids, found.map(all_ok))
            }),
            categories: Loader::new(move |keys| {
                let all = categories.catalog.categories().map(Arc::new);
                keys.iter().map(|_| all.clone()).collect()
            }),
            stock: Loader::new(move |ids| {
                let found = stock.catalog.get_stock_many(stock_caller.caller(), ids);
                per_key(ids, found.map(all_ok))
            }),
            users: Loader::new(move |ids| per_key(ids, users.accounts.get_many(users_caller.caller(), ids))),
            orders: Loader::new(move |ids| per_key(ids, orders.orders.get_many(orders_caller.caller(), ids))),
            payments: Loader::new(move |ids| {
                per_key(ids, payments.payments.get_many(payments_caller.caller(), ids))
            }),
            carts: Loader::new(move |ids| {
                let view = |id: &String| carts.carts.view(carts_caller.caller(), &Owner::Cart(id.clone()));
                ids.iter().map(view).collect()
            }),
            discounts: Loader::new(move |codes| {
                per_key(
                    codes,
                    discounts.discounts.get_many(discounts_caller.caller(), codes),
                )
            }),
            notifications: Loader::new(move |ids| {
                let caller = notifications_caller.caller();
                per_key(ids, notifications.notifications.get_many(caller, ids))
            }),
            webhooks: Loader::new(move |keys| {
                let all = webhooks.webhooks.list(webhooks_caller.caller()).map(Arc::new);
                keys.iter().map(|_| all.clone()).collect()
            }),
            deliveries: Loader::new(move |ids| {
                per_key(
                    ids,
                    deliveries
                        .webhooks
                        .get_deliveries(deliveries_caller.caller(), ids),
                )
            }),
            verifier: context.verifier,
            identity,
            ids: context.ids,
            answer_size: context.answer_size,
            shown_units: ShownUnits::default(),
        }
    }

    /// Prepares for a change: clears the loaders, since their values may be outdated after it.
    ///
    /// # Errors
    /// [`Error::Unavailable`] if a request with an `Idempotency-Key` takes too long.
    pub fn begin_change(&self) -> Result<(), Error> {
        if let Some(ids) = &self.ids {
            ids.check_time()?;
        }
        self.products.clear();
        self.products_including_archived.clear();
        self.categories.clear();
        self.stock.clear();
        self.users.clear();
        self.orders.clear();
        self.payments.clear();
        self.carts.clear();
        self.discounts.clear();
        self.notifications.clear();
        self.webhooks.clear();
        self.deliveries.clear();
        Ok(())
    }

    /// Places an order for a user, or else for the caller. A replayed request finds the order that it placed
    /// before.
    ///
    /// # Errors
    /// The errors of the orders service.
    pub fn place_order(&self, user_id: Option<&str>, input: &NewOrder) -> Result<Order, Error> {
        let caller = self.caller();
        let own = caller.user_id();
        let (id, user_id) = match (&self.ids, user_id.or(own)) {
            (Some(ids), Some(user_id)) => (ids.next(), user_id),
            (None, Some(user_id)) if own != Some(user_id) => (id::new(), user_id),
            _ => return self.services.orders.place(caller, input),
        };
        self.services.placement.place(caller, &id, user_id, input, None)
    }

    /// Returns the caller.
    pub fn caller(&self) -> &Caller {
        self.identity.caller()
    }

    /// Returns whether the answer is the same for all callers: no field and no service has used the caller.
    pub fn is_shareable(&self) -> bool {
        self.identity.checked.get().is_none()
    }

    /// Rejects a caller whose credential is invalid.
    ///
    /// Operations that serve both guests and users need this check. Otherwise a user with an expired token
    /// would be served as a guest.
    ///
    /// # Errors
    /// The reason why the credential was rejected.
    pub fn require_valid_credential(&self) -> Result<(), Error> {
        match &self.identity.get().rejected {
            Some(reason) => Err(reason.clone()),
            None => Ok(()),
        }
    }

    /// Verifies an access token, or else the one of the request. Returns its user, and when it expires.
    ///
    /// # Errors
    /// [`Error::Unauthenticated`] for a token that is not valid, or not sent.
    pub fn verify_token(&self, token: Option<&str>) -> Result<(SignedIn, Option<u64>), Error> {
        let identity = match token {
            Some(token) => self.verifier.identify_token(token).checked(&self.services),
            None => self.identity.get().clone(),
        };
        match (identity.caller, identity.rejected) {
            (Caller::User(user), _) => Ok((user, identity.expires_at)),
            (_, Some(reason)) => Err(reason),
            (_, None) => Err(Error::Unauthenticated(
                "Send the access token as header Authorization: Bearer <access_token>, or as `token`.".into(),
            )),
        }
    }

    /// Replaces `Unauthenticated` by the reason why the caller's credential was rejected.
    pub fn with_rejection_reason(&self, error: Error) -> Error {
        match (error, &self.identity.get().rejected) {
            (Error::Unauthenticated(_), Some(reason)) => reason.clone(),
            (error, _) => error,
        }
    }

    /// Rejects an unknown user. Asks the accounts service only if staff act for another user.
    ///
    /// # Errors
    /// [`Error::NotFound`] for an unknown user.
    pub fn require_user(&self, user_id: &str) -> Result<(), Error> {
        let caller = self.caller();
        if !caller.is_admin() || caller.user_id() == Some(user_id) {
            return Ok(());
        }
        let found = self.services.accounts.get_many(caller, &[user_id.to_owned()])?;
        found.into_iter().next().transpose().map(|_| ())
    }

    /// Rejects an anonymous caller, and text that cannot be a user's id. The caller's own id is always valid,
    /// even if it has another form.
    ///
    /// # Errors
    /// [`Error::Unauthenticated`] and [`Error::Invalid`].
    pub fn check_user_id(&self, field: &str, id: &str) -> Result<(), Error> {
        self.caller().require_authenticated()?;
        if self.caller().user_id() == Some(id) {
            return Ok(());
        }
        check_id(field, id)
    }
}

/// Rejects text that cannot be an id of this shop.
///
/// # Errors
/// [`Error::Invalid`].
pub fn check_id(field: &str, id: &str) -> Result<(), Error> {
    if id::is_valid(id) {
        return Ok(());
    }
    let message = "Must be an id of this shop, such as 0198c0de-1f2e-7abc-8def-0123456789ab.";
    Err(Error::invalid(field, message))
}

fn all_ok<T>(values: Vec<T>) -> Vec<Result<T, Error>> {
    values.into_iter().map(Ok).collect()
}

/// Returns the results of a batch. If the whole batch failed, returns its error for each key.
fn per_key<T>(ids: &[String], answer: Result<Vec<Result<T, Error>>, Error>) -> Vec<Result<T, Error>> {
    answer.unwrap_or_else(|error| ids.iter().map(|_| Err(error.clone())).collect())
}
