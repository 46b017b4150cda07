//! What the rest of the library knows of the slower tiers, whether they are compiled in or not.
//!
//! The feature `tiers` brings the one implementation of [`Outer`], in `tiers.rs`. Without it no cache has any.

use std::any::Any;
use std::pin::Pin;
use std::time::Duration;

use crate::entry::EntryRef;
use crate::event::Family;
use crate::events::{Change, Mark};
use crate::function::Function;
use crate::identity::KeyRef;
use crate::instance::Stow;
use crate::outcome::Kind;
use crate::stats::TierStats;
use crate::sync::Arc;

/// What stands behind the memory of a cache.
pub(crate) trait Outer: Send + Sync {
    /// Asks before the body runs. `None` for a call that the tiers have nothing to do with.
    fn ask(&self, key: KeyRef<'_>, question: Question) -> Option<Asking>;

    /// Removes the result of a call. Who asks after this finds nothing that was computed before.
    fn remove(&self, key: KeyRef<'_>);

    /// Removes the results of a function, or all.
    fn clear(&self, function: Option<&'static Function>);

    /// Outdates all results that depend on one of these, and tells other processes so.
    fn outdate(&self, marks: &[Mark], change: Change);

    /// What the result of a call depends on that other processes may change, if those are heard.
    fn shared(&self, key: KeyRef<'_>) -> Option<Family>;

    /// Notes which results were used most, so that they can be at hand when a program starts.
    fn note_uses(&self, used: &[(&'static Function, EntryRef)]);

    /// Waits until everything is written, and says whether it is.
    fn flush(&self, patience: Duration) -> bool;

    /// How each tier is doing.
    fn stats(&self) -> Vec<TierStats>;

    /// What does not work as it was set up.
    fn warnings(&self) -> Vec<String>;
}

/// Of so many results it is noted how often they were used.
pub(crate) const MOST_USED: usize = 4_096;

/// What the tiers are asked.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Question {
    /// For a result, which hears of the writes to the endpoint of the request that is answered, if of those to any.
    Result(Option<Family>),
    /// For none: there is to be another one.
    Anew,
}

/// A question that is on its way.
pub(crate) type Asking = Pin<Box<dyn Future<Output = Arc<dyn Errand>> + Send>>;

/// What a load has asked the tiers, and what it may leave there when it is done.
pub(crate) trait Errand: Send + Sync {
    /// What a tier had, if one had something.
    fn answer(&self) -> Option<&dyn Answer>;

    /// Has the tiers keep what was stored, in the background. What it depends on is told by `marks`; `left` is its
    /// lifetime. False if they will not.
    fn keep(self: Arc<Self>, entry: EntryRef, marks: Vec<Mark>, left: Option<Duration>) -> bool;
}

/// A result that a tier had.
pub(crate) trait Answer {
    /// Writes it into an `Option` of what the function returns, once.
    fn restore(&self, out: &mut dyn Any);

    /// For how long it may still be served.
    fn left(&self) -> Option<Duration>;

    /// Whether it depends on nothing but these.
    fn depends_only_on(&self, marks: &[Mark]) -> bool;
}

/// A kind of result in search of how it leaves the process.
pub struct Stowed<K>(pub K);

impl<K: Kind> Stowed<K> {
    /// Compiles for what can leave the process only.
    pub fn __cache_require_stow(&self)
    where
        K::Stored: CanStow,
    {
    }
}

/// No choice left: found for every type.
pub trait StayInMemory {
    /// Nothing.
    fn __cache_stow(&self) -> Option<&'static Stow>;
}

impl<K> StayInMemory for Stowed<K> {
    fn __cache_stow(&self) -> Option<&'static Stow> {
        None
    }
}

/// A value that can leave the process.
#[diagnostic::on_unimplemented(
    message = "results of type `{Self}` cannot leave the process",
    label = "`disk` and `redis` need `serde::Serialize` and `serde::Deserialize` here",
    note = "derive both for it, and switch the feature `tiers` of `cache_core` on"
)]
pub trait CanStow {}
