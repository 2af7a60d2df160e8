//! Discounts: how an ADMIN or the API key creates, disables and lists them.

pub mod redemption;

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

/// The denominator of percentages: a basis point is a hundredth of a percent.
const WHOLE: u32 = 10_000;

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
        Err(CommitFailure::Refused(_)) => Err(Error::Conflict(format!(
            "A discount with the code {} exists already. Choose another `code`.",
            discount.id
        ))),
        Err(failure) => Err(failure.into()),
    }
}

/// Disables a discount. Orders that are being placed with it are rejected. Can be repeated.
pub fn disable(ports: &impl Ports, caller: &Caller, code: &str) -> Result<Discount, Error> {
    caller.require_admin()?;
    let missing = || not_found(code);
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

/// Reads discounts by their codes.
pub fn get_many(
    ports: &impl Ports,
    caller: &Caller,
    codes: &[String],
) -> Result<Vec<Result<Discount, Error>>, Error> {
    caller.require_admin()?;
    let found = DISCOUNTS.get_many(ports, codes)?;
    let answer = |(code, stored): (&String, Option<Stored<DiscountBody>>)| {
        stored.map(to_discount).ok_or_else(|| not_found(code))
    };
    Ok(codes.iter().zip(found).map(answer).collect())
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
        has_previous: found.has_previous,
        total: found.total,
        edges: found.map(|cursor, stored| DiscountEdge {
            cursor,
            discount: to_discount(stored),
        }),
    })
}

fn not_found(code: &str) -> Error {
    Error::NotFound(format!("There is no discount with the code {code}."))
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
        Reduction::BasisPoints(1..=WHOLE) => {}
        Reduction::BasisPoints(_) => {
            let message = "`percent` must be from 1 to 100, or `basisPoints` from 1 to 10000.";
            return Err(Error::invalid("percent", message));
        }
        Reduction::Amount(amount) => {
            currency::check_amount("amount", 1, amount)?;
        }
    }
    if let Some(minimum) = input.minimum {
        currency::check_amount("minimum", 1, minimum)?;
    }
    let given = input.currency.as_deref().map(currency::check).transpose()?;
    let currency = match (input.reduction, input.minimum) {
        (Reduction::BasisPoints(_), None) => given,
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

/// Describes the reduction for the audit log.
fn describe(body: &DiscountBody) -> String {
    match body.reduction {
        Reduction::BasisPoints(points) => match (points / 100, points % 100) {
            (percent, 0) => format!("{percent} percent"),
            (percent, hundredths) => format!("{percent}.{hundredths:02} percent"),
        },
        Reduction::Amount(amount) => {
            currency::with_code(amount, body.currency.as_deref().unwrap_or_default())
        }
    }
}
