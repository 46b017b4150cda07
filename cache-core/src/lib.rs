#![cfg_attr(docsrs, feature(doc_cfg))]
//! One attribute that caches any function, one byte-accounted LRU behind it.
//!
//! ```
//! use cache_core::{Cache, cached};
//!
//! #[cached(ttl = 10m, max_entries = 1000)]
//! fn squares(up_to: u64) -> Vec<u64> {
//!     (1..=up_to).map(|n| n * n).collect()
//! }
//!
//! squares(1000); // computed
//! squares(1000); // a hit
//! assert_eq!(squares::stats().hits, 1);
//! squares::invalidate(&1000);
//! squares(1000); // computed again
//! println!("{}", Cache::global().stats());
//! ```
//!
//! The words of the attribute are described at [`macro@cached`], the cache itself at [`Cache`],
//! what a value costs at [`HeapSize`], what tests can do at [`testing`].
//!
//! # Invalidation
//!
//! Readers name the events that they depend on, writers those that they cause:
//!
//! ```
//! use cache_core::{Event, cached, invalidates};
//!
//! #[derive(Event)]
//! struct Renamed {
//!     user: u64,
//! }
//!
//! #[cached(invalidate_on = [Renamed { user }])]
//! fn name(user: u64) -> String {
//!     format!("user {user}")
//! }
//!
//! #[invalidates(Renamed { user })]
//! fn rename(user: u64, new: &str) -> Result<(), String> {
//!     if new.is_empty() { Err("a name is not empty".to_owned()) } else { Ok(()) }
//! }
//!
//! name(7);
//! name(8);
//! rename(7, "Ada")?;
//! assert_eq!((name::peek(&7), name::peek(&8)), (None, Some("user 8".to_owned())));
//! # Ok::<(), String>(())
//! ```
//!
//! What is an event is described at [`Event`], how to say that one has happened at [`macro@invalidates`], [`emit`] and
//! [`Transaction`]. A cached function depends on the cached functions that it calls, see [`in_current_load`].
//! What only the body of a function knows of its result it says by [`current`].
//! [`Cache::audit`] finds what does not fit together.
//!
//! # The map of the crate
//!
//! A module uses only modules above it in this list.
//!
//! - `sync`, `clock`, `error`, `worker`, `timer`, `glob`: locks, time, errors, background work, waiting for a moment, patterns.
//!   `runtime`, `span`, `executor`, `background`: loads that run without their callers.
//! - [`key`]: arguments to canonical bytes. `instance`: which instantiation of a generic function. `event`, `events`: what results depend on. `sources`: what a load does.
//! - `size`: what a value costs. `epoch`: when memory may be given back.
//! - `serialize`: how statistics are written. `latency`: how long something takes. `stats`: counters, and `labels` by label. `curve`, `advice`,
//!   `health`: what they say. `budget`: limits. `verify`: whether stored results are right. `waits`: who waits for whom. `function`: what a site declares, and the registry.
//!   `audit`: what fits together.
//! - `entry`: a stored result. `outcome`: how a return type is stored. `table`: where it is found. `order`, or `ghosts` and `resistant`:
//!   when it goes. `ranking`: which of the two decides. `half`, `shadow`: what there would be with less and more room. `limbo`: until nobody reads it.
//! - `flight`: one computation per key. `loads`: those that run. `memory`: the tier in memory, made of these.
//! - `metrics`: what is counted, for those who export it. `observer`: who is told what happens. `config`: the settings. `outer`: what is known of slower tiers. `cache`: owns all of the above.
//! - `context`: what travels with a thread of control. `emit`: events happen. `spare`: what is served in need.
//!   `endpoint`: what requests are made to.
//! - `lead`, `call`: a cached call, hit and miss. `apart`: one whose load may run without it. `current`: what its body says. `batch`, `warm`: many calls.
//! - [`handle`]: the verbs of a function. `http`: layers for web services, and `admin`: endpoints and a dashboard, with the features of those names. [`testing`]: what tests can do.
//!
//! With the feature `tiers` there are also `time` and `task`, for what waits outside of the process,
//! `codec`: values to bytes, `backend`: where those go, and `tiers`: how a call comes by them.

