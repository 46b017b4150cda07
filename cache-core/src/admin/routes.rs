//! The endpoints, and what each of them answers.

use axum::extract::rejection::{JsonRejection, PathRejection, QueryRejection};
use axum::extract::{DefaultBodyLimit, Path, Query, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router, middleware};
use serde::{Deserialize, Deserializer};
use serde_json::{Value, json};

use super::event::Named;
use super::refusal::Refusal;
use super::{Shared, guard, live, page};
use crate::entry::EntryInfo;
use crate::function::FunctionStats;
use crate::serialize::{seconds, seconds_if_any};
use crate::stats::Stats;
use crate::sync::{Arc, Ordering};

/// How many bytes a request may have.
const MAX_BODY: usize = 16 << 10;

/// How many things one answer lists: unless it is said, and at the most.
const LIMIT: usize = 100;
const MAX_LIMIT: usize = 1000;

/// Of how many entries, the most recently used ones, a listing is made.
const MAX_ENTRIES: usize = 10_000;

/// The description of what is here, for programs.
const OPENAPI: &str = include_str!("openapi.json");

type Answer = Result<Json<Value>, Refusal>;

pub(super) fn router(shared: Arc<Shared>) -> Router {
    Router::new()
        .route("/", get(page::dashboard))
        .route("/stats", get(stats))
        .route("/functions", get(functions))
        .route("/functions/{name}", get(function))
        .route("/entries", get(entries))
        .route("/config", get(config).post(configure))
        .route("/health", get(health))
        .route("/metrics", get(metrics))
        .route("/events", get(live::events))
        .route("/openapi.json", get(openapi))
        .route("/clear", post(clear))
        .route("/invalidate", post(invalidate))
        .route("/warm", post(warm))
        .route("/cleanup", post(cleanup))
        .fallback(async || {
            Refusal::new(StatusCode::NOT_FOUND, "there is nothing here: see `/openapi.json`")
        })
        .method_not_allowed_fallback(async || {
            Refusal::new(
                StatusCode::METHOD_NOT_ALLOWED,
                "this is not done here: see `/openapi.json`",
            )
        })
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .layer(middleware::from_fn_with_state(Arc::clone(&shared), guard::check))
        .with_state(shared)
}

/// Does what may take a while where nobody else waits for it.
async fn aside<T: Send + 'static>(
    shared: Arc<Shared>,
    work: impl FnOnce(&Shared) -> T + Send + 'static,
) -> Result<T, Refusal> {
    let done = tokio::task::spawn_blocking(move || work(&shared)).await;
    done.map_err(|_| Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, "it has panicked"))
}

async fn stats(State(shared): State<Arc<Shared>>) -> Answer {
    aside(shared, |shared| Json(all_stats(shared))).await
}

fn all_stats(shared: &Shared) -> Value {
    json!({
        "stats": with_rate(&shared.cache.stats()),
        "tiers": shared.cache.tiers(),
        "curve": shared.cache.curve(),
        "advice": shared.cache.advice(),
    })
}

fn with_rate(stats: &Stats) -> Value {
    let mut all = json!(stats);
    all["hit_rate"] = stats.hit_rate().into();
    all
}

/// Which part of a listing is wanted.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Page {
    #[serde(default)]
    offset: usize,
    #[serde(default = "default_limit")]
    limit: usize,
}

fn default_limit() -> usize {
    LIMIT
}

/// The part of a listing that is wanted, beside how long all of it is.
fn listed<T>(
    name: &str,
    all: Vec<T>,
    offset: usize,
    limit: usize,
    show: fn(&T) -> Value,
) -> Answer {
    if limit > MAX_LIMIT {
        return Err(Refusal::bad(format!(
            "`limit` is {MAX_LIMIT} at the most: ask for the rest with `offset`"
        )));
    }
    let part: Vec<Value> = all.iter().skip(offset).take(limit).map(show).collect();
    Ok(Json(json!({ name: part, "total": all.len() })))
}

async fn functions(
    State(shared): State<Arc<Shared>>,
    query: Result<Query<Page>, QueryRejection>,
) -> Answer {
    let Query(Page { offset, limit }) = query?;
    let all = aside(shared, |shared| shared.cache.functions()).await?;
    listed("functions", all, offset, limit, function_of)
}

async fn function(
    State(shared): State<Arc<Shared>>,
    name: Result<Path<String>, PathRejection>,
) -> Answer {
    let Path(name) = name?;
    let mut all = aside(shared, |shared| shared.cache.functions()).await?;
    all.retain(|function| function.name == name);
    if all.is_empty() {
        return Err(Refusal::unknown("cached function", &name));
    }
    listed("functions", all, 0, MAX_LIMIT, function_of)
}

fn function_of(function: &FunctionStats) -> Value {
    let mut all = json!(function);
    all["stats"] = with_rate(&function.stats);
    all["refusals"] =
        function.refusals.iter().map(|(layer, n)| (layer.to_string(), json!(n))).collect();
    all
}

/// Which entries are wanted.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct EntriesPage {
    /// Those of functions of that name.
    function: Option<String>,
    /// Those whose function, label or key contains that.
    search: Option<String>,
    #[serde(default)]
    offset: usize,
    #[serde(default = "default_limit")]
    limit: usize,
}

async fn entries(
    State(shared): State<Arc<Shared>>,
    query: Result<Query<EntriesPage>, QueryRejection>,
) -> Answer {
    let Query(EntriesPage { function, search, offset, limit }) = query?;
    let mut all = aside(shared, |shared| shared.cache.entries(MAX_ENTRIES)).await?;
    let is_wanted = |entry: &EntryInfo| {
        let texts = [entry.function, &entry.key, entry.label.as_deref().unwrap_or_default()];
        function.as_ref().is_none_or(|name| entry.function == name)
            && search
                .as_ref()
                .is_none_or(|part| texts.iter().any(|text| text.contains(part.as_str())))
    };
    all.retain(is_wanted);
    listed("entries", all, offset, limit, entry_of)
}

