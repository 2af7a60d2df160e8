//! `wasi:config/store`: the component's variables.

use crate::bindings::wasi::config::store::{Error, Host};
use crate::state::State;

impl Host for State {
    async fn get(&mut self, key: String) -> wasmtime::Result<Result<Option<String>, Error>> {
        Ok(Ok(self.component.variables.get(&key).cloned()))
    }

    async fn get_all(&mut self) -> wasmtime::Result<Result<Vec<(String, String)>, Error>> {
        Ok(Ok(self.component.variables.clone().into_iter().collect()))
    }
}
