//! The handle of a function, by which what is cached of it is addressed: `area::stats()`, `area::invalidate(&2, &3)`.
//!
//! A function `fn area(width: u32, unit: &str) -> u64` comes with
//!
//! ```text
//! type area = Handle<…, u64, (Own<u32>, Ref<str>)>;
//! ```
//!
//! The verbs are written here once, for functions of up to twelve arguments, rather than generated for every function,
//! whose compile time they would double.
//!
//! A handle that this form has no words for is an enum with verbs of its own, which do the same: that of a generic
//! function or of a method; of a function with patterns for arguments, with `&mut`, `&'static` or `&dyn` ones, or with
//! lifetimes inside their types; and where `batch`, `key`, `label`, `cache_if`, `size` or the expression of a lifetime says
//! something about a call or its value.

use std::convert::Infallible;
use std::fmt;
use std::future::Future;
use std::marker::PhantomData;

use crate::call::Site;
use crate::function::{Addressed, Function};
use crate::key::KeyPart;
use crate::labels::LabelStats;
use crate::lead::Terms;
use crate::outcome::Plan;
use crate::stats::Stats;
use crate::warm::{Warm, WarmAsync, map};

/// What is cached of the function `F`, which returns `R` and takes the arguments `A`, of which `K` are in the key.
///
/// ```
/// use cache_core::cached;
///
/// #[cached(skip(verbose))]
/// fn area(width: u32, unit: &str, verbose: bool) -> u32 {
///     if verbose {
///         println!("computing in {unit}");
///     }
///     width * width
/// }
///
/// assert_eq!(area(2, "mm", true), 4);
/// assert_eq!(area::peek(&2, "mm"), Some(4));
/// assert_eq!(area::refresh(2, "mm", false), 4);
/// assert_eq!(area::warm([(3, "mm", false), (4, "mm", false)]).run(), 2);
/// assert!(area::invalidate(&3, "mm"));
/// assert_eq!(area::stats().entries, 2);
/// ```
pub struct Handle<F, R, A, K = A>(Infallible, Types<(F, R, A, K)>);

/// What is cached of the async function `F`, which returns `R` and takes the arguments `A`, of which `K` are in the key.
pub struct AsyncHandle<F, R, A, K = A>(Infallible, Types<(F, R, A, K)>);

/// An argument that the function takes by value. A verb that only needs its key takes it by reference.
#[derive(Debug)]
pub struct Own<T>(Infallible, Types<T>);

/// An argument that the function takes by reference, as every verb does.
#[derive(Debug)]
pub struct Ref<T: ?Sized>(Infallible, Types<Box<T>>);

/// Names types and holds nothing of them.
type Types<T> = PhantomData<fn() -> T>;

/// An argument of a function.
pub trait Param {
    /// What becomes a part of the key.
    type Key: ?Sized;
    /// What the function takes.
    type Of<'a>;

    /// What of it becomes a part of the key.
    #[doc(hidden)]
    fn key<'k>(of: &'k Self::Of<'_>) -> &'k Self::Key;
}

impl<T: 'static> Param for Own<T> {
    type Key = T;
    type Of<'a> = T;

    fn key(of: &T) -> &T {
        of
    }
}

impl<T: ?Sized + 'static> Param for Ref<T> {
    type Key = T;
    type Of<'a> = &'a T;

    fn key<'k>(of: &'k &T) -> &'k T {
        of
    }
}

/// All arguments of a function.
pub trait Params {
    /// What the function takes, in a tuple.
    type Of<'a>;
}

/// A function that has a [`Handle`].
#[doc(hidden)]
pub trait Declared<A: Params, R: 'static> {
    /// Where it stands, and how its results are stored.
    fn declaration() -> Declaration<R>;
    /// Calls it.
    fn call(args: A::Of<'_>) -> R;
}

/// A function that has an [`AsyncHandle`].
#[doc(hidden)]
pub trait DeclaredAsync<A: Params, R: 'static> {
    /// Where it stands, and how its results are stored.
    fn declaration() -> Declaration<R>;
    /// Calls it.
    fn call(args: A::Of<'_>) -> impl Future<Output = R>;
}

/// What a function says of itself.
#[doc(hidden)]
pub struct Declaration<R: 'static> {
    /// Where it stands.
    pub site: Site,
    /// How its results are stored.
    pub plan: Plan<R>,
}

impl<R> Declaration<R> {
    /// What a function that is not generic says of itself.
    #[inline]
    pub fn new(function: &'static Function, plan: Plan<R>) -> Self {
        Self { site: Site::of(function), plan }
    }
}