fn entry_of(entry: &EntryInfo) -> Value {
    json!({
        "function": entry.function,
        "label": entry.label,
        "key": entry.key,
        "age": seconds(&entry.age),
        "idle": seconds(&entry.idle),
        "uses": entry.uses,
        "charge": entry.charge,
        "remaining": seconds_if_any(&entry.remaining),
    })
}

async fn config(State(shared): State<Arc<Shared>>) -> Answer {
    aside(shared, |shared| Json(config_of(shared))).await
}

fn config_of(shared: &Shared) -> Value {
    let config = shared.cache.config();
    json!({
        "enabled": config.enabled,
        "max_bytes": config.max_bytes,
        "max_entries": config.max_entries,
        "ttl": seconds_if_any(&config.ttl),
        "exact_order": config.exact_order,
        "eviction": config.eviction.name(),
        "verify": config.verify,
        "warnings": config.warnings,
        "warmers": shared.warmers.keys().collect::<Vec<_>>(),
        "has_token": shared.guard.token.is_some(),
    })
}

/// What is to be changed; what is not named stays.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Changes {
    enabled: Option<bool>,
    #[serde(default, deserialize_with = "present")]
    max_bytes: Option<Option<usize>>,
    #[serde(default, deserialize_with = "present")]
    max_entries: Option<Option<usize>>,
}

/// Tells `null` from what is not there.
fn present<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Option<usize>>, D::Error> {
    Option::deserialize(from).map(Some)
}

async fn configure(
    State(shared): State<Arc<Shared>>,
    body: Result<Json<Changes>, JsonRejection>,
) -> Answer {
    let Json(Changes { enabled, max_bytes, max_entries }) = body?;
    aside(shared, move |shared| {
        enabled.into_iter().for_each(|enabled| shared.cache.set_enabled(enabled));
        max_bytes.into_iter().for_each(|max| shared.cache.set_max_bytes(max));
        max_entries.into_iter().for_each(|max| shared.cache.set_max_entries(max));
        Json(config_of(shared))
    })
    .await
}

async fn health(State(shared): State<Arc<Shared>>) -> Answer {
    aside(shared, |shared| Json(json!(shared.cache.health()))).await
}

async fn metrics(State(shared): State<Arc<Shared>>) -> Result<Response, Refusal> {
    let text = aside(shared, |shared| shared.cache.prometheus()).await?;
    Ok(([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], text).into_response())
}

async fn openapi() -> Response {
    ([(header::CONTENT_TYPE, "application/json")], OPENAPI).into_response()
}

/// A body that has nothing to say, which is sent all the same, so that no form of another site can.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Nothing {}

async fn clear(
    State(shared): State<Arc<Shared>>,
    body: Result<Json<Nothing>, JsonRejection>,
) -> Answer {
    let Json(Nothing {}) = body?;
    aside(shared, |shared| {
        shared.cache.clear();
        Json(all_stats(shared))
    })
    .await
}

/// What is to be dropped.
#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Target {
    Function(String),
    Matching(String),
    Event(Named),
    SoftEvent(Named),
}

async fn invalidate(
    State(shared): State<Arc<Shared>>,
    body: Result<Json<Target>, JsonRejection>,
) -> Answer {
    let Json(target) = body?;
    if let Target::Event(event) | Target::SoftEvent(event) = &target
        && !event.is_event()
    {
        return Err(Refusal::bad(
            "an event is a text, or a list of one to eight texts, numbers and booleans",
        ));
    }
    aside(shared, |shared| {
        let dropped = match target {
            Target::Function(name) => {
                if !shared.cache.clear_functions(&name) {
                    return Err(Refusal::unknown("cached function", &name));
                }
                None
            }
            Target::Matching(pattern) => Some(shared.cache.invalidate_matching(&pattern)),
            Target::Event(event) => {
                shared.cache.emit(event);
                None
            }
            Target::SoftEvent(event) => {
                shared.cache.emit_soft(event);
                None
            }
        };
        Ok(Json(json!({ "dropped": dropped })))
    })
    .await?
}

/// What is to be run.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Warm {
    name: String,
}

async fn warm(
    State(shared): State<Arc<Shared>>,
    body: Result<Json<Warm>, JsonRejection>,
) -> Result<Response, Refusal> {
    let Json(Warm { name }) = body?;
    let warmer = shared.warmers.get(&name).ok_or_else(|| Refusal::unknown("warmer", &name))?;
    if warmer.is_running.swap(true, Ordering::SeqCst) {
        return Err(Refusal::new(StatusCode::CONFLICT, format!("`{name}` is running already")));
    }
    let running = Running(Arc::clone(warmer));
    tokio::spawn(async move { (running.0.begin)().await });
    Ok((StatusCode::ACCEPTED, Json(json!({ "warming": name }))).into_response())
}

/// A warmer that runs, until it is done, has panicked or is given up.
struct Running(Arc<super::Warmer>);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.is_running.store(false, Ordering::SeqCst);
    }
}

async fn cleanup(
    State(shared): State<Arc<Shared>>,
    body: Result<Json<Nothing>, JsonRejection>,
) -> Answer {
    let Json(Nothing {}) = body?;
    aside(shared, |shared| Json(json!({ "dropped": shared.cache.cleanup_expired() }))).await
}
