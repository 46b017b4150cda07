//! What can be emitted: types that derive [`Event`], texts, and tuples of plain values.
//!
//! Two events are the same when their families and their canonical bytes are. A derived type is a family of its own, so
//! events of two types are never the same, whatever they hold. Texts and tuples are one family, of *names*.

use std::any::{TypeId, type_name};
use std::borrow::Cow;
use std::hash::{BuildHasher, Hash, Hasher};
use std::rc::Rc;

use foldhash::fast::FixedState;
use serde::Serialize;

use crate::key::KeyWriter;
use crate::sync::Arc;

/// Something that happened, and that results depend on.
///
/// ```
/// use cache_core::{Event, cached, emit};
///
/// #[derive(Event)]
/// struct PriceChanged {
///     article: u64,
/// }
///
/// #[cached(invalidate_on = [PriceChanged { article }])]
/// fn label(article: u64) -> String {
///     format!("article {article}")
/// }
///
/// label(7);
/// label(8);
/// emit(PriceChanged { article: 7 });
/// assert_eq!((label::peek(&7), label::peek(&8)), (None, Some("article 8".to_owned())));
/// ```
///
/// It is derived for structs and enums, generic ones among them, whose fields are `serde::Serialize`. Equal values are
/// one event: what serde does not show, such as a field marked `#[serde(skip)]` inside a field, tells no events apart.
///
/// A text is an event as well, and so is a tuple of up to eight numbers, texts, `bool`s and `char`s: `"POST"`,
/// `("user", id)`. In a tuple a number is what it counts, whatever its type: `("user", 7_u64)` is `("user", 7)`.
/// The names of HTTP methods that write, `"POST"` and `("POST", user)`, mean more while a request is answered: see
/// [`Endpoint`](crate::Endpoint).
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an event",
    label = "this is not an event",
    note = "write `#[derive(Event)]` on a struct or an enum of yours, a text like `\"POST\"`, or a tuple like `(\"user\", id)`"
)]
pub trait Event {
    /// What all events of the type are called, where they have a name in common.
    #[doc(hidden)]
    const TITLE: Option<&'static str>;

    /// What tells events of this type from all others.
    #[doc(hidden)]
    fn family() -> Family;

    /// What this event is called where it is listed.
    #[doc(hidden)]
    fn title(&self) -> Cow<'static, str> {
        Cow::Borrowed(Self::TITLE.unwrap_or_default())
    }

    /// The HTTP method that it names, if it is the name of a write: `"POST"` or `("POST", user)`.
    #[doc(hidden)]
    fn method(&self) -> Option<Method> {
        None
    }

    /// Appends what tells this event from others of its family.
    #[doc(hidden)]
    fn write_to(&self, key: &mut KeyWriter);
}

/// A write that an event names.
#[doc(hidden)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// By anybody.
    Any(&'static str),
    /// By the one user that the event names as well.
    OneUser(&'static str),
}

/// The methods that change something.
pub(crate) const WRITES: [&str; 4] = ["POST", "PUT", "PATCH", "DELETE"];

fn as_write(text: &str) -> Option<&'static str> {
    WRITES.into_iter().find(|method| *method == text)
}

/// What some events have in common: their type, the function that they are calls of, or the endpoint that they are
/// writes to.
#[doc(hidden)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Family(Kind);

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Kind {
    Type(TypeId, Name),
    Function(usize, Name),
    Elsewhere(usize, Name),
    Tier(usize),
    Endpoint(u64),
}

/// What a family is called. What it is tells it from others, so this need not.
#[derive(Clone, Copy, Debug, Eq)]
struct Name {
    module: &'static str,
    name: &'static str,
}

impl PartialEq for Name {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Hash for Name {
    fn hash<H: Hasher>(&self, _: &mut H) {}
}

impl Family {
    /// The events of a type, whatever lifetimes are in it.
    #[must_use]
    pub fn of<T: ?Sized>() -> Self {
        let name = Name { module: "", name: type_name::<T>() };
        Self(Kind::Type(typeid::of::<T>(), name))
    }

