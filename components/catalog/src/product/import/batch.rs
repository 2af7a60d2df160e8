//! The products of an import while its rows are applied one after the other. A row sees what the rows before
//! it have changed. All changes are committed together.

mod parent;

use std::collections::HashMap;

use mercato_ports::documents::Write;
use mercato_ports::events::Event;
use mercato_shop::accounts::AuditAction;
use mercato_shop::catalog::ImportOutcome;
use mercato_shop::collection::Stored;
use mercato_shop::types::{Caller, Error};
use mercato_shop::{currency, id, text};

use super::super::slugs::Slugs;
use super::super::{create, index, input};
use super::row::Row;
use crate::category::placement;
use crate::events;
use crate::platform::Platform;
use crate::repository::{
    ARCHIVED_PRODUCTS, ClaimedField, PRODUCTS, ProductBody, Tree, claim_writes, get_many_including_archived,
    store_tree, stored_tree,
};
use crate::stock;
use crate::stock::alert::ShopThreshold;

/// The reason of stock movements by an import, in the ledger.
const REASON: &str = "import";

/// What holds for all rows of an import.
pub struct Terms<'a> {
    pub caller: &'a Caller,
    /// The currency of the shop.
    pub currency: String,
    pub threshold: ShopThreshold,
    /// Whether the import sets the stock of known products.
    pub sets_stock: bool,
}

/// The products that the rows name or depend on, and the other documents that rows change.
pub struct Batch<'a> {
    terms: &'a Terms<'a>,
    drafts: HashMap<String, Draft>,
    /// The ids of products by their external ids.
    by_external_id: HashMap<String, String>,
    /// The owners of the SKUs of the rows.
    skus: HashMap<String, String>,
    slugs: Slugs,
    tree: Stored<Tree>,
    /// The categories that rows have added.
    added_categories: Vec<String>,
    /// Whether a product was placed in the tree, whose categories must stay as they are until the commit.
    is_tree_used: bool,
    /// The products that rows have changed, in the order of the rows.
    changed: Vec<String>,
}

/// A product with the changes of the rows so far.
#[derive(Clone)]
struct Draft {
    /// The stored document. A new product has none.
    original: Option<Stored<ProductBody>>,
    product: Stored<ProductBody>,
    /// What is committed together with the product.
    writes: Vec<Write>,
    events: Vec<Event>,
}

