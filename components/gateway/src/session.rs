//! What the fields of one request share: who calls, and the loaders.

use std::sync::{Arc, OnceLock};

use async_graphql::Context;
use mercato_shop::accounts::{Client, User};
use mercato_shop::catalog::{Category, Product, Stock};
use mercato_shop::id;
use mercato_shop::orders::{NewOrder, Order};
use mercato_shop::payments::Payment;
use mercato_shop::types::{Caller, Error};

use crate::errors;
use crate::http::idempotency::Ids;
use crate::identity::Identity;
use crate::loader::Loader;
use crate::services::Services;

/// Who asks. Whether their session is over is looked up when somebody wants to know who they are, and not before.
struct Asker {
    services: Arc<Services>,
    claimed: Identity,
    consulted: OnceLock<Identity>,
}

impl Asker {
    fn identity(&self) -> &Identity {
        self.consulted
            .get_or_init(|| self.claimed.clone().settled(&self.services))
    }

    fn caller(&self) -> &Caller {
        &self.identity().caller
    }
}

/// The data of one request.
pub struct Session {
    pub services: Arc<Services>,
    /// Where the request comes from.
    pub client: Client,
    asker: Arc<Asker>,
    /// Those of what is made under an `Idempotency-Key`.
    ids: Option<Arc<Ids>>,
    pub products: Loader<Option<Product>>,
    /// Those that are archived, too.
    pub products_ever: Loader<Option<Product>>,
    /// All categories, whatever the key.
    pub categories: Loader<Arc<Vec<Category>>>,
    pub stock: Loader<Option<Stock>>,
    pub users: Loader<User>,
    pub orders: Loader<Order>,
    pub payments: Loader<Option<Payment>>,
}

impl Session {
    /// A session of this caller's.
    pub fn new(services: &Arc<Services>, identity: Identity, client: Client, ids: Option<Arc<Ids>>) -> Self {
        let asker = Arc::new(Asker {
            services: Arc::clone(services),
            claimed: identity,
            consulted: OnceLock::new(),
        });
        let both = || (Arc::clone(services), Arc::clone(&asker));
        let products = Arc::clone(services);
        let ever = Arc::clone(services);
        let categories = Arc::clone(services);
        let (stock, stock_asker) = both();
        let (users, users_asker) = both();
        let (orders, orders_asker) = both();
        let (payments, payments_asker) = both();
        Self {
            services: Arc::clone(services),
            client,
            products: Loader::new(move |ids| spread(ids, products.catalog.get_many(ids).map(ok))),
            products_ever: Loader::new(move |ids| spread(ids, ever.catalog.get_ever_many(ids).map(ok))),
            categories: Loader::new(move |keys| {
                let all = categories.catalog.categories().map(Arc::new);
                keys.iter().map(|_| all.clone()).collect()
            }),
            stock: Loader::new(move |ids| {
                spread(ids, stock.catalog.stock_many(stock_asker.caller(), ids).map(ok))
            }),
            users: Loader::new(move |ids| spread(ids, users.accounts.get_many(users_asker.caller(), ids))),
            orders: Loader::new(move |ids| spread(ids, orders.orders.get_many(orders_asker.caller(), ids))),
            payments: Loader::new(move |ids| {
                spread(ids, payments.payments.get_many(payments_asker.caller(), ids))
            }),
            asker,
            ids,
        }
    }

    /// Places an order of the caller's: under a key, the one that may have been placed under it already.
    pub fn place(&self, input: &NewOrder) -> Result<Order, Error> {
        let caller = self.caller();
        match (&self.ids, caller.user_id()) {
            (Some(ids), Some(user_id)) => {
                let placement = &self.services.placement;
                placement.place(caller, &ids.next(), user_id, input, None)
            }
            _ => self.services.orders.place(caller, input),
        }
    }

