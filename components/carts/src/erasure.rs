//! What goes when a user is erased: the cart, also one that has expired, and the note of a checkout in it. The order of a checkout stays, as
//! all orders do.

use mercato_ports::documents::CommitFailure;
use mercato_shop::ports::Ports;
use mercato_shop::services::Placement;
use mercato_shop::types::{Caller, Error};

use crate::cart::CARTS;
use crate::holder::Holder;
use crate::products::ProductSource;
use crate::service::CartsService;
use crate::store::{TRIES, busy};

impl<P: Ports, C: ProductSource, O: Placement> CartsService<P, C, O> {
    /// Deletes a user's cart as it is by now, if there is one.
    pub(crate) fn take_away(&self, caller: &Caller, user_id: &str) -> Result<(), Error> {
        caller.require_admin_or(user_id, "A customer erases only the own data.")?;
        let holder = Holder::User(user_id.into());
        let act = holder.act(caller)?;
        for _ in 0..TRIES {
            let Some(cart) = CARTS.get(&self.ports, &holder.document())? else {
                return Ok(());
            };
            match self.ports.commit(&[CARTS.delete(&cart)], act.as_slice()) {
                Ok(()) => return Ok(()),
                Err(CommitFailure::Refused(_)) => {}
                Err(failure) => return Err(failure.into()),
            }
        }
        Err(busy())
    }
}
