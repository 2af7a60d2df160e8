//! wRPC over NATS, for functions whose parameters and results are plain values.
//!
//! This crate is the NATS.io transport of the [wRPC specification], reduced to what wasmCloud's host and
//! provider SDK need for Mercato's interfaces. Streams and futures have subjects of their own in the
//! specification; Mercato's interfaces have neither, so this crate rejects them. It keeps the wire format, so
//! both sides can talk to hosts with the released transport.
//!
//! An invocation takes these messages:
//!
//! | from | subject | reply | payload |
//! |---|---|---|---|
//! | client | `<prefix>.wrpc.0.0.1.<instance>.<function>` | `R` | the encoded parameters, or their beginning |
//! | server | `R` | `S` | empty: the invocation is accepted |
//! | client | `S.params` | | the rest of the parameters, then an empty message |
//! | server | `R.results` | | the encoded results, then an empty message |
//!
//! The released transport 0.29 loses invocations in three situations. This one does not:
//!
//! - **A busy host.** One subscription of the invocation gets all its answers, so none can arrive before its receiver is known.
//! - **A component that is scaled.** Its subscription is replaced. Invocations that NATS had already sent to the old one go back to the group.
//! - **No server for a moment.** While a provider restarts, NATS reports that nobody is subscribed. The client sends the invocation
//!   again for up to five seconds. No server has seen it, so it is not executed twice.
//!
//! [wRPC specification]: https://github.com/bytecodealliance/wrpc/blob/main/SPEC.md

mod client;
mod invoke;
mod serve;
mod stream;

pub use client::Client;
pub use stream::{Incoming, Outgoing};
