//! A size from what a value serializes, for types that say nothing better.
//!
//! An estimate: strings and sequences count by length, because their spare capacity does not show; what is shared
//! counts every time; sets count as sequences and every map as a hash table. For strings, vectors, maps and structs of
//! these it is within about a fifth of the truth. It never panics by itself, and when the value refuses to serialize,
//! what was seen until then counts.

use super::std_impls::hash_table;
use serde::ser::{self, Serialize, Serializer};
use std::alloc::Layout;
use std::any::type_name;
use std::fmt::{self, Display, Write};

/// About what this value owns on the heap.
pub(super) fn heap_size<T: Serialize>(value: &T) -> usize {
    let mut estimate = Estimate { heap: 0 };
    // An error ends the walk early; there is nobody to tell, the value is stored all the same.
    let _ = estimate.place(value, type_name::<T>());
    estimate.heap
}

/// What was found on the heap so far.
///
/// As a serializer it returns what the value itself takes, without its heap. A parent needs that for elements, because
/// serde hands them over as `&&T`, whose `size_of_val` is that of a reference.
struct Estimate {
    heap: usize,
}

impl Estimate {
    fn add(&mut self, bytes: usize) {
        self.heap = self.heap.saturating_add(bytes);
    }

    /// A value of the type called `name`, in a field or at the top. Returns what it takes there.
    fn place<T: Serialize + ?Sized>(&mut self, value: &T, name: &str) -> Result<Inline, Stopped> {
        let before = self.heap;
        let inline = value.serialize(&mut *self)?;
        // Pointers are not visible to serde; only the name of their type tells.
        if name.starts_with('&') {
            self.heap = before;
            return Ok(Inline::of::<&u8>());
        }
        let n_counts = match name.split_once('<') {
            Some(("alloc::boxed::Box", _)) => 0,
            Some(("alloc::sync::Arc" | "alloc::rc::Rc", _)) => 2,
            _ => return Ok(inline),
        };
        // Strings and slices were already counted by what is in them.
        if !name.contains("<str>") && !name.contains("<[") {
            self.add(inline.padded());
        }
        self.add(n_counts * size_of::<usize>());
        Ok(Inline::of::<&u8>())
    }

    /// A value whose own type is in reach: its size is known.
    fn field<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<Inline, Stopped> {
        self.place(value, type_name::<T>())?;
        Ok(Inline { size: size_of_val(value), align: align_of_val(value) })
    }

    /// A value that an iterator lent, so that the type in reach is that of a reference.
    fn element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<Inline, Stopped> {
        match type_name::<T>().strip_prefix('&') {
            Some(name) => self.place(value, name),
            None => self.field(value),
        }
    }
}

/// What a value takes where it lies.
#[derive(Clone, Copy)]
struct Inline {
    size: usize,
    align: usize,
}

impl Inline {
    const NOTHING: Self = Self { size: 0, align: 1 };

    const fn of<T>() -> Self {
        Self { size: size_of::<T>(), align: align_of::<T>() }
    }

    /// Both, one after the other.
    fn and(self, other: Self) -> Self {
        Self { size: self.size.saturating_add(other.size), align: self.align.max(other.align) }
    }

    /// Either, in the same place.
    fn or(self, other: Self) -> Self {
        Self { size: self.size.max(other.size), align: self.align.max(other.align) }
    }

    fn padded(self) -> usize {
        self.size.checked_next_multiple_of(self.align).unwrap_or(self.size)
    }
}

macro_rules! scalars {
    ($($method:ident: $type:ty,)*) => {$(
        fn $method(self, _: $type) -> Result<Inline, Stopped> {
            Ok(Inline::of::<$type>())
        }
    )*};
}

impl<'a> Serializer for &'a mut Estimate {
    type Ok = Inline;
    type Error = Stopped;
    type SerializeSeq = Elements<'a>;
    type SerializeTuple = Fields<'a>;
    type SerializeTupleStruct = Fields<'a>;
    type SerializeTupleVariant = Fields<'a>;
    type SerializeMap = Entries<'a>;
    type SerializeStruct = Fields<'a>;
    type SerializeStructVariant = Fields<'a>;

    // The compact form is nearer to what lies in memory: an `IpAddr` is not a string there.
    fn is_human_readable(&self) -> bool {
        false
    }

    scalars! {
        serialize_bool: bool,
        serialize_i8: i8,
        serialize_i16: i16,
        serialize_i32: i32,
        serialize_i64: i64,
        serialize_i128: i128,
        serialize_u8: u8,
        serialize_u16: u16,
        serialize_u32: u32,
        serialize_u64: u64,
        serialize_u128: u128,
        serialize_f32: f32,
        serialize_f64: f64,
        serialize_char: char,
    }

    fn serialize_str(self, v: &str) -> Result<Inline, Stopped> {
        self.serialize_bytes(v.as_bytes())
    }

    fn serialize_bytes(self, v: &[u8]) -> Result<Inline, Stopped> {
        self.add(v.len());
        Ok(Inline::of::<Vec<u8>>())
    }

