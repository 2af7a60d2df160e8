//! What every lattice of this project consists of.

/// The zones that the manifest spreads instances over.
pub const ZONES: [&str; 2] = ["a", "b"];

/// The providers of the ports.
pub const PROVIDERS: [&str; 6] = ["mongodb", "kafka", "redis", "smtp", "http", "passwords"];

/// The default data folder, below the checkout.
pub const DATA: &str = ".mercato/lattice";

/// The setting that permits test payments, and webhooks to this machine.
pub const DEVELOPMENT: &str = "MERCATO_ENVIRONMENT=development";
