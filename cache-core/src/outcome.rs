//! How a return type is stored: decided by the type, not by how it is spelled.
//!
//! Of a `Result` the `Ok` value is stored, of an `Option` the `Some` value, of a `Result<Option<_>, _>` the inner value;
//! anything else is stored as it is. With `cache_err`, `cache_none` and their lifetimes the whole result is.
//!
//! The choice is made where the type is known, in the generated code, by method resolution:
//! `(&&&&Returns::<R>::NEW).__cache_kind()` finds the most special of four traits first, and sees through aliases.

use std::any::Any;
use std::marker::PhantomData;

use crate::entry::{AnyEntry, AnyValue, Draft, Entry};
use crate::size::{Measure, SizeOf};
use crate::sync::Arc;

/// What can be kept and handed out again and again.
#[diagnostic::on_unimplemented(
    message = "results of type `{Self}` cannot be cached",
    label = "this must be `Clone + Send + Sync + 'static`",
    note = "derive `Clone`, or return an `Arc` of it"
)]
pub trait Storable: Clone + Send + Sync + 'static {}

impl<T: Clone + Send + Sync + 'static> Storable for T {}

/// What a result is, by its type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// A value to keep.
    Value,
    /// The `Err` of a `Result`.
    Err,
    /// The `None` of an `Option`.
    None,
}

/// A way to store a return type.
pub trait Kind: Copy + Send + Sync + 'static {
    /// What the function returns.
    type Output: 'static;
    /// What is stored of it.
    type Stored: Storable;

    /// What a result is.
    fn verdict(out: &Self::Output) -> Verdict;
    /// What is stored of a result, if there is such a thing in it.
    fn stored(out: &Self::Output) -> Option<&Self::Stored>;
    /// The result that a stored value stands for.
    fn restore(stored: &Self::Stored) -> Self::Output;

    /// Where to find out what a stored value costs.
    fn __cache_size_of(self) -> SizeOf<Self::Stored> {
        SizeOf::new()
    }

    /// Where to find out whether a result can be shared.
    fn __cache_sharing(self) -> Sharing<Self::Output> {
        Sharing(PhantomData)
    }
}

/// A return type in search of its kind.
pub struct Returns<R>(PhantomData<fn() -> R>);

impl<R> Returns<R> {
    /// The only value.
    pub const NEW: Self = Self(PhantomData);
}

macro_rules! kinds {
    ($($(#[$doc:meta])* $kind:ident <$($param:ident),+> of $output:ty, stores $stored:ty, found by $via:ident on $probe:ty {
        verdict: $verdict:expr, stored: $get:expr, restore: $restore:expr
    })+) => {$(
        $(#[$doc])*
        pub struct $kind<$($param),+>(PhantomData<fn() -> ($($param,)+)>);

        impl<$($param),+> Clone for $kind<$($param),+> {
            fn clone(&self) -> Self {
                *self
            }
        }

        impl<$($param),+> Copy for $kind<$($param),+> {}

        impl<$($param: 'static),+> Kind for $kind<$($param),+>
        where
            $stored: Storable,
        {
            type Output = $output;
            type Stored = $stored;

            #[inline]
            fn verdict(out: &$output) -> Verdict {
                let verdict: fn(&$output) -> Verdict = $verdict;
                verdict(out)
            }

            #[inline]
            fn stored(out: &$output) -> Option<&$stored> {
                let get: fn(&$output) -> Option<&$stored> = $get;
                get(out)
            }

            #[inline]
            fn restore(stored: &$stored) -> $output {
                let restore: fn($stored) -> $output = $restore;
                restore(stored.clone())
            }
        }

        /// Finds the kind by method resolution.
        pub trait $via {
            /// The kind.
            type Found;
            /// The kind.
            fn __cache_kind(&self) -> Self::Found;
        }

        impl<$($param),+> $via for $probe {
            type Found = $kind<$($param),+>;

            fn __cache_kind(&self) -> Self::Found {
                $kind(PhantomData)
            }
        }
    )+};
}

kinds! {
    /// The `Some` in an `Ok` is stored.
    OfResultOption<T, E> of Result<Option<T>, E>, stores T, found by ViaResultOption on &&&Returns<Result<Option<T>, E>> {
        verdict: |out| match out {
            Ok(Some(_)) => Verdict::Value,
            Ok(None) => Verdict::None,
            Err(_) => Verdict::Err,
        },
        stored: |out| out.as_ref().ok()?.as_ref(),
        restore: |value| Ok(Some(value))
    }
    /// The `Ok` is stored.
    OfResult<T, E> of Result<T, E>, stores T, found by ViaResult on &&Returns<Result<T, E>> {
        verdict: |out| if out.is_ok() { Verdict::Value } else { Verdict::Err },
        stored: |out| out.as_ref().ok(),
        restore: |value| Ok(value)
    }
    /// The `Some` is stored.
    OfOption<T> of Option<T>, stores T, found by ViaOption on &Returns<Option<T>> {
        verdict: |out| if out.is_some() { Verdict::Value } else { Verdict::None },
        stored: |out| out.as_ref(),
        restore: |value| Some(value)
    }
    /// The result is stored as it is.
    Plain<T> of T, stores T, found by ViaPlain on Returns<T> {
        verdict: |_| Verdict::Value,
        stored: |out| Some(out),
        restore: |value| value
    }
}

/// The whole result is stored, whatever it is.
#[derive(Clone, Copy)]
pub struct Whole<K>(pub K);

impl<K: Kind<Output: Storable>> Kind for Whole<K> {
    type Output = K::Output;
    type Stored = K::Output;

    fn verdict(out: &K::Output) -> Verdict {
        K::verdict(out)
    }

    fn stored(out: &K::Output) -> Option<&K::Output> {
        Some(out)
    }

    fn restore(stored: &K::Output) -> K::Output {
        stored.clone()
    }
}

/// A result in search of whether it can be shared with the followers of a flight.
pub struct Sharing<R>(PhantomData<fn() -> R>);

/// How to share a result that is not stored.
pub struct Share<R> {
    pub(crate) pack: fn(&R) -> Arc<AnyValue>,
    pub(crate) unpack: fn(&AnyValue) -> Option<R>,
}

impl<R> Clone for Share<R> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<R> Copy for Share<R> {}

/// Finds a result that can be shared.
pub trait CanShare {
    /// The result.
    type Output;
    /// How to share it.
    fn __cache_share(&self) -> Option<Share<Self::Output>>;
}

impl<R: Storable> CanShare for &Sharing<R> {
    type Output = R;

    fn __cache_share(&self) -> Option<Share<R>> {
        Some(Share {
            pack: |out| Arc::new(out.clone()),
            unpack: |out| (out as &dyn Any).downcast_ref::<R>().cloned(),
        })
    }
}

/// Finds any other result.
pub trait CannotShare {
    /// The result.
    type Output;
    /// Nothing.
    fn __cache_share(&self) -> Option<Share<Self::Output>>;
}

impl<R> CannotShare for Sharing<R> {
    type Output = R;

    fn __cache_share(&self) -> Option<Share<R>> {
        None
    }
}

/// All that the library must know of a function's return type.
///
/// The types are gone: what is done with a result is behind function pointers, so that a function can name its plan
/// and make it once. Where a plan is inlined into a call the compiler sees through them.
pub struct Plan<R> {
    pub(crate) verdict: fn(&R) -> Verdict,
    pub(crate) restore: fn(&AnyValue) -> Option<R>,
    pub(crate) entry: fn(&R, Draft) -> Option<Arc<AnyEntry>>,
    pub(crate) share: Option<Share<R>>,
}

impl<R> Plan<R> {
    /// Puts the answers of method resolution together.
    #[inline]
    pub fn new<K: Kind<Output = R>, M: Measure<K::Stored>>(
        _: K,
        _: M,
        share: Option<Share<R>>,
    ) -> Self {
        Self {
            verdict: K::verdict,
            restore: |value| value.downcast_ref::<K::Stored>().map(K::restore),
            entry: |out, draft| {
                // What is stored is the copy, which has no spare capacity where the original may have had some.
                let value = K::stored(out)?.clone();
                let heap = draft.size.unwrap_or_else(|| M::heap_size(&value));
                Some(Arc::new(Entry::new(value, heap, draft)))
            },
            share,
        }
    }
}

impl<R> Clone for Plan<R> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<R> Copy for Plan<R> {}

/// A type of which `cache_err` makes sense.
#[diagnostic::on_unimplemented(
    message = "`cache_err` and `err_ttl` are for functions that return a `Result`",
    label = "this is not a `Result`"
)]
pub trait IsResult {}

