//! O5: the management endpoints, and what they refuse.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Method, Request, Response, StatusCode, header};
use cache_core::admin::Admin;
use cache_core::cached;
use cache_core::testing::TestCache;
use proptest::prelude::*;
use serde_json::{Value, json};
use tower::ServiceExt;

use crate::support::{Gate, watched};

const TOKEN: &str = "correct-horse-battery";

#[cached(label = "bookshelf {n}", ttl = 60s, invalidate_on = [("bookshelf", n), "stock"])]
fn bookshelf(n: u32) -> u32 {
    n
}

/// A cache with some entries.
fn filled() -> TestCache {
    let cache = TestCache::new();
    cache.run(|| [1, 2, 3, 1].map(bookshelf));
    cache
}

fn admin(cache: &TestCache) -> Admin {
    Admin::of(cache).token(TOKEN).expect("it is long enough")
}

fn get(path: &str) -> Request<Body> {
    request(Method::GET, path).body(Body::empty()).expect("a request")
}

fn post(path: &str, body: Value) -> Request<Body> {
    authorized(path).body(Body::from(body.to_string())).expect("a request")
}

fn authorized(path: &str) -> axum::http::request::Builder {
    let request = request(Method::POST, path).header(header::CONTENT_TYPE, "application/json");
    request.header(header::AUTHORIZATION, format!("Bearer {TOKEN}"))
}

fn request(method: Method, path: &str) -> axum::http::request::Builder {
    Request::builder().method(method).uri(path).header(header::HOST, "localhost:9090")
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime")
}

fn send(router: &Router, request: Request<Body>) -> Response<Body> {
    let router = router.clone();
    watched(move || runtime().block_on(router.oneshot(request)).expect("a router always answers"))
}

fn body(response: Response<Body>) -> String {
    let bytes = watched(|| runtime().block_on(to_bytes(response.into_body(), usize::MAX)));
    String::from_utf8(bytes.expect("a body").into()).expect("text")
}

/// The answer to a request that is done.
#[track_caller]
fn done(router: &Router, request: Request<Body>) -> Value {
    let response = send(router, request);
    let (status, text) = (response.status(), body(response));
    assert!(status.is_success(), "{status}: {text}");
    serde_json::from_str(&text).expect("JSON")
}

#[test]
fn the_endpoints_tell_what_the_cache_tells() {
    let cache = filled();
    let router = admin(&cache).router();
    let stats = cache.stats();
    let told = done(&router, get("/stats"));
    assert_eq!(
        (&told["stats"]["hits"], &told["stats"]["bytes"], &told["stats"]["max_entries"]),
        (&json!(stats.hits), &json!(stats.bytes), &Value::Null)
    );
    let functions = done(&router, get("/functions/bookshelf"));
    assert_eq!(functions["total"], 1);
    let function = &functions["functions"][0];
    assert_eq!((&function["name"], &function["ttl"]), (&json!("bookshelf"), &json!(60.0)));
    assert_eq!(function["stats"]["misses"], 3);
    let entries = done(&router, get("/entries?search=bookshelf%203"));
    assert_eq!(
        (&entries["total"], &entries["entries"][0]["label"]),
        (&json!(1), &json!("bookshelf 3"))
    );
    assert_eq!(done(&router, get("/config"))["eviction"], "lru");
    assert_eq!(done(&router, get("/health"))["status"], "healthy");
    assert_eq!(body(send(&router, get("/metrics"))), cache.prometheus());
}

#[test]
fn listings_come_in_pages() {
    let cache = filled();
    let router = admin(&cache).router();
    let labels = |path: &str| {
        let told = done(&router, get(path));
        assert_eq!(told["total"], 3);
        told["entries"].as_array().expect("a list").iter().map(|it| it["label"].clone()).collect()
    };
    let (all, first, rest): (Vec<_>, Vec<_>, Vec<_>) =
        (labels("/entries"), labels("/entries?limit=2"), labels("/entries?offset=2"));
    assert_eq!((all.len(), first.len()), (3, 2));
    assert_eq!([first, rest].concat(), all);
    assert_eq!(done(&router, get("/entries?function=nobody"))["total"], 0);
}

