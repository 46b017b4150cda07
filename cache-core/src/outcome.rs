//! How a return type is stored: decided by the type, not by how it is spelled.
//!
//! Of a `Result` the `Ok` value is stored, of an `Option` the `Some` value, of a `Result<Option<_>, _>` the inner value;
//! anything else is stored as it is. With `cache_err`, `cache_none` and their lifetimes the whole result is.
//!
//! The choice is made where the type is known, in the generated code, by method resolution, which sees through aliases:
//! `(&Planned(Returns::<R>::NEW.__cache_kind())).__cache_plan()`. The compiler tries a type's own methods before those of
//! traits, and what takes the receiver as it is before what takes a reference to it. So what is common is found at once:
//! looking further costs compile time, in every annotated function.

use std::any::Any;
use std::marker::PhantomData;

use serde::Serialize;

use crate::entry::{AnyValue, Draft, Entry, EntryRef};
use crate::key;
use crate::size::{Estimated, Exact, Given, HeapSize, Measure};
use crate::sync::Arc;

/// What can be kept and handed out again and again.
#[diagnostic::on_unimplemented(
    message = "results of type `{Self}` cannot be cached",
    label = "this must be `Clone + Send + Sync + 'static`",
    note = "derive `Clone`, or return an `Arc` of it"
)]
pub trait Storable: Clone + Send + Sync + 'static {}

// Without this the compiler would report the missing `Clone` and its advice instead of ours.
#[diagnostic::do_not_recommend]
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
pub trait Kind: Copy {
    /// What the function returns.
    type Output;
    /// What is stored of it.
    type Stored;

    /// What a result is.
    fn verdict(out: &Self::Output) -> Verdict;
    /// What is stored of a result, if there is such a thing in it.
    fn stored(out: &Self::Output) -> Option<&Self::Stored>;
    /// The result that a stored value stands for.
    fn restore(stored: Self::Stored) -> Self::Output;

    /// Tells whether two stored values are the same, if that can be told.
    const ARE_SAME: Option<AreSame<Self::Stored>> = None;
}

/// A return type in search of its kind.
pub struct Returns<R>(PhantomData<fn() -> R>);

impl<R> Returns<R> {
    /// The only value.
    pub const NEW: Self = Self(PhantomData);

    /// The only value, for the type of a result.
    pub fn of(_: &R) -> Self {
        Self::NEW
    }
}