impl<T, E> IsResult for Result<T, E> {}

/// A type of which `cache_none` makes sense.
#[diagnostic::on_unimplemented(
    message = "`cache_none` and `none_ttl` are for functions that return an `Option` or a `Result` of one",
    label = "this is not an `Option`"
)]
pub trait IsOption {}

impl<T> IsOption for Option<T> {}
impl<T, E> IsOption for Result<Option<T>, E> {}

/// Compiles for a `Result` only.
pub const fn require_result<R: IsResult>() {}

/// Compiles for an `Option` or a `Result` of one only.
pub const fn require_option<R: IsOption>() {}

#[cfg(test)]
#[expect(clippy::needless_borrow, reason = "as the generated code writes it, whatever the type")]
mod tests {
    use super::*;

    type Alias<T> = Result<T, String>;

    fn stored_of<K: Kind>(_: K) -> &'static str {
        std::any::type_name::<K::Stored>()
    }

    #[test]
    fn the_kind_is_found_by_type_and_through_aliases() {
        assert_eq!(stored_of((&&&&Returns::<Alias<u8>>::NEW).__cache_kind()), "u8");
        assert_eq!(stored_of((&&&&Returns::<std::io::Result<u16>>::NEW).__cache_kind()), "u16");
        assert_eq!(
            stored_of((&&&&Returns::<Result<Option<u32>, String>>::NEW).__cache_kind()),
            "u32"
        );
        assert_eq!(stored_of((&&&&Returns::<Option<u64>>::NEW).__cache_kind()), "u64");
        assert_eq!(stored_of((&&&&Returns::<i8>::NEW).__cache_kind()), "i8");
    }

    fn in_generic_code<T: Clone + Send + Sync + 'static>() -> &'static str {
        stored_of((&&&&Returns::<Option<T>>::NEW).__cache_kind())
    }

    #[test]
    fn the_kind_is_found_in_generic_code() {
        assert_eq!(in_generic_code::<u8>(), "u8");
    }

    #[test]
    fn an_error_that_is_not_clone_is_not_shared() {
        let kind = (&&&&Returns::<Result<u8, std::io::Error>>::NEW).__cache_kind();
        assert!((&&kind.__cache_sharing()).__cache_share().is_none());
        let kind = (&&&&Returns::<Result<u8, String>>::NEW).__cache_kind();
        assert!((&&kind.__cache_sharing()).__cache_share().is_some());
    }
}
