//! Connects each import of a part to the part that exports the same interface.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result, anyhow, bail};
use wac_graph::types::{ItemKind, Package, Type, Types, are_semver_compatible};
use wac_graph::{CompositionGraph, EncodeError, EncodeOptions, NodeId};

use super::{Part, Runtime};

/// The interface that handles events. Any number of parts may export it. A part that imports it, such as the
/// consumer for Spin, is connected to the first of them.
const HANDLER: &str = "mercato:platform/handler@";

/// The interface that answers HTTP requests.
const HTTP_HANDLER: &str = "mercato:platform/http-handler@";

/// The package of the ports. An adapter exports all ports that it fills.
const PORTS: &str = "mercato:platform/";

/// A part in the graph, with the names and kinds of its imports and exports.
struct Node<'a> {
    part: &'a Part,
    instance: NodeId,
    imports: Vec<(String, ItemKind)>,
    exports: Vec<String>,
}

/// Joins the parts to one component. An import that no part exports stays an import; if a runtime is given,
/// it must offer it. An export that no part imports stays an export; a handler of events is exported as
/// `<part>-events`. Other ports that no part imports are not exported.
///
/// # Errors
/// - A part is not a component.
/// - Several parts export an interface that another part imports, or that the whole would export twice.
/// - The runtime does not offer an import.
/// - Parts import from each other in a cycle.
/// - Two versions of an interface are incompatible.
pub fn join(parts: &[Part], runtime: Option<Runtime>) -> Result<Vec<u8>> {
    let mut graph = CompositionGraph::new();
    let nodes = parts
        .iter()
        .map(|part| add(&mut graph, part))
        .collect::<Result<Vec<_>>>()?;
    let mut connected = BTreeSet::new();
    for node in &nodes {
        for (name, kind) in &node.imports {
            match exporter(&nodes, node, name)? {
                Some((from, export)) => {
                    let argument = graph.alias_instance_export(from.instance, export)?;
                    graph
                        .set_instantiation_argument(node.instance, name, argument)
                        .with_context(|| {
                            let (to, from) = (&node.part.name, &from.part.name);
                            format!(
                                "`{to}` imports {name}, but the {export} that `{from}` exports does not fit"
                            )
                        })?;
                    connected.insert((from.part.name.as_str(), export.as_str()));
                }
                None => check_offer(graph.types(), runtime, &node.part.name, name, *kind)?,
            }
        }
    }
    export_rest(&mut graph, &nodes, &connected)?;
    graph
        .encode(EncodeOptions {
            validate: false,
            ..EncodeOptions::default()
        })
        .map_err(|error| match error {
            EncodeError::GraphContainsCycle { .. } => anyhow!("parts import from each other in a cycle"),
            error => anyhow!(error).context("the parts do not fit together"),
        })
}

fn add<'a>(graph: &mut CompositionGraph, part: &'a Part) -> Result<Node<'a>> {
    let name = format!("mercato:{}", part.name);
    let package = Package::from_bytes(&name, None, part.bytes.clone(), graph.types_mut())
        .with_context(|| format!("part `{}` is not a WebAssembly component", part.name))?;
    let world = &graph.types()[package.ty()];
    let imports = world.imports.iter();
    let imports = imports.map(|(name, kind)| (name.clone(), *kind)).collect();
    let exports = world.exports.keys().cloned().collect();
    let package = graph.register_package(package)?;
    Ok(Node {
        part,
        instance: graph.instantiate(package),
        imports,
        exports,
    })
}

/// Finds the other part that exports an interface, and the name of the export, whose version may differ.
fn exporter<'n, 'p>(
    nodes: &'n [Node<'p>],
    importer: &Node<'_>,
    import: &str,
) -> Result<Option<(&'n Node<'p>, &'n String)>> {
    let fits = |name: &&String| *name == import || are_semver_compatible(name, import);
    let mut found = nodes
        .iter()
        .filter(|node| node.part.name != importer.part.name)
        .filter_map(|node| Some((node, node.exports.iter().find(fits)?)));
    let first = found.next();
    if !import.starts_with(HANDLER)
        && let (Some((one, _)), Some((other, _))) = (first, found.next())
    {
        let (one, other) = (&one.part.name, &other.part.name);
        bail!(
            "`{}` imports {import}, and both `{one}` and `{other}` export it: remove one of them",
            importer.part.name
        );
    }
    Ok(first)
}

fn check_offer(
    types: &Types,
    runtime: Option<Runtime>,
    part: &str,
    import: &str,
    kind: ItemKind,
) -> Result<()> {
    let Some(runtime) = runtime else { return Ok(()) };
    if runtime.offers(import) || has_only_types(types, kind) {
        return Ok(());
    }
    bail!(
        "`{part}` imports {import}, which no other part exports and the runtime `{}` does not offer: add the part \
         that exports it, or remove the import from the service's world",
        runtime.name()
    )
}

/// Checks whether an import needs no provider, because it declares types only.
fn has_only_types(types: &Types, kind: ItemKind) -> bool {
    let is_data = |kind: &ItemKind| matches!(kind, ItemKind::Type(Type::Value(_)));
    match kind {
        ItemKind::Instance(interface) => types[interface].exports.values().all(is_data),
        other => is_data(&other),
    }
}

/// Exports what no part imports.
fn export_rest(
    graph: &mut CompositionGraph,
    nodes: &[Node],
    connected: &BTreeSet<(&str, &str)>,
) -> Result<()> {
    let mut exported = BTreeMap::new();
    for node in nodes {
        let part = node.part.name.as_str();
        for export in &node.exports {
            if connected.contains(&(part, export.as_str())) {
                continue;
            }
            let name = if export.starts_with(HANDLER) {
                format!("{part}-events")
            } else if export.starts_with(PORTS) && !export.starts_with(HTTP_HANDLER) {
                continue;
            } else {
                export.clone()
            };
            if let Some(other) = exported.insert(name.clone(), part) {
                bail!(
                    "both `{other}` and `{part}` export {name}, and no part imports it: remove one of them"
                );
            }
            let instance = graph.alias_instance_export(node.instance, export)?;
            graph
                .export(instance, &name)
                .with_context(|| format!("can't export {name} of `{part}`"))?;
        }
    }
    Ok(())
}
