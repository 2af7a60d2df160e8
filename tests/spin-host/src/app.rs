//! The application that `spin.toml` describes.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};

use serde::Deserialize;
use wasmtime::error::Context as _;
use wasmtime::{Result, bail, format_err};

use crate::hosts::AllowedHost;

/// An application.
pub struct App {
    /// The folder of the manifest.
    pub folder: PathBuf,
    /// The components by their ids.
    pub components: BTreeMap<String, Component>,
    /// The public routes with their components, the longest route first.
    pub routes: Vec<(Route, String)>,
}

/// A component and its permissions.
pub struct Component {
    /// The WebAssembly file.
    pub source: PathBuf,
    /// The variables.
    pub variables: BTreeMap<String, String>,
    /// The hosts that the component may connect to.
    pub hosts: Vec<AllowedHost>,
    /// The key-value stores that the component may open.
    pub stores: Vec<String>,
    /// The databases that the component may open.
    pub databases: Vec<String>,
}

/// The paths of a component.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Route {
    /// This path only.
    Exact(String),
    /// This path and all paths below it. In the manifest it ends in `/...`.
    Below(String),
}

impl Route {
    fn new(route: &str) -> Self {
        match route.strip_suffix("/...") {
            Some(path) => Self::Below(path.to_owned()),
            None => Self::Exact(route.to_owned()),
        }
    }

