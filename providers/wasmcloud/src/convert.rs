//! Converts between the types of wRPC's bindings and the types of the ports, which have the same fields and
//! cases.
//!
//! The bindings can't use the types of the ports: wRPC generates an encoder and a decoder for each type, and
//! its `list<u8>` is `Bytes`.

use bytes::Bytes;
use mercato_ports::{documents, events, http_client, mailer, passwords};

use crate::bindings::wire;

/// Converts a value to another type of the same shape.
pub trait Convert<T> {
    /// Returns the converted value.
    fn convert(self) -> T;
}

impl<A: Convert<B>, B> Convert<Vec<B>> for Vec<A> {
    fn convert(self) -> Vec<B> {
        self.into_iter().map(A::convert).collect()
    }
}

impl<A: Convert<B>, B> Convert<Option<B>> for Option<A> {
    fn convert(self) -> Option<B> {
        self.map(A::convert)
    }
}

impl<A: Convert<B>, B, E: Convert<F>, F> Convert<Result<B, F>> for Result<A, E> {
    fn convert(self) -> Result<B, F> {
        self.map(A::convert).map_err(E::convert)
    }
}

impl Convert<Vec<u8>> for Bytes {
    fn convert(self) -> Vec<u8> {
        self.into()
    }
}

impl Convert<Bytes> for Vec<u8> {
    fn convert(self) -> Bytes {
        self.into()
    }
}

macro_rules! same {
    ($($type:ty),*) => {
        $(impl Convert<$type> for $type {
            fn convert(self) -> $type {
                self
            }
        })*
    };
}

macro_rules! record {
    ($from:ty => $to:ty { $($field:ident),* }) => {
        impl Convert<$to> for $from {
            fn convert(self) -> $to {
                type To = $to;
                To { $($field: self.$field.convert()),* }
            }
        }
    };
}

macro_rules! variant {
    ($from:ty => $to:ty { $($unit:ident),* ; $($case:ident),* }) => {
        impl Convert<$to> for $from {
            fn convert(self) -> $to {
                type To = $to;
                match self {
                    $(Self::$unit => To::$unit,)*
                    $(Self::$case(value) => To::$case(value.convert()),)*
                }
            }
        }
    };
}

same!((), bool, String, i64, u16, u32, u64);

record!(wire::Query => documents::Query { collection, conditions, search, sort, after, limit });
record!(wire::Condition => documents::Condition { field, comparison, value });
variant!(wire::Comparison => documents::Comparison { Equal, Less, AtMost, Greater, AtLeast; });
variant!(wire::Scalar => documents::Scalar { ; Text, Integer });
record!(wire::Search => documents::Search { all, not_all });
record!(wire::Clause => documents::Clause { field, terms });
record!(wire::Term => documents::Term { text, prefix });
record!(wire::Sort => documents::Sort { field, direction });
variant!(wire::Direction => documents::Direction { Ascending, Descending; });
record!(wire::Position => documents::Position { value, id });
variant!(wire::Write => documents::Write { ; Insert, Replace, Delete, Adjust });
record!(wire::Insertion => documents::Insertion { collection, id, body });
record!(wire::Replacement => documents::Replacement { collection, id, expected, body });
record!(wire::Deletion => documents::Deletion { collection, id, expected });
record!(wire::Adjustment => documents::Adjustment { collection, id, changes });
record!(wire::Change => documents::Change { field, by, floor });
record!(documents::Document => wire::Document { id, version, body });
variant!(documents::Failure => wire::Failure { ; Invalid, Unavailable });
variant!(documents::CommitFailure => wire::CommitFailure { ; Refused, Failed });
record!(documents::Refusal => wire::Refusal { write, reason });
variant!(documents::RefusalReason => wire::RefusalReason { Exists, Missing; Stale, UnderFloor });

record!(wire::Event => events::Event { id, kind, subject, time, due, data });
record!(events::Event => wire::Event { id, kind, subject, time, due, data });
variant!(wire::HandlerFailure => events::HandlerFailure { ; Retry, Reject });

record!(wire::Message => mailer::Message { to, subject, text, html });
variant!(mailer::MailFailure => wire::MailFailure { ; Rejected, Unavailable });

variant!(passwords::PasswordFailure => wire::PasswordFailure { Busy; Failed });

record!(wire::Request => http_client::Request { method, url, headers, body, timeout_ms });
variant!(wire::Method => http_client::Method { Get, Post, Put, Patch, Delete; });
record!(wire::Header => http_client::Header { name, value });
record!(http_client::Header => wire::Header { name, value });
record!(http_client::Response => wire::Response { status, headers, body });
variant!(http_client::HttpFailure => wire::HttpFailure { ; Refused, NotSent, Unknown });
