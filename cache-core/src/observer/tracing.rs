//! What happens, as events of `tracing`.

use tracing::{Level, event};

use super::{Notice, Observer, Outcome};
use crate::health::Status;

/// Passes on what happens to `tracing`, under the target `cache_core`.
///
/// Loads, what is dropped and what is emitted are of the level `DEBUG`; a load without a result, a tier that fails, a
/// stored result that differs from a fresh one and a verdict that is not good are of the level `WARN`.
///
/// ```
/// use cache_core::{Cache, TracingObserver};
///
/// Cache::global().observe(TracingObserver);
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct TracingObserver;

impl Observer for TracingObserver {
    fn notice(&self, notice: &Notice<'_>) {
        match notice {
            Notice::Loaded { function, reason, outcome: Outcome::Abandoned, .. } => {
                event!(target: "cache_core", Level::WARN, function, reason, outcome = Outcome::Abandoned.name(), "loaded");
            }
            Notice::Loaded { function, reason, outcome, took } => {
                let seconds = took.map(|took| took.as_secs_f64());
                event!(target: "cache_core", Level::DEBUG, function, reason, outcome = outcome.name(), seconds, "loaded");
            }
            Notice::Dropped { function, cause, entries, bytes } => {
                event!(target: "cache_core", Level::DEBUG, function, cause = cause.name(), entries, bytes, "dropped");
            }
            Notice::Emitted { event, is_soft } => {
                event!(target: "cache_core", Level::DEBUG, event, is_soft, "emitted");
            }
            Notice::Tier { name, is_working: true } => {
                event!(target: "cache_core", Level::INFO, tier = name, "works again");
            }
            Notice::Tier { name, .. } => {
                event!(target: "cache_core", Level::WARN, tier = name, "does not work");
            }
            Notice::Diverged { function, file, line, key } => {
                event!(target: "cache_core", Level::WARN, function, file, line, key, "diverged");
            }
            Notice::Health(health) => {
                let (status, reasons) = (health.status.to_string(), health.reasons.join("; "));
                if health.status == Status::Healthy {
                    event!(target: "cache_core", Level::INFO, status, "healthy");
                } else {
                    event!(target: "cache_core", Level::WARN, status, reasons, "not healthy");
                }
            }
        }
    }
}
