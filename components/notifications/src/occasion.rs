//! The occasions of notifications.

use mercato_shop::notifications::Kind;
use serde::{Deserialize, Serialize};

/// Something that users or staff are notified of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Occasion {
    /// A user has registered.
    Welcome { user_id: String },
    /// An order has reached the status of this kind.
    Order {
        kind: Kind,
        order_id: String,
        user_id: String,
    },
    /// A product runs low.
    LowStock(LowStock),
    /// A user verifies a phone number.
    VerificationCode(CodeRequest),
}

/// A product that runs low.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LowStock {
    pub product_id: String,
    pub name: String,
    pub on_hand: i64,
    pub threshold: i64,
}

/// A code to be sent to a phone. The code itself is looked up in the accounts service, and is neither stored
/// nor shown.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CodeRequest {
    pub user_id: String,
    pub verification_id: String,
    pub expires_at: u64,
}

impl Occasion {
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Welcome { .. } => Kind::Welcome,
            Self::Order { kind, .. } => *kind,
            Self::LowStock(_) => Kind::LowStock,
            Self::VerificationCode(_) => Kind::VerificationCode,
        }
    }

    /// Returns the user to notify. Low stock is reported to the operator.
    pub fn user_id(&self) -> Option<&str> {
        match self {
            Self::Welcome { user_id } | Self::Order { user_id, .. } => Some(user_id),
            Self::VerificationCode(code) => Some(&code.user_id),
            Self::LowStock(_) => None,
        }
    }

    pub fn order_id(&self) -> Option<&str> {
        match self {
            Self::Order { order_id, .. } => Some(order_id),
            _ => None,
        }
    }

    pub const fn low_stock(&self) -> Option<&LowStock> {
        match self {
            Self::LowStock(low_stock) => Some(low_stock),
            _ => None,
        }
    }
}