    /// All events there are.
    pub(crate) fn everything() -> Self {
        enum Everything {}
        Self::of::<Everything>()
    }

    /// The calls of the function that is declared at this address.
    pub(crate) fn of_function(address: usize, module: &'static str, name: &'static str) -> Self {
        Self(Kind::Function(address, Name { module, name }))
    }

    /// What other processes do to the calls of the function that is declared at this address.
    pub(crate) fn elsewhere(address: usize, module: &'static str, name: &'static str) -> Self {
        Self(Kind::Elsewhere(address, Name { module, name }))
    }

    /// What other processes may have done to anything that a tier keeps.
    pub(crate) fn of_tier(idx: usize) -> Self {
        Self(Kind::Tier(idx))
    }

    /// Whether only other processes emit its events, which have no name of their own there.
    pub(crate) fn is_elsewhere(self) -> bool {
        matches!(self.0, Kind::Elsewhere(..) | Kind::Tier(_))
    }

    /// The writes to an endpoint. Two whose hashes are equal are one, which drops more than is needed, never less.
    pub(crate) fn of_endpoint(route: &str) -> Self {
        Self(Kind::Endpoint(FixedState::default().hash_one(route)))
    }

    /// The writes to an endpoint that does not exist.
    pub(crate) fn nowhere() -> Self {
        Self(Kind::Endpoint(0))
    }

    /// Whether it is one of calls, not of events.
    pub(crate) fn is_function(self) -> bool {
        matches!(self.0, Kind::Function(..) | Kind::Elsewhere(..))
    }

    pub(crate) fn is_endpoint(self) -> bool {
        matches!(self.0, Kind::Endpoint(_))
    }

    /// What it is called outside of the process. Two of one name are one there, which drops more than is needed.
    pub(crate) fn name(self) -> String {
        match self.0 {
            Kind::Type(_, Name { name, .. }) => format!("type {name}"),
            // What is done to a call is heard of by its name, wherever it is done.
            Kind::Function(_, Name { module, name })
            | Kind::Elsewhere(_, Name { module, name }) => {
                format!("call {module}::{name}")
            }
            Kind::Tier(idx) => format!("tier {idx}"),
            Kind::Endpoint(route) => format!("endpoint {route:x}"),
        }
    }

    pub(crate) fn hash(self) -> u64 {
        FixedState::default().hash_one(self)
    }
}

impl<E: Event + ?Sized> Event for &E {
    const TITLE: Option<&'static str> = E::TITLE;

    fn family() -> Family {
        E::family()
    }

    fn title(&self) -> Cow<'static, str> {
        E::title(self)
    }

    fn method(&self) -> Option<Method> {
        E::method(self)
    }

    fn write_to(&self, key: &mut KeyWriter) {
        E::write_to(self, key);
    }
}

/// The family of texts and tuples.
enum Names {}

fn quoted(text: &str) -> String {
    format!("{text:?}")
}

macro_rules! texts {
    ($($text:ty),*) => {$(
        impl Event for $text {
            const TITLE: Option<&'static str> = None;

            fn family() -> Family {
                Family::of::<Names>()
            }

            fn title(&self) -> Cow<'static, str> {
                Cow::Owned(quoted(self))
            }

            fn method(&self) -> Option<Method> {
                as_write(self).map(Method::Any)
            }

            fn write_to(&self, key: &mut KeyWriter) {
                key.arg::<str>(self);
            }
        }

        impl EventPart for $text {
            fn write_to(&self, key: &mut KeyWriter) {
                key.arg::<str>(self);
            }

            fn title(&self) -> String {
                quoted(self)
            }

            fn method(&self) -> Option<&'static str> {
                as_write(self)
            }
        }
    )*};
}

