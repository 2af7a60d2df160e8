//! Binds the gateway to `wasi:http/incoming-handler`, for runtimes whose HTTP server calls that interface.

#[cfg(target_arch = "wasm32")]
mod component;
