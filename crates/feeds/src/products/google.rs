//! Google's product feed: the items of an item group are the variants of a product.

use std::collections::HashSet;

use super::candidate::{Candidate, GroupRow, Omission, complete_parent, parent_refused};
use crate::product::{Attribute, GOOGLE_OPTIONS, Product, RowError, RowParser, fold_spaces};

/// Returns the products of the items of an item group.
pub fn products(parser: &RowParser, rows: &[GroupRow]) -> Vec<Candidate> {
    let Some(main) = rows.first() else {
        return Vec::new();
    };
    let items: Vec<(&GroupRow, Result<Product, RowError>)> =
        rows.iter().map(|row| (row, parser.parse(&row.values))).collect();
    let good: Vec<&Product> = items.iter().filter_map(|(_, item)| item.as_ref().ok()).collect();
    let group = parser.columns.text_of(&main.values, "itemgroupid");
    // An item may have the id of its group. The product of the group needs another one then.
    let is_taken = good.iter().any(|item| item.external_id == group);
    let parent_id = if is_taken {
        format!("{group}:group")
    } else {
        group.to_owned()
    };
    let options = options(parser, rows);
    let parent = good.first().map(|first| {
        let names: Vec<&str> = good.iter().filter_map(|item| item.name.as_deref()).collect();
        let parent = Product {
            external_id: parent_id.clone(),
            name: Some(common_name(&names))
                .filter(|name| !name.is_empty())
                .or(first.name.clone()),
            description: first.description.clone(),
            manufacturer: first.manufacturer.clone(),
            category_path: first.category_path.clone(),
            images: first.images.clone(),
            ..Product::default()
        };
        complete_parent(parent, &good)
    });
    let has_parent = parent.is_some();
    let parent = parent.map(|parent| (main.line, parent_id.clone(), Ok(parent)));
    let variants = items.into_iter().zip(options).map(|((row, item), options)| {
        let id = parser.external_id(&row.values).unwrap_or_default();
        let product = item.map_err(Omission::from).map(|mut product| {
            product.parent_external_id = Some(parent_id.clone());
            product.options = Some(options);
            product
        });
        let product = if has_parent {
            product
        } else {
            product.and(Err(parent_refused(main.line)))
        };
        (row.line, id, product)
    });
    parent.into_iter().chain(variants).collect()
}

/// Returns the options of each item: the values that differ between items. If two items have the same ones, the
/// option is the title or the id.
fn options(parser: &RowParser, rows: &[GroupRow]) -> Vec<Vec<Attribute>> {
    let column = |column: &str| -> Vec<&str> {
        rows.iter()
            .map(|row| parser.columns.text_of(&row.values, column))
            .collect()
    };
    let mut options: Vec<Vec<Attribute>> = vec![Vec::new(); rows.len()];
    for (name, label) in GOOGLE_OPTIONS {
        let values = column(name);
        if values.iter().collect::<HashSet<_>>().len() < 2 {
            continue;
        }
        for (options, value) in options
            .iter_mut()
            .zip(values)
            .filter(|(_, value)| !value.is_empty())
        {
            options.push(Attribute::new(label, value));
        }
    }
    let distinct: HashSet<Vec<String>> = options
        .iter()
        .map(|options| {
            options
                .iter()
                .map(|option| format!("{}={}", option.name, option.value))
                .collect()
        })
        .collect();
    if distinct.len() == rows.len() && options.iter().all(|options| !options.is_empty()) {
        return options;
    }
    let is_distinct = |values: &Vec<&str>| values.iter().collect::<HashSet<_>>().len() == values.len();
    let (label, values) = match Some(column("title")).filter(is_distinct) {
        Some(titles) => ("Title", titles),
        None => ("Item", column("id")),
    };
    values
        .into_iter()
        .map(|value| vec![Attribute::new(label, &fold_spaces(value))])
        .collect()
}

/// Returns the words with which all names begin.
fn common_name(names: &[&str]) -> String {
    let words = |name: &str| name.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    let mut common = names.first().map(|name| words(name)).unwrap_or_default();
    for name in names {
        let same = common
            .iter()
            .zip(words(name))
            .take_while(|(one, two)| *one == two)
            .count();
        common.truncate(same);
    }
    let is_joint =
        |character: char| !character.is_alphanumeric() && !matches!(character, ')' | '"' | '!' | '?');
    common.join(" ").trim_end_matches(is_joint).to_owned()
}
