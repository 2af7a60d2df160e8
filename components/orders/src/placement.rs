//! The placement of an order: reserved, priced, and inserted together with the use of its discount code.

use mercato_common::collection::Stored;
use mercato_common::id;
use mercato_common::orders::{NewOrder, Order};
use mercato_common::ports::Ports;
use mercato_common::services::Inventory;
use mercato_common::types::{Error, PricedLine};
use mercato_ports::documents::CommitFailure;

use crate::amounts::{self, Rate};
use crate::order::{ORDERS, OrderBody, Record, currency, subtotal, to_order};
use crate::redemption::Use;
use crate::service::OrdersService;
use crate::{events, settings, tax};

/// How often an order is inserted anew when others use its discount code meanwhile.
const TRIES: usize = 10;

/// What one order may come to, in minor units: what GraphQL's Int, which has 32 bits, can tell.
const MOST: i64 = i32::MAX as i64;

/// All that an order is made of.
struct Placement {
    order_id: String,
    user_id: String,
    code: Option<String>,
    region: Option<String>,
    rate: Rate,
    now: u64,
    /// When it has to be paid.
    due: Option<u64>,
}

impl<P: Ports, I: Inventory> OrdersService<P, I> {
    pub(crate) fn place_for(&self, user_id: &str, input: &NewOrder) -> Result<Order, Error> {
        let region = input.region.as_deref().map(tax::region).transpose()?;
        let placement = Placement {
            order_id: id::new(),
            user_id: user_id.into(),
            code: input.discount_code.clone(),
            rate: tax::rate(&self.ports, region.as_deref())?,
            region,
            now: id::now(),
            due: settings::order_due(&self.ports)?,
        };
        // A code that is no good is refused before anything is reserved.
        let used = self.find_use(&placement)?;
        let due = settings::reservation_due(&self.ports)?;
        let priced = self.inventory.reserve(&placement.order_id, &input.lines, due)?;
        let placed = self.insert(&placement, priced, used);
        if let Err(Error::Invalid(_)) = placed {
            // Where this fails, the reservation's timer does it.
            let _ = self.inventory.release(&placement.order_id);
        }
        placed
    }

    fn find_use(&self, placement: &Placement) -> Result<Option<Use>, Error> {
        let find = |code| Use::find(&self.ports, code, &placement.user_id, placement.now);
        placement.code.as_deref().map(find).transpose()
    }

    fn insert(
        &self,
        placement: &Placement,
        priced: Vec<PricedLine>,
        mut used: Option<Use>,
    ) -> Result<Order, Error> {
        let order_id = &placement.order_id;
        let body = body(placement, priced, used.as_ref())?;
        let mut events = vec![events::placed(order_id, &body.user_id)?];
        if let Some(due) = placement.due {
            events.push(events::timer(order_id, due)?);
        }
        let record = Record::Order(body);
        for _ in 0..TRIES {
            let mut writes = vec![ORDERS.insert(order_id, &record)?];
            if let Some(used) = &used {
                writes.extend(used.count()?);
            }
            match self.ports.commit(&writes, &events) {
                Ok(()) => {
                    return to_order(Stored {
                        id: order_id.clone(),
                        version: 1,
                        body: record,
                    })
                    .ok_or_else(|| Error::Internal("an order became a tombstone".into()));
                }
                Err(CommitFailure::Refused(refusals))
                    if refusals.iter().any(|refusal| refusal.write == 0) =>
                {
                    return Err(Error::Conflict(
                        "This order took too long and was given up. Nothing was bought: place it again."
                            .into(),
                    ));
                }
                // The code has been used or disabled meanwhile: another look tells whether it is still good.
                Err(CommitFailure::Refused(_)) => used = self.find_use(placement)?,
                Err(failure) => return Err(failure.into()),
            }
        }
        Err(Error::invalid(
            "discountCode",
            "This discount code is used by too many at once. Try again in a moment, or order without it.",
        ))
    }
}

/// The order that is made of lines with their prices.
fn body(placement: &Placement, priced: Vec<PricedLine>, used: Option<&Use>) -> Result<OrderBody, Error> {
    let subtotals: Vec<_> = priced
        .iter()
        .map(|line| subtotal(line.unit_price.amount, line.quantity))
        .collect();
    let discount = match used {
        Some(used) => used.off(amounts::sum(&subtotals), &currency(&priced))?,
        None => 0,
    };
    let amounts = amounts::of_lines(&subtotals, discount, placement.rate);
    if amounts::total(amounts.iter()).total > MOST {
        return Err(Error::invalid(
            "products",
            format!("An order comes to at most {MOST} minor units with its tax. Split it."),
        ));
    }
    Ok(OrderBody::place(
        &placement.user_id,
        priced,
        &amounts,
        used.map(Use::redeemed),
        placement.region.clone(),
        placement.now,
    ))
}
