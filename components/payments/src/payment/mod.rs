//! Payments: how they are made, read, checked by timers and undone.

pub mod pay;
pub mod read;
pub mod settlement;
pub mod timer;
pub mod undo;
