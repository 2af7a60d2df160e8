//! Reads payments.

use mercato_shop::collection::Stored;
use mercato_shop::payments::Payment;
use mercato_shop::ports::Ports;
use mercato_shop::types::{Caller, Error};

use crate::repository::{PAYMENTS, PaymentBody, to_payment};

/// Reads the payments of orders: the caller's own, or everyone's for an ADMIN or the API key. A payment of
/// another user is `None`, like a payment that does not exist.
pub fn get_many(
    ports: &impl Ports,
    caller: &Caller,
    ids: &[String],
) -> Result<Vec<Result<Option<Payment>, Error>>, Error> {
    caller.require_authenticated()?;
    let answer = |stored: Option<Stored<PaymentBody>>| {
        let visible = stored.filter(|stored| caller.may_see(&stored.body.user_id));
        Ok(visible.map(to_payment))
    };
    let payments = PAYMENTS.get_many(ports, ids)?;
    Ok(payments.into_iter().map(answer).collect())
}
