//! A private component of Spin that receives events over HTTP for a service that handles them.
//!
//! The relay posts a CloudEvent. The status reports the outcome:
//!
//! | status | outcome |
//! |---|---|
//! | 204 | The event was handled. |
//! | 422 | The event was rejected. |
//! | any other | Deliver the event again. |

#[cfg(target_arch = "wasm32")]
mod component;
