//! The layouts of feeds: whose columns they have.

use std::fmt;

use clap::ValueEnum;

/// The layout of a feed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Layout {
    /// One product a row.
    Plain,
    /// The table that `exportProducts` writes.
    Table,
    /// Shopify's export of products.
    Shopify,
    /// The export of products of WooCommerce.
    Woocommerce,
    /// Google's product feed.
    Google,
}

impl Layout {
    /// Detects the layout by the names of the columns.
    pub fn detect(columns: &[String]) -> Self {
        let names: Vec<String> = columns.iter().map(|name| normalize(name)).collect();
        let has = |name: &str| names.iter().any(|other| other == name);
        let has_any = |candidates: &[&str]| candidates.iter().any(|name| has(name));
        // `_id` and `id` have the same normal form.
        if has("externalid") && has("version") && columns.iter().any(|name| name == "_id") {
            Self::Table
        } else if has_any(&["handle", "urlhandle"])
            && has_any(&["option1name", "option1value", "variantprice", "variantsku"])
        {
            Self::Shopify
        } else if has("regularprice")
            && has("type")
            && has_any(&["id", "sku"])
            && has_any(&["published", "parent", "isfeatured"])
        {
            Self::Woocommerce
        } else if has("id")
            && has("title")
            && has_any(&[
                "itemgroupid",
                "googleproductcategory",
                "imagelink",
                "availability",
                "gtin",
            ])
        {
            Self::Google
        } else {
            Self::Plain
        }
    }
}

impl fmt::Display for Layout {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Plain => "one product a row",
            Self::Table => "the CSV export of a shop",
            Self::Shopify => "Shopify's export",
            Self::Woocommerce => "the export of WooCommerce",
            Self::Google => "Google's product feed",
        })
    }
}

/// Returns the letters and digits of a name in lower case, without the namespace of Google's XML.
pub fn normalize(name: &str) -> String {
    let name = name.trim();
    let name = name.strip_prefix("g:").unwrap_or(name);
    name.chars()
        .filter(|character| character.is_alphanumeric())
        .flat_map(char::to_lowercase)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn detects_layouts_by_their_columns() {
        for (header, layout) in [
            ("id,name,price", Layout::Plain),
            ("handle,name,price", Layout::Plain),
            (
                "Handle,Title,Option1 Name,Option1 Value,Variant Price",
                Layout::Shopify,
            ),
            (
                "Title,URL handle,Option1 name,Option1 value,Price",
                Layout::Shopify,
            ),
            (
                "ID,Type,SKU,Name,Published,Regular price,Parent",
                Layout::Woocommerce,
            ),
            ("id,title,price,availability,image link", Layout::Google),
            ("g:id,g:title,g:price,g:item_group_id", Layout::Google),
            ("externalId,name,price,_id,version", Layout::Table),
            ("externalId,name,price,id,version", Layout::Plain),
        ] {
            let columns: Vec<String> = header.split(',').map(str::to_owned).collect();
            assert_eq!(Layout::detect(&columns), layout, "{header}");
        }
    }
}
