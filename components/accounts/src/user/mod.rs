//! Users: how they register, sign in, change and are erased.

pub mod credentials;
mod erasure;
mod export;
mod external;
mod password;
mod profile;
mod read;
mod registration;
mod sign_in;
pub mod throttle;
mod username;
mod weakness;

pub use erasure::erase;
pub use export::export;
pub use external::sign_in_external;
pub use password::change_password;
pub use profile::{set_role, update};
pub use read::{find, get_many, list, look_up};
pub use registration::register;
pub use sign_in::login;