macro_rules! kinds {
    ($($(#[$doc:meta])* $kind:ident <$($param:ident),+> of $output:ty, stores $stored:ty {
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

        impl<$($param),+> Kind for $kind<$($param),+> {
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
            fn restore(stored: $stored) -> $output {
                let restore: fn($stored) -> $output = $restore;
                restore(stored)
            }
        }
    )+};
}

kinds! {
    /// The `Some` in an `Ok` is stored.
    OfResultOption<T, E> of Result<Option<T>, E>, stores T {
        verdict: |out| match out {
            Ok(Some(_)) => Verdict::Value,
            Ok(None) => Verdict::None,
            Err(_) => Verdict::Err,
        },
        stored: |out| out.as_ref().ok()?.as_ref(),
        restore: |value| Ok(Some(value))
    }
    /// The `Ok` is stored.
    OfResult<T, E> of Result<T, E>, stores T {
        verdict: |out| if out.is_ok() { Verdict::Value } else { Verdict::Err },
        stored: |out| out.as_ref().ok(),
        restore: |value| Ok(value)
    }
    /// The `Some` is stored.
    OfOption<T> of Option<T>, stores T {
        verdict: |out| if out.is_some() { Verdict::Value } else { Verdict::None },
        stored: |out| out.as_ref(),
        restore: |value| Some(value)
    }
    /// The result is stored as it is.
    Plain<T> of T, stores T {
        verdict: |_| Verdict::Value,
        stored: |out| Some(out),
        restore: |value| value
    }
}

impl<T, E> Returns<Result<Option<T>, E>> {
    /// First choice.
    pub fn __cache_kind(self) -> OfResultOption<T, E> {
        OfResultOption(PhantomData)
    }
}

impl<T> Returns<Option<T>> {
    /// First choice, too.
    pub fn __cache_kind(self) -> OfOption<T> {
        OfOption(PhantomData)
    }
}

/// Second choice: any other `Result`.
pub trait ViaResult {
    /// The kind.
    type Found;
    /// The kind.
    fn __cache_kind(self) -> Self::Found;
}

impl<T, E> ViaResult for Returns<Result<T, E>> {
    type Found = OfResult<T, E>;

    fn __cache_kind(self) -> OfResult<T, E> {
        OfResult(PhantomData)
    }
}

/// No choice left: found for every type.
pub trait ViaPlain {
    /// The kind.
    type Found;
    /// The kind.
    fn __cache_kind(&self) -> Self::Found;
}

impl<T> ViaPlain for Returns<T> {
    type Found = Plain<T>;

    fn __cache_kind(&self) -> Plain<T> {
        Plain(PhantomData)
    }
}

/// The whole result is stored, whatever it is.
#[derive(Clone, Copy)]
pub struct Whole<K>(pub K);

impl<K: Kind> Kind for Whole<K> {
    type Output = K::Output;
    type Stored = K::Output;

    fn verdict(out: &K::Output) -> Verdict {
        K::verdict(out)
    }

    fn stored(out: &K::Output) -> Option<&K::Output> {
        Some(out)
    }

    fn restore(stored: K::Output) -> K::Output {
        stored
    }
}

/// Tells whether two values are the same.
pub(crate) type AreSame<T> = fn(&T, &T) -> bool;

/// A way to tell whether two values are the same.
pub trait Compare<T> {
    /// Whether they are.
    fn are_same(one: &T, other: &T) -> bool;
}

/// By `PartialEq`.
pub struct ByEq;

impl<T: PartialEq> Compare<T> for ByEq {
    #[expect(clippy::eq_op, reason = "a float that is no number differs from itself")]
    fn are_same(one: &T, other: &T) -> bool {
        // Of a value that does not even equal itself nothing can be said.
        one == other || one != one
    }
}

/// By what they serialize to, whatever the order of maps.
pub struct ByBytes;

impl<T: Serialize> Compare<T> for ByBytes {
    fn are_same(one: &T, other: &T) -> bool {
        let bytes = key::bytes_of(one).zip(key::bytes_of(other));
        bytes.is_none_or(|(one, other)| one == other)
    }
}

/// A kind whose stored values can be compared.
pub struct Comparable<K, C>(K, PhantomData<fn() -> C>);

impl<K: Copy, C> Clone for Comparable<K, C> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<K: Copy, C> Copy for Comparable<K, C> {}

impl<K: Kind, C: Compare<K::Stored>> Kind for Comparable<K, C> {
    type Output = K::Output;
    type Stored = K::Stored;

    #[inline]
    fn verdict(out: &K::Output) -> Verdict {
        K::verdict(out)
    }

    #[inline]
    fn stored(out: &K::Output) -> Option<&K::Stored> {
        K::stored(out)
    }

    #[inline]
    fn restore(stored: K::Stored) -> K::Output {
        K::restore(stored)
    }

    const ARE_SAME: Option<AreSame<K::Stored>> = Some(C::are_same);
}

/// A kind in search of how its stored values are compared.
#[derive(Clone, Copy)]
pub struct Compared<K>(pub K);

impl<K: Kind<Stored: PartialEq>> Compared<K> {
    /// First choice: they say it themselves.
    #[inline]
    pub fn __cache_compared(&self) -> Comparable<K, ByEq> {
        Comparable(self.0, PhantomData)
    }
}

/// Second choice: they can be serialized.
pub trait ComparedByBytes {
    /// The kind.
    type Found;
    /// The kind.
    fn __cache_compared(&self) -> Self::Found;
}

impl<K: Kind<Stored: Serialize>> ComparedByBytes for &Compared<K> {
    type Found = Comparable<K, ByBytes>;

    #[inline]
    fn __cache_compared(&self) -> Comparable<K, ByBytes> {
        Comparable(self.0, PhantomData)
    }
}

/// No choice left: found for every kind.
pub trait NotCompared {
    /// The kind.
    type Found;
    /// The kind.
    fn __cache_compared(self) -> Self::Found;
}

impl<K: Kind> NotCompared for Compared<K> {
    type Found = K;

    #[inline]
    fn __cache_compared(self) -> K {
        self.0
    }
}

/// How to share a result that is not stored with the followers of a flight.
pub(crate) struct Share<R> {
    pub(crate) pack: fn(&R) -> Arc<AnyValue>,
    pub(crate) unpack: fn(&AnyValue) -> Option<R>,
}

impl<R: Storable> Share<R> {
    const NEW: Self = Self {
        pack: |out| Arc::new(out.clone()),
        unpack: |out| (out as &dyn Any).downcast_ref::<R>().cloned(),
    };
}

impl<R> Clone for Share<R> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<R> Copy for Share<R> {}

/// All that the library must know of a function's return type.
///
/// The types are gone: what is done with a result is behind function pointers, so that a function can name its plan
/// and make it once. Where a plan is inlined into a call the compiler sees through them.
pub struct Plan<R: 'static>(&'static Steps<R>);

