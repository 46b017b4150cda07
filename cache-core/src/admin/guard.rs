//! Who may ask for what.
//!
//! A page of another site that a browser shows can send requests here. It cannot read the answers, and none of what it
//! sends is done: such a request has another `Origin`, or, where its name has been made to lead here, another `Host`,
//! and it does not know the token.

use std::collections::BTreeSet;
use std::net::IpAddr;

use axum::extract::{Request, State};
use axum::http::uri::Authority;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::Shared;
use super::refusal::Refusal;
use crate::error::Error;
use crate::sync::Arc;

/// What is asked of a request before anything is done.
#[derive(Default)]
pub(super) struct Guard {
    pub(super) token: Option<Token>,
    /// Whether reading takes the token as well.
    pub(super) is_private: bool,
    /// What this program is called besides the names of the loopback interface, in lower case.
    pub(super) hosts: BTreeSet<String>,
}

/// A token, as its digest: tokens of any length take the same time to compare.
pub(super) struct Token([u8; 32]);

impl Token {
    /// How long a token is at least.
    const MIN: usize = 16;

    pub(super) fn new(token: &str) -> Result<Self, Error> {
        if token.len() < Self::MIN || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
            let wanted =
                format!("it takes {} characters at least, of visible ASCII alone", Self::MIN);
            return Err(Error::failed("the token cannot be used", wanted));
        }
        Ok(Self(digest(token)))
    }

    fn is(&self, token: &str) -> bool {
        self.0.ct_eq(&digest(token)).into()
    }
}

fn digest(token: &str) -> [u8; 32] {
    Sha256::digest(token).into()
}

/// Lets a request through, or not, and has the browser be careful with what it gets.
pub(super) async fn check(
    State(shared): State<Arc<Shared>>,
    request: Request,
    next: Next,
) -> Response {
    let mut response = match shared.guard.admit(&request) {
        Ok(()) => next.run(request).await,
        Err(refusal) => refusal.into_response(),
    };
    for (name, value) in HEADERS {
        response.headers_mut().entry(name).or_insert(HeaderValue::from_static(value));
    }
    response
}

const HEADERS: [(HeaderName, &str); 6] = [
    (header::CACHE_CONTROL, "no-store"),
    (header::CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'"),
    (header::REFERRER_POLICY, "no-referrer"),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
];

impl Guard {
    fn admit(&self, request: &Request) -> Result<(), Refusal> {
        let host = self.host(request)?;
        if let Some(origin) = request.headers().get(header::ORIGIN) {
            let origin = origin.to_str().unwrap_or_default();
            let is_own = ["http://", "https://"]
                .iter()
                .any(|scheme| origin.strip_prefix(scheme).is_some_and(|it| it == host));
            if !is_own {
                return Err(forbidden("pages of other origins get nothing from here"));
            }
        }
        let reads = matches!(*request.method(), Method::GET | Method::HEAD);
        // The page itself holds nothing, and asks for the token.
        let is_open = !self.is_private || is_page(request);
        if reads && is_open { Ok(()) } else { self.authorize(request.headers()) }
    }

    /// What the client calls this program, if it may.
    fn host<'a>(&self, request: &'a Request) -> Result<&'a str, Refusal> {
        let mut hosts = request.headers().get_all(header::HOST).iter();
        let host = match (hosts.next(), hosts.next()) {
            (Some(host), None) => host.to_str().unwrap_or_default(),
            (None, _) => request.uri().authority().map_or("", Authority::as_str),
            (Some(_), Some(_)) => "",
        };
        let authority: Option<Authority> = host.parse().ok().filter(|_| !host.contains('@'));
        if authority.is_some_and(|it| self.is_own(&it.host().to_ascii_lowercase())) {
            return Ok(host);
        }
        Err(forbidden(format!(
            "this is not `{}`: ask for `localhost`, or tell the program its name with `Admin::host`",
            host.chars().filter(|c| !c.is_control()).take(100).collect::<String>()
        )))
    }

    fn is_own(&self, host: &str) -> bool {
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        let is_loopback = bare.parse().is_ok_and(|address: IpAddr| address.is_loopback());
        host == "localhost" || is_loopback || self.hosts.contains(host)
    }

    fn authorize(&self, headers: &HeaderMap) -> Result<(), Refusal> {
        let Some(token) = &self.token else {
            return Err(forbidden(
                "nothing can be changed here: the program has set no token, see `Admin::token`",
            ));
        };
        let sent = headers.get(header::AUTHORIZATION).and_then(|it| it.to_str().ok());
        let sent = sent.and_then(|it| it.split_once(' '));
        match sent {
            Some((scheme, sent)) if scheme.eq_ignore_ascii_case("bearer") && token.is(sent) => {
                Ok(())
            }
            _ => Err(Refusal::new(
                StatusCode::UNAUTHORIZED,
                "this takes the token, as `Authorization: Bearer …`",
            )),
        }
    }
}

/// Whether it asks for the dashboard, also where that is mounted below a path.
fn is_page(request: &Request) -> bool {
    request.uri().path() == "/"
}

fn forbidden(reason: impl Into<String>) -> Refusal {
    Refusal::new(StatusCode::FORBIDDEN, reason)
}

/// How an address is written in a `Host`.
pub(super) fn host_of(address: IpAddr) -> String {
    match address {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => format!("[{address}]"),
    }
}
