//! `mercato:platform/documents`.

use mercato_ports::documents as port;

use crate::runtime::bindings::mercato::platform::{documents as wit, events};
use crate::runtime::state::State;

impl wit::Host for State {
    async fn get_many(
        &mut self,
        collection: String,
        ids: Vec<String>,
    ) -> wasmtime::Result<Result<Vec<Option<wit::Document>>, wit::Failure>> {
        let found = self.platform.documents.get_many(collection, ids).await;
        Ok(found
            .map(|found| {
                found
                    .into_iter()
                    .map(|document| document.map(Into::into))
                    .collect()
            })
            .map_err(Into::into))
    }

    async fn find(
        &mut self,
        query: wit::Query,
    ) -> wasmtime::Result<Result<Vec<wit::Document>, wit::Failure>> {
        let found = self.platform.documents.find(query.into()).await;
        Ok(found
            .map(|found| found.into_iter().map(Into::into).collect())
            .map_err(Into::into))
    }

    async fn commit(
        &mut self,
        writes: Vec<wit::Write>,
        events: Vec<events::Event>,
    ) -> wasmtime::Result<Result<(), wit::CommitFailure>> {
        let writes = writes.into_iter().map(Into::into).collect();
        let events = events.into_iter().map(Into::into).collect();
        Ok(self
            .platform
            .documents
            .commit(writes, events)
            .await
            .map_err(Into::into))
    }
}

impl From<port::Document> for wit::Document {
    fn from(document: port::Document) -> Self {
        let port::Document { id, version, body } = document;
        Self { id, version, body }
    }
}

impl From<wit::Query> for port::Query {
    fn from(query: wit::Query) -> Self {
        Self {
            collection: query.collection,
            conditions: query.conditions.into_iter().map(Into::into).collect(),
            search: query.search,
            sort: query.sort.map(|sort| port::Sort {
                field: sort.field,
                direction: match sort.direction {
                    wit::Direction::Ascending => port::Direction::Ascending,
                    wit::Direction::Descending => port::Direction::Descending,
                },
            }),
            after: query.after.map(|position| port::Position {
                value: position.value.map(Into::into),
                id: position.id,
            }),
            limit: query.limit,
        }
    }
}

impl From<wit::Condition> for port::Condition {
    fn from(condition: wit::Condition) -> Self {
        let comparison = match condition.comparison {
            wit::Comparison::Equal => port::Comparison::Equal,
            wit::Comparison::Less => port::Comparison::Less,
            wit::Comparison::AtMost => port::Comparison::AtMost,
            wit::Comparison::Greater => port::Comparison::Greater,
            wit::Comparison::AtLeast => port::Comparison::AtLeast,
        };
        Self {
            field: condition.field,
            comparison,
            value: condition.value.into(),
        }
    }
}

impl From<wit::Scalar> for port::Scalar {
    fn from(value: wit::Scalar) -> Self {
        match value {
            wit::Scalar::Text(text) => Self::Text(text),
            wit::Scalar::Integer(integer) => Self::Integer(integer),
        }
    }
}

impl From<wit::Write> for port::Write {
    fn from(write: wit::Write) -> Self {
        match write {
            wit::Write::Insert(wit::Insertion { collection, id, body }) => {
                Self::Insert(port::Insertion { collection, id, body })
            }
            wit::Write::Replace(wit::Replacement {
                collection,
                id,
                expected,
                body,
            }) => Self::Replace(port::Replacement {
                collection,
                id,
                expected,
                body,
            }),
            wit::Write::Delete(wit::Deletion {
                collection,
                id,
                expected,
            }) => Self::Delete(port::Deletion {
                collection,
                id,
                expected,
            }),
            wit::Write::Adjust(wit::Adjustment {
                collection,
                id,
                changes,
            }) => {
                let changes = changes
                    .into_iter()
                    .map(|wit::Change { field, by, floor }| port::Change { field, by, floor })
                    .collect();
                Self::Adjust(port::Adjustment {
                    collection,
                    id,
                    changes,
                })
            }
        }
    }
}

impl From<port::Failure> for wit::Failure {
    fn from(failure: port::Failure) -> Self {
        match failure {
            port::Failure::Invalid(why) => Self::Invalid(why),
            port::Failure::Unavailable(why) => Self::Unavailable(why),
        }
    }
}

impl From<port::CommitFailure> for wit::CommitFailure {
    fn from(failure: port::CommitFailure) -> Self {
        match failure {
            port::CommitFailure::Refused(refusals) => {
                Self::Refused(refusals.into_iter().map(Into::into).collect())
            }
            port::CommitFailure::Failed(failure) => Self::Failed(failure.into()),
        }
    }
}

impl From<port::Refusal> for wit::Refusal {
    fn from(refusal: port::Refusal) -> Self {
        let reason = match refusal.reason {
            port::RefusalReason::Exists => wit::RefusalReason::Exists,
            port::RefusalReason::Missing => wit::RefusalReason::Missing,
            port::RefusalReason::Stale(version) => wit::RefusalReason::Stale(version),
            port::RefusalReason::UnderFloor(value) => wit::RefusalReason::UnderFloor(value),
        };
        Self {
            write: refusal.write,
            reason,
        }
    }
}