/// The verbs for functions of some number of arguments.
macro_rules! verbs {
    ($($A:ident $a:ident),*) => {
        impl<$($A: Param),*> Params for ($($A,)*) {
            type Of<'a> = ($($A::Of<'a>,)*);
        }

        addressing!(Handle, Declared, $($A $a),*);
        addressing!(AsyncHandle, DeclaredAsync, $($A $a),*);

        #[allow(clippy::too_many_arguments, clippy::extra_unused_lifetimes)]
        impl<F: Declared<($($A,)*), R>, R: 'static, K, $($A: Param),*> Handle<F, R, ($($A,)*), K> {
            /// Calls the function and replaces what is stored.
            pub fn refresh<'a>($($a: $A::Of<'a>),*) -> R {
                let _forced = F::declaration().site.refresh();
                F::call(($($a,)*))
            }

            /// Calls the function and leaves what is stored alone.
            pub fn uncached<'a>($($a: $A::Of<'a>),*) -> R {
                let _forced = F::declaration().site.uncached();
                F::call(($($a,)*))
            }

            /// Calls the function once for each tuple of arguments.
            pub fn warm<'w, 'a, Calls>(calls: Calls) -> Warm<'w, Calls::IntoIter>
            where
                Calls: IntoIterator<Item = ($($A::Of<'a>,)*), IntoIter: Send>,
            {
                Warm::new(calls, |args| drop(F::call(args)))
            }
        }

        #[allow(clippy::too_many_arguments, clippy::extra_unused_lifetimes)]
        impl<F: DeclaredAsync<($($A,)*), R>, R: 'static, K, $($A: Param),*> AsyncHandle<F, R, ($($A,)*), K> {
            /// Calls the function and replaces what is stored.
            pub fn refresh<'a>($($a: $A::Of<'a>),*) -> impl Future<Output = R> {
                F::declaration().site.refresh_async(F::call(($($a,)*)))
            }

            /// Calls the function and leaves what is stored alone.
            pub fn uncached<'a>($($a: $A::Of<'a>),*) -> impl Future<Output = R> {
                F::declaration().site.uncached_async(F::call(($($a,)*)))
            }

            /// Calls the function once for each tuple of arguments.
            pub fn warm<'w, 'a, Calls>(
                calls: Calls,
            ) -> WarmAsync<'w, impl Iterator<Item = impl Future<Output = ()>>>
            where
                Calls: IntoIterator<Item = ($($A::Of<'a>,)*), IntoIter: Send>,
            {
                WarmAsync::new(map(calls, |args| discard(F::call(args))))
            }
        }
    };
}

/// The verbs for the entry of a call, named by what is in its key.
macro_rules! addressing {
    ($Handle:ident, $Declared:ident, $($A:ident $a:ident),*) => {
        #[allow(clippy::too_many_arguments, unused_mut)]
        impl<F, R: 'static, X: Params, $($A: Param<Key: KeyPart>),*> $Handle<F, R, X, ($($A,)*)>
        where
            F: $Declared<X, R>,
        {
            /// Has the entry of this call expire now; true if it was fresh.
            ///
            /// A function with `stale` serves it a while longer, in need or while it is reloaded.
            pub fn expire($($a: &$A::Key),*) -> bool {
                let mut call = F::declaration().site.call();
                $(call.arg($a);)*
                call.expire()
            }

            /// Drops the entry of this call; true if there was one.
            pub fn invalidate($($a: &$A::Key),*) -> bool {
                let mut call = F::declaration().site.call();
                $(call.arg($a);)*
                call.invalidate()
            }

            /// What is stored for this call; never runs the body.
            pub fn peek($($a: &$A::Key),*) -> Option<R> {
                let Declaration { site, plan } = F::declaration();
                let mut call = site.call();
                $(call.arg($a);)*
                call.peek(plan)
            }

            /// Stores a result for this call; true if it is stored now.
            pub fn put($($a: $A::Of<'_>,)* value: R) -> bool {
                let Declaration { site, plan } = F::declaration();
                let mut call = site.call();
                $(call.arg($A::key(&$a));)*
                call.put(plan, &value, Terms::new())
            }
        }
    };
}

/// A call of which only that it was made matters.
async fn discard(call: impl Future) {
    call.await;
}

/// The verbs for all entries.
macro_rules! handles {
    ($($Handle:ident of $Declared:ident),*) => {$(
        impl<F: $Declared<A, R>, R: 'static, A: Params, K> $Handle<F, R, A, K> {
            /// What happened so far.
            #[must_use]
            pub fn stats() -> Stats {
                F::declaration().site.stats()
            }

            /// What happened so far by label, the one with the most hits first; nothing for a function without `label`.
            #[must_use]
            pub fn labels() -> Vec<LabelStats> {
                F::declaration().site.labels()
            }

            /// Drops every entry.
            pub fn clear() {
                F::declaration().site.clear();
            }
        }

        impl<F: $Declared<A, R>, R: 'static, A: Params, K> Addressed for $Handle<F, R, A, K> {
            fn function() -> &'static Function {
                F::declaration().site.function()
            }
        }

        impl<F, R, A, K> fmt::Debug for $Handle<F, R, A, K> {
            fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self.0 {}
            }
        }
    )*};
}

handles!(Handle of Declared, AsyncHandle of DeclaredAsync);

verbs!();
verbs!(A a);
verbs!(A a, B b);
verbs!(A a, B b, C c);
verbs!(A a, B b, C c, D d);
verbs!(A a, B b, C c, D d, E e);
verbs!(A a, B b, C c, D d, E e, G g);
verbs!(A a, B b, C c, D d, E e, G g, H h);
verbs!(A a, B b, C c, D d, E e, G g, H h, I i);
verbs!(A a, B b, C c, D d, E e, G g, H h, I i, J j);
verbs!(A a, B b, C c, D d, E e, G g, H h, I i, J j, L l);
verbs!(A a, B b, C c, D d, E e, G g, H h, I i, J j, L l, M m);
verbs!(A a, B b, C c, D d, E e, G g, H h, I i, J j, L l, M m, N n);
