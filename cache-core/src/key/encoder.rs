//! One argument to bytes: the [`serde::Serializer`] that writes the format.

use super::KeyError;
use super::buffer::End;
use super::hash::Hash;
use super::map::MapWriter;
use super::tag;
use serde::ser::{self, Serialize, Serializer};
use std::fmt::{self, Display, Write};

/// Writes one argument. Every method tells the hash what it tells the buffer.
///
/// Whoever writes a value takes the encoder and gives it back, as serde's `Ok`: in registers, wherever it can be.
pub(super) struct Encoder<'a> {
    pub(super) end: End<'a>,
    pub(super) hash: Hash,
}

impl<'a> Encoder<'a> {
    /// Appends a tag that opens or closes something.
    #[inline]
    fn mark(mut self, tag: u8) -> Self {
        self.hash.mark(tag.into());
        self.end.put([tag], [], &[]);
        self
    }

    /// Appends a value that is nothing but its tag.
    #[inline]
    fn bare(mut self, tag: u8) -> Self {
        self.hash.word(tag, 0);
        self.end.put([tag], [], &[]);
        self
    }

    #[inline]
    fn text(mut self, tag: u8, bytes: &[u8]) -> Result<Self, KeyError> {
        let len = u32::try_from(bytes.len()).map_err(|_| KeyError::too_long())?;
        self.hash.bytes(tag, bytes);
        self.end.put([tag], len.to_le_bytes(), bytes);
        Ok(self)
    }

    /// Appends a tag and a name that open something. The compiler knows both, so this becomes a few constant stores.
    #[inline]
    fn named(mut self, tag: u8, name: &'static str) -> Self {
        self.hash.named(tag, name);
        self.name([tag], name)
    }

    #[inline]
    fn variant(mut self, tag: u8, name: &'static str, idx: u32, variant: &'static str) -> Self {
        self = self.named(tag, name);
        self.hash.mark(idx.into());
        self.name(idx.to_le_bytes(), variant)
    }

    /// Hashes what was written as a value, for nothing follows that belongs to it.
    #[inline]
    fn done(mut self) -> Self {
        self.hash.word(tag::END, 0);
        self
    }

    #[inline]
    fn name<const N: usize>(mut self, before: [u8; N], name: &'static str) -> Self {
        if name.len() < 0xff {
            self.end.put(before, [name.len() as u8], name.as_bytes());
        } else {
            let [a, b, c, d] = u32::try_from(name.len()).unwrap_or(u32::MAX).to_le_bytes();
            self.end.put(before, [0xff, a, b, c, d], name.as_bytes());
        }
        self
    }
}

/// Implements the methods for numbers, which differ in their tag and in what of them is hashed.
macro_rules! numbers {
    ($($method:ident: $type:ty => $tag:path, $hashed:ident($v:ident => $word:expr),)*) => {$(
        #[inline]
        fn $method(mut self, $v: $type) -> Result<Self::Ok, KeyError> {
            self.hash.$hashed($tag, $word);
            self.end.put([$tag], $v.to_le_bytes(), &[]);
            Ok(self)
        }
    )*};
}

impl<'a> Serializer for Encoder<'a> {
    type Ok = Self;
    type Error = KeyError;
    type SerializeSeq = List<'a>;
    type SerializeTuple = List<'a>;
    type SerializeTupleStruct = List<'a>;
    type SerializeTupleVariant = List<'a>;
    type SerializeMap = MapWriter<'a>;
    type SerializeStruct = List<'a>;
    type SerializeStructVariant = List<'a>;

    #[inline]
    fn is_human_readable(&self) -> bool {
        false
    }

    #[inline]
    fn serialize_bool(mut self, v: bool) -> Result<Self::Ok, KeyError> {
        self.hash.word(tag::TRUE, v.into());
        self.end.put([if v { tag::TRUE } else { tag::FALSE }], [], &[]);
        Ok(self)
    }

