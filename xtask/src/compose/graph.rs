//! Joining components: every import is filled by the one part that exports the same interface.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result, anyhow, bail};
use wac_graph::types::{ItemKind, Package, Type, Types, are_semver_compatible};
use wac_graph::{CompositionGraph, EncodeError, EncodeOptions, NodeId};

use super::Part;
use super::offers::Runtime;

/// The interface by which a service is told of events. Any number of parts export it; a part that imports it hands events to the first
/// of them, for which the composition is made.
const HANDLER: &str = "mercato:platform/handler@";

/// A part in the graph, with the names and kinds of what it imports and exports.
struct Node<'a> {
    part: &'a Part,
    instance: NodeId,
    imports: Vec<(String, ItemKind)>,
    exports: Vec<String>,
}

/// Joins the parts to one component. What no part exports stays an import, and must be offered by the runtime, where
/// one is named. What no part imports is exported, a handler of events under the name `<part>-events`.
///
/// # Errors
/// A part is no component; an interface is exported by several parts that others import it from, or that would have
/// to be exported from the whole twice; the runtime lacks an import; parts need each other in a circle; versions of an interface do not
/// fit together.
pub fn join(parts: &[Part], runtime: Option<Runtime>) -> Result<Vec<u8>> {
    let mut graph = CompositionGraph::new();
    let nodes = parts
        .iter()
        .map(|part| add(&mut graph, part))
        .collect::<Result<Vec<_>>>()?;
    let mut taken = BTreeSet::new();
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
                                "`{to}` imports {name}, but what `{from}` exports as {export} does not fit"
                            )
                        })?;
                    taken.insert((from.part.name.as_str(), export.as_str()));
                }
                None => check_offer(graph.types(), runtime, &node.part.name, name, *kind)?,
            }
        }
    }
    export_rest(&mut graph, &nodes, &taken)?;
    graph
        .encode(EncodeOptions {
            validate: false,
            ..EncodeOptions::default()
        })
        .map_err(|error| match error {
            EncodeError::GraphContainsCycle { .. } => anyhow!("parts import from each other in a circle"),
            error => anyhow!(error).context("the parts do not fit together"),
        })
}

fn add<'a>(graph: &mut CompositionGraph, part: &'a Part) -> Result<Node<'a>> {
    let package = Package::from_bytes(
        &format!("mercato:{}", part.name),
        None,
        part.bytes.clone(),
        graph.types_mut(),
    )
    .with_context(|| format!("part `{}` is no WebAssembly component", part.name))?;
    let world = &graph.types()[package.ty()];
    let imports = world
        .imports
        .iter()
        .map(|(name, kind)| (name.clone(), *kind))
        .collect();
    let exports = world.exports.keys().cloned().collect();
    let package = graph.register_package(package)?;
    Ok(Node {
        part,
        instance: graph.instantiate(package),
        imports,
        exports,
    })
}

/// The other part that exports the interface, and the name (its version may differ) under which it does.
fn exporter<'n, 'p>(
    nodes: &'n [Node<'p>],
    importer: &Node<'_>,
    import: &str,
) -> Result<Option<(&'n Node<'p>, &'n String)>> {
    let mut found = nodes
        .iter()
        .filter(|node| node.part.name != importer.part.name)
        .filter_map(|node| {
            let export = node
                .exports
                .iter()
                .find(|name| *name == import || are_semver_compatible(name, import))?;
            Some((node, export))
        });
    let first = found.next();
    if !import.starts_with(HANDLER)
        && let (Some((one, _)), Some((other, _))) = (first, found.next())
    {
        let (one, other) = (&one.part.name, &other.part.name);
        bail!(
            "`{}` imports {import}, which `{one}` and `{other}` both export: leave one out",
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
    if runtime.offers(import) || only_types(types, kind) {
        return Ok(());
    }
    bail!(
        "`{part}` imports {import}, which no other part exports and the runtime `{}` does not offer: add the part that \
         exports it, or take the import out of the service's world",
        runtime.name()
    )
}

/// Whether an import asks for nothing but the shape of data, which needs nobody to provide it.
fn only_types(types: &Types, kind: ItemKind) -> bool {
    let data = |kind: &ItemKind| matches!(kind, ItemKind::Type(Type::Value(_)));
    match kind {
        ItemKind::Instance(interface) => types[interface].exports.values().all(data),
        other => data(&other),
    }
}

fn export_rest(graph: &mut CompositionGraph, nodes: &[Node], taken: &BTreeSet<(&str, &str)>) -> Result<()> {
    let mut exported = BTreeMap::new();
    for node in nodes {
        let part = node.part.name.as_str();
        for export in node
            .exports
            .iter()
            .filter(|export| !taken.contains(&(part, export.as_str())))
        {
            let name = if export.starts_with(HANDLER) {
                format!("{part}-events")
            } else {
                export.clone()
            };
            if let Some(other) = exported.insert(name.clone(), part) {
                bail!("`{other}` and `{part}` both export {name}, and no part imports it: leave one out");
            }
            let instance = graph.alias_instance_export(node.instance, export)?;
            graph
                .export(instance, &name)
                .with_context(|| format!("`{part}` exports {name}, which can't be exported"))?;
        }
    }
    Ok(())
}
