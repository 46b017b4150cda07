//! One argument to bytes: the [`serde::Serializer`] that writes the format.

use super::KeyError;
use super::buffer::Buffer;
use super::map::MapWriter;
use super::tag;
use serde::ser::{self, Serialize, Serializer};
use std::fmt::{self, Display, Write};

/// The tags and texts of the format.
impl Buffer {
    #[inline]
    fn text(&mut self, tag: u8, bytes: &[u8]) -> Result<(), KeyError> {
        let len = u32::try_from(bytes.len()).map_err(|_| KeyError::too_long())?;
        self.scalar(tag, len.to_le_bytes());
        self.put(bytes);
        Ok(())
    }

    /// Appends a tag and a name, which the compiler knows, so that this becomes a few constant stores.
    #[inline]
    fn named(&mut self, tag: u8, name: &'static str) {
        if name.len() < 0xff
            && let Some([first, len, rest @ ..]) = self.slot(2 + name.len())
        {
            *first = tag;
            *len = name.len() as u8;
            rest.copy_from_slice(name.as_bytes());
        } else {
            self.tag(tag);
            self.name(name);
        }
    }

    #[inline]
    fn name(&mut self, name: &'static str) {
        match name.len() {
            len @ ..0xff => self.tag(len as u8),
            len => self.scalar(0xff, u32::try_from(len).unwrap_or(u32::MAX).to_le_bytes()),
        }
        self.put(name.as_bytes());
    }

    #[inline]
    fn variant(&mut self, tag: u8, name: &'static str, idx: u32, variant: &'static str) {
        self.named(tag, name);
        self.put(&idx.to_le_bytes());
        self.name(variant);
    }
}

/// Implements the methods for numbers, which differ in their tag only.
macro_rules! integers {
    ($($method:ident: $type:ty => $tag:path,)*) => {$(
        #[inline]
        fn $method(self, v: $type) -> Result<(), KeyError> {
            self.scalar($tag, v.to_le_bytes());
            Ok(())
        }
    )*};
}

impl<'a> Serializer for &'a mut Buffer {
    type Ok = ();
    type Error = KeyError;
    type SerializeSeq = Self;
    type SerializeTuple = Self;
    type SerializeTupleStruct = Self;
    type SerializeTupleVariant = Self;
    type SerializeMap = MapWriter<'a>;
    type SerializeStruct = Self;
    type SerializeStructVariant = Self;

    #[inline]
    fn is_human_readable(&self) -> bool {
        false
    }

    #[inline]
    fn serialize_bool(self, v: bool) -> Result<(), KeyError> {
        self.tag(if v { tag::TRUE } else { tag::FALSE });
        Ok(())
    }

    integers! {
        serialize_i8: i8 => tag::I8,
        serialize_i16: i16 => tag::I16,
        serialize_i32: i32 => tag::I32,
        serialize_i64: i64 => tag::I64,
        serialize_i128: i128 => tag::I128,
        serialize_u8: u8 => tag::U8,
        serialize_u16: u16 => tag::U16,
        serialize_u32: u32 => tag::U32,
        serialize_u64: u64 => tag::U64,
        serialize_u128: u128 => tag::U128,
    }

    #[inline]
    fn serialize_f32(self, v: f32) -> Result<(), KeyError> {
        self.scalar(tag::F32, v.to_bits().to_le_bytes());
        Ok(())
    }

    #[inline]
    fn serialize_f64(self, v: f64) -> Result<(), KeyError> {
        self.scalar(tag::F64, v.to_bits().to_le_bytes());
        Ok(())
    }

    #[inline]
    fn serialize_char(self, v: char) -> Result<(), KeyError> {
        self.scalar(tag::CHAR, u32::from(v).to_le_bytes());
        Ok(())
    }

    #[inline]
    fn serialize_str(self, v: &str) -> Result<(), KeyError> {
        self.text(tag::STR, v.as_bytes())
    }

    #[inline]
    fn serialize_bytes(self, v: &[u8]) -> Result<(), KeyError> {
        self.text(tag::BYTES, v)
    }

    #[inline]
    fn serialize_none(self) -> Result<(), KeyError> {
        self.tag(tag::NONE);
        Ok(())
    }

