//! The span of who calls.

use std::future::Future;

use tracing::Instrument;

/// Does some work in the span of who calls, whoever polls it.
pub(crate) fn carry<F: Future>(work: F) -> impl Future<Output = F::Output> {
    work.in_current_span()
}