    fn serialize_none(self) -> Result<Inline, Stopped> {
        Ok(Inline::NOTHING)
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<Inline, Stopped> {
        self.field(value)
    }

    fn serialize_unit(self) -> Result<Inline, Stopped> {
        Ok(Inline::NOTHING)
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<Inline, Stopped> {
        Ok(Inline::NOTHING)
    }

    fn serialize_unit_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
    ) -> Result<Inline, Stopped> {
        Ok(Inline::of::<u8>())
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<Inline, Stopped> {
        self.field(value)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        value: &T,
    ) -> Result<Inline, Stopped> {
        Ok(Inline::of::<u8>().and(self.field(value)?))
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Elements<'a>, Stopped> {
        Ok(Elements { estimate: self, len: 0, largest: Inline::NOTHING })
    }

    fn serialize_tuple(self, _: usize) -> Result<Fields<'a>, Stopped> {
        Ok(Fields { estimate: self, inline: Inline::NOTHING })
    }

    fn serialize_tuple_struct(self, _: &'static str, len: usize) -> Result<Fields<'a>, Stopped> {
        self.serialize_tuple(len)
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Fields<'a>, Stopped> {
        Ok(Fields { estimate: self, inline: Inline::of::<u8>() })
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Entries<'a>, Stopped> {
        Ok(Entries { estimate: self, len: 0, key: Inline::NOTHING, value: Inline::NOTHING })
    }

    fn serialize_struct(self, _: &'static str, len: usize) -> Result<Fields<'a>, Stopped> {
        self.serialize_tuple(len)
    }

    fn serialize_struct_variant(
        self,
        name: &'static str,
        idx: u32,
        variant: &'static str,
        len: usize,
    ) -> Result<Fields<'a>, Stopped> {
        self.serialize_tuple_variant(name, idx, variant, len)
    }

    fn collect_str<T: Display + ?Sized>(self, value: &T) -> Result<Inline, Stopped> {
        write!(Text(self), "{value}").map_err(|_| Stopped)?;
        Ok(Inline::of::<String>())
    }
}

/// Counts what is formatted into it.
struct Text<'a>(&'a mut Estimate);

impl Write for Text<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.add(text.len());
        Ok(())
    }
}

/// A sequence: as many times its largest element, so that a `None` takes the place of a `Some`.
struct Elements<'a> {
    estimate: &'a mut Estimate,
    len: usize,
    largest: Inline,
}

impl Drop for Elements<'_> {
    // In `drop`, because it must also count when an element refuses to serialize.
    fn drop(&mut self) {
        self.estimate.add(self.largest.padded().saturating_mul(self.len));
    }
}

impl ser::SerializeSeq for Elements<'_> {
    type Ok = Inline;
    type Error = Stopped;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Stopped> {
        self.len += 1;
        self.largest = self.largest.or(self.estimate.element(value)?);
        Ok(())
    }

    fn end(self) -> Result<Inline, Stopped> {
        Ok(Inline::of::<Vec<u8>>())
    }
}

/// A map: a hash table of its largest key and value.
struct Entries<'a> {
    estimate: &'a mut Estimate,
    len: usize,
    key: Inline,
    value: Inline,
}

impl Drop for Entries<'_> {
    fn drop(&mut self) {
        let entry = self.key.and(self.value);
        if let Ok(slot) = Layout::from_size_align(entry.padded(), entry.align) {
            self.estimate.add(hash_table(self.len, slot));
        }
    }
}

impl ser::SerializeMap for Entries<'_> {
    type Ok = Inline;
    type Error = Stopped;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Stopped> {
        self.len += 1;
        self.key = self.key.or(self.estimate.element(key)?);
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Stopped> {
        self.value = self.value.or(self.estimate.element(value)?);
        Ok(())
    }

    fn end(self) -> Result<Inline, Stopped> {
        Ok(Inline::of::<std::collections::HashMap<u8, u8>>())
    }
}

/// A struct or tuple: what its fields take, one after the other.
struct Fields<'a> {
    estimate: &'a mut Estimate,
    inline: Inline,
}

impl Fields<'_> {
    fn field<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Stopped> {
        self.inline = self.inline.and(self.estimate.field(value)?);
        Ok(())
    }

    fn finish(self) -> Inline {
        Inline { size: self.inline.padded(), ..self.inline }
    }
}

macro_rules! fields {
    ($($list:ident: $method:ident($($name:ty)?),)*) => {$(
        impl ser::$list for Fields<'_> {
            type Ok = Inline;
            type Error = Stopped;

            fn $method<T: Serialize + ?Sized>(&mut self, $(_: $name,)? value: &T) -> Result<(), Stopped> {
                self.field(value)
            }

            fn end(self) -> Result<Inline, Stopped> {
                Ok(self.finish())
            }
        }
    )*};
}

fields! {
    SerializeTuple: serialize_element(),
    SerializeTupleStruct: serialize_field(),
    SerializeTupleVariant: serialize_field(),
    SerializeStruct: serialize_field(&'static str),
    SerializeStructVariant: serialize_field(&'static str),
}

/// The value refused to serialize; why does not matter.
#[derive(Debug)]
struct Stopped;

impl ser::Error for Stopped {
    fn custom<T: Display>(_: T) -> Self {
        Self
    }
}

impl Display for Stopped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the value cannot be serialized")
    }
}

impl std::error::Error for Stopped {}
