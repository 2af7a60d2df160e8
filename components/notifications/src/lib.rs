//! The notifications service: e-mail and SMS about events, and messages that staff write.
//!
//! Plain Rust over the ports, the users' contacts and the orders. `component` binds it to
//! `mercato:shop/notifications`.
//!
//! Each notification is a document. Its id consists of a key for what happened, and the medium. The document
//! is claimed before the notification is sent, and its status is written afterwards. So the second delivery
//! of an event finds the document and sends nothing.
//!
//! A crash between sending and writing the status leaves open whether the notification was sent. It is sent
//! again once its claim is a minute old. So every notification is sent at least once, and twice only after
//! such a crash.
//!
//! A notification that cannot be sent now waits. Its event is retried until it becomes a dead letter. Texts
//! are not stored but rendered again. Only a text that staff wrote is stored, and only while it waits.

#[cfg(target_arch = "wasm32")]
mod component;
mod contacts;
mod content;
mod delivery;
mod erasure;
mod events;
mod message;
mod names;
mod notification;
mod occasion;
mod pending;
mod platform;
mod preferences;
mod recipient;
mod repository;
mod sender;
mod service;
mod settings;
mod templates;

#[cfg(feature = "json-schema")]
pub use events::schemas as event_schemas;
pub use platform::Platform;
pub use service::NotificationsService;
