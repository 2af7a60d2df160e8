//! Checks `deploy/kubernetes`.

use std::fs;

use serde::Deserialize as _;
use serde_norway::{Deserializer, Value};

use crate::project::Project;
use crate::settings::Settings;

/// Returns the values of all members with this name.
fn members<'a>(value: &'a Value, name: &str, found: &mut Vec<&'a Value>) {
    match value {
        Value::Mapping(mapping) => {
            for (key, value) in mapping {
                if key.as_str() == Some(name) {
                    found.push(value);
                }
                members(value, name, found);
            }
        }
        Value::Sequence(items) => items.iter().for_each(|item| members(item, name, found)),
        _ => {}
    }
}

#[test]
fn names_only_settings_and_health_checks_that_exist() {
    let project = Project::find().unwrap();
    let folder = project.root.join("deploy/kubernetes");
    let settings = Settings::read(&project).unwrap();
    let is_setting =
        |name: &str| name == "MERCATO_SHOP" || settings.iter().any(|setting| setting.name == name);

    let text = fs::read_to_string(folder.join("mercato.yaml")).unwrap();
    let documents: Vec<_> = Deserializer::from_str(&text)
        .map(|document| Value::deserialize(document).unwrap())
        .collect();
    let kinds: Vec<_> = documents
        .iter()
        .map(|document| document["kind"].as_str().unwrap())
        .collect();
    assert_eq!(kinds, ["Deployment", "Service", "PodDisruptionBudget"]);
    let (mut env, mut probes) = (Vec::new(), Vec::new());
    for document in &documents {
        members(document, "env", &mut env);
        members(document, "httpGet", &mut probes);
    }
    for variable in env.into_iter().flat_map(|list| list.as_sequence().unwrap()) {
        let name = variable["name"].as_str().unwrap();
        assert!(is_setting(name), "{name} is not a setting");
    }
    let paths: Vec<_> = probes
        .iter()
        .map(|probe| probe["path"].as_str().unwrap())
        .collect();
    assert_eq!(paths, ["/livez", "/livez", "/readyz"]);

    let image = fs::read_to_string(folder.join("Containerfile")).unwrap();
    let variables = image.lines().find_map(|line| line.strip_prefix("ENV ")).unwrap();
    for variable in variables.split(' ') {
        let (name, _) = variable.split_once('=').unwrap();
        assert!(is_setting(name), "{name} is not a setting");
    }
}
