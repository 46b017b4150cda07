//! Layers for web services: writes that drop what they change, and responses that are kept.
//!
//! They are tower layers, made for axum and good for any service over `http` requests.
//!
//! - [`EndpointLayer`] tells cached functions which endpoint they are called for, and turns each successful `POST`, `PUT`,
//!   `PATCH` and `DELETE` into the event of that name at its endpoint. So `invalidate_on = ["POST", "PUT"]` on what a
//!   `GET` handler returns is all that a handler says.
//! - [`ResponseLayer`] keeps whole responses, of handlers that are not functions of their arguments. It goes inside of an
//!   [`EndpointLayer`], which drops what a write has changed.
//!
//! ```
//! use axum::extract::{MatchedPath, Query};
//! use axum::{Router, routing::get};
//! use cache_core::cached;
//! use cache_core::http::{EndpointLayer, ResponseLayer};
//! use std::collections::BTreeMap;
//! use std::time::Duration;
//!
//! #[cached(ttl = 10m, invalidate_on = ["POST", "PUT", "PATCH", "DELETE"])]
//! async fn notes(Query(search): Query<BTreeMap<String, String>>) -> String {
//!     format!("{search:?}, from the database")
//! }
//!
//! async fn add_note(note: String) {
//!     // …
//! }
//!
//! async fn front_page() -> ([(&'static str, &'static str); 1], String) {
//!     ([("content-type", "text/html")], "<h1>Notes</h1>".to_owned())
//! }
//!
//! let pages = ResponseLayer::new("pages").ttl(Duration::from_secs(60));
//! let app: Router = Router::new()
//!     .route("/", get(front_page).layer(pages))
//!     .route("/notes", get(notes).post(add_note))
//!     .layer(EndpointLayer::new(|request| {
//!         request.extensions.get::<MatchedPath>().map(MatchedPath::as_str)
//!     }));
//! ```
//!
//! Layers that are added later stand around those that were added before. What authenticates goes around these two, and
//! so does what compresses or cuts requests off, such as `CompressionLayer` and `TimeoutLayer`.

mod body;
mod endpoint;
mod policy;
mod response;

pub use body::ResponseBody;
pub use endpoint::{EndpointLayer, EndpointService};
pub use policy::is_storable;
pub use response::{ResponseLayer, ResponseService};

use std::future::Future;
use std::pin::Pin;

/// The answer of a service, on the heap.
type Answer<R, E> = Pin<Box<dyn Future<Output = Result<R, E>> + Send>>;