#[test]
fn limits_are_changed_at_run_time() {
    let cache = filled();
    let router = admin(&cache).router();
    let told = done(&router, post("/config", json!({ "max_entries": 1, "enabled": false })));
    assert_eq!((&told["max_entries"], &told["enabled"]), (&json!(1), &json!(false)));
    assert_eq!((cache.stats().entries, cache.config().enabled), (1, false));
    assert_eq!(cache.config().max_bytes, Some(256 << 20), "what is not named stays");
    done(&router, post("/config", json!({ "max_entries": null, "max_bytes": null })));
    assert_eq!((cache.config().max_entries, cache.config().max_bytes), (None, None));
}

#[test]
fn results_are_dropped_by_function_pattern_and_event() {
    for (target, left, dropped) in [
        (json!({ "function": "bookshelf" }), 0, Value::Null),
        (json!({ "matching": "bookshelf [12]" }), 3, json!(0)),
        (json!({ "matching": "bookshelf ?" }), 0, json!(3)),
        (json!({ "matching": "bookshelf 1" }), 2, json!(1)),
        (json!({ "event": ["bookshelf", 2] }), 2, Value::Null),
        (json!({ "event": ["bookshelf", "2"] }), 3, Value::Null),
        (json!({ "event": "stock" }), 0, Value::Null),
        (json!({ "soft_event": "stock" }), 0, Value::Null),
    ] {
        let cache = filled();
        let told = done(&admin(&cache).router(), post("/invalidate", target.clone()));
        assert_eq!(told["dropped"], dropped, "{target}");
        assert_eq!(cache.stats().entries, left, "{target}");
    }
}

#[test]
fn everything_is_cleared_and_what_has_expired_is_cleaned_up() {
    let cache = filled();
    let router = admin(&cache).router();
    assert_eq!(done(&router, post("/cleanup", json!({})))["dropped"], 0);
    cache.advance(std::time::Duration::from_secs(60));
    assert_eq!(done(&router, post("/cleanup", json!({})))["dropped"], 3);
    cache.run(|| bookshelf(4));
    assert_eq!(done(&router, post("/clear", json!({})))["stats"]["entries"], 0);
}

#[test]
fn a_warmer_runs_once_at_a_time() {
    static GATE: Gate = Gate::new();
    let cache = TestCache::new();
    let n_runs = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&n_runs);
    let router = admin(&cache)
        .warm("shelves", move || {
            let count = Arc::clone(&count);
            async move {
                GATE.pass().await;
                count.fetch_add(1, Ordering::SeqCst)
            }
        })
        .router();
    let warm = |name: &str| post("/warm", json!({ "name": name }));
    watched(move || {
        runtime().block_on(async {
            let status = async |request: Request<Body>| {
                router.clone().oneshot(request).await.unwrap().status()
            };
            assert_eq!(status(warm("profiles")).await, StatusCode::NOT_FOUND);
            assert_eq!(status(warm("shelves")).await, StatusCode::ACCEPTED);
            assert_eq!(status(warm("shelves")).await, StatusCode::CONFLICT);
            GATE.open_for_all();
            while n_runs.load(Ordering::SeqCst) == 0 {
                tokio::task::yield_now().await;
            }
            tokio::task::yield_now().await;
            assert_eq!(status(warm("shelves")).await, StatusCode::ACCEPTED);
        });
    });
}

