//! Orders: placement, reading, payment, changes of status, and the saga.

pub mod changes;
mod input;
pub mod placement;
pub mod read;
pub mod saga;
pub mod settlement;
pub mod transition;
