//! Claims: texts that belong to one product, sold or archived. The commit that gives a text to a product inserts
//! the claim.

use mercato_ports::documents::{Refusal, RefusalReason, Write};
use mercato_shop::collection::{Collection, Stored};
use mercato_shop::ports::Ports;
use mercato_shop::types::Error;
use serde::{Deserialize, Serialize};

use super::products::{ProductBody, get_many_including_archived};

/// The product that a text belongs to. The document's id is the text.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Claim {
    pub product_id: String,
}

/// A field whose texts belong to one product each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClaimedField {
    ExternalId,
    Sku,
    Slug,
}

impl ClaimedField {
    const ALL: [Self; 3] = [Self::ExternalId, Self::Sku, Self::Slug];

    /// Returns the claims of this field.
    pub const fn claims(self) -> Collection<Claim> {
        Collection::new(self.collection())
    }

    const fn collection(self) -> &'static str {
        match self {
            Self::ExternalId => "catalog.external-ids",
            Self::Sku => "catalog.skus",
            Self::Slug => "catalog.slugs",
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::ExternalId => "externalId",
            Self::Sku => "sku",
            Self::Slug => "slug",
        }
    }

    /// Returns the product's value of this field.
    pub fn of(self, body: &ProductBody) -> Option<&str> {
        match self {
            Self::ExternalId => body.external_id.as_deref(),
            Self::Sku => body.sku.as_deref(),
            Self::Slug => body.slug.as_deref(),
        }
    }

    /// The error for a text that belongs to another product.
    pub fn taken(self, text: &str, product_id: &str, product: &ProductBody) -> Error {
        let name = &product.name;
        let archived = if product.archived_at.is_some() {
            ", which is deleted"
        } else {
            ""
        };
        let advice = match self {
            Self::ExternalId => "Update that product, or import it.",
            Self::Sku | Self::Slug => "Choose another one.",
        };
        Error::Conflict(format!(
            "`{}` {text} belongs to the product {product_id} ({name}){archived}. {advice}",
            self.name()
        ))
    }
}

/// Returns the writes that change the claims of a product.
pub fn claim_writes(
    product_id: &str,
    before: Option<&ProductBody>,
    after: &ProductBody,
) -> Result<Vec<Write>, Error> {
    let mut writes = Vec::new();
    for field in ClaimedField::ALL {
        let (old, new) = (before.and_then(|body| field.of(body)), field.of(after));
        if old == new {
            continue;
        }
        let claim = Claim {
            product_id: product_id.into(),
        };
        if let Some(new) = new {
            writes.push(field.claims().insert(new, &claim)?);
        }
        if let Some(old) = old {
            // Claims are never replaced, so their version is 1.
            writes.push(field.claims().delete(&Stored {
                id: old.into(),
                version: 1,
                body: claim,
            }));
        }
    }
    Ok(writes)
}

/// Returns the field and the error of a commit that claims a text of another product. Returns nothing if the
/// commit was refused for other reasons.
pub fn find_taken(
    ports: &impl Ports,
    writes: &[Write],
    refusals: &[Refusal],
) -> Result<Option<(ClaimedField, Error)>, Error> {
    let taken = refusals
        .iter()
        .filter(|refusal| refusal.reason == RefusalReason::Exists)
        .filter_map(|refusal| writes.get(usize::try_from(refusal.write).ok()?));
    for write in taken {
        let mut fields = ClaimedField::ALL.into_iter();
        let Some(field) = fields.find(|field| field.collection() == write.collection()) else {
            continue;
        };
        let Some(claim) = field.claims().get(ports, write.id())? else {
            continue;
        };
        let owner = get_many_including_archived(ports, std::slice::from_ref(&claim.body.product_id))?;
        if let Some(owner) = owner.into_iter().flatten().next() {
            return Ok(Some((field, field.taken(write.id(), &owner.id, &owner.body))));
        }
    }
    Ok(None)
}
