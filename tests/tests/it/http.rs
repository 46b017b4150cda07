//! I5: a successful write to an endpoint drops what is cached of it, and nothing else does.

use std::convert::Infallible;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Waker};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{MatchedPath, Path, Query, State};
use axum::http::{HeaderMap, Method, Request, StatusCode};
use axum::response::IntoResponse;
use axum::routing::{any, get};
use cache_core::http::EndpointLayer;
use cache_core::testing::TestCache;
use cache_core::{Endpoint, cached, emit};
use futures::FutureExt;
use serde::Deserialize;
use tower::ServiceExt;

use crate::support::{Gate, on_every_executor, pause, watched};

/// Counts what was read from it, so that each answer tells whether it is a new one.
#[derive(Clone, Default)]
pub(crate) struct Db(Arc<AtomicU64>);

impl Db {
    pub(crate) fn read(&self) -> u64 {
        self.0.fetch_add(1, Ordering::SeqCst) + 1
    }
}

/// Who is asking, in place of an authentication.
#[derive(Clone, Copy)]
struct User(u64);

#[derive(Deserialize)]
struct Page {
    page: u32,
}

#[cached(skip(db), invalidate_on = ["POST", "PUT", "PATCH", "DELETE"])]
async fn notes(State(db): State<Db>, Query(Page { page }): Query<Page>) -> String {
    format!("notes {page}: {}", db.read())
}

#[cached(skip(db), invalidate_on = ["POST", "PUT", "PATCH", "DELETE"])]
async fn tasks(State(db): State<Db>) -> String {
    format!("tasks: {}", db.read())
}

#[cached(skip(db), invalidate_on = ["PUT"])]
async fn note(State(db): State<Db>, Path(id): Path<u64>) -> String {
    format!("note {id}: {}", db.read())
}

/// A write that ends as its client wants.
async fn write(headers: HeaderMap) -> StatusCode {
    let status = headers.get("status").expect("every write says how it ends");
    match status.to_str().expect("a text") {
        "panic" => panic!("this is the panic of the test"),
        "never" => std::future::pending().await,
        status => status.parse().expect("a status"),
    }
}

fn app(db: Db) -> Router {
    Router::new()
        .route("/notes", get(notes).fallback(write))
        .route("/tasks", get(tasks).fallback(write))
        .route("/notes/{id}", get(note).fallback(write))
        .layer(endpoints())
        .with_state(db)
}

pub(crate) fn endpoints() -> EndpointLayer {
    let layer = EndpointLayer::new(|request| {
        request.extensions.get::<MatchedPath>().map(MatchedPath::as_str)
    });
    layer.user(|request| request.extensions.get::<User>().map(|User(id)| *id))
}

pub(crate) async fn send(app: &Router, request: Request<Body>) -> (StatusCode, HeaderMap, String) {
    let response = app.clone().oneshot(request).await.unwrap_or_else(|it: Infallible| match it {});
    let (parts, body) = response.into_parts();
    let body = to_bytes(body, usize::MAX).await.expect("a whole body");
    (parts.status, parts.headers, String::from_utf8(body.into()).expect("a text"))
}

pub(crate) async fn read(app: &Router, uri: &str) -> String {
    send(app, Request::get(uri).body(Body::empty()).expect("a request")).await.2
}

fn writing(method: &str, uri: &str, status: &str) -> Request<Body> {
    let request = Request::builder().method(method).uri(uri).header("status", status);
    request.body(Body::from("content")).expect("a request")
}

pub(crate) async fn ended(app: &Router, method: &str, uri: &str, status: &str) {
    let (answer, ..) = send(app, writing(method, uri, status)).await;
    assert_eq!(answer.as_str(), status);
}

