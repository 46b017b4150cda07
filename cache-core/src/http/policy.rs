//! Which requests may be answered by a kept response, and which responses may be kept.

use std::time::Duration;

use ::http::header::{self, HeaderMap, HeaderName};
use ::http::{Method, StatusCode, request, response};

/// Headers that handlers and frameworks build links and redirects from, whoever has set them.
pub(super) const ALWAYS_IN_KEY: [HeaderName; 4] = [
    header::HOST,
    header::FORWARDED,
    HeaderName::from_static("x-forwarded-host"),
    HeaderName::from_static("x-forwarded-proto"),
];

/// What makes a response the answer to one client, where nothing says whose it is.
const CREDENTIALS: [HeaderName; 3] =
    [header::AUTHORIZATION, header::COOKIE, header::PROXY_AUTHORIZATION];

/// What asks for something else than the whole answer to the method and the path of the request.
const SPECIAL: [HeaderName; 12] = [
    header::RANGE,
    header::IF_RANGE,
    header::IF_MATCH,
    header::IF_NONE_MATCH,
    header::IF_MODIFIED_SINCE,
    header::IF_UNMODIFIED_SINCE,
    header::UPGRADE,
    HeaderName::from_static("x-http-method"),
    HeaderName::from_static("x-http-method-override"),
    HeaderName::from_static("x-method-override"),
    HeaderName::from_static("x-original-url"),
    HeaderName::from_static("x-rewrite-url"),
];

/// What is meant for one client, or for one connection.
const PERSONAL: [HeaderName; 7] = [
    header::SET_COOKIE,
    HeaderName::from_static("authentication-info"),
    header::CONNECTION,
    header::CONTENT_RANGE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
];

fn has_any(headers: &HeaderMap, names: &[HeaderName]) -> bool {
    names.iter().any(|name| headers.contains_key(name))
}

/// Whether a request asks for what anybody else would get who asks the same.
pub(super) fn is_plain(request: &request::Parts) -> bool {
    request.method == Method::GET && !has_any(&request.headers, &SPECIAL)
}

/// Whether a request says who the client is.
pub(super) fn has_credentials(request: &request::Parts) -> bool {
    has_any(&request.headers, &CREDENTIALS)
}

/// Whether a response is one to keep, where a [`ResponseLayer`](super::ResponseLayer) is not told otherwise.
///
/// It is if its status is 200, it has neither `Set-Cookie` nor a header that is about one connection, its `Cache-Control`
/// says nothing of `no-store`, `no-cache`, `private` or a lifetime of zero, and it does not say with `Expires` alone when
/// it is out of date.
#[must_use]
pub fn is_storable(response: &response::Parts) -> bool {
    let headers = &response.headers;
    let is_kept_out =
        |(name, _): (String, _)| matches!(&*name, "no-store" | "no-cache" | "private");
    response.status == StatusCode::OK
        && !has_any(headers, &PERSONAL)
        && !directives(headers).any(is_kept_out)
        && match max_age(headers) {
            Some(age) => !age.is_zero(),
            None => !headers.contains_key(header::EXPIRES),
        }
}

/// Whether a response is the answer to all requests of one key, which has these headers in it.
pub(super) fn is_told_apart(response: &response::Parts, in_key: &[HeaderName]) -> bool {
    let is_in_key =
        |name: &str| in_key.iter().any(|known| name.eq_ignore_ascii_case(known.as_str()));
    let headers = &response.headers;
    let varies = elements(headers, header::VARY).all(is_in_key);
    // A part of the whole is the answer to no whole request, and a compressed one only to those who can read it.
    let is_whole = response.status != StatusCode::PARTIAL_CONTENT
        && response.status != StatusCode::NOT_MODIFIED
        && !response.status.is_informational();
    let is_readable = !headers.contains_key(header::CONTENT_ENCODING)
        || is_in_key(header::ACCEPT_ENCODING.as_str());
    varies && is_whole && is_readable
}

/// How long a response says that it may be shown to anybody.
pub(super) fn max_age(headers: &HeaderMap) -> Option<Duration> {
    let seconds = |wanted: &str| {
        directives(headers)
            .filter(|(name, _)| name == wanted)
            // What cannot be read is out of date.
            .map(|(_, value)| value.and_then(|value| value.parse().ok()).unwrap_or(0))
            .min()
    };
    seconds("s-maxage").or_else(|| seconds("max-age")).map(Duration::from_secs)
}

/// The directives of `Cache-Control`, their names in small letters.
fn directives(headers: &HeaderMap) -> impl Iterator<Item = (String, Option<&str>)> {
    elements(headers, header::CACHE_CONTROL).map(|directive| match directive.split_once('=') {
        Some((name, value)) => {
            (name.trim().to_ascii_lowercase(), Some(value.trim().trim_matches('"')))
        }
        None => (directive.to_ascii_lowercase(), None),
    })
}

/// The elements of a header that is a list. What is no text is one that nobody knows.
fn elements(headers: &HeaderMap, name: HeaderName) -> impl Iterator<Item = &str> {
    headers
        .get_all(name)
        .into_iter()
        .flat_map(|value| value.to_str().unwrap_or("*").split(','))
        .map(str::trim)
        .filter(|element| !element.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use ::http::Response;

    fn response(headers: &[(&str, &str)]) -> response::Parts {
        let response =
            headers.iter().fold(Response::builder(), |it, (name, value)| it.header(*name, *value));
        response.body(()).expect("these are headers").into_parts().0
    }

    #[test]
    fn what_is_meant_for_one_client_or_not_for_later_is_not_stored() {
        for (name, value, is_stored) in [
            ("content-type", "text/html", true),
            ("cache-control", "public, max-age=60", true),
            ("cache-control", "max-age=0", false),
            ("cache-control", "s-maxage=0, max-age=60", false),
            ("cache-control", "max-age=\"60\"", true),
            ("cache-control", "max-age=soon", false),
            ("cache-control", "No-Store", false),
            ("cache-control", "public,no-cache=\"set-cookie, date\"", false),
            ("cache-control", " private ", false),
            ("cache-control", "private=\"x-user\"", false),
            ("expires", "0", false),
            ("set-cookie", "session=7", false),
            ("connection", "close", false),
            ("content-range", "bytes 0-1/2", false),
        ] {
            assert_eq!(is_storable(&response(&[(name, value)])), is_stored, "{name}: {value}");
        }
        let several = response(&[("cache-control", "public"), ("cache-control", "no-store")]);
        assert!(!is_storable(&several), "the second line of a header counts");
        let both = response(&[("expires", "0"), ("cache-control", "max-age=60")]);
        assert!(is_storable(&both), "`max-age` comes before `Expires`");
    }

    #[test]
    fn what_varies_is_stored_where_the_key_tells_it_apart() {
        let in_key = [header::ACCEPT, header::ACCEPT_LANGUAGE];
        for (name, value, is_told) in [
            ("vary", "accept", true),
            ("vary", "Accept-Language, accept", true),
            ("vary", "accept, cookie", false),
            ("vary", "*", false),
            ("content-encoding", "gzip", false),
        ] {
            assert_eq!(
                is_told_apart(&response(&[(name, value)]), &in_key),
                is_told,
                "{name}: {value}"
            );
        }
        let encodings = [header::ACCEPT_ENCODING];
        assert!(is_told_apart(&response(&[("content-encoding", "gzip")]), &encodings));
    }
}
