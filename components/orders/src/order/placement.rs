//! Places orders: reserves the lines, prices them, and inserts the order together with the use of its
//! discount.
//!
//! Another service chooses the id of an order, and repeats the placement until it gets an answer. The first
//! outcome, an order or a tombstone, is stored as the document of that id. Every repetition returns it.

use mercato_ports::documents::CommitFailure;
use mercato_shop::collection::Stored;
use mercato_shop::currency::{self, MAX_AMOUNT};
use mercato_shop::id;
use mercato_shop::orders::{Actor, NewOrder, Order, Status};
use mercato_shop::ports::Ports;
use mercato_shop::pruning::prune;
use mercato_shop::retry::{AttemptError, retry_on_conflict};
use mercato_shop::services::Inventory;
use mercato_shop::types::{Caller, Error, PricedLine};

use super::input;
use crate::amounts::{self, Rate, subtotal};
use crate::discount::redemption::DiscountUse;
use crate::repository::{LineBody, ORDERS, OrderBody, Record, StoredStatus, TimelineEntry, to_order};
use crate::{audit, events, settings};

/// How long the tombstone of an abandoned placement is kept, in milliseconds: 30 days. No client repeats a
/// placement for that long.
const TOMBSTONE_LIFETIME: u64 = 30 * 24 * 3_600_000;

const OWN_ORDERS: &str = "You can place only your own orders.";

/// The command to place an order.
struct PlaceOrder<'a> {
    order_id: &'a str,
    user_id: &'a str,
    actor: Actor,
    input: &'a NewOrder,
    /// The subtotal that the order must have, if any.
    expected_subtotal: Option<i64>,
}

/// A command, with the values that the order takes from its input and the configuration.
struct Plan<'a> {
    command: &'a PlaceOrder<'a>,
    region: Option<String>,
    rate: Rate,
    now: u64,
    /// When the order must be paid.
    due: Option<u64>,
}

/// Why an order was not placed.
enum PlacementError {
    NothingReserved(Error),
    /// The order has a reservation, which must be released.
    Reserved(Error),
}

impl From<Error> for PlacementError {
    fn from(error: Error) -> Self {
        Self::NothingReserved(error)
    }
}

/// Places an order for the caller, under a new id.
pub fn place_new(
    ports: &impl Ports,
    inventory: &impl Inventory,
    caller: &Caller,
    input: &NewOrder,
) -> Result<Order, Error> {
    let user_id = caller.require_user("An order belongs to a user. Sign in instead of using the API key.")?;
    let command = PlaceOrder {
        order_id: &id::new(),
        user_id,
        actor: Actor::Customer(user_id.into()),
        input,
        expected_subtotal: None,
    };
    match attempt(ports, inventory, &command) {
        Ok(order) => Ok(order),
        // The id is new, so it needs no tombstone.
        Err(PlacementError::NothingReserved(error)) => Err(error),
        Err(PlacementError::Reserved(error)) => abandon_after(ports, inventory, &command, error),
    }
}

/// Places an order of this id for a user: the caller, or any user for an ADMIN or the API key. Returns the
/// order of the id if it was placed before.
///
/// # Errors
/// [`Error::Conflict`] if an earlier placement of the id was abandoned, or if the subtotal is not the
/// expected one.
pub fn place(
    ports: &impl Ports,
    inventory: &impl Inventory,
    caller: &Caller,
    order_id: &str,
    user_id: &str,
    input: &NewOrder,
    expected_subtotal: Option<i64>,
) -> Result<Order, Error> {
    caller.require_admin_or(user_id, OWN_ORDERS)?;
    if let Some(stored) = ORDERS.get(ports, order_id)? {
        return existing_order(stored, user_id);
    }
    let command = PlaceOrder {
        order_id,
        user_id,
        actor: match caller.user_id() {
            Some(own) if own == user_id => Actor::Customer(own.into()),
            _ => audit::actor(caller)?,
        },
        input,
        expected_subtotal,
    };
    match attempt(ports, inventory, &command) {
        Ok(order) => Ok(order),
        Err(PlacementError::NothingReserved(error) | PlacementError::Reserved(error)) => {
            abandon_after(ports, inventory, &command, error)
        }
    }
}

