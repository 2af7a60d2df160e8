//! Checks `docker-compose.yml`.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;
use serde_norway::Value;

/// The parts of a Compose file that this project uses. An unknown key is a typing error, or needs a test.
#[derive(Deserialize)]
struct Compose {
    services: BTreeMap<String, Service>,
    volumes: BTreeMap<String, Value>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Service {
    image: String,
    restart: String,
    healthcheck: Healthcheck,
    deploy: Deploy,
    #[serde(default)]
    environment: BTreeMap<String, Value>,
    #[serde(default)]
    ports: Vec<String>,
    #[serde(default)]
    volumes: Vec<String>,
    #[serde(default)]
    depends_on: Dependencies,
    #[serde(rename = "logging")]
    _logging: Value,
    #[serde(rename = "user")]
    _user: Option<String>,
    #[serde(rename = "hostname")]
    _hostname: Option<String>,
    #[serde(rename = "entrypoint")]
    _entrypoint: Option<Vec<String>>,
    #[serde(rename = "command")]
    _command: Option<Vec<String>>,
    #[serde(rename = "stop_grace_period")]
    _stop_grace_period: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Healthcheck {
    test: Vec<String>,
    retries: u32,
    #[serde(rename = "interval")]
    _interval: String,
    #[serde(rename = "timeout")]
    _timeout: String,
    #[serde(rename = "start_period")]
    _start_period: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Deploy {
    resources: Resources,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Resources {
    limits: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Dependencies {
    Names(Vec<String>),
    Conditions(BTreeMap<String, BTreeMap<String, String>>),
}

impl Default for Dependencies {
    fn default() -> Self {
        Self::Names(Vec::new())
    }
}

impl Dependencies {
    fn names(&self) -> Vec<&str> {
        match self {
            Self::Names(names) => names.iter().map(String::as_str).collect(),
            Self::Conditions(conditions) => conditions.keys().map(String::as_str).collect(),
        }
    }
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

fn read() -> Compose {
    let text = std::fs::read_to_string(root().join("docker-compose.yml")).unwrap();
    let mut whole: Value = serde_norway::from_str(&text).unwrap();
    // The second merge resolves the aliases of the first.
    whole.apply_merge().unwrap();
    whole.apply_merge().unwrap();
    serde_norway::from_value(whole).unwrap()
}

#[test]
fn every_service_has_a_version_a_health_check_limits_and_a_restart_policy() {
    for (name, service) in read().services {
        let (_, tag) = service
            .image
            .rsplit_once(':')
            .unwrap_or_else(|| panic!("{name} has no tag"));
        assert!(
            tag.chars().any(|c| c.is_ascii_digit()) && tag != "latest",
            "{name}: {tag}"
        );
        assert_eq!(service.restart, "unless-stopped", "{name}");
        assert!(
            service.healthcheck.test.len() >= 2 && service.healthcheck.retries > 0,
            "{name}"
        );
        for limit in ["cpus", "memory"] {
            assert!(
                service.deploy.resources.limits.contains_key(limit),
                "{name} has no limit of {limit}"
            );
        }
    }
}

#[test]
fn only_this_machine_can_reach_the_ports() {
    for (name, service) in read().services {
        for port in service.ports {
            assert!(port.starts_with("127.0.0.1:"), "{name}: {port}");
        }
    }
}

#[test]
fn every_password_is_required() {
    let mut count = 0;
    for (name, service) in read().services {
        for (variable, value) in service.environment {
            if ["PASSWORD", "SECRET", "AUTH"]
                .iter()
                .any(|word| variable.contains(word))
            {
                let value = value.as_str().unwrap_or_default();
                assert!(
                    value.starts_with("${") && value.contains(":?"),
                    "{name}: {variable}"
                );
                count += 1;
            }
        }
    }
    assert!(count >= 2, "MongoDB and Redis have passwords");
}

#[test]
fn every_volume_and_dependency_exists() {
    let compose = read();
    for (name, service) in &compose.services {
        for dependency in service.depends_on.names() {
            assert!(
                compose.services.contains_key(dependency),
                "{name} depends on {dependency}"
            );
        }
        for volume in &service.volumes {
            let source = volume.split(':').next().unwrap();
            let exists = match source.strip_prefix("./") {
                // Created by the user, for local components.
                Some("images") => true,
                Some(file) => root().join(file).exists(),
                None => compose.volumes.contains_key(source),
            };
            assert!(exists, "{name}: {volume}");
        }
    }
    for volume in compose.volumes.keys() {
        let used = |service: &Service| {
            service
                .volumes
                .iter()
                .any(|used| used.starts_with(&format!("{volume}:")))
        };
        assert!(compose.services.values().any(used), "no service uses {volume}");
    }
}
