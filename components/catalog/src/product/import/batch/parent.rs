//! The product of which a row is a variant.

use mercato_shop::collection::Stored;
use mercato_shop::types::Error;

use super::super::super::variant;
use super::super::row::{Parent, Row};
use super::Batch;
use crate::repository::{NameValue, ProductBody};

impl Batch<'_> {
    /// Makes a product a variant, or a separate product, as its row says.
    pub(super) fn choose_parent(
        &self,
        row: &Row<'_>,
        product_id: &str,
        body: &mut ProductBody,
        is_restored: bool,
    ) -> Result<(), Error> {
        match &row.parent {
            Some(Parent::ExternalId(external_id)) => {
                let parent = self.parent(row, external_id, body)?;
                let is_listed = parent.body.variant_ids.iter().any(|id| id == product_id);
                if !is_listed {
                    variant::require_room(&parent.body)?;
                }
                if let Some(options) = &row.options {
                    body.options.clone_from(options);
                }
                self.require_options(product_id, &body.options, parent)?;
                body.parent_id = Some(parent.id.clone());
                body.standalone = None;
            }
            Some(Parent::None) => {
                if body.parent_id.take().is_some() {
                    body.options.clear();
                }
                body.standalone = Some(1);
            }
            None => {
                if is_restored {
                    // Its parent may have changed since.
                    body.parent_id = None;
                    body.standalone = Some(1);
                }
                let parent = body.parent_id.as_ref().and_then(|id| self.drafts.get(id));
                match (&row.options, parent) {
                    (Some(options), Some(parent)) => {
                        body.options.clone_from(options);
                        self.require_options(product_id, options, &parent.product)?;
                    }
                    (Some(options), None) if !options.is_empty() => {
                        return Err(Error::invalid(
                            "options",
                            "Only variants have `options`. Set `parentExternalId` to the product of which this is a \
                             variant, or use `attributes`.",
                        ));
                    }
                    _ => {}
                }
            }
        }
        Ok(())
    }

    /// Returns the product of which the row is a variant.
    fn parent(
        &self,
        row: &Row<'_>,
        external_id: &str,
        body: &ProductBody,
    ) -> Result<&Stored<ProductBody>, Error> {
        let invalid = |message: String| Err(Error::invalid("parentExternalId", message));
        let parent = self
            .by_external_id
            .get(external_id)
            .and_then(|id| self.drafts.get(id));
        let Some(parent) = parent.filter(|parent| parent.body().archived_at.is_none()) else {
            return invalid(format!(
                "No product on sale has the `externalId` {external_id}. Import it in an earlier row."
            ));
        };
        if external_id == row.external_id {
            return invalid("A product can't be a variant of itself.".into());
        }
        if parent.body().parent_id.is_some() {
            return invalid(format!(
                "{external_id} is a variant itself. Use the `externalId` of its parent."
            ));
        }
        if !body.variant_ids.is_empty() {
            return invalid("This product has variants itself, so it can't be a variant.".into());
        }
        Ok(&parent.product)
    }

    fn require_options(
        &self,
        product_id: &str,
        options: &[NameValue],
        parent: &Stored<ProductBody>,
    ) -> Result<(), Error> {
        if options.is_empty() {
            return Err(Error::invalid(
                "options",
                "`options` must have at least one entry for a variant, such as size: M.",
            ));
        }
        let siblings = parent.body.variant_ids.iter().filter(|id| *id != product_id);
        let siblings = siblings
            .filter_map(|id| self.drafts.get(id))
            .map(|sibling| &sibling.product);
        variant::require_unique_options(options, siblings)
    }
}
