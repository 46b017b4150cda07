//! The web service: every read is cached, and every write says what it changes.

use axum::Router;
use axum::extract::{FromRequestParts, MatchedPath, Path, State};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::routing::get;
use cache_core::cached;
use cache_core::http::{EndpointLayer, ResponseLayer};
use serde::Serialize;

use crate::store::{self, PAGE, Store};

type Reply = Result<String, StatusCode>;

/// The app. Told to forget, its writes say nothing, so that what is read is out of date.
pub(crate) fn app(store: Store, forget: bool) -> Router {
    let articles = get(article);
    let articles = if forget { articles.put(forget_article) } else { articles.put(write_article) };
    let imprint = get(imprint).put(write_imprint).layer(ResponseLayer::new("imprint"));
    let app = Router::new()
        .route("/articles/{id}", articles)
        .route("/pages/{page}", get(page))
        .route("/changes", get(changes))
        .route("/news", get(news).put(write_news))
        .route("/cart", get(cart).post(write_cart))
        .route("/imprint", imprint);
    let endpoints = EndpointLayer::new(|request| {
        request.extensions.get::<MatchedPath>().map(MatchedPath::as_str)
    });
    let endpoints = endpoints.user(|request| User::of(request).map(|user| user.0));
    let app = if forget { app } else { app.layer(endpoints) };
    app.with_state(store)
}

/// Who is asking. A header stands in for an authentication here.
#[derive(Clone, Copy, Serialize)]
struct User(u32);

impl User {
    fn of(request: &Parts) -> Option<Self> {
        request.headers.get("x-user")?.to_str().ok()?.parse().ok().map(Self)
    }
}

impl<S: Sync> FromRequestParts<S> for User {
    type Rejection = StatusCode;

    async fn from_request_parts(request: &mut Parts, _: &S) -> Result<Self, StatusCode> {
        Self::of(request).ok_or(StatusCode::UNAUTHORIZED)
    }
}

/// A reply is a line for each row: what it is, and its version.
fn reply(what: &str, version: store::Result<u64>) -> Reply {
    Ok(format!("{what} {}\n", version.map_err(|error| failure(&error))?))
}

fn failure(error: &rusqlite::Error) -> StatusCode {
    eprintln!("error: cannot answer a request: {error}");
    StatusCode::INTERNAL_SERVER_ERROR
}

// These three handlers call cached functions, which say what they depend on.

async fn article(State(store): State<Store>, Path(id): Path<u32>) -> Reply {
    reply(&format!("article/{id}"), store::article(store, id).await)
}

async fn page(State(store): State<Store>, Path(page): Path<u32>) -> Reply {
    let versions = store::page(store, page).await.map_err(|error| failure(&error))?;
    let lines = versions.iter().zip(page * PAGE..);
    Ok(lines.map(|(version, id)| format!("article/{id} {version}\n")).collect())
}

async fn changes(State(store): State<Store>) -> Reply {
    reply("changes", store::n_changes(store).await)
}

async fn write_article(State(store): State<Store>, Path(id): Path<u32>) -> Reply {
    reply(&format!("article/{id}"), store::change_article(&store, id).await)
}

async fn forget_article(State(store): State<Store>, Path(id): Path<u32>) -> Reply {
    reply(&format!("article/{id}"), store.write("article", id).await)
}

// These handlers are cached themselves, and go with writes to their endpoint.

#[cached(skip(store), invalidate_on = ["PUT"])]
async fn news(State(store): State<Store>) -> Reply {
    reply("news", store.version("news", 0).await)
}

async fn write_news(State(store): State<Store>) -> Reply {
    reply("news", store.write("news", 0).await)
}

#[cached(skip(store), invalidate_on = [("POST", user.0)])]
async fn cart(State(store): State<Store>, user: User) -> Reply {
    reply(&format!("cart/{}", user.0), store.version("cart", user.0).await)
}

async fn write_cart(State(store): State<Store>, user: User) -> Reply {
    reply(&format!("cart/{}", user.0), store.write("cart", user.0).await)
}

// The responses of this one are kept by a layer.

async fn imprint(State(store): State<Store>) -> Reply {
    reply("imprint", store.version("imprint", 0).await)
}

async fn write_imprint(State(store): State<Store>) -> Reply {
    reply("imprint", store.write("imprint", 0).await)
}
