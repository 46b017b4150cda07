//! The runtime of who calls.

use std::future::Future;
use std::pin::Pin;

use tokio::runtime::Handle;

/// Leaves a future to tokio's runtime that polls the caller; gives it back if there is none.
pub(crate) fn spawn(
    future: Pin<Box<dyn Future<Output = ()> + Send>>,
) -> Option<Pin<Box<dyn Future<Output = ()> + Send>>> {
    match Handle::try_current() {
        Ok(runtime) => {
            drop(runtime.spawn(future));
            None
        }
        Err(_) => Some(future),
    }
}
