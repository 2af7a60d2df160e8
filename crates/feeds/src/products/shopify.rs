//! Shopify's export: the rows of a handle are a product, its variants and its images.

use super::candidate::{Candidate, GroupRow, Omission, complete_parent, omission, parent_refused};
use crate::columns::Field;
use crate::product::{Attribute, Image, Product, RowError, RowParser};
use crate::source::Value;

/// The value of the only option of a product without variants.
const DEFAULT: &str = "Default Title";

/// Returns the products of the rows of a handle.
pub fn products(parser: &RowParser, include_drafts: bool, rows: &[GroupRow]) -> Vec<Candidate> {
    let columns = &parser.columns;
    let has_title = |row: &&GroupRow| !columns.value(&row.values, Field::Name).is_blank();
    let Some(main) = rows.iter().find(has_title).or(rows.first()) else {
        return Vec::new();
    };
    let handle = columns
        .text(&main.values, Field::ExternalId)
        .ok()
        .flatten()
        .unwrap_or_default();
    if let Some(omission) = omission(&parser.columns, include_drafts, &main.values) {
        return vec![(main.line, handle.to_owned(), Err(omission))];
    }
    if columns.has(Field::Name) && columns.value(&main.values, Field::Name).is_blank() {
        let message =
            "no row of the handle has a title: add the row with the title, or map no title with --map name=";
        let error = RowError::bad_input(Field::Name.name(), message);
        return vec![(main.line, handle.to_owned(), Err(error.into()))];
    }
    let images = images(parser, rows);
    let with_images = |mut product: Product| {
        if columns.has(Field::Images) {
            product.images = Some(images.clone());
            parser.limit(&mut product);
        }
        product
    };
    let variants: Vec<&GroupRow> = rows
        .iter()
        .filter(|row| is_variant(parser, &row.values))
        .collect();
    let options: Vec<Vec<Attribute>> = variants
        .iter()
        .map(|row| options(parser, &main.values, &row.values))
        .collect();
    if options.iter().all(Vec::is_empty) {
        let offer = variants.first().unwrap_or(&main);
        let product = single(parser, &main.values, &offer.values).map(with_images);
        let further = variants.iter().skip(1).map(|row| {
            let message = "the handle has several rows with a price, but they have no options";
            (
                row.line,
                handle.to_owned(),
                Err(RowError::bad_input("options", message).into()),
            )
        });
        return [(main.line, handle.to_owned(), product.map_err(Omission::from))]
            .into_iter()
            .chain(further)
            .collect();
    }
    let parent = parser.base(&main.values).map(with_images);
    let products: Vec<Candidate> = variants
        .iter()
        .zip(&options)
        .map(|(row, options)| {
            let product = parent.as_ref().map_err(|_| parent_refused(main.line));
            let product = product
                .and_then(|parent| variant(parser, parent, &row.values, options).map_err(Omission::from));
            let values: Vec<&str> = options.iter().map(|option| option.value.as_str()).collect();
            (row.line, format!("{handle}/{}", values.join("/")), product)
        })
        .collect();
    let parent = parent.map(|parent| {
        let sold: Vec<&Product> = products
            .iter()
            .filter_map(|(.., product)| product.as_ref().ok())
            .collect();
        complete_parent(parent, &sold)
    });
    let parent = (main.line, handle.to_owned(), parent.map_err(Omission::from));
    [parent].into_iter().chain(products).collect()
}

fn single(parser: &RowParser, main: &[Value], offer: &[Value]) -> Result<Product, RowError> {
    let mut product = parser.base(main)?;
    parser.add_offer(offer, &mut product)?;
    Ok(product)
}

fn variant(
    parser: &RowParser,
    parent: &Product,
    row: &[Value],
    options: &[Attribute],
) -> Result<Product, RowError> {
    let values: Vec<&str> = options.iter().map(|option| option.value.as_str()).collect();
    if values.is_empty() {
        return Err(RowError::bad_input("options", "the variant has no options"));
    }
    let image = parser.columns.text_of(row, "variantimage");
    let image = if image.is_empty() {
        parser.columns.text_of(row, "variantimageurl")
    } else {
        image
    };
    let image = Image {
        url: image.to_owned(),
        alt: None,
    };
    let name = parent
        .name
        .as_ref()
        .map(|name| format!("{name} - {}", values.join(" / ")));
    let mut product = Product {
        external_id: format!("{}/{}", parent.external_id, values.join("/")),
        name,
        manufacturer: parent.manufacturer.clone(),
        category_path: parent.category_path.clone(),
        images: (!image.url.is_empty()).then(|| vec![image]),
        parent_external_id: Some(parent.external_id.clone()),
        options: Some(options.to_owned()),
        ..Product::default()
    };
    parser.add_offer(row, &mut product)?;
    Ok(product)
}

/// Returns whether a row has more than an image.
fn is_variant(parser: &RowParser, row: &[Value]) -> bool {
    let is_filled = |field| !parser.columns.value(row, field).is_blank();
    is_filled(Field::Price)
        || is_filled(Field::Sku)
        || !parser.columns.text_of(row, "option1value").is_empty()
}

/// Returns the options of a variant. Only the first row of a handle has their names.
fn options(parser: &RowParser, main: &[Value], row: &[Value]) -> Vec<Attribute> {
    let option = |number: u32| {
        let value = parser.columns.text_of(row, &format!("option{number}value"));
        let column = format!("option{number}name");
        let names = [
            parser.columns.text_of(row, &column),
            parser.columns.text_of(main, &column),
        ];
        let name = names.into_iter().find(|name| !name.is_empty());
        let name = name.map_or_else(|| format!("Option {number}"), str::to_owned);
        (!value.is_empty() && value != DEFAULT).then(|| Attribute::new(&name, value))
    };
    (1..=3).filter_map(option).collect()
}

/// Returns the images of all rows in the order of their positions.
fn images(parser: &RowParser, rows: &[GroupRow]) -> Vec<Image> {
    let columns = &parser.columns;
    let image = |row: &GroupRow| {
        let url = columns
            .text(&row.values, Field::Images)
            .ok()
            .flatten()
            .filter(|url| !url.is_empty())?;
        let alt = columns.text_of(&row.values, "imagealttext");
        let position: u32 = columns
            .text_of(&row.values, "imageposition")
            .parse()
            .unwrap_or(u32::MAX);
        let image = Image {
            url: url.to_owned(),
            alt: Some(alt.to_owned()).filter(|alt| !alt.is_empty()),
        };
        Some((position, image))
    };
    let mut images: Vec<(u32, Image)> = rows.iter().filter_map(image).collect();
    images.sort_by_key(|(position, _)| *position);
    images.into_iter().map(|(_, image)| image).collect()
}