#[cfg(feature = "admin")]
#[cfg_attr(docsrs, doc(cfg(feature = "admin")))]
pub mod admin;
mod advice;
mod apart;
mod audit;
#[cfg(feature = "tiers")]
pub mod backend;
mod background;
mod batch;
mod budget;
mod cache;
mod call;
mod clock;
#[cfg(feature = "tiers")]
pub mod codec;
mod config;
mod context;
mod current;
mod curve;
mod departures;
mod emit;
mod endpoint;
mod entry;
mod epoch;
mod error;
mod event;
mod events;
mod executor;
mod flight;
mod function;
mod ghosts;
mod glob;
mod half;
pub mod handle;
mod health;
#[cfg(feature = "http")]
#[cfg_attr(docsrs, doc(cfg(feature = "http")))]
pub mod http;
mod identity;
mod instance;
pub mod key;
mod labels;
mod latency;
mod lead;
mod lifetime;
mod limbo;
mod loads;
mod memory;
mod metrics;
mod observer;
#[cfg(feature = "opentelemetry")]
mod opentelemetry;
mod order;
mod outcome;
mod outer;
mod ranking;
mod recency;
mod resistant;
#[cfg(feature = "tokio")]
mod runtime;
#[cfg(not(feature = "tokio"))]
#[path = "no_runtime.rs"]
mod runtime;
mod serialize;
mod shadow;
mod size;
mod sources;
#[cfg(feature = "tracing")]
mod span;
#[cfg(not(feature = "tracing"))]
#[path = "no_span.rs"]
mod span;
mod spare;
mod stats;
mod sync;
mod table;
#[cfg(feature = "tiers")]
mod task;
pub mod testing;
#[cfg(feature = "tiers")]
mod tiers;
#[cfg(feature = "tiers")]
mod time;
mod timer;
mod usage;
mod verify;
mod waits;
mod warm;
mod worker;

#[cfg(feature = "macros")]
pub use cache_macros::{Event, HeapSize, cached, invalidates};

pub use advice::{Advice, Topic};
pub use audit::{Audit, Finding};
pub use cache::{Builder, Cache};
pub use config::{Backend, Config};
pub use context::{in_current_load, in_current_load_sync};
pub use current::{CurrentLoad, current};
pub use curve::{Curve, CurvePoint};
pub use emit::{Transaction, emit, emit_all, emit_soft};
pub use endpoint::Endpoint;
pub use entry::EntryInfo;
pub use error::{Error, TimedOut};
pub use event::{Event, EventPart};
pub use function::FunctionStats;
pub use health::{Health, Status};
pub use labels::LabelStats;
pub use latency::Latencies;
#[cfg(feature = "tracing")]
pub use observer::TracingObserver;
pub use observer::{Cause, Notice, Observer, Outcome};
pub use ranking::Eviction;
pub use size::{HeapSize, Seen};
pub use stats::{MissReasons, Stats, TierStats};
pub use warm::{Progress, Warm, WarmAsync};

/// What the expansion of the attribute names. Not part of the public interface: it changes without notice.
#[doc(hidden)]
pub mod __private {
    pub use std::boxed::Box;
    pub use std::future::Future;
    pub use std::iter::{IntoIterator, Iterator};
    pub use std::marker::Send;
    pub use std::option::Option;
    pub use std::primitive::{bool, str};
    pub use std::result::Result::Ok;
    pub use std::time::Duration;
    pub use std::vec::Vec;
    pub use std::{file, format_args, line, module_path};

    pub use inventory;

    pub use crate::apart::{FromTimeout, Lend, Patience, Take, Work};
    pub use crate::audit::{Emitter, EmitterRegistration};
    pub use crate::batch::Batch;
    pub use crate::call::{Apart, Call, Lookup, Miss, Site};
    pub use crate::context::recalled;
    pub use crate::emit::Transaction;
    pub use crate::event::{EventField, Family};
    pub use crate::function::{Addressed, Function, Registration, Tier, Tiers};
    pub use crate::instance::{Instance, Stow};
    pub use crate::key::KeyWriter;
    pub use crate::lead::{Found, Own as OwnBody, OwnedBody, Owning, Terms};
    pub use crate::outcome::{
        Compared, Plan, Planned, Returns, Whole, require_fallible, require_option, require_result,
    };
    pub use crate::outer::Stowed;
    pub use crate::size::{ByHeapSize, BySerialize, Seen, SizeOf, Unknown};
    pub use crate::warm::map;
    pub use crate::{
        __needs_runtime as needs_runtime, __own as own, __own_body as own_body,
        __register as register, __register_emitter as register_emitter,
    };

