use wasmparser::{Parser, Payload};

use super::*;

/// A component that imports and exports instances of one function each, `run: func() -> u32`; what it exports is what
/// it imports first, so that a chain of parts is a real one.
fn component(imports: &[&str], exports: &[&str]) -> Vec<u8> {
    let mut text = String::from(
        r#"(component
            (core module $m (func (export "run") (result i32) i32.const 7))
            (core instance $i (instantiate $m))
            (func $run (result u32) (canon lift (core func $i "run")))
            (instance $own (export "run" (func $run)))"#,
    );
    for (index, name) in imports.iter().enumerate() {
        text += &format!(r#"(import "{name}" (instance $import{index} (export "run" (func (result u32)))))"#);
    }
    let source = if imports.is_empty() { "$own" } else { "$import0" };
    for name in exports {
        text += &format!(r#"(export "{name}" (instance {source}))"#);
    }
    wat::parse_str(text + ")").unwrap()
}

fn part(name: &str, imports: &[&str], exports: &[&str]) -> Part {
    Part::new(name, component(imports, exports), "").unwrap()
}

fn names(component: &[u8]) -> (Vec<String>, Vec<String>) {
    let (mut imports, mut exports, mut depth) = (vec![], vec![], 0);
    for payload in Parser::new(0).parse_all(component) {
        match payload.unwrap() {
            Payload::ComponentSection { .. } | Payload::ModuleSection { .. } => depth += 1,
            Payload::End(_) => depth -= 1,
            Payload::ComponentImportSection(section) if depth == 0 => {
                imports.extend(
                    section
                        .into_iter()
                        .map(|import| import.unwrap().name.name.to_owned()),
                );
            }
            Payload::ComponentExportSection(section) if depth == 0 => {
                exports.extend(
                    section
                        .into_iter()
                        .map(|export| export.unwrap().name.name.to_owned()),
                );
            }
            _ => {}
        }
    }
    (imports, exports)
}

fn section(component: &[u8], wanted: &str) -> Option<String> {
    let mut depth = 0;
    Parser::new(0).parse_all(component).find_map(|payload| {
        match payload.unwrap() {
            Payload::ComponentSection { .. } | Payload::ModuleSection { .. } => depth += 1,
            Payload::End(_) => depth -= 1,
            Payload::CustomSection(section) if depth == 0 && section.name() == wanted => {
                return Some(String::from_utf8(section.data().to_vec()).unwrap());
            }
            _ => {}
        }
        None
    })
}

fn refusal(parts: &[Part]) -> String {
    format!("{:#}", compose(parts, Some(Runtime::Mercato)).unwrap_err())
}

const STORE: &str = "mercato:platform/documents@0.1.0";
const CATALOG: &str = "mercato:shop/catalog@0.1.0";
const ORDERS: &str = "mercato:shop/orders@0.1.0";
const HTTP: &str = "wasi:http/incoming-handler@0.2.6";
const HANDLER: &str = "mercato:platform/handler@0.1.0";

#[test]
fn imports_are_filled_by_the_parts_that_export_them_whatever_their_order() {
    let parts = [
        part("gateway", &[CATALOG, ORDERS], &[HTTP]),
        part("orders", &[CATALOG, STORE], &[ORDERS]),
        part("catalog", &[STORE], &[CATALOG]),
    ];
    let shop = compose(&parts, Some(Runtime::Mercato)).unwrap();
    assert_eq!(names(&shop), (vec![STORE.to_owned()], vec![HTTP.to_owned()]));
}

#[test]
fn each_handler_of_events_is_exported_under_its_services_name() {
    let parts = [
        part("orders", &[], &[ORDERS, HANDLER]),
        part("catalog", &[], &[CATALOG, HANDLER]),
    ];
    let (_, exports) = names(&compose(&parts, Some(Runtime::Mercato)).unwrap());
    assert_eq!(exports, [ORDERS, "orders-events", CATALOG, "catalog-events"]);
}

#[test]
fn events_are_handed_to_the_first_part_that_handles_them() {
    let parts = [
        part("payments", &[ORDERS], &[HANDLER]),
        part("orders", &[], &[ORDERS, HANDLER]),
        part("consumer", &[HANDLER], &[HTTP]),
    ];
    let (_, exports) = names(&compose(&parts, Some(Runtime::Mercato)).unwrap());
    assert_eq!(exports, ["orders-events", HTTP]);
}

#[test]
fn a_compatible_version_of_an_interface_fills_an_import() {
    let parts = [
        part("gateway", &["mercato:shop/catalog@0.1.3"], &[HTTP]),
        part("catalog", &[], &["mercato:shop/catalog@0.1.4"]),
    ];
    assert_eq!(
        names(&compose(&parts, None).unwrap()),
        (vec![], vec![HTTP.to_owned()])
    );
}

#[test]
fn an_import_that_nobody_offers_is_named_with_its_part() {
    let parts = [part("orders", &["wasi:keyvalue/store@0.2.0"], &[ORDERS])];
    let error = refusal(&parts);
    assert!(
        error.contains("`orders` imports wasi:keyvalue/store@0.2.0"),
        "{error}"
    );
    assert!(error.contains("the runtime `mercato` does not offer"), "{error}");
    assert!(
        compose(&parts, None).is_ok(),
        "without a runtime there is nothing to check against"
    );
}

#[test]
fn an_import_of_types_alone_needs_nobody_to_offer_it() {
    let types = r#"(component
        (import "mercato:shop/types@0.1.0" (instance (type $t u32) (export "amount" (type (eq $t)))))
        (import "mercato:platform/config@0.1.0" (instance (export "get" (func (result u32))))))"#;
    let part = Part::new("orders", wat::parse_str(types).unwrap(), "").unwrap();
    assert!(compose(&[part], Some(Runtime::Mercato)).is_ok());
}

#[test]
fn two_exporters_of_one_interface_are_refused() {
    let wanted = [
        part("gateway", &[CATALOG], &[HTTP]),
        part("catalog", &[], &[CATALOG]),
        part("other", &[], &[CATALOG]),
    ];
    assert!(
        refusal(&wanted).contains("which `catalog` and `other` both export"),
        "{}",
        refusal(&wanted)
    );
    let unwanted = [part("catalog", &[], &[CATALOG]), part("other", &[], &[CATALOG])];
    assert!(refusal(&unwanted).contains("`catalog` and `other` both export mercato:shop/catalog@0.1.0"));
}

#[test]
fn parts_that_need_each_other_are_refused() {
    let parts = [
        part("orders", &[CATALOG], &[ORDERS]),
        part("catalog", &[ORDERS], &[CATALOG]),
    ];
    assert!(refusal(&parts).contains("in a circle"), "{}", refusal(&parts));
}

#[test]
fn an_interface_of_another_shape_is_refused() {
    let other = r#"(component (import "mercato:shop/catalog@0.1.0" (instance (export "run" (func (result string))))))"#;
    let parts = [
        Part::new("gateway", wat::parse_str(other).unwrap(), "").unwrap(),
        part("catalog", &[], &[CATALOG]),
    ];
    assert!(refusal(&parts).contains("what `catalog` exports as mercato:shop/catalog@0.1.0 does not fit"));
}

#[test]
fn what_is_no_component_is_refused() {
    let module = wat::parse_str("(module)").unwrap();
    assert!(
        refusal(&[Part::new("orders", module, "").unwrap()])
            .contains("part `orders` is no WebAssembly component")
    );
}

#[test]
fn the_manifests_are_in_the_part_and_in_the_whole() {
    let text = "config = [\"API_SECRET\"]\n[collections.\"orders.orders\"]\nfields = [\"userId\"]\n";
    let orders = Part::new("orders", component(&[], &[ORDERS]), text).unwrap();
    let own: ServiceManifest =
        serde_json::from_str(&section(&orders.bytes, SERVICE_SECTION).unwrap()).unwrap();
    assert_eq!(own.collections["orders.orders"].fields, ["userId"]);

    let shop = compose(&[orders, part("catalog", &[], &[CATALOG])], None).unwrap();
    let whole: ShopManifest = serde_json::from_str(&section(&shop, SHOP_SECTION).unwrap()).unwrap();
    assert_eq!(whole.services.keys().collect::<Vec<_>>(), ["catalog", "orders"]);
    assert_eq!(whole.services["orders"], own);
}

#[test]
fn a_manifest_that_is_wrong_is_refused_by_the_services_name() {
    let error = Part::new("orders", component(&[], &[]), "colections = {}").unwrap_err();
    assert!(error.to_string().contains("the manifest of `orders` is wrong"));
    let manifest = "[collections.\"catalog.products\"]";
    let foreign = Part::new("orders", component(&[], &[ORDERS]), manifest).unwrap();
    assert!(refusal(&[foreign]).contains("name it `orders.<things>`"));
}

#[test]
fn a_composition_names_each_of_its_parts_once() {
    let composition = Composition::parse("runtime = \"mercato\"\nparts = [\"orders\", \"catalog\"]").unwrap();
    assert_eq!(composition.parts, ["orders", "catalog"]);
    assert_eq!(composition.runtime, Some(Runtime::Mercato));
    let error = |text| format!("{:#}", Composition::parse(text).unwrap_err());
    assert!(error("parts = []").contains("names no parts"));
    assert!(error("parts = [\"a\", \"b\", \"a\"]").contains("`a` twice"));
    assert!(error("runtime = \"mars\"\nparts = [\"a\"]").contains("mars"));
}
