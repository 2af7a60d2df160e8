//! Runs the conformance suite of the port on the pool.

use std::process::ExitCode;
use std::sync::Arc;

use mercato_passwords::PasswordPool;
use mercato_ports::conformance;
use mercato_ports::passwords::Passwords;

fn main() -> ExitCode {
    let runtime = conformance::runtime();
    let passwords: Arc<dyn Passwords> = Arc::new(PasswordPool::new());
    conformance::run(conformance::passwords::trials(runtime.handle(), &passwords))
}
