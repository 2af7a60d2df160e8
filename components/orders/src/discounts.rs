//! The discount codes, for those who keep the shop.

use mercato_ports::documents::{CommitFailure, Direction, RefusalReason, Scalar, Sort};
use mercato_shop::accounts::AuditAction;
use mercato_shop::collection::Stored;
use mercato_shop::discounts::{Discount, DiscountEdge, DiscountPage, NewDiscount, Reduction};
use mercato_shop::ports::Ports;
use mercato_shop::services::{Discounts, Inventory};
use mercato_shop::types::{Caller, Error, Page};
use mercato_shop::{currency, cursor, id};

use crate::audit;
use crate::discount::{DISCOUNTS, DiscountBody, StoredReduction, disabling, normalized, to_discount};
use crate::service::OrdersService;

/// The name of the only sort that the list of codes has.
const NEWEST_FIRST: &str = "-created";

/// Amounts fit GraphQL's Int, which has 32 bits.
const AMOUNT: std::ops::RangeInclusive<i64> = 1..=i32::MAX as i64;

impl<P: Ports, I: Inventory> Discounts for OrdersService<P, I> {
    fn create(&self, caller: &Caller, input: NewDiscount) -> Result<Discount, Error> {
        caller.require_admin()?;
        let discount = checked(&self.ports, input)?;
        let write = DISCOUNTS.insert(&discount.id, &discount.body)?;
        let detail = told(&discount.body);
        let act = audit::of_discount(caller, AuditAction::DiscountCreate, &discount.id, Some(detail))?;
        match self.ports.commit(&[write], &[act]) {
            Ok(()) => Ok(to_discount(discount)),
            Err(CommitFailure::Refused(_)) => Err(Error::Conflict(
                "There is a discount with this code already. Choose another code.".into(),
            )),
            Err(failure) => Err(failure.into()),
        }
    }

    fn disable(&self, caller: &Caller, code: &str) -> Result<Discount, Error> {
        caller.require_admin()?;
        let missing = || Error::NotFound(format!("There is no discount with the code {code}."));
        let code = normalized(code).ok_or_else(missing)?;
        let act = audit::of_discount(caller, AuditAction::DiscountDisable, &code, None)?;
        match self.ports.commit(&[DISCOUNTS.adjust(&code, disabling())], &[act]) {
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
        let discount = DISCOUNTS.get(&self.ports, &code)?.ok_or_else(missing)?;
        Ok(to_discount(discount))
    }

    fn list(&self, caller: &Caller, page: &Page) -> Result<DiscountPage, Error> {
        caller.require_admin()?;
        let mut query = DISCOUNTS.query(0);
        query.sort = Some(Sort {
            field: "createdAt".into(),
            direction: Direction::Descending,
        });
        cursor::apply(page, NEWEST_FIRST, &mut query)?;
        let mut discounts = DISCOUNTS.find(&self.ports, &query)?;
        let has_next = cursor::split(page, &mut discounts);
        let edge = |stored: Stored<DiscountBody>| {
            let created_at = Scalar::Integer(i64::try_from(stored.body.created_at).unwrap_or(i64::MAX));
            Ok(DiscountEdge {
                cursor: cursor::encode(NEWEST_FIRST, Some(created_at), &stored.id)?,
                discount: to_discount(stored),
            })
        };
        Ok(DiscountPage {
            edges: discounts.into_iter().map(edge).collect::<Result<_, Error>>()?,
            has_next,
        })
    }
}

/// A code as it starts, or what is wrong with the input.
fn checked(ports: &impl Ports, input: NewDiscount) -> Result<Stored<DiscountBody>, Error> {
    let id = normalized(&input.code).ok_or_else(|| {
        Error::invalid(
            "code",
            "A code has 3 to 40 letters (A to Z), digits and hyphens, such as SPRING-26.",
        )
    })?;
    let reduction = match input.reduction {
        Reduction::Percent(percent @ 1..=100) => StoredReduction::Percent(percent),
        Reduction::Percent(_) => {
            return Err(Error::invalid(
                "percent",
                "A percentage is a whole number from 1 to 100.",
            ));
        }
        Reduction::Amount(amount) => StoredReduction::Amount(in_range("amount", amount)?),
    };
    let minimum = input
        .minimum
        .map(|amount| in_range("minimum", amount))
        .transpose()?;
    let own = input.currency.map(currency::check).transpose()?;
    let currency = match (reduction, minimum) {
        (StoredReduction::Percent(_), None) => own,
        _ => Some(own.map_or_else(|| currency::own(ports), Ok)?),
    };
    for (field, limit) in [
        ("limit", input.limit),
        ("limitPerCustomer", input.limit_per_customer),
    ] {
        if limit == Some(0) {
            return Err(Error::invalid(
                field,
                "A limit is 1 or more; leave it out for none.",
            ));
        }
    }
    let now = id::now();
    if input
        .ends_at
        .is_some_and(|end| end <= input.starts_at.unwrap_or(now).max(now))
    {
        return Err(Error::invalid(
            "endsAt",
            "A code ends after it starts, and in the future.",
        ));
    }
    let body = DiscountBody {
        reduction,
        currency,
        minimum,
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

/// What a code takes off, for the audit log.
fn told(body: &DiscountBody) -> String {
    match (body.reduction, &body.currency) {
        (StoredReduction::Percent(percent), _) => format!("{percent} percent"),
        (StoredReduction::Amount(amount), currency) => {
            format!(
                "{amount} minor units of {}",
                currency.as_deref().unwrap_or_default()
            )
        }
    }
}

fn in_range(field: &str, amount: i64) -> Result<i64, Error> {
    if AMOUNT.contains(&amount) {
        Ok(amount)
    } else {
        Err(Error::invalid(
            field,
            "An amount is a whole number of minor units (cents) from 1 to 2147483647.",
        ))
    }
}