    numbers! {
        serialize_i8: i8 => tag::I8, word(v => v as u64),
        serialize_i16: i16 => tag::I16, word(v => v as u64),
        serialize_i32: i32 => tag::I32, word(v => v as u64),
        serialize_i64: i64 => tag::I64, word(v => v as u64),
        serialize_i128: i128 => tag::I128, words(v => v as u128),
        serialize_u8: u8 => tag::U8, word(v => v.into()),
        serialize_u16: u16 => tag::U16, word(v => v.into()),
        serialize_u32: u32 => tag::U32, word(v => v.into()),
        serialize_u64: u64 => tag::U64, word(v => v),
        serialize_u128: u128 => tag::U128, words(v => v),
        serialize_f32: f32 => tag::F32, word(v => v.to_bits().into()),
        serialize_f64: f64 => tag::F64, word(v => v.to_bits()),
    }

    #[inline]
    fn serialize_char(mut self, v: char) -> Result<Self::Ok, KeyError> {
        self.hash.word(tag::CHAR, v.into());
        self.end.put([tag::CHAR], u32::from(v).to_le_bytes(), &[]);
        Ok(self)
    }

    #[inline]
    fn serialize_str(self, v: &str) -> Result<Self::Ok, KeyError> {
        self.text(tag::STR, v.as_bytes())
    }

    #[inline]
    fn serialize_bytes(self, v: &[u8]) -> Result<Self::Ok, KeyError> {
        self.text(tag::BYTES, v)
    }

    #[inline]
    fn serialize_none(self) -> Result<Self::Ok, KeyError> {
        Ok(self.bare(tag::NONE))
    }

    #[inline]
    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<Self::Ok, KeyError> {
        value.serialize(self.mark(tag::SOME))
    }

    #[inline]
    fn serialize_unit(self) -> Result<Self::Ok, KeyError> {
        Ok(self.bare(tag::UNIT))
    }

    #[inline]
    fn serialize_unit_struct(self, name: &'static str) -> Result<Self::Ok, KeyError> {
        Ok(self.named(tag::UNIT_STRUCT, name).done())
    }

    #[inline]
    fn serialize_unit_variant(
        self,
        name: &'static str,
        idx: u32,
        variant: &'static str,
    ) -> Result<Self::Ok, KeyError> {
        Ok(self.variant(tag::UNIT_VARIANT, name, idx, variant).done())
    }

    #[inline]
    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        value: &T,
    ) -> Result<Self::Ok, KeyError> {
        value.serialize(self.named(tag::NEWTYPE_STRUCT, name))
    }

    #[inline]
    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        idx: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<Self::Ok, KeyError> {
        value.serialize(self.variant(tag::NEWTYPE_VARIANT, name, idx, variant))
    }

    #[inline]
    fn serialize_seq(self, _len: Option<usize>) -> Result<List<'a>, KeyError> {
        Ok(List::new(self.mark(tag::SEQ)))
    }

    #[inline]
    fn serialize_tuple(self, _len: usize) -> Result<List<'a>, KeyError> {
        Ok(List::new(self.mark(tag::TUPLE)))
    }

    #[inline]
    fn serialize_tuple_struct(self, name: &'static str, _len: usize) -> Result<List<'a>, KeyError> {
        Ok(List::new(self.named(tag::TUPLE_STRUCT, name)))
    }

    #[inline]
    fn serialize_tuple_variant(
        self,
        name: &'static str,
        idx: u32,
        variant: &'static str,
        _len: usize,
    ) -> Result<List<'a>, KeyError> {
        Ok(List::new(self.variant(tag::TUPLE_VARIANT, name, idx, variant)))
    }

    #[inline]
    fn serialize_map(mut self, _len: Option<usize>) -> Result<MapWriter<'a>, KeyError> {
        self.end.put([tag::MAP], [], &[]);
        Ok(MapWriter::new(self))
    }

    #[inline]
    fn serialize_struct(self, name: &'static str, _len: usize) -> Result<List<'a>, KeyError> {
        Ok(List::new(self.named(tag::STRUCT, name)))
    }

    #[inline]
    fn serialize_struct_variant(
        self,
        name: &'static str,
        idx: u32,
        variant: &'static str,
        _len: usize,
    ) -> Result<List<'a>, KeyError> {
        Ok(List::new(self.variant(tag::STRUCT_VARIANT, name, idx, variant)))
    }

    fn collect_str<T: Display + ?Sized>(mut self, value: &T) -> Result<Self::Ok, KeyError> {
        self.end.put([tag::STR], [0; 4], &[]);
        let start = self.end.len();
        write!(Text(&mut self.end), "{value}")
            .map_err(|_| <KeyError as ser::Error>::custom("its `Display` failed"))?;
        let (head, text) = self.end.written().split_at_mut(start);
        let len = u32::try_from(text.len()).map_err(|_| KeyError::too_long())?;
        head[start - 4..].copy_from_slice(&len.to_le_bytes());
        self.hash.bytes(tag::STR, text);
        Ok(self)
    }
}