/// What is done with the results of a function.
struct Steps<R> {
    verdict: fn(&R) -> Verdict,
    restore: fn(Entry<'_>) -> Option<R>,
    entry: fn(&R, Draft<'_>) -> Option<EntryRef>,
    share: Option<Share<R>>,
    are_same: Option<fn(Entry<'_>, Entry<'_>) -> bool>,
}

impl<R> Plan<R> {
    #[inline]
    fn new<K, M, S>() -> Self
    where
        K: Kind<Output = R, Stored: Storable>,
        M: Measure<K::Stored>,
        S: Shares<R>,
    {
        Self(
            const {
                &Steps {
                    verdict: K::verdict,
                    restore: |entry| entry.value::<K::Stored>().cloned().map(K::restore),
                    entry: |out, draft| {
                        // What is stored is the copy, which has no spare capacity where the original may have had some.
                        let value = K::stored(out)?.clone();
                        let heap = draft.size.unwrap_or_else(|| M::heap_size(&value));
                        Some(EntryRef::new(value, heap, draft))
                    },
                    share: S::SHARE,
                    are_same: match K::ARE_SAME {
                        None => None,
                        Some(_) => Some(|one, other| {
                            let values = one.value().zip(other.value());
                            let compare = K::ARE_SAME.zip(values);
                            compare.is_none_or(|(are_same, (one, other))| are_same(one, other))
                        }),
                    },
                }
            },
        )
    }

    /// What a result is.
    pub(crate) fn verdict(self, out: &R) -> Verdict {
        (self.0.verdict)(out)
    }

    /// The result that an entry holds, if it is of this plan.
    #[inline]
    pub(crate) fn restore(self, entry: Entry<'_>) -> Option<R> {
        (self.0.restore)(entry)
    }

    /// The entry of a result, if there is something in it to be stored.
    pub(crate) fn entry(self, out: &R, draft: Draft<'_>) -> Option<EntryRef> {
        (self.0.entry)(out, draft)
    }

    /// Tells whether two entries hold the same, if that can be told.
    pub(crate) fn are_same(self) -> Option<fn(Entry<'_>, Entry<'_>) -> bool> {
        self.0.are_same
    }

    /// How to share a result that is not stored, if that can be done.
    pub(crate) fn share(self) -> Option<Share<R>> {
        self.0.share
    }
}

impl<R> Clone for Plan<R> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<R> Copy for Plan<R> {}

/// Whether results can be shared.
trait Shares<R> {
    const SHARE: Option<Share<R>>;
}

/// They are cloned.
struct Cloned;

impl<R: Storable> Shares<R> for Cloned {
    const SHARE: Option<Share<R>> = Some(Share::NEW);
}

/// They cannot be.
struct Unshared;

impl<R> Shares<R> for Unshared {
    const SHARE: Option<Share<R>> = None;
}

/// A kind in search of its plan.
pub struct Planned<K>(pub K);

impl<K> Planned<K>
where
    K: Kind<Stored: Storable + HeapSize, Output: Storable>,
{
    /// First choice: the type says what it costs, and the result can be shared.
    #[inline]
    pub fn __cache_plan(&self) -> Plan<K::Output> {
        Plan::new::<K, Exact, Cloned>()
    }
}

impl<K> Planned<K>
where
    K: Kind<Stored: Storable, Output: Storable>,
{
    /// First choice where the attribute says what a value costs: the result can be shared.
    #[inline]
    pub fn __cache_sized_plan(&self) -> Plan<K::Output> {
        Plan::new::<K, Given, Cloned>()
    }
}

// One more choice. What every choice needs is asked for where the method is called, so that it is missed only once.
macro_rules! plans {
    ($($(#[$doc:meta])* $via:ident for $planned:ty, $method:ident($this:ty),
        if { $($found:tt)* } needs { $($needs:tt)* }, $measure:ty, $share:ty;)+) => {$(
        $(#[$doc])*
        pub trait $via<K: Kind> {
            /// The plan.
            fn $method(self: $this) -> Plan<K::Output>
            where
                K::Stored: $($needs)*;
        }

        impl<K: Kind<$($found)*>> $via<K> for $planned {
            #[inline]
            fn $method(self: $this) -> Plan<K::Output>
            where
                K::Stored: $($needs)*,
            {
                Plan::new::<K, $measure, $share>()
            }
        }
    )+};
}

plans! {
    /// Second choice: the type says what it costs.
    PlanExact for Planned<K>, __cache_plan(&Self),
        if { Stored: HeapSize } needs { Storable }, Exact, Unshared;
    /// Third choice: what the value serializes says roughly what it costs, and the result can be shared.
    PlanSharedEstimated for &Planned<K>, __cache_plan(&Self),
        if { Stored: Serialize, Output: Storable } needs { Storable }, Estimated, Cloned;
    /// Fourth choice: what the value serializes says roughly what it costs.
    PlanEstimated for &Planned<K>, __cache_plan(&mut Self),
        if { Stored: Serialize } needs { Storable }, Estimated, Unshared;
    /// No choice left: found for every type, and refused with the message of [`HeapSize`].
    PlanUnknown for Planned<K>, __cache_plan(Self),
        if {} needs { Storable + HeapSize }, Exact, Unshared;
    /// Second choice where the attribute says what a value costs.
    PlanSized for Planned<K>, __cache_sized_plan(&Self),
        if {} needs { Storable }, Given, Unshared;
}

/// A type of which `on_err` makes sense.
#[diagnostic::on_unimplemented(
    message = "`on_err = stale` is for functions that return a `Result`",
    label = "this is not a `Result`"
)]
pub trait IsFallible {}

impl<T, E> IsFallible for Result<T, E> {}

/// Compiles for a `Result` only.
pub const fn require_fallible<R: IsFallible>() {}

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
        assert_eq!(stored_of(Returns::<Alias<u8>>::NEW.__cache_kind()), "u8");
        assert_eq!(stored_of(Returns::<std::io::Result<u16>>::NEW.__cache_kind()), "u16");
        assert_eq!(stored_of(Returns::<Result<Option<u32>, String>>::NEW.__cache_kind()), "u32");
        assert_eq!(stored_of(Returns::<Option<u64>>::NEW.__cache_kind()), "u64");
        assert_eq!(stored_of(Returns::<i8>::NEW.__cache_kind()), "i8");
    }

