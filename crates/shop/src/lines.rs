//! The limits of the lines of carts, orders and reservations.

use std::ops::RangeInclusive;

/// The most lines of an order or a cart.
pub const MAX_LINES: usize = 500;

/// The units of a line.
pub const QUANTITY: RangeInclusive<u32> = 1..=1_000_000;
