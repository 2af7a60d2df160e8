//! The fields of a product, and the names of their columns.

use crate::layout::Layout;

/// A field of a product in a feed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field {
    /// The id of the product in the feed. Required.
    ExternalId,
    /// The name.
    Name,
    /// The description.
    Description,
    /// Another description, if the first one is empty.
    ShortDescription,
    /// The manufacturer.
    Manufacturer,
    /// The price, or the regular price if there is a sale price.
    Price,
    /// The price of a sale.
    SalePrice,
    /// When the sale begins, or an interval.
    SaleStart,
    /// When the sale ends.
    SaleEnd,
    /// The price before a sale.
    CompareAtPrice,
    /// The currency of prices without a currency.
    Currency,
    /// The stock.
    Quantity,
    /// Whether the product is in stock.
    Availability,
    /// The stock-keeping unit.
    Sku,
    /// The name in URLs.
    Slug,
    /// The categories from the root, separated by `>`.
    Category,
    /// Another category, if the first one is empty.
    Taxonomy,
    /// The URLs of images.
    Images,
    /// The URLs of further images.
    MoreImages,
    /// The weight.
    Weight,
    /// The attributes, as a JSON list.
    Attributes,
    /// The external id of the product of which this is a variant.
    Parent,
    /// The options of a variant, as a JSON list.
    Options,
}

impl Field {
    /// All fields.
    pub(super) const ALL: [Self; 23] = [
        Self::ExternalId,
        Self::Name,
        Self::Description,
        Self::ShortDescription,
        Self::Manufacturer,
        Self::Price,
        Self::SalePrice,
        Self::SaleStart,
        Self::SaleEnd,
        Self::CompareAtPrice,
        Self::Currency,
        Self::Quantity,
        Self::Availability,
        Self::Sku,
        Self::Slug,
        Self::Category,
        Self::Taxonomy,
        Self::Images,
        Self::MoreImages,
        Self::Weight,
        Self::Attributes,
        Self::Parent,
        Self::Options,
    ];

