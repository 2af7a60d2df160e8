//! The headers of messages that the transport adds to those of wRPC.

/// The header of an invocation whose parameters are whole, and whose results may come in one message.
pub(crate) const WHOLE: &str = "wrpc-whole";

/// The header of the last message of a server that has failed.
pub(crate) const FAILED: &str = "wrpc-failed";
