use mercato_ports::manifest::{SERVICE_SECTION, ServiceManifest};
use wasmparser::{Parser, Payload};

use super::*;

/// A component that imports and exports instances of one function each, `run: func() -> u32`. It exports its
/// first import, so that the parts of a chain depend on each other.
fn component(imports: &[&str], exports: &[&str]) -> Vec<u8> {
    let mut text = String::from(
        r#"(component
            (core module $m (func (export "run") (result i32) i32.const 7))
            (core instance $i (instantiate $m))
            (func $run (result u32) (canon lift (core func $i "run")))
            (instance $local (export "run" (func $run)))"#,
    );
    for (index, name) in imports.iter().enumerate() {
        text += &format!(r#"(import "{name}" (instance $import{index} (export "run" (func (result u32)))))"#);
    }
    let source = if imports.is_empty() { "$local" } else { "$import0" };
    for name in exports {
        text += &format!(r#"(export "{name}" (instance {source}))"#);
    }
    wat::parse_str(text + ")").unwrap()
}

fn part(name: &str, imports: &[&str], exports: &[&str]) -> Part {
    Part::new(name, component(imports, exports), "").unwrap()
}

fn names(component: &[u8]) -> (Vec<String>, Vec<String>) {
    let Names { imports, exports } = Names::read(component).unwrap();
    (imports, exports)
}

fn section(component: &[u8], name: &str) -> Option<String> {
    let mut depth = 0;
    Parser::new(0).parse_all(component).find_map(|payload| {
        match payload.unwrap() {
            Payload::ComponentSection { .. } | Payload::ModuleSection { .. } => depth += 1,
            Payload::End(_) => depth -= 1,
            Payload::CustomSection(section) if depth == 0 && section.name() == name => {
                return Some(String::from_utf8(section.data().to_vec()).unwrap());
            }
            _ => {}
        }
        None
    })
}

fn error(parts: &[Part]) -> String {
    format!("{:#}", compose(parts, Some(Runtime::Mercato)).unwrap_err())
}

const STORE: &str = "mercato:platform/documents@0.1.0";
const CATALOG: &str = "mercato:shop/catalog@0.1.0";
const ORDERS: &str = "mercato:shop/orders@0.1.0";
const HTTP: &str = "mercato:platform/http-handler@0.1.0";
const HANDLER: &str = "mercato:platform/handler@0.1.0";

#[test]
fn connects_imports_to_exports_in_any_order_of_parts() {
    let parts = [
        part("gateway", &[CATALOG, ORDERS], &[HTTP]),
        part("orders", &[CATALOG, STORE], &[ORDERS]),
        part("catalog", &[STORE], &[CATALOG]),
    ];
    let shop = compose(&parts, Some(Runtime::Mercato)).unwrap();
    assert_eq!(names(&shop), (vec![STORE.to_owned()], vec![HTTP.to_owned()]));
}

#[test]
fn exports_each_handler_of_events_under_the_name_of_its_part() {
    let parts = [
        part("orders", &[], &[ORDERS, HANDLER]),
        part("catalog", &[], &[CATALOG, HANDLER]),
    ];
    let (_, exports) = names(&compose(&parts, Some(Runtime::Mercato)).unwrap());
    assert_eq!(exports, [ORDERS, "orders-events", CATALOG, "catalog-events"]);
}

#[test]
fn connects_a_consumer_to_the_first_handler_of_events() {
    let parts = [
        part("payments", &[ORDERS], &[HANDLER]),
        part("orders", &[], &[ORDERS, HANDLER]),
        part("consumer", &[HANDLER], &[HTTP]),
    ];
    let (_, exports) = names(&compose(&parts, Some(Runtime::Mercato)).unwrap());
    assert_eq!(exports, ["orders-events", HTTP]);
}

#[test]
fn connects_compatible_versions_of_an_interface() {
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
fn rejects_an_import_that_neither_a_part_nor_the_runtime_offers() {
    let parts = [part("orders", &["wasi:keyvalue/store@0.2.0"], &[ORDERS])];
    let error = error(&parts);
    assert!(
        error.contains("`orders` imports wasi:keyvalue/store@0.2.0"),
        "{error}"
    );
    assert!(error.contains("the runtime `mercato` does not offer"), "{error}");
    assert!(
        compose(&parts, None).is_ok(),
        "without a runtime, imports are not checked"
    );
}

#[test]
fn accepts_an_import_that_has_only_types() {
    let types = r#"(component
        (import "mercato:shop/types@0.1.0" (instance (type $t u32) (export "amount" (type (eq $t)))))
        (import "mercato:platform/config@0.1.0" (instance (export "get" (func (result u32))))))"#;
    let part = Part::new("orders", wat::parse_str(types).unwrap(), "").unwrap();
    assert!(compose(&[part], Some(Runtime::Mercato)).is_ok());
}

#[test]
fn rejects_two_exporters_of_one_interface() {
    let imported = [
        part("gateway", &[CATALOG], &[HTTP]),
        part("catalog", &[], &[CATALOG]),
        part("other", &[], &[CATALOG]),
    ];
    assert!(
        error(&imported).contains("and both `catalog` and `other` export it"),
        "{}",
        error(&imported)
    );
    let not_imported = [part("catalog", &[], &[CATALOG]), part("other", &[], &[CATALOG])];
    assert!(error(&not_imported).contains("both `catalog` and `other` export mercato:shop/catalog@0.1.0"));
}

#[test]
fn rejects_parts_that_import_from_each_other() {
    let parts = [
        part("orders", &[CATALOG], &[ORDERS]),
        part("catalog", &[ORDERS], &[CATALOG]),
    ];
    assert!(error(&parts).contains("in a cycle"), "{}", error(&parts));
}

#[test]
fn rejects_an_interface_of_another_shape() {
    let other = r#"(component (import "mercato:shop/catalog@0.1.0" (instance (export "run" (func (result string))))))"#;
    let parts = [
        Part::new("gateway", wat::parse_str(other).unwrap(), "").unwrap(),
        part("catalog", &[], &[CATALOG]),
    ];
    assert!(error(&parts).contains("the mercato:shop/catalog@0.1.0 that `catalog` exports does not fit"));
}

#[test]
fn rejects_a_core_module() {
    let module = wat::parse_str("(module)").unwrap();
    let part = Part::new("orders", module, "").unwrap();
    assert!(error(&[part]).contains("part `orders` is not a WebAssembly component"));
}

#[test]
fn adds_the_manifest_to_the_part_and_all_manifests_to_the_whole() {
    let text = "config = [\"API_SECRET\"]\n[collections.\"orders.orders\"]\nfields = [\"userId\"]\n";
    let orders = Part::new("orders", component(&[], &[ORDERS]), text).unwrap();
    let manifest: ServiceManifest =
        serde_json::from_str(&section(&orders.bytes, SERVICE_SECTION).unwrap()).unwrap();
    assert_eq!(manifest.collections["orders.orders"].fields, ["userId"]);

    let shop = compose(&[orders, part("catalog", &[], &[CATALOG])], None).unwrap();
    let whole: ShopManifest = serde_json::from_str(&section(&shop, SHOP_SECTION).unwrap()).unwrap();
    assert_eq!(whole.services.keys().collect::<Vec<_>>(), ["catalog", "orders"]);
    assert_eq!(whole.services["orders"], manifest);
}

#[test]
fn rejects_an_invalid_manifest_with_the_name_of_the_service() {
    let error = Part::new("orders", component(&[], &[]), "colections = {}").unwrap_err();
    assert!(error.to_string().contains("the manifest of `orders` is invalid"));
    let manifest = "[collections.\"catalog.products\"]";
    let foreign = Part::new("orders", component(&[], &[ORDERS]), manifest).unwrap();
    assert!(self::error(&[foreign]).contains("`orders.<things>`"));
}