    /// Refuses what would be done for a user who does not exist. Who does it for oneself is somebody, and no service is asked.
    pub fn require_user(&self, user_id: &str) -> Result<(), Error> {
        let caller = self.caller();
        if !caller.is_admin() || caller.user_id() == Some(user_id) {
            return Ok(());
        }
        let found = self.services.accounts.get_many(caller, &[user_id.to_owned()])?;
        found.into_iter().next().transpose().map(|_| ())
    }

    /// The session of the request that a field is resolved for.
    pub fn of<'a>(context: &Context<'a>) -> async_graphql::Result<&'a Self> {
        context.data::<Arc<Self>>().map(|session| &**session)
    }

    /// As [`of`](Self::of), for a mutation: what was loaded before it may be no longer true after it.
    pub fn to_change<'a>(context: &Context<'a>) -> async_graphql::Result<&'a Self> {
        let session = Self::of(context)?;
        if let Some(ids) = &session.ids {
            ids.check().map_err(|error| session.error(error))?;
        }
        session.products.clear();
        session.products_ever.clear();
        session.categories.clear();
        session.stock.clear();
        session.users.clear();
        session.orders.clear();
        session.payments.clear();
        Ok(session)
    }

    /// Who calls.
    pub fn caller(&self) -> &Caller {
        self.asker.caller()
    }

    /// Passes everybody but those whose credential proves nothing: what is open to guests, too, must not treat a user as one.
    pub fn require_no_rejection(&self) -> Result<(), Error> {
        match &self.asker.identity().rejected {
            Some(reason) => Err(reason.clone()),
            None => Ok(()),
        }
    }

    /// Whether nothing in the answer depends on who asks: no field, and no service, has wanted to know.
    pub fn is_for_everyone(&self) -> bool {
        self.asker.consulted.get().is_none()
    }

    /// The error of a field of this request.
    pub fn error(&self, error: Error) -> async_graphql::Error {
        errors::plain(self.explained(error))
    }

    /// An error as the caller should hear it: where a credential was rejected, an unauthenticated caller hears why.
    pub fn explained(&self, error: Error) -> Error {
        match (error, &self.asker.identity().rejected) {
            (Error::Unauthenticated(_), Some(reason)) => reason.clone(),
            (error, _) => error,
        }
    }

    /// As [`check_id`](Self::check_id), for the id of a user.
    pub fn check_user_id(&self, field: &str, id: &str) -> async_graphql::Result<()> {
        self.valid_user_id(field, id).map_err(|error| self.error(error))
    }

    /// Refuses what can't be an id before anybody is asked for it.
    pub fn check_id(&self, field: &str, id: &str) -> async_graphql::Result<()> {
        valid_id(field, id).map_err(|error| self.error(error))
    }

    /// As [`valid_id`], for the id of a user: nobody hears first that they are nobody, and the caller's own is good whatever it
    /// looks like, since another shop may have made it.
    pub fn valid_user_id(&self, field: &str, id: &str) -> Result<(), Error> {
        self.caller().require_known()?;
        if self.caller().user_id() == Some(id) {
            return Ok(());
        }
        valid_id(field, id)
    }
}

/// Refuses what can't be an id of this shop's.
pub fn valid_id(field: &str, id: &str) -> Result<(), Error> {
    if id::is_valid(id) {
        return Ok(());
    }
    Err(Error::invalid(
        field,
        "This is no id of this shop's. Ids look like 0198c0de-1f2e-7abc-8def-0123456789ab.",
    ))
}

/// The version that an edit was made of.
pub fn valid_version(version: i32) -> Result<u64, Error> {
    u64::try_from(version).map_err(|_| Error::invalid("version", "A version is 1 or more."))
}

fn ok<T>(values: Vec<T>) -> Vec<Result<T, Error>> {
    values.into_iter().map(Ok).collect()
}

/// Gives the error of a whole batch to each of its keys.
fn spread<T>(ids: &[String], answer: Result<Vec<Result<T, Error>>, Error>) -> Vec<Result<T, Error>> {
    answer.unwrap_or_else(|error| ids.iter().map(|_| Err(error.clone())).collect())
}