    fn in_generic_code<T: Clone + Send + Sync + 'static>() -> &'static str {
        stored_of(Returns::<Option<T>>::NEW.__cache_kind())
    }

    #[test]
    fn the_kind_is_found_in_generic_code() {
        assert_eq!(in_generic_code::<u8>(), "u8");
    }

    #[test]
    fn an_error_that_is_not_clone_is_not_shared() {
        let kind = Returns::<Result<u8, std::io::Error>>::NEW.__cache_kind();
        assert!((&Planned(kind)).__cache_plan().share().is_none());
        assert!((&Planned(kind)).__cache_sized_plan().share().is_none());
        let kind = Returns::<Result<u8, String>>::NEW.__cache_kind();
        assert!((&Planned(kind)).__cache_plan().share().is_some());
        assert!((&Planned(kind)).__cache_sized_plan().share().is_some());
    }

    #[derive(Clone, Serialize)]
    struct Estimate(u8);

    #[test]
    fn values_are_compared_by_equality_by_their_bytes_or_not_at_all() {
        struct Opaque;

        fn can_compare<K: Kind>(_: K) -> bool {
            K::ARE_SAME.is_some()
        }

        let by_eq: Comparable<_, ByEq> =
            (&Compared(Returns::<u8>::NEW.__cache_kind())).__cache_compared();
        let by_bytes: Comparable<_, ByBytes> =
            (&Compared(Returns::<Estimate>::NEW.__cache_kind())).__cache_compared();
        let neither = (&Compared(Returns::<Opaque>::NEW.__cache_kind())).__cache_compared();
        assert!(can_compare(by_eq) && can_compare(by_bytes) && !can_compare(neither));
    }

    #[test]
    fn a_value_that_differs_from_itself_is_not_said_to_differ() {
        assert!(ByEq::are_same(&f64::NAN, &f64::NAN) && ByBytes::are_same(&f64::NAN, &f64::NAN));
        assert!(!ByEq::are_same(&1.0, &2.0) && !ByBytes::are_same(&1.0, &2.0));
    }

    #[test]
    fn a_type_that_only_serializes_is_estimated() {
        let kind = Returns::<Result<Estimate, std::io::Error>>::NEW.__cache_kind();
        assert!((&Planned(kind)).__cache_plan().share().is_none());
        let kind = Returns::<Option<Estimate>>::NEW.__cache_kind();
        assert!((&Planned(kind)).__cache_plan().share().is_some());
    }
}