/// Makes sure that no order of this id will be placed. Returns the order if it was placed already.
pub fn withdraw(
    ports: &impl Ports,
    inventory: &impl Inventory,
    caller: &Caller,
    order_id: &str,
    user_id: &str,
) -> Result<Option<Order>, Error> {
    caller.require_admin_or(user_id, OWN_ORDERS)?;
    abandon(ports, inventory, order_id, user_id)
}

fn attempt(
    ports: &impl Ports,
    inventory: &impl Inventory,
    command: &PlaceOrder<'_>,
) -> Result<Order, PlacementError> {
    input::check(&command.input.lines)?;
    let region = command.input.region.as_deref().map(input::region).transpose()?;
    let plan = Plan {
        command,
        rate: settings::tax_rate(ports, region.as_deref())?,
        region,
        now: id::now(),
        due: settings::order_due(ports)?,
    };
    // A discount that can't be used is rejected before anything is reserved.
    let discount = find_discount(ports, &plan)?;
    let due = settings::reservation_due(ports)?;
    let priced = inventory.reserve(command.order_id, &command.input.lines, due)?;
    insert(ports, &plan, priced, discount).map_err(PlacementError::Reserved)
}

/// Abandons a placement that failed, and returns its error. Returns the order instead if a concurrent request
/// has placed it. After a temporary error, the placement is not abandoned: it can be repeated.
fn abandon_after(
    ports: &impl Ports,
    inventory: &impl Inventory,
    command: &PlaceOrder<'_>,
    error: Error,
) -> Result<Order, Error> {
    if matches!(error, Error::Unavailable(_) | Error::Internal(_)) {
        return Err(error);
    }
    abandon(ports, inventory, command.order_id, command.user_id)?.ok_or(error)
}

/// Inserts a tombstone under the id of an order, and releases its reservation. Returns the order if it has
/// been placed.
fn abandon(
    ports: &impl Ports,
    inventory: &impl Inventory,
    order_id: &str,
    user_id: &str,
) -> Result<Option<Order>, Error> {
    match ports.commit(&[ORDERS.insert(order_id, &Record::tombstone())?], &[]) {
        Ok(()) => {
            let before = id::now().saturating_sub(TOMBSTONE_LIFETIME);
            let is_tombstone = |record: &Record| matches!(record, Record::Abandoned(_));
            prune(ports, &ORDERS, ("abandonedAt", before), order_id, is_tombstone);
        }
        Err(CommitFailure::Refused(_)) => {
            if let Some(stored) = ORDERS.get(ports, order_id)?
                && matches!(stored.body, Record::Order(_))
            {
                return existing_order(stored, user_id).map(Some);
            }
        }
        Err(failure) => return Err(failure.into()),
    }
    // If this fails, the timer of the reservation releases it.
    let _ = inventory.release(order_id);
    Ok(None)
}

fn find_discount(ports: &impl Ports, plan: &Plan<'_>) -> Result<Option<DiscountUse>, Error> {
    let find = |code| DiscountUse::find(ports, code, plan.command.user_id, plan.now);
    plan.command.input.discount_code.as_deref().map(find).transpose()
}

