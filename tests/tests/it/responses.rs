//! Whole responses are kept for all who ask the same, and only those that are meant for all.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Mutex;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes, HttpBody};
use axum::extract::State;
use axum::http::header::{self, HeaderName};
use axum::http::{HeaderMap, Request, Response, StatusCode};
use axum::response::IntoResponse;
use axum::routing::get;
use cache_core::http::{ResponseLayer, is_storable};
use cache_core::testing::TestCache;
use cache_core::{Event, cached, emit};
use futures::FutureExt;
use futures::future::join_all;

use crate::http::{Db, ended, endpoints, read, send};
use crate::support::{Gate, on_every_executor, watched};

/// An app whose one handler answers `GET /` with what `respond` makes of the number of the answer.
fn app<R: IntoResponse + Send + 'static>(
    layer: ResponseLayer,
    respond: impl Fn(u64) -> R + Clone + Send + Sync + 'static,
) -> Router {
    let handler = move |State(db): State<Db>| {
        let response = respond(db.read());
        async move { response }
    };
    let write = |headers: HeaderMap| async move {
        let status = headers["status"].to_str().expect("a text");
        status.parse::<StatusCode>().expect("a status")
    };
    Router::new()
        .route("/", get(handler).fallback(write).layer(layer))
        .layer(endpoints())
        .with_state(Db::default())
}

fn number(n: u64) -> String {
    n.to_string()
}

fn asking(uri: &str, headers: &[(&str, &str)]) -> Request<Body> {
    let request =
        headers.iter().fold(Request::get(uri), |it, (name, value)| it.header(*name, *value));
    request.body(Body::empty()).expect("a request")
}

/// What two requests get, one after the other.
async fn twice(app: &Router, headers: &[(&str, &str)]) -> (String, String) {
    (send(app, asking("/", headers)).await.2, send(app, asking("/", headers)).await.2)
}

#[track_caller]
fn assert_kept(answers: &(String, String), what: &str) {
    assert_eq!(answers.0, answers.1, "this is kept: {what}");
}

#[track_caller]
fn assert_not_kept(answers: &(String, String), what: &str) {
    assert_ne!(answers.0, answers.1, "this is not kept: {what}");
}

#[test]
fn a_response_is_kept_whole_until_something_is_written() {
    on_every_executor(|cache| async move {
        let layer = ResponseLayer::new("pages");
        let page =
            |n| (StatusCode::OK, [("content-type", "text/x-page"), ("x-tag", "a")], number(n));
        let app = app(layer.clone(), page);
        let first = send(&app, asking("/", &[])).await;
        assert_eq!(send(&app, asking("/", &[])).await, first);
        assert_eq!(first.1["content-type"], "text/x-page");
        assert_eq!((layer.stats().hits, layer.stats().loads), (1, 1));
        cache.function("pages").hits(1).loads(1);
        let listed = cache.entries(1);
        assert_eq!(listed[0].label.as_deref(), Some("GET /"));

        ended(&app, "POST", "/", "500").await;
        assert_eq!(read(&app, "/").await, first.2);
        ended(&app, "POST", "/", "200").await;
        assert_ne!(read(&app, "/").await, first.2);
        let second = read(&app, "/").await;
        layer.clear();
        assert_ne!(read(&app, "/").await, second);
    });
}

#[test]
fn a_response_that_is_made_while_something_is_written_is_shown_to_nobody_later() {
    static GATE: Gate = Gate::new();
    watched(|| {
        let cache = TestCache::new();
        pollster::block_on(cache.scope(async {
            let slow = |State(db): State<Db>| async move {
                let value = db.read();
                GATE.pass().await;
                value.to_string()
            };
            let write = || async { StatusCode::OK };
            let app = Router::new()
                .route("/", get(slow).post(write).layer(ResponseLayer::new("slow")))
                .layer(endpoints())
                .with_state(Db::default());
            let mut early = Box::pin(read(&app, "/"));
            assert!(early.poll_unpin(&mut Context::from_waker(Waker::noop())).is_pending());
            let post = Request::post("/").body(Body::empty()).expect("a request");
            assert_eq!(send(&app, post).await.0, StatusCode::OK);
            let mut late = Box::pin(read(&app, "/"));
            assert!(late.poll_unpin(&mut Context::from_waker(Waker::noop())).is_pending());
            GATE.open_for_all();
            assert_eq!((early.await.as_str(), late.await.as_str()), ("1", "2"));
            assert_eq!(read(&app, "/").await, "2");
        }));
    });
}