    /// Returns the name on the command line, in the API, and in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::ExternalId => "externalId",
            Self::Name => "name",
            Self::Description => "description",
            Self::ShortDescription => "shortDescription",
            Self::Manufacturer => "manufacturer",
            Self::Price => "price",
            Self::SalePrice => "salePrice",
            Self::SaleStart => "saleStart",
            Self::SaleEnd => "saleEnd",
            Self::CompareAtPrice => "compareAtPrice",
            Self::Currency => "currency",
            Self::Quantity => "quantity",
            Self::Availability => "availability",
            Self::Sku => "sku",
            Self::Slug => "slug",
            Self::Category => "category",
            Self::Taxonomy => "taxonomy",
            Self::Images => "images",
            Self::MoreImages => "moreImages",
            Self::Weight => "weight",
            Self::Attributes => "attributes",
            Self::Parent => "parentExternalId",
            Self::Options => "options",
        }
    }

    /// Returns whether a feed must have a column for it, unless a mapping says that it has none.
    pub(super) fn is_required(self) -> bool {
        matches!(self, Self::ExternalId | Self::Name | Self::Price)
    }

    /// Returns the names of this field in feeds, the most certain first. They are normalized.
    pub(super) fn aliases(self, layout: Layout) -> &'static [&'static str] {
        match layout {
            Layout::Plain | Layout::Table => self.plain_aliases(),
            Layout::Google => self.google_aliases().unwrap_or_else(|| self.plain_aliases()),
            Layout::Shopify => self.shopify_aliases(),
            Layout::Woocommerce => self.woocommerce_aliases(),
        }
    }

    pub(super) fn plain_aliases(self) -> &'static [&'static str] {
        match self {
            Self::ExternalId => &[
                "externalid",
                "id",
                "productid",
                "itemid",
                "sku",
                "gtin",
                "ean",
                "upc",
                "mpn",
                "asin",
                "handle",
                "code",
            ],
            Self::Name => &["name", "title", "productname", "producttitle", "itemname"],
            Self::Description => &[
                "description",
                "body",
                "bodyhtml",
                "productdescription",
                "longdescription",
                "details",
            ],
            Self::Manufacturer => &["manufacturer", "brand", "vendor", "brandname", "maker"],
            Self::Price => &[
                "price",
                "amount",
                "productprice",
                "variantprice",
                "unitprice",
                "regularprice",
                "listprice",
            ],
            Self::SalePrice => &["saleprice"],
            Self::SaleStart => &["salepriceeffectivedate"],
            Self::CompareAtPrice => &["compareatprice"],
            Self::Currency => &["currency", "currencycode", "pricecurrency"],
            Self::Quantity => &[
                "quantity",
                "stock",
                "inventory",
                "qty",
                "onhand",
                "stockquantity",
                "variantinventoryqty",
                "inventoryquantity",
            ],
            Self::Availability => &["availability", "instock", "stockstatus"],
            Self::Sku => &["sku", "variantsku"],
            Self::Slug => &["slug"],
            Self::Category => &["categorypath", "category", "categories", "producttype"],
            Self::Images => &[
                "images",
                "image",
                "imageurl",
                "imagelink",
                "imagesrc",
                "imageurls",
            ],
            Self::MoreImages => &["additionalimagelink", "additionalimages"],
            Self::Weight => &[
                "weightgrams",
                "weightg",
                "weightingrams",
                "grams",
                "weightkg",
                "weightlb",
                "weightlbs",
                "weightoz",
                "weight",
            ],
            Self::Attributes => &["attributes"],
            Self::Parent => &["parentexternalid"],
            Self::Options => &["options"],
            Self::ShortDescription | Self::SaleEnd | Self::Taxonomy => &[],
        }
    }

    /// Returns the names that differ from those of a plain feed.
    pub(super) fn google_aliases(self) -> Option<&'static [&'static str]> {
        match self {
            Self::ExternalId => Some(&["id"]),
            Self::Quantity => Some(&["quantity", "stock", "inventory", "sellongooglequantity"]),
            Self::Taxonomy => Some(&["googleproductcategory"]),
            Self::Weight => Some(&["shippingweight", "productweight"]),
            // A category of Google's feed is a product type.
            Self::Category => Some(&["producttype"]),
            Self::Parent | Self::Options | Self::Attributes | Self::Slug | Self::CompareAtPrice => Some(&[]),
            _ => None,
        }
    }

    pub(super) fn shopify_aliases(self) -> &'static [&'static str] {
        match self {
            Self::ExternalId => &["handle", "urlhandle"],
            Self::Name => &["title"],
            Self::Description => &["bodyhtml", "body", "description"],
            Self::Manufacturer => &["vendor"],
            Self::Price => &["variantprice", "price"],
            Self::CompareAtPrice => &["variantcompareatprice", "compareatprice"],
            Self::Quantity => &["variantinventoryqty", "inventoryquantity"],
            Self::Sku => &["variantsku", "sku"],
            Self::Category => &["type"],
            Self::Taxonomy => &["productcategory", "standardproducttype"],
            Self::Images => &["imagesrc", "productimageurl"],
            Self::Weight => &["variantgrams", "weightvaluegrams"],
            _ => &[],
        }
    }

    pub(super) fn woocommerce_aliases(self) -> &'static [&'static str] {
        match self {
            Self::ExternalId => &["id", "sku"],
            Self::Name => &["name"],
            Self::Description => &["description"],
            Self::ShortDescription => &["shortdescription"],
            Self::Manufacturer => &["brands", "brand"],
            Self::Price => &["regularprice"],
            Self::SalePrice => &["saleprice"],
            Self::SaleStart => &["datesalepricestarts"],
            Self::SaleEnd => &["datesalepriceends"],
            Self::Quantity => &["stock"],
            Self::Availability => &["instock"],
            Self::Sku => &["sku"],
            Self::Category => &["categories"],
            Self::Images => &["images"],
            Self::Weight => &["weightkg", "weightg", "weightlbs", "weightoz"],
            Self::Parent => &["parent"],
            _ => &[],
        }
    }
}
