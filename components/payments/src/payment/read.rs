//! Reads payments.

use mercato_shop::collection::Stored;
use mercato_shop::payments::Payment;
use mercato_shop::ports::Ports;
use mercato_shop::types::{Caller, Error};

use crate::repository::{PAYMENTS, PaymentBody, to_payment};

/// Reads the payments of orders: the caller's own, or everyone's for an ADMIN or the API key.
pub fn get_many(
    ports: &impl Ports,
    caller: &Caller,
    ids: &[String],
) -> Result<Vec<Result<Option<Payment>, Error>>, Error> {
    caller.require_authenticated()?;
    let answer = |stored: Option<Stored<PaymentBody>>| {
        let Some(stored) = stored else { return Ok(None) };
        caller.require_admin_or(&stored.body.user_id, "You can see only your own payments.")?;
        Ok(Some(to_payment(stored)))
    };
    let payments = PAYMENTS.get_many(ports, ids)?;
    Ok(payments.into_iter().map(answer).collect())
}