#[test]
fn a_response_goes_with_what_the_functions_in_its_handler_name() {
    #[derive(Event)]
    struct Priced;

    #[cached(skip(n), ttl = 1m, invalidate_on = [Priced])]
    fn price(n: u64) -> u64 {
        n
    }

    on_every_executor(|cache| async move {
        let app = app(ResponseLayer::new("prices"), |n| number(price(n)));
        assert_kept(&twice(&app, &[]).await, "nothing has happened");
        let before = read(&app, "/").await;
        emit(Priced);
        let after = read(&app, "/").await;
        assert_ne!(after, before);
        cache.advance(Duration::from_secs(60));
        assert_ne!(read(&app, "/").await, after, "the price has expired");
    });
}

#[test]
fn requests_that_differ_in_what_is_in_the_key_get_responses_of_their_own() {
    on_every_executor(|_| async {
        let app = app(ResponseLayer::new("keys").key_header(header::ACCEPT_LANGUAGE), number);
        let plain = read(&app, "/").await;
        let mut seen = vec![plain.clone()];
        for (uri, headers) in [
            ("/?a=1", [("x", "")]),
            ("/?a=1&b=2", [("x", "")]),
            ("/?b=2&a=1", [("x", "")]),
            ("/?", [("x", "")]),
            ("/", [("host", "a.example")]),
            ("/", [("host", "b.example")]),
            ("/", [("x-forwarded-host", "a.example")]),
            ("/", [("x-forwarded-proto", "https")]),
            ("/", [("forwarded", "host=a.example")]),
            ("/", [("accept-language", "de")]),
            ("/", [("accept-language", "de, en")]),
        ] {
            let answer = send(&app, asking(uri, &headers)).await.2;
            assert!(!seen.contains(&answer), "{uri} {headers:?}");
            assert_eq!(send(&app, asking(uri, &headers)).await.2, answer, "{uri} {headers:?}");
            seen.push(answer);
        }
        assert_eq!(send(&app, asking("/", &[("x-request-id", "7")])).await.2, plain);
    });
}

#[test]
fn requests_for_something_else_pass_by() {
    on_every_executor(|_| async {
        let app = app(ResponseLayer::new("special"), number);
        let kept = read(&app, "/").await;
        for name in [
            "range",
            "if-range",
            "if-match",
            "if-none-match",
            "if-modified-since",
            "if-unmodified-since",
            "cookie",
            "authorization",
            "proxy-authorization",
            "x-http-method-override",
            "x-original-url",
            "x-rewrite-url",
        ] {
            assert_not_kept(&twice(&app, &[(name, "x")]).await, name);
        }
        let with_body = || Request::get("/").body(Body::from("content")).expect("a request");
        let answers = (send(&app, with_body()).await.2, send(&app, with_body()).await.2);
        assert_not_kept(&answers, "a request with a body");
        let head = Request::head("/").body(Body::empty()).expect("a request");
        assert_eq!(send(&app, head).await.2, "");
        assert_eq!(read(&app, "/").await, kept, "none of them has taken its place");
    });
}

#[test]
fn users_have_responses_of_their_own_and_strangers_none() {
    on_every_executor(|_| async {
        let layer = ResponseLayer::new("users")
            .user(|request| Some(request.headers.get("authorization")?.to_str().ok()?.to_owned()));
        let app = app(layer, number);
        let ada = twice(&app, &[("authorization", "ada"), ("cookie", "a=1")]).await;
        assert_kept(&ada, "hers");
        let bob = twice(&app, &[("authorization", "bob")]).await;
        assert_kept(&bob, "his");
        assert_ne!(ada.0, bob.0);
        assert_not_kept(&twice(&app, &[]).await, "of nobody who is known");
    });
}

#[test]
fn responses_that_are_not_for_all_are_not_kept() {
    on_every_executor(|_| async {
        for (status, name, value, is_kept) in [
            (200, "x-tag", "a", true),
            (200, "set-cookie", "session=7", false),
            (200, "cache-control", "private", false),
            (200, "cache-control", "no-store", false),
            (200, "vary", "accept", false),
            (200, "vary", "Accept-Language", true),
            (200, "vary", "*", false),
            (200, "content-encoding", "gzip", false),
            (206, "x-tag", "a", false),
            (404, "x-tag", "a", false),
            (500, "x-tag", "a", false),
        ] {
            let layer = ResponseLayer::new("status").key_header(header::ACCEPT_LANGUAGE);
            let status = StatusCode::from_u16(status).expect("a status");
            let app = app(layer, move |n| (status, [(name, value)], number(n)));
            let answers = twice(&app, &[]).await;
            assert_eq!(answers.0 == answers.1, is_kept, "{status} {name}: {value}");
        }
    });
}

