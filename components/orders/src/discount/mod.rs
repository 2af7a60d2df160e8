//! Discounts: how an ADMIN or the API key creates, disables and lists them.

pub mod redemption;

use std::ops::RangeInclusive;

use mercato_ports::documents::{Change, CommitFailure, RefusalReason};
use mercato_shop::accounts::AuditAction;
use mercato_shop::collection::Stored;
use mercato_shop::discounts::{Discount, DiscountEdge, DiscountPage, NewDiscount, Reduction};
use mercato_shop::ports::Ports;
use mercato_shop::query::{self, descending, time};
use mercato_shop::types::{Caller, Error, Page};
use mercato_shop::{currency, id};

use crate::audit;
use crate::repository::{DISCOUNTS, DiscountBody, to_discount};

/// The name of the list's only sort.
const NEWEST_FIRST: &str = "-created";

/// The upper limit is the largest Int of GraphQL.
const AMOUNT: RangeInclusive<i64> = 1..=i32::MAX as i64;

/// Creates a discount. Its terms never change.
///
/// # Errors
/// [`Error::Invalid`] if a term is invalid, [`Error::Conflict`] if the code is taken.
pub fn create(ports: &impl Ports, caller: &Caller, input: &NewDiscount) -> Result<Discount, Error> {
    caller.require_admin()?;
    let discount = new_discount(ports, input)?;
    let write = DISCOUNTS.insert(&discount.id, &discount.body)?;
    let detail = describe(&discount.body);
    let act = audit::discount(caller, AuditAction::DiscountCreate, &discount.id, Some(detail))?;
    match ports.commit(&[write], &[act]) {
        Ok(()) => Ok(to_discount(discount)),
        Err(CommitFailure::Refused(_)) => Err(Error::Conflict(
            "A discount with this code exists already. Choose another code.".into(),
        )),
        Err(failure) => Err(failure.into()),
    }
}

/// Disables a discount. Orders that are being placed with it are rejected. Can be repeated.
pub fn disable(ports: &impl Ports, caller: &Caller, code: &str) -> Result<Discount, Error> {
    caller.require_admin()?;
    let missing = || Error::NotFound(format!("There is no discount with the code {code}."));
    let code = redemption::normalize(code).ok_or_else(missing)?;
    let act = audit::discount(caller, AuditAction::DiscountDisable, &code, None)?;
    let disable = Change {
        field: "enabled".into(),
        by: -1,
        floor: Some(0),
    };
    match ports.commit(&[DISCOUNTS.adjust(&code, vec![disable])], &[act]) {
        Ok(()) => {}
        Err(CommitFailure::Refused(refusals))
            if refusals
                .iter()
                .any(|refusal| refusal.reason == RefusalReason::Missing) =>
        {
            return Err(missing());
        }
        // It is disabled already.
        Err(CommitFailure::Refused(_)) => {}
        Err(failure) => return Err(failure.into()),
    }
    let discount = DISCOUNTS.get(ports, &code)?.ok_or_else(missing)?;
    Ok(to_discount(discount))
}

/// Lists discounts, newest first.
pub fn list(ports: &impl Ports, caller: &Caller, page: &Page) -> Result<DiscountPage, Error> {
    caller.require_admin()?;
    let mut query = DISCOUNTS.query(0);
    query.sort = Some(descending("createdAt"));
    let created_at = |body: &DiscountBody| time(body.created_at);
    let found = query::page(ports, &DISCOUNTS, query, page, NEWEST_FIRST, created_at)?;
    Ok(DiscountPage {
        has_next: found.has_next,
        edges: found.map(|cursor, stored| DiscountEdge {
            cursor,
            discount: to_discount(stored),
        }),
    })
}

/// Checks the terms of a discount.
fn new_discount(ports: &impl Ports, input: &NewDiscount) -> Result<Stored<DiscountBody>, Error> {
    let id = redemption::normalize(&input.code).ok_or_else(|| {
        Error::invalid(
            "code",
            "`code` must be 3 to 40 letters (A to Z), digits and hyphens, such as SPRING-26.",
        )
    })?;
    match input.reduction {
        Reduction::Percent(1..=100) => {}
        Reduction::Percent(_) => {
            return Err(Error::invalid("percent", "`percent` must be from 1 to 100."));
        }
        Reduction::Amount(amount) => check_amount("amount", amount)?,
    }
    if let Some(minimum) = input.minimum {
        check_amount("minimum", minimum)?;
    }
    let given = input.currency.as_deref().map(currency::check).transpose()?;
    let currency = match (input.reduction, input.minimum) {
        (Reduction::Percent(_), None) => given,
        _ => Some(given.map_or_else(|| currency::default_currency(ports), Ok)?),
    };
    for (field, limit) in [
        ("limit", input.limit),
        ("limitPerCustomer", input.limit_per_customer),
    ] {
        if limit == Some(0) {
            let message = format!("`{field}` must be at least 1. Leave it out for no limit.");
            return Err(Error::invalid(field, message));
        }
    }
    let now = id::now();
    let earliest = input.starts_at.unwrap_or(now).max(now);
    if input.ends_at.is_some_and(|end| end <= earliest) {
        return Err(Error::invalid(
            "endsAt",
            "`endsAt` must be after `startsAt`, and in the future.",
        ));
    }
    let body = DiscountBody {
        reduction: input.reduction,
        currency,
        minimum: input.minimum,
        limit: input.limit,
        limit_per_customer: input.limit_per_customer,
        starts_at: input.starts_at,
        ends_at: input.ends_at,
        enabled: 1,
        left: input.limit.map(i64::from),
        used: 0,
        created_at: now,
    };
    Ok(Stored { id, version: 1, body })
}

fn check_amount(field: &str, amount: i64) -> Result<(), Error> {
    if AMOUNT.contains(&amount) {
        Ok(())
    } else {
        Err(Error::invalid(
            field,
            format!("`{field}` must be from 1 to 2147483647 minor units (cents)."),
        ))
    }
}

/// Describes the reduction for the audit log.
fn describe(body: &DiscountBody) -> String {
    match body.reduction {
        Reduction::Percent(percent) => format!("{percent} percent"),
        Reduction::Amount(amount) => {
            let currency = body.currency.as_deref().unwrap_or_default();
            format!("{amount} minor units of {currency}")
        }
    }
}
