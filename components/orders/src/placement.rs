//! The placement of an order: reserved, priced, and inserted together with the use of its discount code.
//!
//! Another service places an order under an id of its own choice, again and again where it has to. Whatever becomes of it the first
//! time stands in the document of that id, the order or a tombstone, and is the answer from then on.

use mercato_ports::documents::CommitFailure;
use mercato_shop::collection::Stored;
use mercato_shop::id;
use mercato_shop::orders::{Actor, NewOrder, Order};
use mercato_shop::ports::Ports;
use mercato_shop::pruning::prune;
use mercato_shop::services::{Inventory, Placement};
use mercato_shop::types::{Caller, Error, PricedLine};

use crate::amounts::{self, Rate};
use crate::order::{ORDERS, OrderBody, Record, Tombstone, currency, subtotal, to_order};
use crate::redemption::Use;
use crate::service::OrdersService;
use crate::timeline::actor;
use crate::{audit, events, lines, settings, tax};

/// How often an order is inserted anew when others use its discount code meanwhile.
const TRIES: usize = 10;

/// How long the id of an order that was refused stays taken, in milliseconds: 30 days. Nobody tries for that long.
const REMEMBERED: u64 = 30 * 24 * 3_600_000;

/// What one order may come to, in minor units: what GraphQL's Int, which has 32 bits, can tell.
const MOST: i64 = i32::MAX as i64;

const NOBODY_ELSE: &str = "A customer orders for nobody else.";

/// An order that is wanted.
pub struct Wanted<'a> {
    pub order_id: &'a str,
    /// Whose it is going to be.
    pub user_id: &'a str,
    /// Who places it.
    pub actor: Actor,
    pub input: &'a NewOrder,
    /// What its lines must come to, if anything.
    pub expected_subtotal: Option<i64>,
}

/// All that an order is made of.
struct Plan<'a> {
    wanted: &'a Wanted<'a>,
    region: Option<String>,
    rate: Rate,
    now: u64,
    /// When it has to be paid.
    due: Option<u64>,
}

/// Why an order was not placed.
enum Refusal {
    /// Nothing was taken for it.
    Before(Error),
    /// Something is reserved for it.
    After(Error),
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        Self::Before(error)
    }
}

impl<P: Ports, I: Inventory> Placement for OrdersService<P, I> {
    fn place(
        &self,
        caller: &Caller,
        order_id: &str,
        user_id: &str,
        input: &NewOrder,
        expected_subtotal: Option<i64>,
    ) -> Result<Order, Error> {
        caller.require_admin_or(user_id, NOBODY_ELSE)?;
        if let Some(stored) = ORDERS.get(&self.ports, order_id)? {
            return answer(stored, user_id);
        }
        let wanted = Wanted {
            order_id,
            user_id,
            actor: match caller.user_id() {
                Some(own) if own == user_id => Actor::Customer(own.into()),
                _ => actor(caller)?,
            },
            input,
            expected_subtotal,
        };
        match self.attempt(&wanted) {
            Err(Refusal::Before(error) | Refusal::After(error)) => self.give_up(&wanted, error),
            Ok(order) => Ok(order),
        }
    }

    fn withdraw(&self, caller: &Caller, order_id: &str, user_id: &str) -> Result<Option<Order>, Error> {
        caller.require_admin_or(user_id, NOBODY_ELSE)?;
        self.end(order_id, user_id)
    }
}

impl<P: Ports, I: Inventory> OrdersService<P, I> {
    /// Places an order under an id that nobody else knows.
    pub(crate) fn place_new(&self, wanted: &Wanted<'_>) -> Result<Order, Error> {
        match self.attempt(wanted) {
            Err(Refusal::After(error)) => self.give_up(wanted, error),
            Err(Refusal::Before(error)) => Err(error),
            Ok(order) => Ok(order),
        }
    }

    fn attempt(&self, wanted: &Wanted<'_>) -> Result<Order, Refusal> {
        lines::check(&wanted.input.lines)?;
        let region = wanted.input.region.as_deref().map(tax::region).transpose()?;
        let plan = Plan {
            wanted,
            rate: tax::rate(&self.ports, region.as_deref())?,
            region,
            now: id::now(),
            due: settings::order_due(&self.ports)?,
        };
        // A code that is no good is refused before anything is reserved.
        let used = self.find_use(&plan)?;
        let due = settings::reservation_due(&self.ports)?;
        let priced = self
            .inventory
            .reserve(wanted.order_id, &wanted.input.lines, due)?;
        self.insert(&plan, priced, used).map_err(Refusal::After)
    }

    /// Makes a refusal final. Where the order was placed after all, by another one who did so at the same time, it is the answer.
    fn give_up(&self, wanted: &Wanted<'_>, refusal: Error) -> Result<Order, Error> {
        if matches!(refusal, Error::Unavailable(_) | Error::Internal(_)) {
            return Err(refusal);
        }
        self.end(wanted.order_id, wanted.user_id)?.ok_or(refusal)
    }