#[test]
fn a_successful_write_drops_what_is_cached_of_its_endpoint_and_nothing_else() {
    on_every_executor(|_| async {
        let app = app(Db::default());
        for method in ["POST", "PUT", "PATCH", "DELETE"] {
            for status in ["200", "201", "204", "303"] {
                let pages = [read(&app, "/notes?page=1").await, read(&app, "/notes?page=2").await];
                let others = [read(&app, "/tasks").await, read(&app, "/notes/7").await];
                ended(&app, method, "/notes", status).await;
                assert_ne!(read(&app, "/notes?page=1").await, pages[0], "{method} {status}");
                assert_ne!(read(&app, "/notes?page=2").await, pages[1], "{method} {status}");
                assert_eq!([read(&app, "/tasks").await, read(&app, "/notes/7").await], others);
            }
        }
    });
}

#[test]
fn a_failed_write_changes_nothing_and_neither_does_a_read() {
    on_every_executor(|cache| async move {
        let app = app(Db::default());
        let page = read(&app, "/notes?page=1").await;
        for method in ["POST", "PUT", "PATCH", "DELETE"] {
            for status in ["400", "401", "404", "409", "422", "500", "503"] {
                ended(&app, method, "/notes", status).await;
            }
        }
        for method in ["OPTIONS", "TRACE"] {
            ended(&app, method, "/notes", "200").await;
        }
        let head = Request::head("/notes?page=1").body(Body::empty()).expect("a request");
        assert_eq!(send(&app, head).await.0, StatusCode::OK);
        assert_eq!(read(&app, "/notes?page=1").await, page);
        cache.function("notes").hits(2).loads(1);
    });
}

#[test]
fn an_endpoint_is_the_route_however_the_path_is_spelled() {
    on_every_executor(|_| async {
        let app = app(Db::default());
        for uri in ["/notes/7", "/notes/07", "/notes/%37", "/notes/8"] {
            let before = read(&app, "/notes/7").await;
            ended(&app, "PUT", uri, "204").await;
            assert_ne!(read(&app, "/notes/7").await, before, "PUT {uri}");
        }
        let before = read(&app, "/notes/7").await;
        ended(&app, "POST", "/notes/7", "204").await;
        assert_eq!(read(&app, "/notes/7").await, before, "it names `PUT` alone");
    });
}

#[cached(skip(db), invalidate_on = [("POST", user)])]
async fn drafts(db: &Db, user: u64) -> u64 {
    let _ = user;
    db.read()
}

#[cached(skip(db), invalidate_on = |draft| [("POST", draft.0)])]
async fn draft(db: &Db, user: u64) -> (u64, u64) {
    (user, db.read())
}

fn drafts_app(db: Db) -> Router {
    let read = |State(db): State<Db>, Path(user): Path<u64>| async move {
        format!("{}, {}", drafts(&db, user).await, draft(&db, user).await.1)
    };
    Router::new()
        .route("/drafts/{user}", get(read).fallback(write))
        .layer(endpoints())
        .with_state(db)
}

#[test]
fn a_write_by_one_user_drops_what_names_him() {
    on_every_executor(|_| async {
        let app = drafts_app(Db::default());
        let mut before = [read(&app, "/drafts/7").await, read(&app, "/drafts/8").await];

        let mut request = writing("POST", "/drafts/7", "200");
        request.extensions_mut().insert(User(7));
        send(&app, request).await;
        assert_ne!(read(&app, "/drafts/7").await, before[0]);
        assert_eq!(read(&app, "/drafts/8").await, before[1]);

        before[0] = read(&app, "/drafts/7").await;
        ended(&app, "POST", "/drafts/7", "200").await;
        assert_ne!(read(&app, "/drafts/7").await, before[0], "nobody knows who has written");
        assert_ne!(read(&app, "/drafts/8").await, before[1], "nobody knows who has written");
    });
}

#[test]
fn a_write_that_ends_without_a_response_counts() {
    on_every_executor(|_| async {
        let app = app(Db::default());
        let before = read(&app, "/notes?page=1").await;
        let panicked = AssertUnwindSafe(send(&app, writing("POST", "/notes", "panic")));
        assert!(panicked.catch_unwind().await.is_err());
        let after = read(&app, "/notes?page=1").await;
        assert_ne!(after, before);

        let mut cancelled = Box::pin(send(&app, writing("POST", "/notes", "never")));
        assert!(cancelled.poll_unpin(&mut Context::from_waker(Waker::noop())).is_pending());
        assert_eq!(read(&app, "/notes?page=1").await, after, "it is not over");
        drop(cancelled);
        assert_ne!(read(&app, "/notes?page=1").await, after);
    });
}

