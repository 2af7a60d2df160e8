//! `mercato:platform/config`.

use crate::runtime::bindings::mercato::platform::config;
use crate::runtime::state::State;

impl config::Host for State {
    fn get(&mut self, name: String) -> wasmtime::Result<Option<String>> {
        Ok(self.platform.config.get(&name).cloned())
    }
}