    /// Returns whether a path belongs to the route.
    pub fn matches(&self, path: &str) -> bool {
        match self {
            Self::Exact(route) => route == path,
            Self::Below(route) => path
                .strip_prefix(route.as_str())
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('/')),
        }
    }

    fn length(&self) -> usize {
        match self {
            Self::Exact(path) | Self::Below(path) => path.len(),
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Manifest {
    spin_manifest_version: u32,
    #[serde(rename = "application")]
    _application: toml::Table,
    #[serde(default)]
    variables: BTreeMap<String, Variable>,
    trigger: Triggers,
    component: BTreeMap<String, Declared>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Variable {
    default: Option<String>,
    #[serde(default)]
    required: bool,
    #[serde(default, rename = "secret")]
    _secret: bool,
    #[serde(rename = "description")]
    _description: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Triggers {
    http: Vec<Trigger>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Trigger {
    route: DeclaredRoute,
    component: String,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum DeclaredRoute {
    Public(String),
    Private { private: bool },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Declared {
    source: String,
    #[serde(rename = "description")]
    _description: Option<String>,
    #[serde(default)]
    variables: BTreeMap<String, String>,
    #[serde(default)]
    allowed_outbound_hosts: Vec<String>,
    #[serde(default)]
    key_value_stores: Vec<String>,
    #[serde(default)]
    sqlite_databases: Vec<String>,
    #[serde(rename = "build")]
    _build: Option<toml::Table>,
}

impl App {
    /// Reads a manifest. The environment overrides the values of variables.
    ///
    /// # Errors
    /// Fails if the manifest is invalid, if it names a missing component or variable, or if a required
    /// variable has no value.
    pub fn read(file: &Path, environment: &HashMap<String, String>) -> Result<Self> {
        let text =
            std::fs::read_to_string(file).with_context(|| format!("{} can't be read", file.display()))?;
        let folder = std::path::absolute(file)?
            .parent()
            .map(Path::to_owned)
            .unwrap_or_default();
        Self::parse(&text, folder, environment).with_context(|| format!("{} is invalid", file.display()))
    }

    fn parse(text: &str, folder: PathBuf, environment: &HashMap<String, String>) -> Result<Self> {
        let manifest: Manifest = toml::from_str(text)?;
        if manifest.spin_manifest_version != 2 {
            bail!("`spin_manifest_version` must be 2");
        }
        let variables = manifest
            .variables
            .iter()
            .map(|(name, variable)| Ok((name.as_str(), value(name, variable, environment)?)))
            .collect::<Result<HashMap<_, _>>>()?;
        let mut components = BTreeMap::new();
        for (id, declared) in manifest.component {
            let component = component(&folder, declared, &variables)
                .with_context(|| format!("the component `{id}` is invalid"))?;
            components.insert(id, component);
        }
        let mut routes = Vec::new();
        for Trigger { route, component } in manifest.trigger.http {
            if !components.contains_key(&component) {
                bail!("a trigger names the component `{component}`, which does not exist");
            }
            match route {
                DeclaredRoute::Public(route) => routes.push((Route::new(&route), component)),
                DeclaredRoute::Private { private: true } => {}
                DeclaredRoute::Private { private: false } => {
                    bail!("a route must be a path or `{{ private = true }}`")
                }
            }
        }
        routes.sort_by_key(|(route, _)| std::cmp::Reverse(route.length()));
        Ok(Self {
            folder,
            components,
            routes,
        })
    }
}

fn value(name: &str, variable: &Variable, environment: &HashMap<String, String>) -> Result<String> {
    if variable.required == variable.default.is_some() {
        bail!("the variable `{name}` must be either required or have a default");
    }
    environment
        .get(&format!("SPIN_VARIABLE_{}", name.to_ascii_uppercase()))
        .or(variable.default.as_ref())
        .cloned()
        .ok_or_else(|| {
            format_err!(
                "the variable `{name}` is required: set SPIN_VARIABLE_{}",
                name.to_ascii_uppercase()
            )
        })
}

fn component(folder: &Path, declared: Declared, variables: &HashMap<&str, String>) -> Result<Component> {
    let values = declared
        .variables
        .into_iter()
        .map(|(name, template)| Ok((name, expand(&template, variables)?)))
        .collect::<Result<_>>()?;
    let hosts = declared
        .allowed_outbound_hosts
        .iter()
        .map(|host| AllowedHost::parse(&expand(host, variables)?))
        .collect::<Result<_>>()?;
    Ok(Component {
        source: folder.join(declared.source),
        variables: values,
        hosts,
        stores: declared.key_value_stores,
        databases: declared.sqlite_databases,
    })
}

/// Replaces each `{{ name }}` of a template by the value of the variable.
fn expand(template: &str, variables: &HashMap<&str, String>) -> Result<String> {
    let mut expanded = String::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once("{{") {
        let (name, after) = after
            .split_once("}}")
            .ok_or_else(|| format_err!("`{template}` has no closing `}}}}`"))?;
        let value = variables
            .get(name.trim())
            .ok_or_else(|| format_err!("the variable `{}` does not exist", name.trim()))?;
        expanded.push_str(before);
        expanded.push_str(value);
        rest = after;
    }
    expanded.push_str(rest);
    Ok(expanded)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = r#"
        spin_manifest_version = 2
        [application]
        name = "shop"
        [variables]
        api_secret = { required = true, secret = true }
        currency = { default = "USD" }
        [[trigger.http]]
        route = "/..."
        component = "gateway"
        [[trigger.http]]
        route = { private = true }
        component = "orders-events"
        [component.gateway]
        source = "gateway.wasm"
        variables = { api_secret = "{{ api_secret }}", both = "{{currency}}/{{ api_secret }}" }
        [component.orders-events]
        source = "orders-events.wasm"
    "#;

    #[test]
    fn reads_variables_from_the_environment_or_their_defaults() {
        let environment = [("SPIN_VARIABLE_API_SECRET".to_owned(), "s".to_owned())].into();
        let app = App::parse(TEXT, PathBuf::new(), &environment).unwrap();
        assert_eq!(app.components["gateway"].variables["both"], "USD/s");
        assert!(App::parse(TEXT, PathBuf::new(), &HashMap::new()).is_err());
    }

    #[test]
    fn gives_private_components_no_route() {
        let environment = [("SPIN_VARIABLE_API_SECRET".to_owned(), "s".to_owned())].into();
        let app = App::parse(TEXT, PathBuf::new(), &environment).unwrap();
        assert_eq!(app.routes, [(Route::Below(String::new()), "gateway".to_owned())]);
        assert!(Route::new("/a/...").matches("/a/b"));
        assert!(!Route::new("/a/...").matches("/ab"));
        assert!(!Route::new("/a").matches("/a/b"));
    }
}
