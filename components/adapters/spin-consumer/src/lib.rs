//! Events over HTTP to a service that handles them, as a private component of Spin: a CloudEvent is posted to it, and its answer says what
//! became of that: 204, handled; 422, rejected; anything else, to be tried again.

#[cfg(target_arch = "wasm32")]
mod component;
