//! The low-stock alert of a product.
//!
//! The alert is raised when the units on hand fall to the threshold, and cleared when they rise above it.
//! Raising it emits one event, so that each shortage is reported once.
//!
//! A product counts the changes of its alert. A change is committed together with the movement that causes
//! it. It claims its number by a marker document, so that one of several concurrent movements makes it.
//!
//! The change is decided by the units on hand when the product was read, which costs no other read of a
//! popular product. If several concurrent sales cross the threshold only together, the next movement raises
//! the alert. Units that an order gives back clear it at the next movement, too.

use mercato_ports::documents::{Change, Write};
use mercato_ports::events::Event;
use mercato_shop::collection::Stored;
use mercato_shop::id;
use mercato_shop::ports::Ports;
use mercato_shop::settings::number;
use mercato_shop::types::Error;

use super::movement::add;
use crate::events;
use crate::repository::{ALERT_CHANGES, AlertChangeMarker, ProductBody};

/// Whether each attempt of a movement also changes the alert. The last one leaves the change to the next
/// movement, so that a conflict over the alert never fails a movement.
pub const ATTEMPTS: [bool; 3] = [true, true, false];

/// The shop's threshold, for products without their own. There is none unless `LOW_STOCK` is set.
#[derive(Clone, Copy, Debug)]
pub struct ShopThreshold(Option<i64>);

/// A change of the alert, to be committed with a movement.
pub struct AlertChange {
    /// By how much the product's count of alert changes grows.
    pub steps: i64,
    pub writes: Vec<Write>,
    pub event: Option<Event>,
}

impl AlertChange {
    /// Returns the change of the product, for an adjustment.
    pub fn adjustment(&self) -> Change {
        add("lowTurns", self.steps)
    }
}

impl ShopThreshold {
    /// Reads the threshold from the configuration.
    pub fn read(ports: &impl Ports) -> Result<Self, Error> {
        Ok(Self(number::LOW_STOCK.of(ports)?.map(i64::from)))
    }

    /// Returns the change of the alert by a movement that changes the units on hand by `delta`.
    pub fn alert_change(
        self,
        product: &Stored<ProductBody>,
        delta: i64,
    ) -> Result<Option<AlertChange>, Error> {
        let body = &product.body;
        let Some(threshold) = body.low_stock_at.or(self.0) else {
            return Ok(None);
        };
        let on_hand = body.on_hand + delta;
        let is_raised = body.alert_changes % 2 != 0;
        let steps = match (is_raised, on_hand > threshold) {
            (true, true) => 1,
            // A cleared alert is raised by movements that take units, not by those that add too few.
            (false, false) if delta < 0 => 1,
            // The alert should have been cleared by an earlier movement. It is cleared and raised again.
            (true, false) if delta < 0 && body.on_hand > threshold => 2,
            _ => return Ok(None),
        };
        let marker = AlertChangeMarker { at: id::now() };
        let marker_id = |number: i64| format!("{}/{number}", product.id);
        let mut writes = vec![ALERT_CHANGES.insert(&marker_id(body.alert_changes + steps), &marker)?];
        if body.alert_changes > 0 {
            // Markers are never replaced, so their version is 1.
            writes.push(ALERT_CHANGES.delete(&Stored {
                id: marker_id(body.alert_changes),
                version: 1,
                body: marker,
            }));
        }
        let is_raised_now = on_hand <= threshold;
        let event = is_raised_now
            .then(|| events::low_stock(&product.id, &body.name, on_hand, threshold))
            .transpose()?;
        Ok(Some(AlertChange { steps, writes, event }))
    }
}