texts!(str, String, Cow<'_, str>, Box<str>, Rc<str>, Arc<str>);

/// A part of a tuple that is an event: a number, a text, a `bool` or a `char`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be in a tuple that is an event",
    label = "this is not a number, a text, a `bool` or a `char`",
    note = "write what identifies it, such as `(\"user\", id.to_string())`, or a struct with `#[derive(Event)]`"
)]
pub trait EventPart {
    /// Appends the canonical bytes of this part.
    #[doc(hidden)]
    fn write_to(&self, key: &mut KeyWriter);

    /// What it is called as the first part of an event that is listed.
    #[doc(hidden)]
    fn title(&self) -> String {
        "_".to_owned()
    }

    /// The HTTP method that changes something and has this name.
    #[doc(hidden)]
    fn method(&self) -> Option<&'static str> {
        None
    }
}

impl<T: EventPart + ?Sized> EventPart for &T {
    fn write_to(&self, key: &mut KeyWriter) {
        T::write_to(self, key);
    }

    fn title(&self) -> String {
        T::title(self)
    }

    fn method(&self) -> Option<&'static str> {
        T::method(self)
    }
}

macro_rules! parts {
    ($($type:ty => $value:ident $written:expr),* $(,)?) => {$(
        impl EventPart for $type {
            fn write_to(&self, key: &mut KeyWriter) {
                let $value = *self;
                key.arg(&$written);
            }
        }
    )*};
}

// Numbers that are equal are one event, so all are written alike.
parts! {
    bool => it it,
    char => it it,
    i8 => it i128::from(it),
    i16 => it i128::from(it),
    i32 => it i128::from(it),
    i64 => it i128::from(it),
    i128 => it it,
    isize => it it as i128,
    u8 => it i128::from(it),
    u16 => it i128::from(it),
    u32 => it i128::from(it),
    u64 => it i128::from(it),
    usize => it it as i128,
}

impl EventPart for u128 {
    fn write_to(&self, key: &mut KeyWriter) {
        match i128::try_from(*self) {
            Ok(number) => key.arg(&number),
            Err(_) => key.arg(self),
        }
    }
}

macro_rules! tuples {
    ($($T:ident $t:ident),*) => {
        impl<$($T: EventPart),*> Event for ($($T,)*) {
            const TITLE: Option<&'static str> = None;

            fn family() -> Family {
                Family::of::<Names>()
            }

            fn title(&self) -> Cow<'static, str> {
                let ($($t,)*) = self;
                let titles = [$($t.title()),*];
                let rest = ", _".repeat(titles.len() - 1);
                Cow::Owned(format!("({}{rest})", titles[0]))
            }

            fn method(&self) -> Option<Method> {
                let ($($t,)*) = self;
                match &[$($t.method()),*][..] {
                    [method, _] => method.map(Method::OneUser),
                    _ => None,
                }
            }

            fn write_to(&self, key: &mut KeyWriter) {
                // A text begins otherwise.
                key.arg(&());
                let ($($t,)*) = self;
                $($t.write_to(key);)*
            }
        }
    };
}

tuples!(A a);
tuples!(A a, B b);
tuples!(A a, B b, C c);
tuples!(A a, B b, C c, D d);
tuples!(A a, B b, C c, D d, E e);
tuples!(A a, B b, C c, D d, E e, F f);
tuples!(A a, B b, C c, D d, E e, F f, G g);
tuples!(A a, B b, C c, D d, E e, F f, G g, H h);

/// A field of an event: everything that implements [`serde::Serialize`].
#[doc(hidden)]
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a field of an event",
    label = "this field has no `serde::Serialize`",
    note = "derive `serde::Serialize` for it, or keep in the event what identifies it"
)]
pub trait EventField {
    /// Appends the canonical bytes of this field.
    fn __cache_write_to(&self, key: &mut KeyWriter);
}

// Without this the compiler would report the missing `Serialize` and serde's advice instead of ours.
#[diagnostic::do_not_recommend]
impl<T: Serialize + ?Sized> EventField for T {
    fn __cache_write_to(&self, key: &mut KeyWriter) {
        key.arg(self);
    }
}
