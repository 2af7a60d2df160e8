//! The page at `/`: what runs, how it is, and the first requests. Clients other than browsers get it as JSON.

use http::header::{ACCEPT, CACHE_CONTROL, VARY};
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use mercato_shop::http::health::{LIVE_PATH, READY_PATH};
use mercato_shop::http::uncached;
use serde::Serialize;

use crate::graphql::accept::{self, Accepted};
use crate::http::reply::{self, Reply};
use crate::pages::docs;
use crate::pages::readiness::{self, Part};
use crate::services::Services;

/// The path of the page.
pub const PATH: &str = "/";

/// The folder of its style and its script.
pub const ASSETS: &str = "/start/assets/";

/// The name of the runtime that sets no other.
const PROCESS: &str = "one process";

/// The page without its data.
const PAGE: &str = include_str!("../../assets/start/start.html");

/// What runs here, and how it is.
#[derive(Serialize)]
struct Overview<'a> {
    name: &'static str,
    version: &'static str,
    runtime: &'a str,
    ready: bool,
    parts: &'a [Part],
    links: &'a [Link],
}

/// A path of the shop.
#[derive(Serialize)]
struct Link {
    path: &'static str,
    title: &'static str,
}

const LINKS: [Link; 5] = [
    Link {
        path: "/graphql",
        title: "GraphQL explorer",
    },
    Link {
        path: docs::PATH,
        title: "REST documents",
    },
    Link {
        path: "/openapi.json",
        title: "OpenAPI 3.1",
    },
    Link {
        path: READY_PATH,
        title: "Readiness",
    },
    Link {
        path: LIVE_PATH,
        title: "Liveness",
    },
];

/// Only the program `mercato` has metrics. Other runtimes have their own.
const METRICS: Link = Link {
    path: "/metrics",
    title: "Metrics",
};

/// Returns the page, or its data as JSON for clients that do not prefer HTML.
pub fn answer(headers: &HeaderMap, services: &Services, runtime: Option<&str>) -> Reply {
    let parts = readiness::parts(services);
    let mut links = Vec::from(LINKS);
    links.extend(runtime.is_none().then_some(METRICS));
    let overview = Overview {
        name: "Mercato",
        version: env!("CARGO_PKG_VERSION"),
        runtime: runtime.unwrap_or(PROCESS),
        ready: parts.iter().all(|part| part.ready),
        parts: &parts,
        links: &links,
    };
    let mut reply = if accept::negotiate(&Method::GET, headers) == Some(Accepted::Html) {
        let mut page = reply::page(html(&overview).as_bytes());
        page.headers_mut()
            .insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        page
    } else {
        let body = serde_json::to_vec(&overview).unwrap_or_default();
        uncached(StatusCode::OK, HeaderValue::from_static("application/json"), body)
    };
    reply.headers_mut().append(VARY, HeaderValue::from_name(ACCEPT));
    reply
}

/// Returns the style or the script.
pub fn asset(path: &str) -> Option<Reply> {
    match path.strip_prefix(ASSETS)? {
        "start.css" => Some(reply::public(
            include_bytes!("../../assets/start/start.css"),
            "text/css; charset=utf-8",
        )),
        "start.js" => Some(reply::public(
            include_bytes!("../../assets/start/start.js"),
            "text/javascript; charset=utf-8",
        )),
        _ => None,
    }
}

fn html(overview: &Overview<'_>) -> String {
    let parts = overview.parts.iter().map(|part| {
        let (class, text) = match part.reason {
            None => ("ready", "ready"),
            Some(reason) => ("failed", reason),
        };
        format!("<li class=\"{class}\"><b>{}</b> {text}</li>", part.name)
    });
    let links = overview
        .links
        .iter()
        .map(|link| format!("<li><a href=\"{}\">{}</a></li>", link.path, link.title));
    let (class, state) = if overview.ready {
        ("ready", "All parts are ready.")
    } else {
        ("failed", "Some parts are not ready.")
    };
    PAGE.replace("{version}", overview.version)
        .replace("{runtime}", &escaped(overview.runtime))
        .replace("{class}", class)
        .replace("{state}", state)
        .replace("{parts}", &parts.collect::<String>())
        .replace("{links}", &links.collect::<String>())
}

/// Returns text for HTML.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}
