//! What happens, as it happens: server-sent events.

use std::convert::Infallible;
use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use axum::response::sse::{Event, KeepAlive, Sse};
use futures_util::stream;
use serde_json::{Value, json};
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::broadcast::{Receiver, Sender};

use super::Shared;
use super::refusal::Refusal;
use crate::observer::{Notice, Observer};
use crate::sync::Arc;

/// How much may have happened that a listener has yet to be told. Who is slower is told how much he has missed.
pub(super) const BACKLOG: usize = 256;

/// How many may listen at the same time.
const MAX_LISTENERS: usize = 32;

/// Passes on what happens while somebody listens.
pub(super) struct Live(pub(super) Sender<Message>);

/// The kind of something that has happened, and what it was as JSON.
pub(super) type Message = (&'static str, Arc<str>);

impl Observer for Live {
    fn notice(&self, notice: &Notice<'_>) {
        if self.0.receiver_count() > 0 {
            let (kind, what) = told(notice);
            // The last listener may be gone by now.
            let _ = self.0.send((kind, what.to_string().into()));
        }
    }
}

fn told(notice: &Notice<'_>) -> (&'static str, Value) {
    match notice {
        Notice::Loaded { function, reason, outcome, took } => {
            let took = took.map(|it| it.as_secs_f64());
            (
                "loaded",
                json!({ "function": function, "reason": reason, "outcome": outcome.name(), "took": took }),
            )
        }
        Notice::Dropped { function, cause, entries, bytes } => (
            "dropped",
            json!({ "function": function, "cause": cause.name(), "entries": entries, "bytes": bytes }),
        ),
        Notice::Emitted { event, is_soft } => {
            ("emitted", json!({ "event": event, "is_soft": is_soft }))
        }
        Notice::Tier { name, is_working } => {
            ("tier", json!({ "name": name, "is_working": is_working }))
        }
        Notice::Diverged { function, file, line, key } => {
            ("diverged", json!({ "function": function, "file": file, "line": line, "key": key }))
        }
        Notice::Health(health) => ("health", json!(health)),
    }
}

pub(super) async fn events(
    State(shared): State<Arc<Shared>>,
) -> Result<impl IntoResponse, Refusal> {
    if shared.live.receiver_count() >= MAX_LISTENERS {
        let many = format!("{MAX_LISTENERS} listen already, which is as many as may");
        return Err(Refusal::new(StatusCode::TOO_MANY_REQUESTS, many));
    }
    let stream = stream::unfold(shared.live.subscribe(), async |mut listener| {
        let (kind, what) = next(&mut listener).await?;
        Some((Ok::<_, Infallible>(Event::default().event(kind).data(what)), listener))
    });
    Ok(Sse::new(stream).keep_alive(KeepAlive::new().interval(Duration::from_secs(15))))
}

/// What happens next; `None` when nothing will any more.
async fn next(listener: &mut Receiver<Message>) -> Option<Message> {
    match listener.recv().await {
        Ok(message) => Some(message),
        Err(RecvError::Lagged(n)) => Some(("missed", json!({ "messages": n }).to_string().into())),
        Err(RecvError::Closed) => None,
    }
}