#[test]
fn what_is_kept_is_said_but_a_part_is_never_the_whole() {
    on_every_executor(|_| async {
        for (status, name, value, is_kept) in [
            (404, "x-tag", "a", true),
            (200, "set-cookie", "session=7", true),
            (200, "vary", "*", false),
            (206, "x-tag", "a", false),
        ] {
            let layer = ResponseLayer::new("told").store_if(|_| true);
            let status = StatusCode::from_u16(status).expect("a status");
            let app = app(layer, move |n| (status, [(name, value)], number(n)));
            let answers = twice(&app, &[]).await;
            assert_eq!(answers.0 == answers.1, is_kept, "{status} {name}: {value}");
        }
        let layer = ResponseLayer::new("more")
            .store_if(|response| response.status == 404 || is_storable(response));
        let app = app(layer, |n| (StatusCode::NOT_FOUND, number(n)));
        assert_kept(&twice(&app, &[]).await, "404 is wanted");
    });
}

/// A body in pieces that states what length it likes.
struct Pieces {
    pieces: VecDeque<Result<&'static str, std::io::Error>>,
    len: Option<u64>,
}

impl HttpBody for Pieces {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<http_body::Frame<Bytes>, std::io::Error>>> {
        let piece = self.pieces.pop_front();
        Poll::Ready(
            piece.map(|it| it.map(|it| http_body::Frame::data(Bytes::from_static(it.as_bytes())))),
        )
    }

    fn size_hint(&self) -> http_body::SizeHint {
        self.len.map_or_else(http_body::SizeHint::default, http_body::SizeHint::with_exact)
    }
}

/// Whether a body is kept, and whether it arrives as it is.
async fn arrives(pieces: &'static [&'static str], fails: bool, len: Option<u64>) -> (bool, bool) {
    let layer = ResponseLayer::new("bodies").max_body(8);
    let stats = layer.clone();
    let app = app(layer, move |_| {
        let failure = fails.then(|| Err(std::io::Error::other("this is the failure of the test")));
        let pieces = pieces.iter().copied().map(Ok).chain(failure).collect();
        Response::new(Body::new(Pieces { pieces, len }))
    });
    let mut arrived = Vec::new();
    for _ in 0..2 {
        let response = tower::ServiceExt::oneshot(app.clone(), asking("/", &[])).await;
        let body = response.expect("it is infallible").into_body();
        let body = axum::body::to_bytes(body, usize::MAX).await;
        arrived.push(body.is_err() == fails && body.is_ok_and(|it| it == pieces.concat()) != fails);
    }
    (stats.stats().hits == 1, arrived == [true, true])
}

#[test]
fn bodies_of_a_known_length_are_kept_up_to_the_limit_and_others_passed_on() {
    on_every_executor(|_| async {
        assert_eq!(arrives(&["abcd", "efgh"], false, Some(8)).await, (true, true));
        assert_eq!(arrives(&[], false, Some(0)).await, (true, true));
        assert_eq!(arrives(&["abcd", "efghi"], false, Some(9)).await, (false, true), "too large");
        assert_eq!(arrives(&["abcd"], false, None).await, (false, true), "a stream");
        assert_eq!(arrives(&["abcd"], false, Some(8)).await, (false, true), "cut short");
        assert_eq!(
            arrives(&["abcd", "efgh"], false, Some(4)).await,
            (false, true),
            "longer than said"
        );
        assert_eq!(arrives(&["abcd"], true, Some(8)).await, (false, true), "it fails");
    });
}

#[test]
fn the_bytes_of_a_response_are_accounted_for() {
    on_every_executor(|cache| async move {
        let layer = ResponseLayer::new("large");
        let app = app(layer.clone(), |_| "x".repeat(100_000));
        read(&app, "/").await;
        let bytes = layer.stats().bytes;
        assert!((100_000..101_000).contains(&bytes), "{bytes}");
        cache.set_max_bytes(50_000);
        assert_eq!(layer.stats().bytes, 0);
        assert_eq!(read(&app, "/").await.len(), 100_000, "it is only not kept");
    });
}

#[test]
fn a_response_lives_as_long_as_the_layer_says_and_no_longer_than_it_says_itself() {
    on_every_executor(|cache| async move {
        for (cache_control, seconds) in [
            ("public", 60),
            ("max-age=10", 10),
            ("max-age=600", 60),
            ("s-maxage=20, max-age=10", 20),
        ] {
            let layer = ResponseLayer::new("lives").ttl(Duration::from_secs(60));
            let app = app(layer, move |n| ([("cache-control", cache_control)], number(n)));
            let first = read(&app, "/").await;
            cache.advance(Duration::from_secs(seconds - 1));
            assert_eq!(read(&app, "/").await, first, "{cache_control}");
            cache.advance(Duration::from_secs(1));
            assert_ne!(read(&app, "/").await, first, "{cache_control}");
        }
    });
}