/// What `collect_str` formats into.
struct Text<'a, 'b>(&'a mut End<'b>);

impl Write for Text<'_, '_> {
    #[inline]
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.put([], [], text.as_bytes());
        Ok(())
    }
}

/// A list while it is written. The encoder is away while an element has it, and for good if the element fails.
pub(super) struct List<'a>(Option<Encoder<'a>>);

impl<'a> List<'a> {
    #[inline]
    pub(super) fn new(encoder: Encoder<'a>) -> Self {
        Self(Some(encoder))
    }

    /// Gives the encoder to whoever writes the next part.
    #[inline]
    pub(super) fn part(
        &mut self,
        write: impl FnOnce(Encoder<'a>) -> Result<Encoder<'a>, KeyError>,
    ) -> Result<(), KeyError> {
        let encoder = self.0.take().ok_or_else(failed_before)?;
        self.0 = Some(write(encoder)?);
        Ok(())
    }

    #[inline]
    pub(super) fn end(self) -> Result<Encoder<'a>, KeyError> {
        self.0.ok_or_else(failed_before)
    }
}

#[cold]
fn failed_before() -> KeyError {
    ser::Error::custom("it goes on after a part of it has failed")
}

/// Implements serde's traits for lists of values, which differ in the name of their method and in how they end.
macro_rules! list {
    ($($list:ident: $element:ident, $end:ident,)*) => {$(
        impl<'a> ser::$list for List<'a> {
            type Ok = Encoder<'a>;
            type Error = KeyError;

            #[inline]
            fn $element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), KeyError> {
                self.part(|encoder| value.serialize(encoder))
            }

            #[inline]
            fn end(self) -> Result<Self::Ok, KeyError> {
                Ok(List::end(self)?.$end(tag::END))
            }
        }
    )*};
}

// The end of a sequence is hashed like a value, for there may be any number of ends without a value between.
list! {
    SerializeSeq: serialize_element, bare,
    SerializeTuple: serialize_element, mark,
    SerializeTupleStruct: serialize_field, mark,
    SerializeTupleVariant: serialize_field, mark,
}

/// Implements serde's traits for lists of fields.
macro_rules! fields {
    ($($list:ident,)*) => {$(
        impl<'a> ser::$list for List<'a> {
            type Ok = Encoder<'a>;
            type Error = KeyError;

            #[inline]
            fn serialize_field<T: Serialize + ?Sized>(&mut self, name: &'static str, value: &T) -> Result<(), KeyError> {
                self.part(|encoder| value.serialize(encoder.named(tag::FIELD, name)))
            }

            // `skip_serializing_if` must not make a value equal to one that never had the field.
            #[inline]
            fn skip_field(&mut self, name: &'static str) -> Result<(), KeyError> {
                self.part(|encoder| Ok(encoder.named(tag::SKIPPED, name)))
            }

            #[inline]
            fn end(self) -> Result<Self::Ok, KeyError> {
                Ok(List::end(self)?.mark(tag::END))
            }
        }
    )*};
}

fields! {
    SerializeStruct,
    SerializeStructVariant,
}