#[test]
fn what_is_read_while_something_is_written_is_shown_to_nobody_later() {
    static GATE: Gate = Gate::new();

    #[cached(skip(db), invalidate_on = ["POST"])]
    async fn slow(db: Db) -> String {
        let value = db.read();
        GATE.pass().await;
        value.to_string()
    }

    watched(|| {
        let cache = TestCache::new();
        pollster::block_on(cache.scope(async {
            let read_slowly = |State(db): State<Db>| slow(db);
            let app = Router::new()
                .route("/slow", get(read_slowly).fallback(write))
                .layer(endpoints())
                .with_state(Db::default());
            let mut early = Box::pin(read(&app, "/slow"));
            assert!(early.poll_unpin(&mut Context::from_waker(Waker::noop())).is_pending());
            ended(&app, "POST", "/slow", "200").await;
            let mut late = Box::pin(read(&app, "/slow"));
            assert!(late.poll_unpin(&mut Context::from_waker(Waker::noop())).is_pending());
            GATE.open_for_all();
            assert_eq!(early.await, "1", "it was asked before");
            assert_eq!(late.await, "2");
            assert_eq!(read(&app, "/slow").await, "2");
        }));
    });
}

#[cached(skip(db), invalidate_on = ["POST"])]
fn shared(db: &Db) -> u64 {
    db.read()
}

/// Says nothing of events, and depends on what it calls.
#[cached(skip(db))]
fn summary(db: &Db) -> String {
    format!("summary {}", shared(db))
}

fn sharing_app(db: Db) -> Router {
    let read = |State(db): State<Db>| async move { format!("{}, {}", shared(&db), summary(&db)) };
    Router::new()
        .route("/a", get(read).fallback(write))
        .route("/b", get(read).fallback(write))
        .layer(endpoints())
        .with_state(db)
}

#[test]
fn a_result_that_two_endpoints_use_goes_with_the_writes_to_either() {
    on_every_executor(|cache| async move {
        let app = sharing_app(Db::default());
        for written in ["/a", "/b", "/a"] {
            read(&app, "/a").await;
            let before = read(&app, "/b").await;
            assert_eq!(read(&app, "/a").await, before, "it is shared");
            ended(&app, "POST", written, "200").await;
            assert_ne!(read(&app, "/a").await, before, "POST {written}");
            assert_ne!(read(&app, "/b").await, before, "POST {written}");
        }
        let loads = || cache.functions().iter().map(|it| it.stats.loads).sum::<u64>();
        let n_loads = loads();
        for uri in ["/a", "/b", "/a", "/b"] {
            read(&app, uri).await;
        }
        assert_eq!(loads(), n_loads, "the endpoints do not take it away from each other");
    });
}

#[test]
fn what_was_computed_outside_of_requests_is_not_shown_to_one() {
    on_every_executor(|cache| async move {
        let db = Db::default();
        let outside = summary(&db);
        cache.function("summary").loads(1);
        let app = sharing_app(db.clone());
        let inside = read(&app, "/a").await;
        assert!(!inside.contains(&outside), "{inside}");
        ended(&app, "POST", "/a", "200").await;
        assert_ne!(read(&app, "/a").await, inside);

        let (inside, outside) = (read(&app, "/a").await, summary(&db));
        assert!(inside.contains(&outside), "outside of requests any result will do");
    });
}

#[test]
fn a_method_that_is_emitted_by_hand_is_a_name_like_any_other() {
    on_every_executor(|_| async {
        let (app, db) = (app(Db::default()), Db::default());
        let before = [read(&app, "/notes?page=1").await, read(&app, "/tasks").await];
        let outside = shared(&db);
        emit("POST");
        assert_ne!(read(&app, "/notes?page=1").await, before[0]);
        assert_ne!(read(&app, "/tasks").await, before[1]);
        assert_ne!(shared(&db), outside);
    });
}

