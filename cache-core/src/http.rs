//! Layers for web services: writes that drop what they change.
//!
//! They are tower layers, made for axum and good for any service over `http` requests.
//!
//! - [`EndpointLayer`] tells cached functions which endpoint they are called for, and turns each successful `POST`, `PUT`,
//!   `PATCH` and `DELETE` into the event of that name at its endpoint. So `invalidate_on = ["POST", "PUT"]` on what a
//!   `GET` handler returns is all that a handler says.
//!
//! ```
//! use axum::extract::{MatchedPath, Query};
//! use axum::{Router, routing::get};
//! use cache_core::cached;
//! use cache_core::http::EndpointLayer;
//!
//! #[cached(ttl = 10m, invalidate_on = ["POST", "PUT", "PATCH", "DELETE"])]
//! async fn notes(Query(page): Query<u32>) -> String {
//!     format!("page {page}, from the database")
//! }
//!
//! async fn add_note(note: String) {
//!     // …
//! }
//!
//! let app: Router = Router::new()
//!     .route("/notes", get(notes).post(add_note))
//!     .layer(EndpointLayer::new(|request| {
//!         request.extensions.get::<MatchedPath>().map(MatchedPath::as_str)
//!     }));
//! ```

mod endpoint;

pub use endpoint::{EndpointLayer, EndpointService};

use std::future::Future;
use std::pin::Pin;

/// The answer of a service, on the heap.
type Answer<R, E> = Pin<Box<dyn Future<Output = Result<R, E>> + Send>>;