#[test]
fn without_an_endpoint_around_it_nothing_is_kept() {
    on_every_executor(|_| async {
        let handler = |State(db): State<Db>| async move { number(db.read()) };
        let layer = ResponseLayer::new("alone");
        let app = Router::new().route("/", get(handler).layer(layer)).with_state(Db::default());
        assert_not_kept(&twice(&app, &[]).await, "nobody would say what is written");
    });
}

/// How often the handler runs for five requests at once, and what they get.
fn at_once(name: HeaderName, value: &'static str) -> (u64, Vec<String>) {
    watched(move || {
        let (cache, gate) = (TestCache::new(), std::sync::Arc::new(Gate::new()));
        pollster::block_on(cache.scope(async {
            let db = Db::default();
            let runs = db.clone();
            let held = std::sync::Arc::clone(&gate);
            let handler = move |State(db): State<Db>| async move {
                let n = db.read();
                if n == 1 {
                    held.pass().await;
                }
                ([(name, value)], number(n))
            };
            let app = Router::new()
                .route("/", get(handler).layer(ResponseLayer::new("flights")))
                .layer(endpoints())
                .with_state(db);
            let mut all = Box::pin(join_all((0..5).map(|_| read(&app, "/"))));
            assert!(all.poll_unpin(&mut Context::from_waker(Waker::noop())).is_pending());
            gate.open_for_all();
            let answers = all.await;
            (runs.read() - 1, answers)
        }))
    })
}

#[test]
fn who_asks_the_same_meanwhile_waits_for_one_response() {
    assert_eq!(at_once(HeaderName::from_static("x-tag"), "a"), (1, vec!["1".to_owned(); 5]));
}

#[test]
fn a_response_that_is_for_one_goes_to_one() {
    let (n_runs, mut answers) = at_once(header::SET_COOKIE, "session=7");
    answers.sort();
    assert_eq!((n_runs, answers), (5, ["1", "2", "3", "4", "5"].map(str::to_owned).to_vec()));
}

#[test]
fn those_who_wait_for_a_response_that_is_not_for_them_do_not_queue() {
    static GATE: Gate = Gate::new();
    static ASKED: Mutex<usize> = Mutex::new(0);
    watched(|| {
        let cache = TestCache::new();
        pollster::block_on(cache.scope(async {
            let handler = || async {
                *ASKED.lock().expect("no panic") += 1;
                GATE.pass().await;
                [("set-cookie", "session=7")]
            };
            let app: Router = Router::new()
                .route("/", get(handler).layer(ResponseLayer::new("queue")))
                .layer(endpoints());
            let mut all = Box::pin(join_all((0..5).map(|_| read(&app, "/"))));
            let mut waker = Context::from_waker(Waker::noop());
            assert!(all.poll_unpin(&mut waker).is_pending());
            assert_eq!(*ASKED.lock().expect("no panic"), 1);
            GATE.open();
            assert!(all.poll_unpin(&mut waker).is_pending());
            assert!(all.poll_unpin(&mut waker).is_pending());
            assert_eq!(*ASKED.lock().expect("no panic"), 5, "all of them at once");
            GATE.open_for_all();
            all.await;
        }));
    });
}

#[test]
fn a_request_that_goes_away_leaves_its_response_to_those_who_wait() {
    static GATE: Gate = Gate::new();
    watched(|| {
        let cache = TestCache::new();
        pollster::block_on(cache.scope(async {
            let handler = |State(db): State<Db>| async move {
                let n = db.read();
                GATE.pass().await;
                number(n)
            };
            let app = Router::new()
                .route("/", get(handler).layer(ResponseLayer::new("left")))
                .layer(endpoints())
                .with_state(Db::default());
            let mut waker = Context::from_waker(Waker::noop());
            let mut first = Box::pin(read(&app, "/"));
            assert!(first.poll_unpin(&mut waker).is_pending());
            let mut second = Box::pin(read(&app, "/"));
            assert!(second.poll_unpin(&mut waker).is_pending());
            drop(first);
            GATE.open_for_all();
            assert_eq!(second.await, "1");
            assert_eq!(read(&app, "/").await, "1");
        }));
    });
}

#[test]
fn a_handler_that_panics_leaves_those_who_wait_to_ask_themselves() {
    watched(|| {
        let cache = TestCache::new();
        pollster::block_on(cache.scope(async {
            let app = app(ResponseLayer::new("panics"), |n| {
                assert_ne!(n, 1, "this is the panic of the test");
                number(n)
            });
            let first = std::panic::AssertUnwindSafe(read(&app, "/")).catch_unwind();
            assert!(first.await.is_err());
            assert_kept(&twice(&app, &[]).await, "the second answer");
        }));
    });
}