#[test]
fn a_call_in_one_endpoint_does_not_wait_for_what_another_has_begun_before_a_write() {
    static GATE: Gate = Gate::new();

    #[cached(skip(db), invalidate_on = ["POST"])]
    async fn slow(db: Db) -> u64 {
        let value = db.read();
        GATE.pass().await;
        value
    }

    watched(|| {
        let cache = TestCache::new();
        pollster::block_on(cache.scope(async {
            let (db, a, b) = (Db::default(), Endpoint::new("/a"), Endpoint::new("/b"));
            let mut waker = Context::from_waker(Waker::noop());
            let mut in_a = Box::pin(a.scope(slow(db.clone())));
            assert!(in_a.poll_unpin(&mut waker).is_pending());
            b.write("POST", None).commit();
            let mut in_b = Box::pin(b.scope(slow(db.clone())));
            assert!(in_b.poll_unpin(&mut waker).is_pending());
            GATE.open_for_all();
            assert_eq!(in_a.await, 1);
            assert_eq!(in_b.await, 2, "1 was read before the write to `/b`");
            b.write("POST", None).commit();
            assert_eq!(a.scope(slow(db.clone())).await, 3, "2 was used for both");
        }));
    });
}

#[test]
fn a_body_that_is_left_to_a_call_in_another_endpoint_goes_on_in_its_own() {
    static GATE: Gate = Gate::new();

    #[cached(skip(db))]
    async fn outer(db: Db) -> u64 {
        GATE.pass().await;
        shared(&db)
    }

    watched(|| {
        let cache = TestCache::new();
        pollster::block_on(cache.scope(async {
            let (db, a, b) = (Db::default(), Endpoint::new("/a"), Endpoint::new("/b"));
            let mut waker = Context::from_waker(Waker::noop());
            let mut in_a = Box::pin(a.scope(outer(db.clone())));
            assert!(in_a.poll_unpin(&mut waker).is_pending());
            let mut in_b = Box::pin(b.scope(outer(db.clone())));
            assert!(in_b.poll_unpin(&mut waker).is_pending());
            drop(in_a);
            GATE.open_for_all();
            let before = in_b.await;
            assert_eq!(a.scope(outer(db.clone())).await, before, "it was read for `/a`");
            a.write("POST", None).commit();
            assert_ne!(a.scope(outer(db.clone())).await, before);
        }));
    });
}

#[test]
fn requests_of_no_known_route_are_to_one_endpoint() {
    on_every_executor(|_| async {
        let read_any = |method: Method, db: State<Db>, headers: HeaderMap| async move {
            if method == Method::GET {
                tasks(db).await.into_response()
            } else {
                write(headers).await.into_response()
            }
        };
        let app =
            Router::new().fallback(any(read_any)).layer(endpoints()).with_state(Db::default());
        let before = read(&app, "/anything").await;
        ended(&app, "POST", "/something", "200").await;
        assert_ne!(read(&app, "/anything").await, before);
    });
}

#[test]
fn a_spawned_task_is_part_of_the_request_if_it_is_told() {
    on_every_executor(|_| async {
        let (db, notes) = (Db::default(), Endpoint::new("/notes"));
        let task = |db: Db| cache_core::in_current_load(async move { shared(&db) });
        let task = notes.run(|| task(db.clone()));
        pause().await;
        let before = task.await;
        assert_eq!(notes.run(|| shared(&db)), before);
        notes.write("POST", None).commit();
        assert_ne!(notes.run(|| shared(&db)), before);
    });
}

#[test]
fn an_audit_takes_writes_to_be_emitted() {
    let cache = TestCache::new();
    cache.run(|| {
        let names = |cache: &TestCache| {
            let events = cache.audit().never_emitted.into_iter().filter_map(|it| it.event);
            events.filter(|event| event.contains("POST")).collect::<Vec<_>>()
        };
        assert!(!names(&cache).is_empty());
        drop(endpoints());
        assert_eq!(names(&cache), [""; 0]);
    });
}
