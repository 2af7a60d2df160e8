//! Carts in their store: read as of now, written at the version that was read.

use mercato_ports::documents::{CommitFailure, Write};
use mercato_ports::events::Event;
use mercato_shop::catalog::Product;
use mercato_shop::collection::Stored;
use mercato_shop::id;
use mercato_shop::ports::Ports;
use mercato_shop::pruning;
use mercato_shop::services::Placement;
use mercato_shop::types::Error;

use crate::cart::{CARTS, CartBody};
use crate::holder::{GuestId, Holder};
use crate::products::ProductSource;
use crate::service::CartsService;
use crate::settings;

/// How often a change is made anew when others change the same cart meanwhile. Of so many at once none is turned away.
pub const TRIES: usize = 50;

/// How many expired carts go when one is begun.
const CLEARED: u32 = 5;

/// A cart that was read: empty where it is not there, or has expired.
#[derive(Clone)]
pub struct Loaded {
    pub holder: Option<Holder>,
    /// None where there is no document.
    pub version: Option<u64>,
    pub body: CartBody,
}

/// Whether a write was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Saved {
    Yes,
    /// Somebody else was faster: nothing was written.
    Overtaken,
}

impl Loaded {
    fn new(holder: Option<Holder>, stored: Option<Stored<CartBody>>) -> Self {
        let version = stored.as_ref().map(|stored| stored.version);
        let body = stored.map(|stored| stored.body);
        Self {
            holder,
            version,
            body: body
                .filter(|body| body.expires_at > id::now())
                .unwrap_or_default(),
        }
    }

    /// The document as it was read, if there is one.
    pub fn stored(&self) -> Option<Stored<CartBody>> {
        Some(Stored {
            id: self.holder.as_ref()?.document(),
            version: self.version?,
            body: self.body.clone(),
        })
    }
}

impl<P: Ports, C: ProductSource, O: Placement> CartsService<P, C, O> {
    /// The cart of a holder; none is an empty one.
    pub(crate) fn load(&self, holder: Option<&Holder>) -> Result<Loaded, Error> {
        let stored = match holder {
            Some(holder) => CARTS.get(&self.ports, &holder.document())?,
            None => None,
        };
        Ok(Loaded::new(holder.cloned(), stored))
    }

    /// The carts of two holders, by one call.
    pub(crate) fn load_both(&self, one: &Holder, other: &Holder) -> Result<(Loaded, Loaded), Error> {
        let ids = [one.document(), other.document()];
        let mut found = CARTS.get_many(&self.ports, &ids)?.into_iter();
        let mut next = |holder: &Holder| Loaded::new(Some(holder.clone()), found.next().flatten());
        Ok((next(one), next(other)))
    }

    /// Writes a cart, and whatever goes with it. A guest's that was not there gets a new id, so that no client chooses one; those who
    /// begin a cart clear expired ones away.
    pub(crate) fn save(
        &self,
        cart: &mut Loaded,
        mut with: Vec<Write>,
        events: &[Event],
        clear: bool,
    ) -> Result<Saved, Error> {
        cart.body.expires_at = settings::expiry(&self.ports)?;
        if let Some(stored) = cart.stored() {
            with.push(CARTS.replace(&stored)?);
        } else {
            let holder = match cart.holder.take() {
                Some(Holder::User(id)) => Holder::User(id),
                Some(Holder::Guest(_)) | None => Holder::Guest(GuestId::new()?),
            };
            with.push(CARTS.insert(&holder.document(), &cart.body)?);
            cart.holder = Some(holder);
            if clear {
                with.extend(self.expired()?);
            }
        }
        match self.ports.commit(&with, events) {
            Ok(()) => {
                cart.version = Some(cart.version.map_or(1, |version| version + 1));
                Ok(Saved::Yes)
            }
            Err(CommitFailure::Refused(_)) => Ok(Saved::Overtaken),
            Err(failure) => Err(failure.into()),
        }
    }

    /// The writes that remove some expired carts.
    fn expired(&self) -> Result<Vec<Write>, Error> {
        let expired = pruning::over(&self.ports, &CARTS, "expiresAt", id::now(), CLEARED)?;
        Ok(expired.iter().map(|cart| CARTS.delete(cart)).collect())
    }
}

/// A product that can be put into a cart.
pub fn existing<'a>(product: Option<&'a Product>, id: &str) -> Result<&'a Product, Error> {
    let product = product.ok_or_else(|| Error::NotFound(format!("There is no product {id}.")))?;
    if product.variant_ids.is_empty() {
        return Ok(product);
    }
    Err(Error::invalid(
        "productId",
        format!("{} comes in variants. Add one of them.", product.name),
    ))
}

/// Too many were faster.
pub fn busy() -> Error {
    Error::Unavailable("This cart is changed by too many at once. Try again in a moment.".into())
}