    #[inline]
    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), KeyError> {
        self.tag(tag::SOME);
        value.serialize(self)
    }

    #[inline]
    fn serialize_unit(self) -> Result<(), KeyError> {
        self.tag(tag::UNIT);
        Ok(())
    }

    #[inline]
    fn serialize_unit_struct(self, name: &'static str) -> Result<(), KeyError> {
        self.named(tag::UNIT_STRUCT, name);
        Ok(())
    }

    #[inline]
    fn serialize_unit_variant(
        self,
        name: &'static str,
        idx: u32,
        variant: &'static str,
    ) -> Result<(), KeyError> {
        self.variant(tag::UNIT_VARIANT, name, idx, variant);
        Ok(())
    }

    #[inline]
    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        value: &T,
    ) -> Result<(), KeyError> {
        self.named(tag::NEWTYPE_STRUCT, name);
        value.serialize(self)
    }

    #[inline]
    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        idx: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<(), KeyError> {
        self.variant(tag::NEWTYPE_VARIANT, name, idx, variant);
        value.serialize(self)
    }

    #[inline]
    fn serialize_seq(self, _len: Option<usize>) -> Result<Self, KeyError> {
        self.tag(tag::SEQ);
        Ok(self)
    }

    #[inline]
    fn serialize_tuple(self, _len: usize) -> Result<Self, KeyError> {
        self.tag(tag::TUPLE);
        Ok(self)
    }

    #[inline]
    fn serialize_tuple_struct(self, name: &'static str, _len: usize) -> Result<Self, KeyError> {
        self.named(tag::TUPLE_STRUCT, name);
        Ok(self)
    }

    #[inline]
    fn serialize_tuple_variant(
        self,
        name: &'static str,
        idx: u32,
        variant: &'static str,
        _len: usize,
    ) -> Result<Self, KeyError> {
        self.variant(tag::TUPLE_VARIANT, name, idx, variant);
        Ok(self)
    }

    #[inline]
    fn serialize_map(self, _len: Option<usize>) -> Result<MapWriter<'a>, KeyError> {
        self.tag(tag::MAP);
        Ok(MapWriter::new(self))
    }

    #[inline]
    fn serialize_struct(self, name: &'static str, _len: usize) -> Result<Self, KeyError> {
        self.named(tag::STRUCT, name);
        Ok(self)
    }

    #[inline]
    fn serialize_struct_variant(
        self,
        name: &'static str,
        idx: u32,
        variant: &'static str,
        _len: usize,
    ) -> Result<Self, KeyError> {
        self.variant(tag::STRUCT_VARIANT, name, idx, variant);
        Ok(self)
    }

    fn collect_str<T: Display + ?Sized>(self, value: &T) -> Result<(), KeyError> {
        self.scalar(tag::STR, [0; 4]);
        let start = self.written().len();
        write!(Text(self), "{value}")
            .map_err(|_| <KeyError as ser::Error>::custom("its `Display` failed"))?;
        let len = self.written().len() - start;
        let len = u32::try_from(len).map_err(|_| KeyError::too_long())?;
        self.written_mut()[start - 4..start].copy_from_slice(&len.to_le_bytes());
        Ok(())
    }
}

/// What `collect_str` formats into.
struct Text<'a>(&'a mut Buffer);

impl Write for Text<'_> {
    #[inline]
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.put(text.as_bytes());
        Ok(())
    }
}

/// Implements serde's traits for lists of values, which differ in the name of their method only.
macro_rules! list {
    ($($list:ident: $element:ident,)*) => {$(
        impl ser::$list for &mut Buffer {
            type Ok = ();
            type Error = KeyError;

            #[inline]
            fn $element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), KeyError> {
                value.serialize(&mut **self)
            }

            #[inline]
            fn end(self) -> Result<(), KeyError> {
                self.tag(tag::END);
                Ok(())
            }
        }
    )*};
}

list! {
    SerializeSeq: serialize_element,
    SerializeTuple: serialize_element,
    SerializeTupleStruct: serialize_field,
    SerializeTupleVariant: serialize_field,
}

/// Implements serde's traits for lists of fields.
macro_rules! fields {
    ($($list:ident,)*) => {$(
        impl ser::$list for &mut Buffer {
            type Ok = ();
            type Error = KeyError;

            #[inline]
            fn serialize_field<T: Serialize + ?Sized>(&mut self, name: &'static str, value: &T) -> Result<(), KeyError> {
                self.named(tag::FIELD, name);
                value.serialize(&mut **self)
            }

            // `skip_serializing_if` must not make a value equal to one that never had the field.
            #[inline]
            fn skip_field(&mut self, name: &'static str) -> Result<(), KeyError> {
                self.named(tag::SKIPPED, name);
                Ok(())
            }

            #[inline]
            fn end(self) -> Result<(), KeyError> {
                self.tag(tag::END);
                Ok(())
            }
        }
    )*};
}

fields! {
    SerializeStruct,
    SerializeStructVariant,
}