#[test]
fn what_is_not_meant_to_be_done_is_refused() {
    let cache = filled();
    let (open, mute) = (admin(&cache).router(), Admin::of(&cache).router());
    let private = admin(&cache).private().router();
    let clear = |f: fn(axum::http::request::Builder) -> axum::http::request::Builder| {
        f(request(Method::POST, "/clear").header(header::CONTENT_TYPE, "application/json"))
            .body(Body::from("{}"))
            .expect("a request")
    };
    let with = |name: header::HeaderName, value: &str| {
        let mut request = post("/clear", json!({}));
        request.headers_mut().insert(name, value.parse().expect("a value"));
        request
    };
    let reading = |name: header::HeaderName, value: &str| {
        let mut request = get("/stats");
        request.headers_mut().insert(name, value.parse().expect("a value"));
        request
    };
    let raw =
        |path: &str, text: String| authorized(path).body(Body::from(text)).expect("a request");
    let attempts: Vec<(&str, &Router, Request<Body>, u16)> = vec![
        ("change something where no token is set", &mute, post("/clear", json!({})), 403),
        ("change something without a token", &open, clear(|it| it), 401),
        (
            "with a wrong token",
            &open,
            with(header::AUTHORIZATION, "Bearer correct-horse-batterz"),
            401,
        ),
        (
            "with the beginning of the token",
            &open,
            with(header::AUTHORIZATION, "Bearer correct-horse"),
            401,
        ),
        (
            "with the token as a password",
            &open,
            with(header::AUTHORIZATION, &format!("Basic {TOKEN}")),
            401,
        ),
        (
            "with the token in the address",
            &open,
            clear(|it| it.uri(format!("/clear?token={TOKEN}"))),
            401,
        ),
        ("with the token", &open, post("/clear", json!({})), 200),
        ("read without a token", &open, get("/stats"), 200),
        ("read without a token where others can reach it", &private, get("/stats"), 401),
        ("the page itself, there", &private, get("/"), 200),
        ("a name that was made to lead here", &open, with(header::HOST, "evil.example"), 403),
        ("read by such a name", &open, reading(header::HOST, "evil.example"), 403),
        (
            "a name that begins like ours",
            &open,
            reading(header::HOST, "localhost.evil.example"),
            403,
        ),
        ("a user before the name", &open, reading(header::HOST, "evil@localhost"), 403),
        ("no name that can be read", &open, reading(header::HOST, "a b"), 403),
        (
            "a page of another site, with the token",
            &open,
            with(header::ORIGIN, "https://evil.example"),
            403,
        ),
        ("a page in a frame without origin", &open, with(header::ORIGIN, "null"), 403),
        ("a page of another port", &open, with(header::ORIGIN, "http://localhost:1"), 403),
        ("our own page", &open, with(header::ORIGIN, "http://localhost:9090"), 200),
        (
            "read by a page of another site",
            &open,
            reading(header::ORIGIN, "https://evil.example"),
            403,
        ),
        (
            "a form of another site",
            &open,
            with(header::CONTENT_TYPE, "application/x-www-form-urlencoded"),
            415,
        ),
        ("text of another site", &open, with(header::CONTENT_TYPE, "text/plain"), 415),
        ("change something by reading", &open, get("/clear"), 405),
        (
            "a method that is not there",
            &open,
            authorized("/stats").method("DELETE").body(Body::empty()).unwrap(),
            405,
        ),
        (
            "such a method without a token",
            &open,
            request(Method::DELETE, "/stats").body(Body::empty()).unwrap(),
            401,
        ),
        (
            "a body of a mebibyte",
            &open,
            raw("/invalidate", format!("{{\"function\":\"{}\"}}", "x".repeat(1 << 20))),
            413,
        ),
        ("a body that is no JSON", &open, raw("/invalidate", "{".to_owned()), 400),
        ("a body that is nested deeply", &open, raw("/invalidate", "[".repeat(10_000)), 400),
        ("a field that is not there", &open, post("/config", json!({ "max_byte": 1 })), 422),
        ("a negative limit on bytes", &open, post("/config", json!({ "max_bytes": -1 })), 422),
        ("an event of no parts", &open, post("/invalidate", json!({ "event": [] })), 400),
        (
            "an event of nine parts",
            &open,
            post("/invalidate", json!({ "event": [0, 1, 2, 3, 4, 5, 6, 7, 8] })),
            400,
        ),
        (
            "a function that is not there",
            &open,
            post("/invalidate", json!({ "function": "no" })),
            404,
        ),
        ("a path that is not there", &open, get("/passwords"), 404),
        ("a path that climbs", &open, get("/functions/../../etc/passwd"), 404),
        ("the same, encoded", &open, get("/functions/..%2f..%2fetc%2fpasswd"), 404),
        ("a name that is not UTF-8", &open, get("/functions/%ff"), 400),
        ("a name with a zero", &open, get("/functions/bookshelf%00"), 404),
        ("a name that is encoded", &open, get("/functions/%62ookshelf"), 200),
        ("a listing of a billion", &open, get("/entries?limit=1000000000"), 400),
        (
            "a limit that is no number of this machine",
            &open,
            get("/entries?limit=99999999999999999999999"),
            400,
        ),
        ("a negative limit", &open, get("/entries?limit=-1"), 400),
        ("an offset beyond everything", &open, get("/entries?offset=18446744073709551615"), 200),
        ("a parameter that is not there", &open, get("/entries?limits=3"), 400),
    ];
    let mut table = String::from("| attempt | answer |\n| --- | --- |\n");
    for (attempt, router, request, status) in attempts {
        let response = send(router, request);
        assert_eq!(response.status(), status, "{attempt}: {}", body(response));
        let headers = response.headers();
        assert_eq!(headers[header::X_CONTENT_TYPE_OPTIONS], "nosniff", "{attempt}");
        assert!(
            headers[header::CONTENT_SECURITY_POLICY]
                .to_str()
                .unwrap()
                .starts_with("default-src 'none'")
        );
        assert!(!headers.contains_key(header::ACCESS_CONTROL_ALLOW_ORIGIN), "{attempt}");
        let known = response.status();
        writeln!(table, "| {attempt} | {} {} |", status, known.canonical_reason().unwrap())
            .unwrap();
        if !known.is_success() {
            let text = body(response);
            let told: Value = serde_json::from_str(&text).expect("errors are JSON as well");
            assert!(told["error"].as_str().is_some_and(|it| it.len() > 10), "{attempt}: {text}");
            assert!(!text.contains(TOKEN), "{attempt}: {text}");
        }
    }
    println!("{table}");
    let readme = include_str!("../../../README.md");
    assert!(readme.contains(&table), "the README shows another table than this:\n{table}");
}

