//! `fermyon:spin/variables`: the variables of the component.

use crate::bindings::fermyon::spin::variables::{Error, Host};
use crate::state::State;

impl Host for State {
    async fn get(&mut self, name: String) -> wasmtime::Result<Result<String, Error>> {
        let value = self.component.variables.get(&name).cloned();
        Ok(value.ok_or_else(|| Error::Undefined(format!("the component has no variable `{name}`"))))
    }
}
