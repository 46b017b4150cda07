//! No runtime is known.

use std::future::Future;
use std::pin::Pin;

/// Gives the future back.
pub(crate) fn spawn(
    future: Pin<Box<dyn Future<Output = ()> + Send>>,
) -> Option<Pin<Box<dyn Future<Output = ()> + Send>>> {
    Some(future)
}