#[test]
fn a_listener_serves_itself_only_unless_there_is_a_token() {
    let error = Admin::of(&TestCache::new()).listen("0.0.0.0:0").unwrap_err().to_string();
    assert!(error.contains("0.0.0.0:0") && error.contains("Admin::token"), "{error}");
    for weak in ["", "short", "with a space in it", "von weit her: äöü"] {
        let error = Admin::of(&TestCache::new()).token(weak).unwrap_err().to_string();
        assert!(error.contains("16 characters"), "{error}");
    }
    let cache = filled();
    let server = Admin::of(&cache).listen("127.0.0.1:0").expect("a port");
    let address = server.address();
    assert_eq!(status_of(address), Some(200));
    drop(server);
    assert_eq!(status_of(address), None, "it has stopped");
    let public = admin(&cache).listen("0.0.0.0:0").expect("a port");
    assert_eq!(status_of(([127, 0, 0, 1], public.address().port()).into()), Some(401));
}

/// The status of `GET /stats` over a socket, if somebody listens there.
fn status_of(address: std::net::SocketAddr) -> Option<u16> {
    use std::io::{Read, Write};
    watched(move || {
        let mut stream = std::net::TcpStream::connect(address).ok()?;
        let request =
            format!("GET /stats HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).ok()?;
        answer.split(' ').nth(1)?.parse().ok()
    })
}

#[test]
fn it_can_be_mounted_below_a_path_and_told_its_name() {
    let cache = filled();
    let router =
        Router::new().nest("/cache", admin(&cache).private().host("Shop.internal").router());
    for (path, status) in [("/cache", 200), ("/cache/stats", 401), ("/stats", 404)] {
        assert_eq!(send(&router, get(path)).status(), status, "{path}");
    }
    let mut request = get("/cache");
    request.headers_mut().insert(header::HOST, "shop.internal:8080".parse().unwrap());
    assert_eq!(send(&router, request).status(), 200);
}

#[test]
fn what_happens_is_told_as_it_happens() {
    let cache = filled();
    let router = admin(&cache).router();
    let told = watched(move || {
        runtime().block_on(async move {
            let response = router.oneshot(get("/events")).await.unwrap();
            assert_eq!(response.headers()[header::CONTENT_TYPE], "text/event-stream");
            let mut body = response.into_body();
            cache.run(|| bookshelf(9));
            cache.emit(("bookshelf", 9));
            let mut told = String::new();
            while told.matches("\n\n").count() < 3 {
                let frame = std::future::poll_fn(|cx| {
                    http_body::Body::poll_frame(std::pin::Pin::new(&mut body), cx)
                });
                let frame = frame.await.expect("more").expect("no error");
                told += std::str::from_utf8(frame.data_ref().expect("data")).expect("text");
            }
            told
        })
    });
    let messages: Vec<(&str, Value)> = told
        .split_terminator("\n\n")
        .map(|message| {
            let (kind, data) = message.split_once("\ndata: ").expect("data");
            (kind, serde_json::from_str(data).expect("JSON"))
        })
        .collect();
    let kinds: Vec<_> = messages.iter().map(|(kind, _)| *kind).collect();
    assert_eq!(kinds, ["event: loaded", "event: dropped", "event: emitted"]);
    let [loaded, dropped, emitted] = [0, 1, 2].map(|nth| &messages[nth].1);
    assert_eq!((&loaded["outcome"], &loaded["reason"]), (&json!("stored"), &json!("cold")));
    assert_eq!((&dropped["cause"], &dropped["entries"]), (&json!("invalidated"), &json!(1)));
    assert_eq!(emitted["event"], "(\"bookshelf\", _)");
}

#[test]
fn there_are_not_more_listeners_than_may_be() {
    let router = admin(&filled()).router();
    let mut listeners: Vec<_> = (0..32).map(|_| send(&router, get("/events"))).collect();
    assert!(listeners.iter().all(|it| it.status() == 200));
    assert_eq!(send(&router, get("/events")).status(), 429);
    listeners.pop();
    assert_eq!(send(&router, get("/events")).status(), 200);
}

#[test]
fn the_page_runs_nothing_but_itself() {
    let response = send(&admin(&TestCache::new()).router(), get("/"));
    let policy = response.headers()[header::CONTENT_SECURITY_POLICY].to_str().unwrap().to_owned();
    assert!(
        !policy.contains("unsafe") && !policy.contains('*') && !policy.contains("http"),
        "{policy}"
    );
    let html = body(response);
    for outside in
        ["src=", "href=\"http", "url(", "@import", " onclick", " onload", "style=\"", "innerHTML"]
    {
        let page = html.replace("https://github.com/leeoniya/uPlot", "");
        assert!(!page.contains(outside), "the page has `{outside}`");
    }
}

/// What is described for programs.
fn openapi() -> Value {
    done(&admin(&TestCache::new()).router(), get("/openapi.json"))
}

/// All requests that are described: path, method and description.
fn described(openapi: &Value) -> Vec<(String, Method, Value)> {
    let paths = openapi["paths"].as_object().expect("paths");
    let methods = |(path, item): (&String, &Value)| {
        let path = path.clone();
        let methods = item.as_object().expect("methods").clone();
        methods.into_iter().map(move |(method, it)| {
            (path.clone(), method.to_uppercase().parse().expect("a method"), it)
        })
    };
    paths.iter().flat_map(methods).collect()
}

#[test]
fn what_is_described_is_what_there_is() {
    let router = admin(&filled()).router();
    let openapi = openapi();
    let paths: BTreeSet<_> = openapi["paths"].as_object().unwrap().keys().collect();
    for (path, method, _) in described(&openapi) {
        let request = authorized(&path.replace("{name}", "bookshelf")).method(&method);
        let status = send(&router, request.body(Body::empty()).unwrap()).status();
        assert!(![404, 405].contains(&status.as_u16()), "{method} {path}: {status}");
        let other = if method == Method::GET { Method::PUT } else { Method::PATCH };
        let request = authorized(&path).method(&other);
        let status = send(&router, request.body(Body::empty()).unwrap()).status();
        assert_eq!(status, StatusCode::METHOD_NOT_ALLOWED, "{other} {path}");
    }
    // The routes as they are written.
    let routes = include_str!("../../../cache-core/src/admin/routes.rs");
    let routes: Vec<_> =
        routes.split(".route(\"").skip(1).map(|it| it.split('"').next().unwrap()).collect();
    assert_eq!(routes.len(), paths.len());
    assert!(routes.iter().all(|route| paths.contains(&(*route).to_owned())), "{routes:?}");
}

/// Says what is not as the schema has it.
fn differs(openapi: &Value, schema: &Value, value: &Value) -> Option<String> {
    if let Some(name) = schema["$ref"].as_str() {
        let schema = openapi.pointer(name.trim_start_matches('#')).expect("a schema");
        return differs(openapi, schema, value);
    }
    if let Some(options) = schema["oneOf"].as_array() {
        let fits = options.iter().filter(|it| differs(openapi, it, value).is_none()).count();
        return (fits != 1).then(|| format!("{value} fits {fits} of {schema}"));
    }
    let kind = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(it) if it.is_u64() || it.is_i64() => "integer",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    let is = |wanted: &str| wanted == kind || wanted == "number" && kind == "integer";
    let is_kind = match &schema["type"] {
        Value::Array(kinds) => kinds.iter().any(|it| is(it.as_str().unwrap())),
        wanted => is(wanted.as_str().unwrap()),
    };
    let is_listed = |list: &Value| list.as_array().is_none_or(|list| list.contains(value));
    let is_least = |least: &Value| least.as_f64().zip(value.as_f64()).is_none_or(|(a, b)| a <= b);
    if !is_kind || !is_listed(&schema["enum"]) || !is_least(&schema["minimum"]) {
        return Some(format!("{value} is not {schema}"));
    }
    if let Some(items) = value.as_array() {
        return items.iter().find_map(|it| differs(openapi, &schema["items"], it));
    }
    let fields = value.as_object()?;
    let missing = schema["required"].as_array().into_iter().flatten();
    if let Some(name) = missing.filter_map(Value::as_str).find(|it| !fields.contains_key(*it)) {
        return Some(format!("`{name}` is missing in {value}"));
    }
    fields.iter().find_map(|(name, it)| {
        match (&schema["properties"][name], &schema["additionalProperties"]) {
            (Value::Null, Value::Bool(false) | Value::Null) => {
                Some(format!("`{name}` is not described"))
            }
            (Value::Null, any) => differs(openapi, any, it),
            (known, _) => differs(openapi, known, it),
        }
    })
}

/// Values that a schema describes, and some that it does not.
fn values(openapi: &Value, schema: &Value) -> BoxedStrategy<Value> {
    if let Some(name) = schema["$ref"].as_str() {
        return values(openapi, openapi.pointer(name.trim_start_matches('#')).expect("a schema"));
    }
    if let Some(options) = schema["oneOf"].as_array() {
        let options: Vec<_> = options.iter().map(|it| values(openapi, it)).collect();
        return proptest::strategy::Union::new(options).boxed();
    }
    let kinds: Vec<&str> = match &schema["type"] {
        Value::Array(kinds) => kinds.iter().filter_map(Value::as_str).collect(),
        kind => kind.as_str().into_iter().collect(),
    };
    let of_kind = |kind: &&str| match *kind {
        "null" => Just(Value::Null).boxed(),
        "boolean" => any::<bool>().prop_map(Value::from).boxed(),
        "integer" => any::<i64>().prop_map(Value::from).boxed(),
        "string" => prop_oneof![
            Just("bookshelf".to_owned()),
            Just("bookshelf *".to_owned()),
            proptest::collection::vec(any::<char>(), 0..12).prop_map(String::from_iter)
        ]
        .prop_map(Value::from)
        .boxed(),
        "array" => proptest::collection::vec(values(openapi, &schema["items"]), 0..10)
            .prop_map(Value::from)
            .boxed(),
        "object" => {
            let fields = schema["properties"].as_object().cloned().unwrap_or_default();
            let field = |(name, it): (String, Value)| {
                let value = proptest::option::weighted(0.8, values(openapi, &it));
                value.prop_map(move |it| it.map(|it| (name.clone(), it)))
            };
            let fields: Vec<_> = fields.into_iter().map(field).collect();
            fields.prop_map(|it| Value::Object(it.into_iter().flatten().collect())).boxed()
        }
        other => unreachable!("no parameter is of the type {other}"),
    };
    proptest::strategy::Union::new(kinds.iter().map(of_kind).collect::<Vec<_>>()).boxed()
}

/// What is needed of a description to send its request: a path with a query, and a body.
fn requests(
    openapi: &Value,
    path: &str,
    operation: &Value,
) -> BoxedStrategy<(String, Option<Value>)> {
    let parameters = operation["parameters"].as_array().cloned().unwrap_or_default();
    let parameters: Vec<_> = parameters
        .into_iter()
        .map(|it| {
            let (name, is_path) = (it["name"].as_str().unwrap().to_owned(), it["in"] == "path");
            values(openapi, &it["schema"]).prop_map(move |value| {
                let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                let encoded: String = text.bytes().map(|byte| format!("%{byte:02x}")).collect();
                (name.clone(), is_path, encoded)
            })
        })
        .collect();
    let schema = &operation["requestBody"]["content"]["application/json"]["schema"];
    let bodies = match schema {
        Value::Null => Just(None).boxed(),
        schema => values(openapi, schema).prop_map(Some).boxed(),
    };
    let path = path.to_owned();
    (parameters, bodies)
        .prop_map(move |(parameters, body)| {
            let (mut path, mut query) = (path.clone(), Vec::new());
            for (name, is_path, value) in parameters {
                match is_path {
                    true => path = path.replace(&format!("{{{name}}}"), &value),
                    false => query.push(format!("{name}={value}")),
                }
            }
            (format!("{path}?{}", query.join("&")), body)
        })
        .boxed()
}

#[test]
fn whatever_is_asked_the_answer_is_one_that_is_described() {
    let openapi = openapi();
    let router = admin(&filled()).router();
    let operations: Vec<_> = described(&openapi)
        .into_iter()
        .map(|(path, method, operation)| {
            let requests = requests(&openapi, &path, &operation);
            requests.prop_map(move |request| (method.clone(), operation.clone(), request))
        })
        .collect();
    let any_operation = proptest::strategy::Union::new(operations);
    let n_done = AtomicUsize::new(0);
    proptest!(ProptestConfig::with_cases(1000), |((method, operation, (path, content)) in any_operation)| {
        let content_text = content.map_or(String::new(), |it| it.to_string());
        let request = authorized(&path).method(&method).body(Body::from(content_text.clone()));
        let response = send(&router, request.expect("a request"));
        let status = response.status();
        let what = format!("{method} {path} {content_text}: {status}");
        prop_assert!(!status.is_server_error(), "{}", what);
        // `/functions/` with an empty name is another path.
        if status != 404 {
            let answer = &operation["responses"][status.as_str()];
            prop_assert!(answer.is_object(), "{} is not described", what);
            let schema = &answer["content"]["application/json"]["schema"];
            if schema.is_object() {
                let told: Value = serde_json::from_str(&body(response)).expect("JSON");
                prop_assert_eq!(differs(&openapi, schema, &told), None, "{}", what);
            }
        }
        n_done.fetch_add(status.is_success().into(), Ordering::SeqCst);
    });
    let n_done = n_done.into_inner();
    assert!(n_done > 300, "only {n_done} requests were done");
}