    /// A value that is never made, to tell the compiler a type.
    pub fn never<T>() -> T {
        unreachable!("the expansion names this behind `if false`")
    }

    /// Calls a body, which may give away what it has taken with it.
    #[inline]
    pub fn once<R>(body: impl FnOnce() -> R) -> R {
        body()
    }

    /// The traits by which method resolution answers questions about a return type. Their names and those of their
    /// methods are such that importing all of them gets in nobody's way.
    pub mod probes {
        pub use crate::lead::{CanLeave as __CacheCanLeave, CannotLeave as __CacheCannotLeave};
        pub use crate::outcome::{
            ComparedByBytes as __CacheComparedByBytes, NotCompared as __CacheNotCompared,
            PlanEstimated as __CachePlanEstimated, PlanExact as __CachePlanExact,
            PlanSharedEstimated as __CachePlanSharedEstimated, PlanSized as __CachePlanSized,
            PlanUnknown as __CachePlanUnknown, ViaPlain as __CacheViaPlain,
            ViaResult as __CacheViaResult,
        };
        pub use crate::outer::StayInMemory as __CacheStayInMemory;
    }

    /// A reference in search of the value that an expression over it was written for.
    #[derive(Debug)]
    pub struct Own<'a, T: ?Sized>(pub &'a T);

    /// Finds a copy of a value that can be cloned.
    pub trait OwnClone {
        /// The copy.
        type Found;
        /// The copy.
        fn __cache_own(&self) -> Self::Found;
    }

    impl<T: Clone> OwnClone for &Own<'_, T> {
        type Found = T;

        fn __cache_own(&self) -> T {
            self.0.clone()
        }
    }

    /// Finds the reference to any other value.
    pub trait OwnRef {
        /// The reference.
        type Found;
        /// The reference.
        fn __cache_own(&self) -> Self::Found;
    }

    impl<'a, T: ?Sized> OwnRef for Own<'a, T> {
        type Found = &'a T;

        fn __cache_own(&self) -> &'a T {
            self.0
        }
    }
}

/// A copy of what a reference points to, or the reference itself if it cannot be cloned.
#[doc(hidden)]
#[macro_export]
macro_rules! __own {
    ($reference:expr) => {{
        #[allow(unused_imports)]
        use $crate::__private::{OwnClone as _, OwnRef as _};
        (&&$crate::__private::Own($reference)).__cache_own()
    }};
}

/// Finds out whether a body can do without its caller.
#[doc(hidden)]
#[macro_export]
macro_rules! __own_body {
    ($body:ident) => {{
        use $crate::__private::probes::*;
        (&&$crate::__private::Owning::of(&$body)).__cache_own()
    }};
}

/// Loads of async functions that run without their callers may need the runtime that these have.
#[doc(hidden)]
#[macro_export]
#[cfg(feature = "tokio")]
macro_rules! __needs_runtime {
    () => {};
}

/// Loads of async functions that run without their callers may need the runtime that these have.
#[doc(hidden)]
#[macro_export]
#[cfg(not(feature = "tokio"))]
macro_rules! __needs_runtime {
    () => {
        compile_error!(
            "an async load that may run without its caller needs a runtime to run on: \
             enable the feature `tokio` of `cache-core`"
        );
    };
}

/// Makes a function that emits events known when the program is linked.
#[doc(hidden)]
#[macro_export]
macro_rules! __register_emitter {
    ($emitter:expr) => {
        $crate::__private::inventory::submit! {
            $crate::__private::EmitterRegistration($emitter)
        }
    };
}

/// Makes a function known when the program is linked.
#[doc(hidden)]
#[macro_export]
macro_rules! __register {
    ($function:expr) => {
        $crate::__private::inventory::submit! { $crate::__private::Registration($function) }
    };
}
