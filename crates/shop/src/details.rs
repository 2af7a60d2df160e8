//! Details of products that say nothing.

use crate::catalog::ProductDetails;

#[allow(clippy::derivable_impls, reason = "the type is generated")]
impl Default for ProductDetails {
    fn default() -> Self {
        Self {
            low_stock_at: None,
            category_id: None,
            images: None,
            attributes: None,
            sku: None,
        }
    }
}
