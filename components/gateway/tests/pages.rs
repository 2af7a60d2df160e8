//! The pages for browsers, and the compression of answers.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs,
    reason = "tests"
)]

mod shop;

use std::fs;
use std::io::Read;
use std::path::Path;

use http::{HeaderMap, Request, Response};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use shop::{KEY, NOBODY, Shop};

const BROWSER: &str = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";

fn get(shop: &Shop, path: &str, headers: &[(&str, &str)]) -> Response<Vec<u8>> {
    let mut request = Request::get(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    shop.send(request, "")
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers.get(name).map_or("", |value| value.to_str().unwrap())
}

#[test]
fn shows_how_each_part_is() {
    let shop = Shop::with(&[("MERCATO_RUNTIME", "<Spin & co>")]);
    let overview = || shop.rest(NOBODY, "GET", "/", &Value::Null).2;
    let ready = overview();
    assert_eq!(ready["ready"], true);
    assert_eq!(ready["runtime"], "<Spin & co>");
    assert_eq!(ready["parts"].as_array().unwrap().len(), 8);
    let page = get(&shop, "/", &[("accept", BROWSER)]);
    let html = String::from_utf8(page.body().clone()).unwrap();
    assert!(html.contains("in &lt;Spin &amp; co&gt;."), "{html}");
    assert!(html.contains("All parts are ready."), "{html}");
    assert!(!html.contains("/metrics"), "only the program mercato has metrics");

    shop.lose_the_cache();
    let without_cache = overview();
    assert_eq!(without_cache["ready"], false);
    let cache = &without_cache["parts"][7];
    assert_eq!(
        cache,
        &json!({ "name": "cache", "ready": false, "reason": "keeps no values" })
    );
    let page = get(&shop, "/", &[("accept", BROWSER)]);
    let html = String::from_utf8(page.body().clone()).unwrap();
    assert!(
        html.contains("<li class=\"failed\"><b>cache</b> keeps no values</li>"),
        "{html}"
    );

    shop.away(Some("catalog.products"));
    let catalog = &overview()["parts"][0];
    assert_eq!(
        catalog,
        &json!({ "name": "catalog", "ready": false, "reason": "does not answer" })
    );
    let process = Shop::new().rest(NOBODY, "GET", "/", &Value::Null).2;
    assert_eq!(process["runtime"], "one process");
    assert!(process["links"].to_string().contains("/metrics"));
}

#[test]
fn pages_load_their_parts_only_from_the_shop() {
    let shop = Shop::new();
    for (path, parts) in [
        ("/", vec!["/start/assets/start.css", "/start/assets/start.js"]),
        (
            "/graphql",
            vec!["/graphql/assets/explorer.css", "/graphql/assets/explorer.js"],
        ),
        (
            "/docs",
            vec![
                "/docs/assets/docs.css",
                "/docs/assets/docs.js",
                "/docs/assets/swagger-ui.css",
                "/docs/assets/swagger-ui-bundle.js",
            ],
        ),
    ] {
        let page = get(&shop, path, &[("accept", BROWSER)]);
        let policy = text(page.headers(), "content-security-policy");
        assert!(
            policy.starts_with("default-src 'none'; script-src 'self'"),
            "{path}: {policy}"
        );
        assert!(!policy.contains("unsafe"), "{path}: {policy}");
        let html = String::from_utf8(page.body().clone()).unwrap();
        for part in parts {
            assert!(html.contains(part), "{path} should load {part}");
            let loaded = get(&shop, part, &[("accept-encoding", "gzip, br")]);
            assert_eq!(loaded.status(), 200, "{part}");
            assert_eq!(get(&shop, &format!("{part}x"), &[]).status(), 404, "{part}x");
        }
        for outside in [
            "src=\"http",
            "href=\"http",
            "src=\"//",
            "href=\"//",
            "<style",
            "style=\"",
        ] {
            assert!(!html.contains(outside), "{path} should not contain {outside}");
        }
    }
}

#[test]
fn swagger_ui_is_the_release_that_the_readme_names() {
    let assets = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets");
    let readme = fs::read_to_string(assets.join("README.md")).unwrap();
    let shop = Shop::new();
    for name in ["swagger-ui-bundle.js", "swagger-ui.css"] {
        let file = fs::read(assets.join("docs/swagger-ui").join(name)).unwrap();
        let digest = format!("{:x}", Sha256::digest(&file));
        assert!(
            readme.contains(&format!("| `{name}` | `{digest}` |")),
            "{name}: {digest}"
        );
        let path = format!("/docs/assets/{name}");
        assert_eq!(get(&shop, &path, &[]).body(), &file, "{name}");
        let gzip = get(&shop, &path, &[("accept-encoding", "gzip, deflate, br")]);
        assert_eq!(text(gzip.headers(), "content-encoding"), "gzip");
        assert!(gzip.body().len() * 3 < file.len());
        let mut read = Vec::new();
        flate2::read::GzDecoder::new(&**gzip.body())
            .read_to_end(&mut read)
            .unwrap();
        assert_eq!(read, file, "{name}");
    }
}

#[test]
fn stores_public_answers_in_their_compressed_form() {
    let shop = Shop::new();
    for number in 0..20 {
        shop.product(&format!("sock {number}"));
    }
    let query = json!({ "query": "{ products { _id name price quantity } }" }).to_string();
    let rest = |coding: &str| get(&shop, "/api/products", &[("accept-encoding", coding)]);
    let graphql = |coding: &str| {
        let request = Request::post("/graphql").header("content-type", "application/json");
        shop.send(request.header("accept-encoding", coding), query.clone())
    };
    for is_rest in [true, false] {
        let send = |coding: &str| if is_rest { rest(coding) } else { graphql(coding) };
        let plain = send("identity");
        assert_eq!(text(plain.headers(), "content-encoding"), "");
        for coding in ["br", "gzip", "zstd"] {
            let first = send(coding);
            shop.calls();
            let second = send(coding);
            assert_eq!(shop.calls(), [""; 0], "the second answer comes from the cache");
            assert_eq!(text(second.headers(), "content-encoding"), coding);
            assert!(second.body().len() * 2 < plain.body().len(), "{coding}");
            assert_eq!(first.body(), second.body(), "{coding}");
            assert_eq!(
                text(first.headers(), "etag"),
                text(second.headers(), "etag"),
                "{coding}"
            );
            let vary = second.headers().get_all("vary").iter();
            assert_eq!(
                vary.filter(|name| *name == "accept-encoding").count(),
                1,
                "{coding}"
            );
        }
        assert_eq!(send("identity").body(), plain.body());
    }
}

#[test]
fn answers_304_with_the_tag_of_the_coding() {
    let shop = Shop::new();
    for number in 0..20 {
        shop.product(&format!("sock {number}"));
    }
    let tag_of = |response: &Response<Vec<u8>>| text(response.headers(), "etag").to_owned();
    for (path, caller) in [
        ("/api/products", NOBODY),
        ("/api/orders", KEY),
        ("/graphql?query=%7Bproducts%7B_id%20name%20price%7D%7D", NOBODY),
    ] {
        let read = |known: &str, codings: &str| {
            let headers = [caller, ("accept-encoding", codings), ("if-none-match", known)];
            get(&shop, path, &headers)
        };
        let (plain, gzip) = (tag_of(&read("", "identity")), tag_of(&read("", "gzip")));
        let again = read(&gzip, "gzip, br;q=0.1");
        assert_eq!(
            (again.status().as_u16(), tag_of(&again)),
            (304, gzip.clone()),
            "{path}"
        );
        assert!(again.body().is_empty());
        assert_eq!(text(again.headers(), "content-encoding"), "");
        assert_eq!(read(&plain, "identity").status(), 304, "{path}");
        if plain != gzip {
            assert_eq!(
                read(&gzip, "identity").status(),
                200,
                "{path}: the client cannot read its copy"
            );
        }
    }
}
