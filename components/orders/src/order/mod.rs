//! Orders: how they are placed, read, paid, moved on and undone.

pub mod changes;
mod input;
pub mod placement;
pub mod read;
pub mod saga;
pub mod settlement;
pub mod transition;
