//! wRPC over NATS, for functions whose parameters and results are plain values.
//!
//! This crate is the NATS.io transport of the [wRPC specification], reduced to what wasmCloud's host and
//! provider SDK need for Mercato's interfaces. Streams and futures have subjects of their own in the
//! specification; Mercato's interfaces have neither, so this crate rejects them. It keeps the wire format, so
//! both sides can talk to hosts with the released transport.
//!
//! If the parameters fit into one message, an invocation takes two messages:
//!
//! | from | subject | reply | payload |
//! |---|---|---|---|
//! | client | `<prefix>.wrpc.0.0.1.<instance>.<function>` | `R` | the encoded parameters; the header `wrpc-whole` |
//! | server | `R` | | the encoded results |
//!
//! Otherwise, or if one of the sides has the released transport, it takes these:
//!
//! | from | subject | reply | payload |
//! |---|---|---|---|
//! | client | `<prefix>.wrpc.0.0.1.<instance>.<function>` | `R` | the encoded parameters, or their beginning |
//! | server | `R` | `S` | empty: the invocation is accepted |
//! | client | `S.params` | | the rest of the parameters, then an empty message |
//! | server | `R.results` | | the encoded results, then an empty message |
//!
//! A server that got the header sends the acceptance only if it computes for more than a second, or if the
//! results don't fit into one message. Then it ignores `S.params`. A server that has failed sends no results,
//! but an empty message with the header `wrpc-failed`.
//!
//! The released transport 0.29 loses invocations in three situations. This one does not:
//!
//! - **A busy host.** One subscription gets the answers to all invocations, so none can arrive before its receiver is known.
//! - **A component that is scaled.** Its subscription is replaced. Invocations that NATS had already sent to the old one go back to the group.
//! - **No server for a moment.** While a provider restarts, NATS reports that nobody is subscribed. The client sends the invocation
//!   again for up to five seconds. No server has seen it, so it is not executed twice.
//!
//! [wRPC specification]: https://github.com/bytecodealliance/wrpc/blob/main/SPEC.md

mod answers;
mod client;
mod headers;
mod invoke;
mod results;
mod serve;
mod stream;

pub use client::Client;
pub use stream::{Incoming, Outgoing};