impl<'a> Batch<'a> {
    /// Reads the products, claims and categories that the rows refer to.
    pub fn load(
        ports: &impl Platform,
        terms: &'a Terms<'a>,
        rows: &[Result<Row<'_>, Error>],
    ) -> Result<Self, Error> {
        let rows: Vec<_> = rows.iter().flatten().collect();
        let mut batch = Self {
            terms,
            drafts: HashMap::new(),
            by_external_id: HashMap::new(),
            skus: HashMap::new(),
            slugs: Slugs::default(),
            tree: stored_tree(ports)?,
            added_categories: Vec::new(),
            is_tree_used: false,
            changed: Vec::new(),
        };
        batch.load_products(ports, &rows)?;
        if rows
            .iter()
            .any(|row| row.parent.is_some() || row.options.is_some())
        {
            batch.load_relatives(ports, &rows)?;
        }
        batch.load_claims(ports, &rows)?;
        Ok(batch)
    }

    fn load_products(&mut self, ports: &impl Platform, rows: &[&Row<'_>]) -> Result<(), Error> {
        let parents = rows.iter().filter_map(|row| row.parent_external_id());
        let own = rows.iter().map(|row| row.external_id.as_str());
        let external_ids = unique(own.chain(parents));
        let claims = ClaimedField::ExternalId.claims().get_many(ports, &external_ids)?;
        let claims: Vec<_> = claims.into_iter().flatten().collect();
        let ids: Vec<_> = claims.iter().map(|claim| claim.body.product_id.clone()).collect();
        for (claim, product) in claims.into_iter().zip(get_many_including_archived(ports, &ids)?) {
            let product = product.ok_or_else(|| {
                Error::Internal(format!(
                    "the external id {} belongs to a product that does not exist",
                    claim.id
                ))
            })?;
            self.by_external_id.insert(claim.id, product.id.clone());
            self.add_stored(product);
        }
        Ok(())
    }

    /// Reads the parents of the known products, and the variants of all parents.
    fn load_relatives(&mut self, ports: &impl Platform, rows: &[&Row<'_>]) -> Result<(), Error> {
        let parents = self
            .drafts
            .values()
            .filter_map(|draft| draft.body().parent_id.as_deref());
        let parents = unique(parents.filter(|id| !self.drafts.contains_key(*id)));
        let parents = PRODUCTS.get_many(ports, &parents)?;
        parents
            .into_iter()
            .flatten()
            .for_each(|parent| self.add_stored(parent));
        let named = rows.iter().filter_map(|row| row.parent_external_id());
        let named = named.filter_map(|external_id| self.by_external_id.get(external_id).cloned());
        let present = self
            .drafts
            .values()
            .filter_map(|draft| draft.body().parent_id.clone());
        let parents: Vec<_> = named.chain(present).collect();
        let variants = parents.iter().filter_map(|id| self.drafts.get(id));
        let variants = variants
            .flat_map(|parent| &parent.body().variant_ids)
            .map(String::as_str);
        let variants = unique(variants.filter(|id| !self.drafts.contains_key(*id)));
        let variants = PRODUCTS.get_many(ports, &variants)?;
        variants
            .into_iter()
            .flatten()
            .for_each(|variant| self.add_stored(variant));
        Ok(())
    }

    fn load_claims(&mut self, ports: &impl Platform, rows: &[&Row<'_>]) -> Result<(), Error> {
        let skus: Vec<_> = rows
            .iter()
            .filter_map(|row| text::trimmed(row.fields.details.sku.as_deref()))
            .map(text::nfc)
            .collect();
        let claims = ClaimedField::Sku
            .claims()
            .get_many(ports, &unique(skus.iter().map(String::as_str)))?;
        let claims = claims.into_iter().flatten();
        self.skus
            .extend(claims.map(|claim| (claim.id, claim.body.product_id)));
        let given = rows
            .iter()
            .filter_map(|row| row.fields.details.slug.as_deref())
            .map(text::nfc);
        let names = rows
            .iter()
            .filter(|row| !self.by_external_id.contains_key(&row.external_id));
        let made = names
            .filter_map(|row| row.fields.name.as_deref())
            .map(Slugs::first_choice);
        self.slugs.load(ports, given.chain(made))
    }

    fn add_stored(&mut self, product: Stored<ProductBody>) {
        self.drafts.insert(product.id.clone(), Draft::of(product));
    }

    /// Applies a row. An invalid row changes nothing.
    ///
    /// # Errors
    /// [`Error::Invalid`] for an invalid field. [`Error::Conflict`] if a value belongs to another product.
    pub fn import(&mut self, ports: &impl Platform, row: &Row<'_>) -> Result<ImportOutcome, Error> {
        let known = self.by_external_id.get(&row.external_id);
        let known = known.and_then(|id| self.drafts.get(id)).cloned();
        let is_new = known.is_none();
        let mut draft = match known {
            Some(draft) => draft,
            None => self.new_draft(row)?,
        };
        let before = draft.product.body.clone();
        let is_restored = before.archived_at.is_some();
        let body = &mut draft.product.body;
        self.require_same_decimals(row, &before)?;
        input::apply(row.fields, body)?;
        body.archived_at = None;
        let placed = self.place(row, body, is_restored)?;
        self.choose_parent(row, &draft.product.id, &mut draft.product.body, is_restored)?;
        let id = draft.product.id.clone();
        self.require_free(ports, ClaimedField::Sku, &id, &before, &draft.product.body)?;
        self.require_free(ports, ClaimedField::Slug, &id, &before, &draft.product.body)?;
        if draft.product.body != before {
            self.slugs.assign(ports, &id, &mut draft.product.body)?;
        }
        let is_edited = draft.product.body != before;
        let counted = match row.quantity {
            Some(quantity) if self.terms.sets_stock && !is_new => stock::set_units_on_hand(
                self.terms.caller,
                &mut draft.product,
                quantity,
                self.terms.threshold,
                Some(REASON),
            )?,
            _ => None,
        };
        if !is_new && !is_edited && counted.is_none() {
            return Ok(ImportOutcome::Unchanged);
        }
        let body = &mut draft.product.body;
        if is_edited {
            // The time of this attempt. Watches scan by this time and look back only a few seconds.
            body.updated_at = id::now();
            body.revision += u64::from(!is_new);
            index::refresh(body);
            let kind = match (is_new, is_restored) {
                (true, _) => events::PRODUCT_CREATED,
                (false, true) => events::PRODUCT_RESTORED,
                (false, false) => events::PRODUCT_UPDATED,
            };
            draft.events.push(events::product_changed(kind, &id, body)?);
        }
        if is_new {
            body.created_at = body.updated_at;
            draft
                .writes
                .extend(create::initial_movement(self.terms.caller, &id, body)?);
        }
        if let Some(counted) = counted {
            draft.writes.extend(counted.writes);
            draft.events.extend(counted.events);
        }
        self.accept(row, draft, &before, placed);
        Ok(if is_new {
            ImportOutcome::Created
        } else {
            ImportOutcome::Updated
        })
    }

    /// Returns the draft of a product that the shop does not have.
    fn new_draft(&self, row: &Row<'_>) -> Result<Draft, Error> {
        let required = [
            ("name", row.fields.name.is_some()),
            ("price", row.fields.price.is_some()),
        ];
        if let Some((field, _)) = required.into_iter().find(|(_, is_given)| !is_given) {
            return Err(Error::invalid(
                field,
                format!("`{field}` is required, since the shop has no product with this `externalId`."),
            ));
        }
        let mut body = input::blank(self.terms.currency.clone());
        body.external_id = Some(row.external_id.clone());
        input::set_first_stock(&mut body, row.quantity.unwrap_or(0));
        let product = Stored {
            id: id::new(),
            version: 0,
            body,
        };
        Ok(Draft {
            original: None,
            ..Draft::of(product)
        })
    }

    /// Rejects a price without a currency, if a reader of the feed has read it with the decimals of the shop's
    /// currency, and the product has another one.
    fn require_same_decimals(&self, row: &Row<'_>, before: &ProductBody) -> Result<(), Error> {
        let has_price = row.fields.price.is_some() || row.fields.details.compare_at_price.is_some();
        let (own, shop) = (&before.currency, &self.terms.currency);
        if row.fields.currency.is_none() && has_price && currency::digits(own) != currency::digits(shop) {
            return Err(Error::invalid(
                "currency",
                format!(
                    "This product's price is in {own}, which has other decimals than the shop's {shop}. Set the \
                     `currency` of the row."
                ),
            ));
        }
        Ok(())
    }

    /// Puts a product into its category. Returns the tree with the categories that it adds.
    fn place(
        &self,
        row: &Row<'_>,
        body: &mut ProductBody,
        is_restored: bool,
    ) -> Result<Option<(Tree, Vec<String>)>, Error> {
        let given = row.fields.details.category_id.as_deref();
        let id = text::trimmed(given);
        let is_known = id.is_some_and(|id| self.tree.body.require("categoryId", id).is_ok());
        if let Some(names) = row.category_path
            && !is_known
            && (id.is_none() || !names.is_empty())
        {
            let mut tree = self.tree.body.clone();
            let (category, added) = tree.find_or_add_path(names)?;
            body.category_id = category;
            placement::set_path(&tree, body)?;
            return Ok((!added.is_empty()).then_some((tree, added)));
        }
        if given.is_some() {
            placement::set_path(&self.tree.body, body)?;
        } else if is_restored && placement::set_path(&self.tree.body, body).is_err() {
            // The category was deleted while the product was archived.
            body.category_id = None;
            body.category_path = None;
        }
        Ok(None)
    }

    /// Rejects a text that the row gives to a product, and that belongs to another one.
    fn require_free(
        &self,
        ports: &impl Platform,
        field: ClaimedField,
        product_id: &str,
        before: &ProductBody,
        after: &ProductBody,
    ) -> Result<(), Error> {
        let Some(text) = field.of(after).filter(|text| field.of(before) != Some(*text)) else {
            return Ok(());
        };
        let owner = match field {
            ClaimedField::Slug => self.slugs.owner(text),
            ClaimedField::Sku | ClaimedField::ExternalId => self.skus.get(text).map(String::as_str),
        };
        let Some(owner) = owner.filter(|owner| *owner != product_id) else {
            return Ok(());
        };
        if let Some(draft) = self.drafts.get(owner) {
            return Err(field.taken(text, owner, draft.body()));
        }
        let stored = get_many_including_archived(ports, &[owner.to_owned()])?;
        match stored.into_iter().flatten().next() {
            Some(stored) => Err(field.taken(text, owner, &stored.body)),
            None => Err(Error::Internal(format!(
                "{text} belongs to a product that does not exist"
            ))),
        }
    }

    /// Keeps the changes of a row.
    fn accept(
        &mut self,
        row: &Row<'_>,
        draft: Draft,
        before: &ProductBody,
        placed: Option<(Tree, Vec<String>)>,
    ) {
        let id = draft.product.id.clone();
        let after = draft.body();
        if let Some((tree, added)) = placed {
            self.tree.body = tree;
            self.added_categories.extend(added);
        }
        self.is_tree_used |= after.category_path.is_some() && after.category_path != before.category_path;
        if let Some(sku) = &after.sku {
            self.skus.insert(sku.clone(), id.clone());
        }
        if let Some(slug) = &after.slug {
            self.slugs.take(slug, &id);
        }
        // An archived variant is not in the list of its parent.
        let old = before.parent_id.as_ref().filter(|_| before.archived_at.is_none());
        let (old, new) = (old.cloned(), after.parent_id.clone());
        self.by_external_id.insert(row.external_id.clone(), id.clone());
        self.drafts.insert(id.clone(), draft);
        self.changed.push(id.clone());
        if old != new {
            self.change_variants(old, |ids| ids.retain(|other| *other != id));
            self.change_variants(new, |ids| ids.push(id.clone()));
        }
    }

    fn change_variants(&mut self, parent: Option<String>, change: impl FnOnce(&mut Vec<String>)) {
        if let Some(parent) = parent.and_then(|id| self.drafts.get_mut(&id)) {
            change(&mut parent.product.body.variant_ids);
            parent.product.body.updated_at = id::now();
            self.changed.push(parent.product.id.clone());
        }
    }

    /// Returns all writes and events of the rows.
    pub fn into_writes(mut self) -> Result<(Vec<Write>, Vec<Event>), Error> {
        let (mut writes, mut events) = (Vec::new(), Vec::new());
        if !self.added_categories.is_empty() {
            writes.push(store_tree(&self.tree)?);
        } else if self.is_tree_used {
            writes.push(self.tree.body.guard());
        }
        for category in &self.added_categories {
            let action = AuditAction::CategoryCreate;
            events.push(events::audited(self.terms.caller, action, category, None)?);
        }
        for id in &self.changed {
            // A product that several rows have changed is in the list several times.
            let Some(draft) = self.drafts.remove(id) else {
                continue;
            };
            let Draft {
                original, product, ..
            } = &draft;
            match original {
                None => writes.push(PRODUCTS.insert(id, &product.body)?),
                Some(original) if original.body.archived_at.is_some() => {
                    writes.push(ARCHIVED_PRODUCTS.delete(original));
                    writes.push(PRODUCTS.insert(id, &product.body)?);
                }
                Some(_) => writes.push(PRODUCTS.replace(product)?),
            }
            let before = original.as_ref().map(|original| &original.body);
            writes.extend(claim_writes(id, before, &product.body)?);
            writes.extend(draft.writes);
            events.extend(draft.events);
        }
        Ok((writes, events))
    }
}

impl Draft {
    fn of(product: Stored<ProductBody>) -> Self {
        Self {
            original: Some(product.clone()),
            product,
            writes: Vec::new(),
            events: Vec::new(),
        }
    }

    const fn body(&self) -> &ProductBody {
        &self.product.body
    }
}

/// Returns each text once.
fn unique<'a>(texts: impl Iterator<Item = &'a str>) -> Vec<String> {
    let mut texts: Vec<_> = texts.map(String::from).collect();
    texts.sort_unstable();
    texts.dedup();
    texts
}
