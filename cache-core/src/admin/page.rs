//! The dashboard: one page that asks nobody but the program it is from.
//!
//! Its script and its style are in the page, and its policy names their digests, so that nothing else runs on it.

use std::sync::LazyLock;

use axum::http::header;
use axum::response::{Html, IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

const FRAME: &str = include_str!("page/index.html");
const STYLES: [&str; 2] = [include_str!("page/uplot.min.css"), include_str!("page/style.css")];
const SCRIPTS: [&str; 2] = [include_str!("page/uplot.min.js"), include_str!("page/script.js")];

struct Page {
    html: String,
    policy: String,
}

static PAGE: LazyLock<Page> = LazyLock::new(|| {
    let (style, script) = (STYLES.concat(), SCRIPTS.concat());
    let html = FRAME.replace("/* style */", &style).replace("/* script */", &script);
    let policy = format!(
        "default-src 'none'; script-src {}; style-src {}; connect-src 'self'; img-src data:; \
         base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        digest(&script),
        digest(&style)
    );
    Page { html, policy }
});

fn digest(text: &str) -> String {
    format!("'sha256-{}'", STANDARD.encode(Sha256::digest(text)))
}

pub(super) async fn dashboard() -> Response {
    let policy = [(header::CONTENT_SECURITY_POLICY, &*PAGE.policy)];
    (policy, Html(&*PAGE.html)).into_response()
}