fn insert(
    ports: &impl Ports,
    plan: &Plan<'_>,
    priced: Vec<PricedLine>,
    mut discount: Option<DiscountUse>,
) -> Result<Order, Error> {
    let order_id = plan.command.order_id;
    let mut body = new_order(ports, plan, priced, discount.as_ref())?;
    let mut events = vec![events::placed(order_id, &body.user_id)?];
    events.extend(audit::placement(&plan.command.actor, order_id, &body.user_id)?);
    if let Some(due) = plan.due {
        events.push(events::timer(order_id, due)?);
    }
    let busy = || {
        Error::invalid(
            "discountCode",
            "Too many orders use this discount code. Try again in a moment, or order without it.",
        )
    };
    retry_on_conflict(busy, || {
        body.updated_at = Some(id::now());
        let mut writes = vec![ORDERS.insert(order_id, &Record::Order(body.clone()))?];
        if let Some(discount) = &discount {
            writes.extend(discount.redeem()?);
        }
        match ports.commit(&writes, &events) {
            Ok(()) => Ok(body.clone().into_order(order_id.into(), 1)),
            Err(CommitFailure::Refused(refusals)) if refusals.iter().any(|refusal| refusal.write == 0) => {
                Err(abandoned().into())
            }
            // Another request has used or disabled the discount. Reading it again shows whether it can
            // still be used.
            Err(CommitFailure::Refused(_)) => {
                discount = find_discount(ports, plan)?;
                Err(AttemptError::Conflict)
            }
            Err(failure) => Err(failure.into()),
        }
    })
}

/// Returns the order of an id that is taken.
///
/// # Errors
/// [`Error::Conflict`] if the placement was abandoned, or if the order belongs to another user.
fn existing_order(stored: Stored<Record>, user_id: &str) -> Result<Order, Error> {
    match to_order(stored) {
        Some(order) if order.user_id == user_id => Ok(order),
        Some(_) => Err(Error::Conflict("This order belongs to another customer.".into())),
        None => Err(abandoned()),
    }
}

fn abandoned() -> Error {
    Error::Conflict("This order took too long and was abandoned. Nothing was bought: place it again.".into())
}

/// Checks an amount of a whole order.
fn check_size(amount: i64) -> Result<(), Error> {
    if amount <= MAX_AMOUNT {
        return Ok(());
    }
    Err(Error::invalid(
        "products",
        format!("The total with tax must be at most {MAX_AMOUNT} minor units. Split the order."),
    ))
}

/// Creates the order of priced lines.
fn new_order(
    ports: &impl Ports,
    plan: &Plan<'_>,
    priced: Vec<PricedLine>,
    discount: Option<&DiscountUse>,
) -> Result<OrderBody, Error> {
    let subtotals: Vec<_> = priced
        .iter()
        .map(|line| subtotal(line.unit_price.amount, line.quantity))
        .collect();
    let subtotal = amounts::sum(&subtotals);
    // The inventory guarantees that all lines have one currency.
    let currency = priced
        .first()
        .map(|line| line.unit_price.currency.clone())
        .unwrap_or_default();
    let expected = plan.command.expected_subtotal;
    if let Some(expected) = expected.filter(|expected| *expected != subtotal) {
        return Err(Error::Conflict(format!(
            "The products cost {} now, not {}. Nothing was bought. Check the prices.",
            currency::with_code(subtotal, &currency),
            currency::with_code(expected, &currency)
        )));
    }
    check_size(subtotal)?;
    let unit = settings::unit(ports, &currency);
    let reduction = match discount {
        Some(discount) => discount.reduction(subtotal, &currency, unit)?,
        None => 0,
    };
    let amounts = amounts::of_lines(&subtotals, reduction, plan.rate, unit);
    let total = amounts::total(amounts.iter()).total;
    check_size(total)?;
    settings::check_payable(ports, total, &currency).map_err(|reason| {
        Error::invalid("products", format!("{reason} Order products with such a total."))
    })?;
    let lines = priced.into_iter().zip(amounts).map(|(line, amounts)| LineBody {
        product_id: line.product_id,
        name: line.name,
        quantity: line.quantity,
        price: line.unit_price.amount,
        discount: amounts.discount,
        tax: amounts.tax,
    });
    let status = StoredStatus(Status::Pending);
    Ok(OrderBody {
        user_id: plan.command.user_id.into(),
        lines: lines.collect(),
        currency,
        discount: discount.map(DiscountUse::redemption),
        region: plan.region.clone(),
        status,
        paid_by_gateway: false,
        timeline: vec![TimelineEntry {
            at: plan.now,
            actor: plan.command.actor.clone(),
            before: None,
            after: status,
            note: None,
        }],
        created_at: plan.now,
        updated_at: None,
    })
}
