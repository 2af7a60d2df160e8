//! Resources with an entity tag and a path.

use serde::Serialize;

use crate::model::order::Order;
use crate::model::payment::Payment;
use crate::model::product::Product;
use crate::model::user::User;

/// A resource with a version and a path.
pub trait Versioned: Serialize {
    /// Returns the entity tag.
    fn tag(&self) -> String;
    /// Returns the path.
    fn location(&self) -> String;
}

impl Versioned for Product {
    fn tag(&self) -> String {
        format!("\"{}.{}\"", self.version.0, self.quantity.0)
    }

    fn location(&self) -> String {
        format!("/api/products/{}", &*self.id)
    }
}

/// Implements [`Versioned`] for a resource below this path.
macro_rules! versioned {
    ($($type:ty: $path:literal),+ $(,)?) => {
        $(impl Versioned for $type {
            fn tag(&self) -> String {
                format!("\"{}\"", self.version.0)
            }

            fn location(&self) -> String {
                format!(concat!($path, "/{}"), &*self.id)
            }
        })+
    };
}

versioned!(Order: "/api/orders", Payment: "/api/payments", User: "/api/users");