    /// A tombstone takes an order's id, and what is reserved for it goes back; or else the id is taken by the order already.
    fn end(&self, order_id: &str, user_id: &str) -> Result<Option<Order>, Error> {
        let tombstone = Record::Abandoned(Tombstone {
            abandoned_at: id::now(),
        });
        match self.ports.commit(&[ORDERS.insert(order_id, &tombstone)?], &[]) {
            Ok(()) => {
                let before = id::now().saturating_sub(REMEMBERED);
                let is_tombstone = |record: &Record| matches!(record, Record::Abandoned(_));
                prune(
                    &self.ports,
                    &ORDERS,
                    ("abandonedAt", before),
                    order_id,
                    is_tombstone,
                );
            }
            Err(CommitFailure::Refused(_)) => {
                if let Some(stored) = ORDERS.get(&self.ports, order_id)?
                    && matches!(stored.body, Record::Order(_))
                {
                    return answer(stored, user_id).map(Some);
                }
            }
            Err(failure) => return Err(failure.into()),
        }
        // Where this fails, the reservation's timer does it.
        let _ = self.inventory.release(order_id);
        Ok(None)
    }

    fn find_use(&self, plan: &Plan<'_>) -> Result<Option<Use>, Error> {
        let find = |code| Use::find(&self.ports, code, plan.wanted.user_id, plan.now);
        plan.wanted.input.discount_code.as_deref().map(find).transpose()
    }

    fn insert(
        &self,
        plan: &Plan<'_>,
        priced: Vec<PricedLine>,
        mut used: Option<Use>,
    ) -> Result<Order, Error> {
        let order_id = plan.wanted.order_id;
        let body = body(plan, priced, used.as_ref())?;
        let mut events = vec![events::placed(order_id, &body.user_id)?];
        events.extend(audit::of_placement(&plan.wanted.actor, order_id, &body.user_id)?);
        if let Some(due) = plan.due {
            events.push(events::timer(order_id, due)?);
        }
        let mut record = Record::Order(body);
        for _ in 0..TRIES {
            if let Record::Order(body) = &mut record {
                body.updated_at = Some(id::now());
            }
            let mut writes = vec![ORDERS.insert(order_id, &record)?];
            if let Some(used) = &used {
                writes.extend(used.count()?);
            }
            match self.ports.commit(&writes, &events) {
                Ok(()) => {
                    return to_order(Stored {
                        id: order_id.into(),
                        version: 1,
                        body: record,
                    })
                    .ok_or_else(|| Error::Internal("an order became a tombstone".into()));
                }
                Err(CommitFailure::Refused(refusals))
                    if refusals.iter().any(|refusal| refusal.write == 0) =>
                {
                    return Err(given_up());
                }
                // The code has been used or disabled meanwhile: another look tells whether it is still good.
                Err(CommitFailure::Refused(_)) => used = self.find_use(plan)?,
                Err(failure) => return Err(failure.into()),
            }
        }
        Err(Error::invalid(
            "discountCode",
            "This discount code is used by too many at once. Try again in a moment, or order without it.",
        ))
    }
}

/// The order that an id was used for; a conflict where it was given up.
fn answer(stored: Stored<Record>, user_id: &str) -> Result<Order, Error> {
    match to_order(stored) {
        Some(order) if order.user_id == user_id => Ok(order),
        Some(_) => Err(Error::Conflict("This is another customer's order.".into())),
        None => Err(given_up()),
    }
}

fn given_up() -> Error {
    Error::Conflict("This order took too long and was given up. Nothing was bought: place it again.".into())
}

/// The order that is made of lines with their prices.
fn body(plan: &Plan<'_>, priced: Vec<PricedLine>, used: Option<&Use>) -> Result<OrderBody, Error> {
    let subtotals: Vec<_> = priced
        .iter()
        .map(|line| subtotal(line.unit_price.amount, line.quantity))
        .collect();
    let subtotal = amounts::sum(&subtotals);
    if let Some(expected) = plan
        .wanted
        .expected_subtotal
        .filter(|expected| *expected != subtotal)
    {
        let currency = currency(&priced);
        return Err(Error::Conflict(format!(
            "These products come to {subtotal} minor units of {currency} now, and not to {expected}. Nothing was bought: \
             look at the prices again."
        )));
    }
    let discount = match used {
        Some(used) => used.off(subtotal, &currency(&priced))?,
        None => 0,
    };
    let amounts = amounts::of_lines(&subtotals, discount, plan.rate);
    if amounts::total(amounts.iter()).total > MOST {
        return Err(Error::invalid(
            "products",
            format!("An order comes to at most {MOST} minor units with its tax. Split it."),
        ));
    }
    Ok(OrderBody::place(
        plan.wanted,
        priced,
        &amounts,
        used.map(Use::redeemed),
        plan.region.clone(),
        plan.now,
    ))
}
