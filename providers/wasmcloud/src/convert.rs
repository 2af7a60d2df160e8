//! From what travels to what the ports speak of, and back.

use mercato_ports::documents as port;
use mercato_ports::events::{Event, HandlerFailure};
use mercato_ports::http_client as http;
use mercato_ports::mailer::{MailFailure, Message};

use crate::bindings::wire;
use crate::bindings::wire::documents as doc;

/// A list, element by element.
pub fn all<A, B: From<A>>(list: Vec<A>) -> Vec<B> {
    list.into_iter().map(B::from).collect()
}

/// Two records of the same fields.
macro_rules! record {
    ($from:ty => $to:ident { $($same:ident),* ; $($into:ident),* ; $($list:ident),* }) => {
        impl From<$from> for port::$to {
            fn from(value: $from) -> Self {
                Self {
                    $($same: value.$same,)*
                    $($into: value.$into.into(),)*
                    $($list: all(value.$list),)*
                }
            }
        }
    };
}

record!(doc::Condition => Condition { field; comparison, value; });
record!(doc::Sort => Sort { field; direction; });
record!(doc::Insertion => Insertion { collection, id, body; ; });
record!(doc::Replacement => Replacement { collection, id, expected, body; ; });
record!(doc::Deletion => Deletion { collection, id, expected; ; });
record!(doc::Change => Change { field, by, floor; ; });
record!(doc::Adjustment => Adjustment { collection, id; ; changes });

impl From<doc::Scalar> for port::Scalar {
    fn from(value: doc::Scalar) -> Self {
        match value {
            doc::Scalar::Text(text) => Self::Text(text),
            doc::Scalar::Integer(integer) => Self::Integer(integer),
        }
    }
}

impl From<doc::Comparison> for port::Comparison {
    fn from(comparison: doc::Comparison) -> Self {
        match comparison {
            doc::Comparison::Equal => Self::Equal,
            doc::Comparison::Less => Self::Less,
            doc::Comparison::AtMost => Self::AtMost,
            doc::Comparison::Greater => Self::Greater,
            doc::Comparison::AtLeast => Self::AtLeast,
        }
    }
}

impl From<doc::Direction> for port::Direction {
    fn from(direction: doc::Direction) -> Self {
        match direction {
            doc::Direction::Ascending => Self::Ascending,
            doc::Direction::Descending => Self::Descending,
        }
    }
}

impl From<doc::Position> for port::Position {
    fn from(position: doc::Position) -> Self {
        Self {
            value: position.value.map(Into::into),
            id: position.id,
        }
    }
}

impl From<doc::Query> for port::Query {
    fn from(query: doc::Query) -> Self {
        Self {
            collection: query.collection,
            conditions: all(query.conditions),
            search: query.search,
            sort: query.sort.map(Into::into),
            after: query.after.map(Into::into),
            limit: query.limit,
        }
    }
}

impl From<doc::Write> for port::Write {
    fn from(write: doc::Write) -> Self {
        match write {
            doc::Write::Insert(insertion) => Self::Insert(insertion.into()),
            doc::Write::Replace(replacement) => Self::Replace(replacement.into()),
            doc::Write::Delete(deletion) => Self::Delete(deletion.into()),
            doc::Write::Adjust(adjustment) => Self::Adjust(adjustment.into()),
        }
    }
}

impl From<port::Document> for doc::Document {
    fn from(document: port::Document) -> Self {
        Self {
            id: document.id,
            version: document.version,
            body: document.body,
        }
    }
}

impl From<port::Failure> for doc::Failure {
    fn from(failure: port::Failure) -> Self {
        match failure {
            port::Failure::Invalid(reason) => Self::Invalid(reason),
            port::Failure::Unavailable(reason) => Self::Unavailable(reason),
        }
    }
}

impl From<port::Refusal> for doc::Refusal {
    fn from(refusal: port::Refusal) -> Self {
        let reason = match refusal.reason {
            port::RefusalReason::Exists => doc::RefusalReason::Exists,
            port::RefusalReason::Missing => doc::RefusalReason::Missing,
            port::RefusalReason::Stale(version) => doc::RefusalReason::Stale(version),
            port::RefusalReason::UnderFloor(value) => doc::RefusalReason::UnderFloor(value),
        };
        Self {
            write: refusal.write,
            reason,
        }
    }
}

impl From<port::CommitFailure> for doc::CommitFailure {
    fn from(failure: port::CommitFailure) -> Self {
        match failure {
            port::CommitFailure::Refused(refusals) => Self::Refused(all(refusals)),
            port::CommitFailure::Failed(failure) => Self::Failed(failure.into()),
        }
    }
}

impl From<wire::Event> for Event {
    fn from(event: wire::Event) -> Self {
        let wire::Event {
            id,
            kind,
            subject,
            time,
            due,
            data,
        } = event;
        Self {
            id,
            kind,
            subject,
            time,
            due,
            data,
        }
    }
}

impl From<Event> for wire::Event {
    fn from(event: Event) -> Self {
        let Event {
            id,
            kind,
            subject,
            time,
            due,
            data,
        } = event;
        Self {
            id,
            kind,
            subject,
            time,
            due,
            data,
        }
    }
}

impl From<wire::HandlerFailure> for HandlerFailure {
    fn from(failure: wire::HandlerFailure) -> Self {
        match failure {
            wire::HandlerFailure::Retry(reason) => Self::Retry(reason),
            wire::HandlerFailure::Reject(reason) => Self::Reject(reason),
        }
    }
}

impl From<wire::mailer::Message> for Message {
    fn from(message: wire::mailer::Message) -> Self {
        Self {
            to: message.to,
            subject: message.subject,
            text: message.text,
            html: message.html,
        }
    }
}

impl From<MailFailure> for wire::mailer::Failure {
    fn from(failure: MailFailure) -> Self {
        match failure {
            MailFailure::Rejected(reason) => Self::Rejected(reason),
            MailFailure::Unavailable(reason) => Self::Unavailable(reason),
        }
    }
}

impl From<wire::http_client::Method> for http::Method {
    fn from(method: wire::http_client::Method) -> Self {
        match method {
            wire::http_client::Method::Get => Self::Get,
            wire::http_client::Method::Post => Self::Post,
            wire::http_client::Method::Put => Self::Put,
            wire::http_client::Method::Patch => Self::Patch,
            wire::http_client::Method::Delete => Self::Delete,
        }
    }
}

impl From<wire::http_client::Header> for http::Header {
    fn from(header: wire::http_client::Header) -> Self {
        Self {
            name: header.name,
            value: header.value.into(),
        }
    }
}

impl From<http::Header> for wire::http_client::Header {
    fn from(header: http::Header) -> Self {
        Self {
            name: header.name,
            value: header.value.into(),
        }
    }
}

impl From<wire::http_client::Request> for http::Request {
    fn from(request: wire::http_client::Request) -> Self {
        Self {
            method: request.method.into(),
            url: request.url,
            headers: all(request.headers),
            body: request.body.into(),
            timeout_ms: request.timeout_ms,
        }
    }
}

impl From<http::Response> for wire::http_client::Response {
    fn from(response: http::Response) -> Self {
        Self {
            status: response.status,
            headers: all(response.headers),
            body: response.body.into(),
        }
    }
}

impl From<http::HttpFailure> for wire::http_client::Error {
    fn from(failure: http::HttpFailure) -> Self {
        match failure {
            http::HttpFailure::Refused(reason) => Self::Refused(reason),
            http::HttpFailure::NotSent(reason) => Self::NotSent(reason),
            http::HttpFailure::Unknown(reason) => Self::Unknown(reason),
        }
    }
}
