//! Between the types of what this component exports and those of the ports, which are the same in two modules.

use mercato_ports::documents as ports;
use mercato_ports::events::DeadLetter;
use mercato_ports::http_client as http;
use mercato_ports::mailer::Message;

use super::bindings::exports::mercato::adapter::outbox;
use super::bindings::exports::mercato::platform::documents as wit;
use super::bindings::exports::mercato::platform::{http_client, mailer};

pub fn document(document: ports::Document) -> wit::Document {
    let ports::Document { id, version, body } = document;
    wit::Document { id, version, body }
}

pub fn query(query: wit::Query) -> ports::Query {
    let condition = |condition: wit::Condition| ports::Condition {
        field: condition.field,
        comparison: match condition.comparison {
            wit::Comparison::Equal => ports::Comparison::Equal,
            wit::Comparison::Less => ports::Comparison::Less,
            wit::Comparison::AtMost => ports::Comparison::AtMost,
            wit::Comparison::Greater => ports::Comparison::Greater,
            wit::Comparison::AtLeast => ports::Comparison::AtLeast,
        },
        value: scalar(condition.value),
    };
    ports::Query {
        collection: query.collection,
        conditions: query.conditions.into_iter().map(condition).collect(),
        search: query.search,
        sort: query.sort.map(|sort| ports::Sort {
            field: sort.field,
            direction: match sort.direction {
                wit::Direction::Ascending => ports::Direction::Ascending,
                wit::Direction::Descending => ports::Direction::Descending,
            },
        }),
        after: query.after.map(|after| ports::Position {
            value: after.value.map(scalar),
            id: after.id,
        }),
        limit: query.limit,
    }
}

fn scalar(scalar: wit::Scalar) -> ports::Scalar {
    match scalar {
        wit::Scalar::Text(text) => ports::Scalar::Text(text),
        wit::Scalar::Integer(integer) => ports::Scalar::Integer(integer),
    }
}

pub fn write(write: wit::Write) -> ports::Write {
    match write {
        wit::Write::Insert(wit::Insertion { collection, id, body }) => {
            ports::Write::Insert(ports::Insertion { collection, id, body })
        }
        wit::Write::Replace(write) => ports::Write::Replace(ports::Replacement {
            collection: write.collection,
            id: write.id,
            expected: write.expected,
            body: write.body,
        }),
        wit::Write::Delete(wit::Deletion {
            collection,
            id,
            expected,
        }) => ports::Write::Delete(ports::Deletion {
            collection,
            id,
            expected,
        }),
        wit::Write::Adjust(wit::Adjustment {
            collection,
            id,
            changes,
        }) => {
            let change = |wit::Change { field, by, floor }| ports::Change { field, by, floor };
            ports::Write::Adjust(ports::Adjustment {
                collection,
                id,
                changes: changes.into_iter().map(change).collect(),
            })
        }
    }
}

pub fn failure(failure: ports::Failure) -> wit::Failure {
    match failure {
        ports::Failure::Invalid(reason) => wit::Failure::Invalid(reason),
        ports::Failure::Unavailable(reason) => wit::Failure::Unavailable(reason),
    }
}

pub fn commit_failure(refused: ports::CommitFailure) -> wit::CommitFailure {
    match refused {
        ports::CommitFailure::Failed(reason) => wit::CommitFailure::Failed(failure(reason)),
        ports::CommitFailure::Refused(refusals) => {
            wit::CommitFailure::Refused(refusals.into_iter().map(refusal).collect())
        }
    }
}

fn refusal(refusal: ports::Refusal) -> wit::Refusal {
    wit::Refusal {
        write: refusal.write,
        reason: match refusal.reason {
            ports::RefusalReason::Exists => wit::RefusalReason::Exists,
            ports::RefusalReason::Missing => wit::RefusalReason::Missing,
            ports::RefusalReason::Stale(version) => wit::RefusalReason::Stale(version),
            ports::RefusalReason::UnderFloor(value) => wit::RefusalReason::UnderFloor(value),
        },
    }
}

pub fn message(message: mailer::Message) -> Message {
    let mailer::Message {
        to,
        subject,
        text,
        html,
    } = message;
    Message {
        to,
        subject,
        text,
        html,
    }
}

pub fn dead_letter(letter: DeadLetter) -> outbox::DeadLetter {
    outbox::DeadLetter {
        id: letter.id,
        subscriber: letter.subscriber,
        event: letter.event,
        attempts: letter.attempts,
        reason: letter.reason,
    }
}

pub fn request(request: http_client::Request) -> http::Request {
    let header = |http_client::Header { name, value }| http::Header { name, value };
    http::Request {
        method: match request.method {
            http_client::Method::Get => http::Method::Get,
            http_client::Method::Post => http::Method::Post,
            http_client::Method::Put => http::Method::Put,
            http_client::Method::Patch => http::Method::Patch,
            http_client::Method::Delete => http::Method::Delete,
        },
        url: request.url,
        headers: request.headers.into_iter().map(header).collect(),
        body: request.body,
        timeout_ms: request.timeout_ms,
    }
}

pub fn response(response: http::Response) -> http_client::Response {
    let header = |http::Header { name, value }| http_client::Header { name, value };
    http_client::Response {
        status: response.status,
        headers: response.headers.into_iter().map(header).collect(),
        body: response.body,
    }
}

pub fn http_failure(failure: http::HttpFailure) -> http_client::Error {
    match failure {
        http::HttpFailure::Refused(reason) => http_client::Error::Refused(reason),
        http::HttpFailure::NotSent(reason) => http_client::Error::NotSent(reason),
        http::HttpFailure::Unknown(reason) => http_client::Error::Unknown(reason),
    }
}
